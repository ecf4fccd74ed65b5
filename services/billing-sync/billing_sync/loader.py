"""The road of the nightly files: look, check the whole pair, load it in chunks, tell, move it away.

At most one file is being loaded; after a kill the intake knows which one and how far it was. While more files of the
same business date wait, a clock that follows the feed holds its ticks, so that no timer runs between them.
"""

import asyncio
import time
from datetime import date, timedelta
from typing import Any

import msgspec
import structlog

from billing_sync import metrics
from billing_sync.domain.keys import LOAD, last_key, receipts_key, record_key, sequence_key
from billing_sync.domain.rows import FactMaker
from billing_sync.files import (
    CONTROL,
    DATA,
    Control,
    FileRejected,
    PairName,
    digest,
    name_of,
    read_control,
    stem_of,
    verify,
)
from billing_sync.inbox import Inbox, RejectFile
from billing_sync.intake import Intake
from billing_sync.loading import (
    Absent,
    Begin,
    Finish,
    Forget,
    Loading,
    LoadRows,
    Taken,
    decode_loading,
    decode_receipts,
    decode_taken,
    index_prefixes,
)
from billing_sync.outcome import Outcomes, no_data, no_name, notes_of_absence
from billing_sync.reading import chunks
from billing_sync.settings import Settings
from servicekit.clock import local_date

log = structlog.get_logger()
POLL_SECONDS = 0.1
_SAY_SECONDS = 2.0


class Loader:
    """Loads what is in the inbox, for ever (``run``)."""

    def __init__(self, settings: Settings, intake: Intake) -> None:
        self._settings, self._intake = settings, intake
        self.inbox = Inbox(settings.boss_dir)
        self._outcomes = Outcomes(self.inbox, intake.system_clock)
        self._wake = asyncio.Event()
        self._current: str | None = None
        self._progress: dict[str, Any] = {}
        self._taken: dict[str, Taken] = {}

    # --- what the outside may ask -------------------------------------------------------------------------------

    def wake(self) -> None:
        """Look into the inbox now."""
        self._wake.set()

    def waiting(self) -> int:
        """Files that are being loaded or can be dealt with."""
        found = self.inbox.look()
        return len(found.pairs) + len(found.orphans) + len(found.strays) + (self._current is not None)

    async def status(self, name: str) -> list[Any]:
        """Receipts of a file, newest last; while it is being loaded, how far it is (``percent``, no ``ended``)."""
        stem = stem_of(name)
        raw = await self._intake.entry(receipts_key(stem))
        found: list[Any] = list(decode_receipts(raw)) if raw else []
        if self._current == stem:
            found.append({"file": stem + DATA, "result": "loading", **self._progress})
        return found

    def freshness(self) -> dict[str, Any]:
        """The last file of each kind and city, and when (system time) the last event of the feed was accepted."""
        files = {
            key: {"business_date": str(t.business_date), "sequence": t.sequence, "at": t.ended.isoformat()}
            for key, t in sorted(self._taken.items())
        }
        return {"events": {"at": self._intake.position.marks.get("fed")}, **files}

    # --- the loop -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Look and load until cancelled."""
        self.inbox.prepare()
        for key in await self._intake.store.keys("LAST/", "", 10_000):
            self._taken[key.removeprefix("LAST/")] = decode_taken(await self._intake.entry(key) or b"")
        await self._resume()
        last: date | None = None
        while True:
            self._wake.clear()
            name = await self._next()
            if name is None or name.date != last:
                await self._intake.release()
            last = None if name is None else name.date
            if name is not None:
                await self._deliver(name)
                continue
            try:
                # Not wait_for: in Python 3.11 that may swallow a cancellation.
                async with asyncio.timeout(POLL_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _next(self) -> PairName | None:
        """The pair to load next; what is no pair is turned away after a while."""
        found, grace = self.inbox.look(), self._settings.grace_seconds
        for orphan in found.orphans:
            if self.inbox.age(orphan.stem) > grace:
                await self._turn_away(orphan.stem, orphan, no_data(orphan))
        for stray in found.strays:
            if self.inbox.age(stray) > grace:
                await self._turn_away(stray, None, no_name(self.inbox.called(stray)))
        return next((name for name in found.pairs if not self._is_arriving(name)), None)

    def _is_arriving(self, name: PairName) -> bool:
        """Whether a pair is still being written, against the rule (the control file last): give it a moment."""
        data, control = self.inbox.path / name.file, self.inbox.path / (name.stem + CONTROL)
        if self.inbox.age(name.stem) > self._settings.grace_seconds:
            return False
        try:
            return read_control(control, name).bytes != data.stat().st_size
        except FileNotFoundError:
            return True
        except FileRejected:
            return control.stat().st_size == 0

    async def _turn_away(self, stem: str, name: PairName | None, why: FileRejected) -> None:
        loading = Loading(stem, "", self._intake.system_clock())
        await self._finish(stem, name, self._outcomes.rejected(stem, name, loading, why))

    # --- one file -----------------------------------------------------------------------------------------------

    async def _deliver(self, name: PairName) -> None:
        loading = Loading(name.stem, "", self._intake.system_clock())
        self._current = name.stem
        self._show("verifying", 0, 1)
        self._intake.hold()
        try:
            control = read_control(self.inbox.path / (name.stem + CONTROL), name)
            loading = msgspec.structs.replace(loading, sha256=control.sha256)
            self._check_date(name)
            if await self._is_duplicate(name, control):
                await self._finish(name.stem, name, self._outcomes.duplicate(name, loading))
                return
            verified = await asyncio.to_thread(
                verify, self.inbox.path / name.file, name, control, lambda n: self._show("verifying", n, control.rows)
            )
            loading = msgspec.structs.replace(loading, notes=(*verified.notes, *await self._gap(name)))
            await self._intake.submit(Begin(name, loading))
            await self._load(name, control, loading)
        except FileRejected as rejected:
            await self._finish(name.stem, name, self._outcomes.rejected(name.stem, name, loading, rejected))
        finally:
            self._current = None

    def _check_date(self, name: PairName) -> None:
        today = local_date(self._intake.system_clock())
        if name.date > today + timedelta(days=1):
            raise FileRejected(
                f"业务日期 {name.date} 比系统日期 {today} 晚一天以上；请核对日期后重送",
                f"business date {name.date} is more than a day after the system's {today}; check it and deliver again",
            )

    async def _is_duplicate(self, name: PairName, control: Control) -> bool:
        raw = await self._intake.entry(sequence_key(name.kind.name, name.city, name.sequence))
        if raw is None:
            return False
        taken = decode_taken(raw)
        if taken.stem == name.stem and taken.sha256 == control.sha256:
            # Another data file under the old control file fails its checksum in the first pass.
            return (await asyncio.to_thread(digest, self.inbox.path / name.file))[1] == taken.sha256
        raise FileRejected(
            f"序号 {name.sequence:04d} 已用于内容不同的 {taken.stem}；更正请用下一个序号",
            f"sequence {name.sequence:04d} was used by {taken.stem} with other content; "
            "send a correction with the next sequence",
        )

    async def _last(self, name: PairName) -> Taken | None:
        raw = await self._intake.entry(last_key(name.kind.name, name.city))
        return decode_taken(raw) if raw else None

    async def _gap(self, name: PairName) -> tuple[str, ...]:
        last = await self._last(name)
        if last is None or name.sequence <= last.sequence + 1:
            return ()
        first, to = f"{last.sequence + 1:04d}", f"{name.sequence - 1:04d}"
        return (f"序号不连续：缺 {first} 至 {to} / sequence gap: {first} to {to} not received",)

    async def _load(self, name: PairName, control: Control, loading: Loading) -> None:
        """The second pass, from where ``loading`` stands to the end."""
        maker = FactMaker(name.kind, name.file, name.city, name.date, name.sequence)
        rejects = RejectFile(self.inbox.rejects(name.stem), loading.reject_bytes)
        size, said = self._settings.chunk_rows, time.monotonic()
        read = chunks(self.inbox.path / name.file, name, control, maker, size, loading.done)
        try:
            while (chunk := await asyncio.to_thread(next, read, None)) is not None:
                rejects.add(chunk.rejects)
                loading = await self._intake.submit(LoadRows(name, maker, loading, chunk, rejects.length))
                await self._intake.caught_up(self._settings.queue_events // 2)
                self._show("loading", loading.done, control.rows)
                if time.monotonic() - said > _SAY_SECONDS:
                    said = time.monotonic()
                    log.info("file.progress", file=name.file, rows=loading.done, of=control.rows)
        finally:
            rejects.close()
        loading = await self._absent(name, maker, loading)
        notes = (*loading.notes, *notes_of_absence(name, loading), *await self._withdrawn(name, maker))
        loading = msgspec.structs.replace(loading, notes=notes)
        await self._finish(name.stem, name, self._outcomes.loaded(name, loading))

    async def _absent(self, name: PairName, maker: FactMaker, loading: Loading) -> Loading:
        """What a snapshot does not name any more: debts are cleared, customers and contracts reported."""
        if name.kind.name == "ARR" and loading.unreadable:
            return loading
        for prefix in index_prefixes(name.kind, name.city):
            # The cursor of an interrupted walk: before this prefix, in it, or already past it.
            done = loading.cursor > prefix and not loading.cursor.startswith(prefix)
            while not done:
                job = Absent(name, maker, loading, prefix, self._settings.chunk_rows)
                loading, done = await self._intake.submit(job)
        return loading

    async def _withdrawn(self, name: PairName, maker: FactMaker) -> tuple[str, ...]:
        """A correction of an additions file withdraws nothing: rows of the earlier file it lacks are reported."""
        last = await self._last(name)
        if name.kind.snapshot or last is None or last.business_date != name.date or last.sequence >= name.sequence:
            return ()
        earlier, path = name_of(last.stem), self.inbox.root / last.path
        if earlier is None or not path.exists():
            return ()
        control = read_control(path.with_name(path.name.removesuffix(DATA) + CONTROL), earlier)
        read = chunks(path, earlier, control, maker, self._settings.chunk_rows)
        lacking = 0
        while (chunk := await asyncio.to_thread(next, read, None)) is not None:
            known = await self._intake.known([record_key(name.kind.name, fact.key) for fact in chunk.facts])
            lacking += sum(1 for k in known.values() if k.effective == maker.end_ms and k.sequence == last.sequence)
        if not lacking:
            return ()
        return (
            f"{last.stem} 中有 {lacking} 行不在本次更正内，保留不撤 / "
            f"{lacking} rows of {last.stem} are not in this correction; they are kept",
        )

    async def _finish(self, stem: str, name: PairName | None, loading: Loading) -> None:
        """Commit the receipt, then put the files where it says."""
        await self._intake.submit(Finish(stem, name, loading))
        await self._put_away(loading)
        receipt = loading.receipt
        assert receipt is not None
        if name is not None and (last := await self._last(name)) is not None:
            self._taken[f"{name.kind.name}/{name.city}"] = last
        log.info(
            "file.done",
            file=receipt.file,
            result=receipt.result,
            rows=receipt.rows_read,
            loaded=receipt.loaded,
            rejected=receipt.rejected,
            reason=receipt.reason_en,
            seconds=round((receipt.ended - receipt.started).total_seconds(), 3),
        )

    async def _put_away(self, loading: Loading) -> None:
        await asyncio.to_thread(self._outcomes.carry_out, loading)
        await self._intake.submit(Forget())

    async def _resume(self) -> None:
        """Go on with the file that a stop or kill interrupted."""
        raw = await self._intake.entry(LOAD)
        if raw is None:
            return
        loading = decode_loading(raw)
        name = name_of(loading.stem)
        if loading.receipt is not None:
            await self._put_away(loading)
            return
        data, control = self.inbox.path / (loading.stem + DATA), self.inbox.path / (loading.stem + CONTROL)
        there = data.exists() and control.exists()
        if name is None or not there or (await asyncio.to_thread(digest, data))[1] != loading.sha256:
            # Taken away or replaced in the middle: what was loaded stays, and a new pair starts from its first row.
            log.warning("file.gone", file=loading.stem, rows=loading.done)
            self.inbox.rejects(loading.stem).unlink(missing_ok=True)
            await self._intake.submit(Forget())
            return
        log.info("file.resumed", file=name.file, rows=loading.done)
        self._current = name.stem
        self._intake.hold()
        await self._load(name, read_control(control, name), loading)
        self._current = None

    def _show(self, phase: str, done: int, of: int) -> None:
        part = min(1.0, done / of) if of > 0 else 1.0
        self._progress = {"phase": phase, "percent": round(100 * part), "rows_read": done if phase == "loading" else 0}
        metrics.FILE_PROGRESS.set(part)
