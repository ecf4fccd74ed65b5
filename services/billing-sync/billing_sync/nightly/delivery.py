"""The way of one file: taken over, checked whole, loaded in chunks, told, put away.

At most one file is under way; after a kill, or trouble with a disk, the intake knows which one and how far it was.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import msgspec
import structlog

from billing_sync import metrics
from billing_sync.domain.keys import LOAD, last_key, receipts_key, record_key, sequence_key
from billing_sync.domain.kinds import KINDS
from billing_sync.domain.rows import FactMaker
from billing_sync.intake import Intake
from billing_sync.nightly.brake import FileBrake, over, rejected_by, released_note, superseded, why_held
from billing_sync.nightly.chunks import DataFile, RejectFile, Rows, commits
from billing_sync.nightly.control import Control, read_control
from billing_sync.nightly.held import Held
from billing_sync.nightly.inbox import HALVES, Inbox
from billing_sync.nightly.loading import (
    Absent,
    Begin,
    Fetch,
    Finish,
    Forget,
    Loading,
    LoadRows,
    Taken,
    TellHalf,
    decode_loading,
    decode_receipts,
    decode_taken,
    index_prefixes,
)
from billing_sync.nightly.names import CONTROL, DATA, PairName, name_of
from billing_sync.nightly.outcome import (
    Outcomes,
    baseline_note,
    late,
    missing,
    no_control,
    no_name,
    notes_of_absence,
    replaced,
    taken_away,
    unreadable,
)
from billing_sync.nightly.reading import FileRejected, FileUnreadable, digest
from billing_sync.nightly.verification import verify
from billing_sync.settings import Settings
from contracts.misc import FileReceipt
from servicekit.clock import local_date

log = structlog.get_logger()
_SAY_SECONDS = 2.0
# How often a file that can't be read is tried before it is turned away, so that others get their turn.
_TRIES = 8


class Delivery:
    """Deals with one file after the other. ``current`` is the stem of the one under way, ``progress`` how far it is,
    ``taken`` the last file of each ``KIND/city``. Every method may raise ``OSError``: then try again by ``resume``."""

    def __init__(self, settings: Settings, intake: Intake, inbox: Inbox) -> None:
        self._settings, self._intake, self._inbox = settings, intake, inbox
        self._outcomes = Outcomes(inbox, intake.system_clock)
        self.brake = FileBrake(intake, inbox)
        self._tries: Counter[str] = Counter()
        self.current: str | None = None
        self.progress: dict[str, Any] = {}
        self.taken: dict[str, Taken] = {}

    async def open(self) -> None:
        """Learn what was taken before."""
        for key in await self._intake.store.keys("LAST/", "", 10_000):
            self.taken[key.removeprefix("LAST/")] = decode_taken(await self._intake.entry(key) or b"")
        await self.brake.open()

    async def receipts(self, stem: str) -> list[FileReceipt]:
        """Receipts of a file, newest last."""
        raw = await self._intake.entry(receipts_key(stem))
        return decode_receipts(raw) if raw else []

    # --- beginnings ---------------------------------------------------------------------------------------------

    async def deliver(self, name: PairName) -> None:
        """A pair in the inbox."""
        await asyncio.to_thread(self._inbox.take_over, name.stem)
        if self._inbox.is_whole(name.stem):
            await self.carry_on(name)
        else:
            # Something else lies there than was seen a moment ago.
            await self.resume()

    async def turn_away(
        self, stem: str, file: str, name: PairName | None, why: FileRejected, notes: tuple[str, ...] = ()
    ) -> None:
        """Files that lie in ``.work`` under ``stem`` and can't be loaded."""
        loading = Loading(stem, "", self._intake.system_clock(), notes, taken_over=True)
        await self._finish(name, self._outcomes.rejected(file, name, loading, why))

    async def resume(self) -> date | None:
        """Go on with what a stop, kill or error interrupted; the business date of the last pair of it."""
        last = await self._resume_loading()
        for stem, suffixes in (await asyncio.to_thread(self._inbox.taken_over)).items():
            name = name_of(stem)
            if name is None:
                stray = self._inbox.stray_of(stem, suffixes)
                await self.turn_away(stem, stray.file, None, no_name(stray))
            elif self._inbox.is_whole(stem):
                await self.carry_on(name)
                last = name.date
            elif lost := [suffix for suffix in suffixes if not self._inbox.give_back(stem, suffix)]:
                await self.turn_away(stem, name.file, name, replaced(stem + lost[0]))
        return last

    async def _resume_loading(self) -> date | None:
        loading = await self._begun()
        if loading is None:
            return None
        name, stem = name_of(loading.stem), loading.stem
        if loading.held:
            await asyncio.to_thread(self._inbox.fetch, loading.held, stem)
        if not loading.taken_over:
            # Begun by an earlier release, which read its files in the inbox.
            await asyncio.to_thread(self._inbox.take_over, stem, HALVES)
        if loading.receipt is not None:
            await self._put_away(loading)
        elif name is None or not self._inbox.is_whole(stem):
            log.warning("file.gone", file=stem, rows=loading.done)
            await self._finish(name, self._outcomes.rejected(stem + DATA, name, loading, taken_away(loading)))
        else:
            await self.carry_on(name, loading)
        return None if name is None else name.date

    async def carry_out_decisions(self) -> None:
        """What people have decided of files that waited."""
        for held in self.brake.decided():
            name, now = name_of(held.stem), self._intake.system_clock()
            assert name is not None
            gone = msgspec.structs.replace(held, is_here=False)
            if held.state == "released":
                notes = (*held.notes, released_note(held))
                loading = Loading(held.stem, held.sha256, now, notes, taken_over=True, held=held.target)
                await self._intake.submit(Fetch(name, gone, loading))
                self.brake.note(gone)
                await self._resume_loading()
            else:
                await self._reject_held(name, gone, rejected_by(held))

    async def _supersede(self, name: PairName) -> None:
        """A later snapshot takes the place of what waits."""
        held = self.brake.of(name)
        if held is not None and held.sequence < name.sequence:
            gone = over(held, name.stem, self._intake.system_clock())
            await self._reject_held(name_of(held.stem) or name, gone, superseded(name.stem))

    async def _reject_held(self, name: PairName, held: Held, why: FileRejected) -> None:
        loading = Loading(held.stem, held.sha256, held.since, held.notes, taken_over=True, held=held.target)
        await self._finish(name, self._outcomes.rejected(name.file, name, loading, why), held)

    async def _begun(self) -> Loading | None:
        raw = await self._intake.entry(LOAD)
        return None if raw is None else decode_loading(raw)

    # --- one pair -----------------------------------------------------------------------------------------------

    async def carry_on(self, name: PairName, begun: Loading | None = None) -> None:
        """A pair in ``.work``, from its first check or from where its loading stands, to its end."""
        loading = begun or Loading(name.stem, "", self._intake.system_clock(), taken_over=True)
        self.current = name.stem
        self._show("verifying", 0, 1)
        self._intake.hold()
        try:
            control = read_control(self._inbox.control(name.stem), name)
            if begun is None or not await self._is_as_it_was(loading):
                checked = await self._check(name, control, loading)
                if checked is None:
                    await self._finish(name, self._outcomes.duplicate(name, loading))
                    return
                loading = checked
                held = await self.brake.holds(name, control, loading, len(await self.receipts(name.stem)))
                if (there := self.brake.of(name)) is not None and there.state != "waiting":
                    # Somebody has decided while this file was checked: their word goes first.
                    await self.carry_out_decisions()
                    await self.carry_on(name)
                    return
                told = self._out_of_order(name)
                await self._supersede(name)
                if held is not None:
                    waiting = self._outcomes.held(name, loading, held, why_held(held))
                    await self._finish(name, waiting, waiting.release, told)
                    return
                await self._intake.submit(Begin(name, loading, told))
            else:
                log.info("file.resumed", file=name.file, rows=loading.done)
            await self._load(name, control, loading)
        except FileUnreadable as error:
            self._tries[name.stem] += 1
            if self._tries[name.stem] < _TRIES:
                raise
            await self._reject(name, loading, unreadable(error))
        except FileRejected as why:
            await self._reject(name, loading, why)
        finally:
            self.current = None

    async def _reject(self, name: PairName, loading: Loading, why: FileRejected) -> None:
        # What was loaded of it before it turned out bad stays, and the receipt counts it.
        loading = await self._begun() or loading
        await self._finish(name, self._outcomes.rejected(name.file, name, loading, why))

    async def _is_as_it_was(self, loading: Loading) -> bool:
        found = await asyncio.to_thread(digest, self._inbox.data(loading.stem))
        return found[1] == loading.sha256

    async def _check(self, name: PairName, control: Control, loading: Loading) -> Loading | None:
        """What loading begins with, None for a repeat of a file. Raises ``FileRejected``."""
        self._check_date(name)
        self._check_baseline(control)
        if await self._is_duplicate(name, control):
            return None
        self.brake.refuse_again(name)
        path, at_most = self._inbox.data(name.stem), self._settings.unpacked_bytes
        verified = await asyncio.to_thread(
            verify, path, name, control, lambda n: self._show("verifying", n, control.rows), at_most
        )
        gap = self._gap(name)
        notes = (*verified.notes, f"{gap[0]} / {gap[1]}") if gap else tuple(verified.notes)
        if control.baseline is not None:
            notes = (*notes, baseline_note(control.baseline))
        return Loading(name.stem, control.sha256, loading.started, notes, taken_over=True)

    def _check_date(self, name: PairName) -> None:
        today = local_date(self._intake.system_clock())
        if name.date > today + timedelta(days=1):
            raise FileRejected(
                f"业务日期 {name.date} 比系统日期 {today} 晚一天以上；请核对日期后重送",
                f"business date {name.date} is more than a day after the system's {today}; check it and deliver again",
            )

    def _check_baseline(self, control: Control) -> None:
        """Up to its last date no SMS comes of what the clock brings: one of another year would silence that year."""
        today, last = local_date(self._intake.system_clock()), control.baseline
        if last is not None and last > today + timedelta(days=1):
            raise FileRejected(
                f".chk 的 baseline {last} 比系统日期 {today} 晚一天以上；请核对后重送",
                f"baseline {last} in the .chk is more than a day after the system's {today}; mend it and send again",
            )

    async def _is_duplicate(self, name: PairName, control: Control) -> bool:
        raw = await self._intake.entry(sequence_key(name.kind.name, name.city, name.sequence))
        if raw is None:
            return False
        taken = decode_taken(raw)
        if taken.stem == name.stem and taken.sha256 == control.sha256:
            # Another data file under the old control file fails its checksum in the first pass.
            return (await asyncio.to_thread(digest, self._inbox.data(name.stem)))[1] == taken.sha256
        raise FileRejected(
            f"序号 {name.sequence:04d} 已用于内容不同的 {taken.stem}；更正请用下一个序号",
            f"sequence {name.sequence:04d} was used by {taken.stem} with other content; "
            "send a correction with the next sequence",
        )

    def _last(self, name: PairName) -> Taken | None:
        return self.taken.get(f"{name.kind.name}/{name.city}")

    def _gap(self, name: PairName) -> tuple[str, str] | None:
        last, held = self._last(name), self.brake.of(name)
        if last is None and held is None:
            return None
        newest = max(known.sequence for known in (last, held) if known is not None)
        if name.sequence <= newest + 1:
            return None
        first, to = f"{newest + 1:04d}", f"{name.sequence - 1:04d}"
        return f"序号不连续：缺 {first} 至 {to}", f"sequence gap: {first} to {to} not received"

    def _out_of_order(self, name: PairName) -> tuple[FileReceipt, ...]:
        """What the coming of a file says of others: its predecessors are missing, or it is late itself."""
        last, now = self._last(name), self._intake.system_clock()
        if gap := self._gap(name):
            return (missing(name.file, now, *gap, name.date),)
        if last is not None and (name.date < last.business_date or name.sequence < last.sequence):
            return (late(name, last, now),)
        return ()

    def _not_come(self, name: PairName) -> tuple[FileReceipt, ...]:
        """With the first file of a new night: snapshots that came the night before the last, but not in the last."""
        newest = max((taken.business_date for taken in self.taken.values()), default=name.date)
        if name.date <= newest:
            return ()
        now, found = self._intake.system_clock(), []
        for key, taken in sorted(self.taken.items()):
            kind, _, city = key.partition("/")
            held = self.brake.here.get(key)
            has_come = held is not None and held.business_date == newest
            if KINDS[kind].snapshot and not has_come and taken.business_date.toordinal() == newest.toordinal() - 1:
                file = f"{kind}_{city}_{newest.isoformat().replace('-', '')}_{taken.sequence + 1:04d}{DATA}"
                zh = f"{newest} 的 {kind} 文件（{city}）没有送达；前一日有。请补送"
                en = f"no {kind} file of {city} came for {newest}, though one came the day before; deliver it"
                found.append(missing(file, now, zh, en, newest))
        return tuple(found)

    async def tell_half(self, name: PairName) -> None:
        """A data file whose control file has not come for long."""
        why, now = no_control(name), self._intake.system_clock()
        receipt = missing(name.stem + CONTROL, now, why.zh, why.en, name.date)
        await self._intake.submit(TellHalf(name.stem, receipt))
        log.warning("file.half", file=name.file, reason=why.en)

    async def _load(self, name: PairName, control: Control, loading: Loading) -> None:
        """The second pass, from where ``loading`` stands to the end."""
        maker = FactMaker(name.kind, name.file, name.city, name.date, name.sequence, control.baseline)
        rejects = RejectFile(self._inbox.rejects(name.stem), loading.reject_bytes)
        said = time.monotonic()
        data = DataFile(self._inbox.data(name.stem), name, control, maker)
        try:
            async for chunk in self._chunks(data, loading.done):
                rejects.add([reject for rows in chunk for reject in rows.rejects])
                loading = await self._intake.submit(LoadRows(data, loading, chunk, rejects.length))
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
        await self._finish(name, self._outcomes.loaded(name, loading))

    async def _chunks(self, data: DataFile, skip: int) -> AsyncIterator[list[Rows]]:
        """What goes into a commit each: few rows that must be read one by one, or many that can be confirmed."""
        size = self._settings.chunk_rows
        found = data.chunks(size, skip)
        while (segments := await asyncio.to_thread(next, found, None)) is not None:
            digests = [rows.digest for rows in segments if rows.digest]
            whole = await self._intake.confirmable(digests, data.maker.end_ms, data.name.sequence)
            for chunk in commits(segments, whole, size):
                if unknown := [rows for rows in chunk if rows.digest not in whole]:
                    await asyncio.to_thread(data.read, unknown)
                yield chunk

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
                await self._intake.caught_up(self._settings.queue_events // 2)
        return loading

    async def _withdrawn(self, name: PairName, maker: FactMaker) -> tuple[str, ...]:
        """A correction of an additions file withdraws nothing: rows of the earlier file it lacks are reported."""
        last = self._last(name)
        if name.kind.snapshot or last is None or last.business_date != name.date or last.sequence >= name.sequence:
            return ()
        earlier, path = name_of(last.stem), self._inbox.root / last.path
        if earlier is None:
            return ()
        lacking = 0
        try:
            control = read_control(path.with_name(path.name.removesuffix(DATA) + CONTROL), earlier)
            data = DataFile(path, earlier, control, maker)
            read = data.chunks(self._settings.chunk_rows)
            while (chunk := await asyncio.to_thread(next, read, None)) is not None:
                await asyncio.to_thread(data.read, chunk)
                keys = [record_key(name.kind.name, fact.key) for rows in chunk for fact in rows.facts]
                known = await self._intake.known(keys)
                lacking += sum(1 for k in known.values() if k.effective == maker.end_ms and k.sequence == last.sequence)
        except (FileRejected, FileUnreadable):
            return (f"{last.stem} 已读不到，未作对比 / {last.stem} can't be read any more, so it was not compared",)
        if not lacking:
            return ()
        return (
            f"{last.stem} 中有 {lacking} 行不在本次更正内，保留不撤 / "
            f"{lacking} rows of {last.stem} are not in this correction; they are kept",
        )

    # --- ends ---------------------------------------------------------------------------------------------------

    async def _finish(
        self,
        name: PairName | None,
        loading: Loading,
        held: Held | None = None,
        told: tuple[FileReceipt, ...] = (),
    ) -> None:
        """Commit the receipt, then put the files where it says. ``told``: what its coming says of others."""
        receipt = loading.receipt
        assert receipt is not None
        if name is not None and receipt.result in ("accepted", "partial"):
            told = (*told, *self._not_come(name))
        has_rows = receipt.result not in ("held", "duplicate")
        ended = await self.brake.ended(name) if name is not None and has_rows else []
        await self._intake.submit(Finish(name, loading, told, held, ended))
        if held is not None:
            self.brake.note(held)
        self._tries.pop(loading.stem, None)
        if name is not None:
            key = last_key(name.kind.name, name.city)
            if raw := await self._intake.entry(key):
                self.taken[key.removeprefix("LAST/")] = decode_taken(raw)
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
        await self._put_away(loading)

    async def _put_away(self, loading: Loading) -> None:
        if loading.held:
            await asyncio.to_thread(self._inbox.fetch, loading.held, loading.stem)
        await asyncio.to_thread(self._outcomes.carry_out, loading)
        await self._intake.submit(Forget())

    def _show(self, phase: str, done: int, of: int) -> None:
        part = min(1.0, done / of) if of > 0 else 1.0
        self.progress = {"phase": phase, "percent": round(100 * part), "rows_read": done if phase == "loading" else 0}
        metrics.FILE_PROGRESS.set(part)
