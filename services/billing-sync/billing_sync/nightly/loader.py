"""The road of the nightly files: look into the inbox, take the pairs in their order, turn away what is none.

While more files of the same business date wait, a clock that follows the feed holds its ticks, so that no timer runs
between them. Trouble with disks and folders is waited out; it never ends the service.
"""

import asyncio
import errno
from datetime import date
from itertools import islice
from typing import Any

import structlog

from billing_sync import metrics
from billing_sync.intake import Intake
from billing_sync.nightly.arrivals import arrivals
from billing_sync.nightly.control import read_control
from billing_sync.nightly.delivery import Delivery
from billing_sync.nightly.held import Held
from billing_sync.nightly.inbox import Inbox, Waiting
from billing_sync.nightly.names import CONTROL, DATA, PairName, Stray, name_of, safe_name, stem_of
from billing_sync.nightly.outcome import left_in_place, no_control, no_data, no_name
from billing_sync.nightly.reading import FileRejected, FileUnreadable
from billing_sync.settings import Settings
from contracts.brake import Verdict
from servicekit.clock import iso, system_now

log = structlog.get_logger()
POLL_SECONDS = 0.1
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
# How many files that are no pairs are turned away before the next pair has its turn.
_A_ROUND = 50
# What renaming a stranger's file may meet that will not pass by itself.
_UNTOUCHABLE = frozenset(
    (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.EXDEV, errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY)
)


class Loader:
    """Loads what is in the inbox, for ever (``run``)."""

    def __init__(self, settings: Settings, intake: Intake) -> None:
        self._settings, self._intake = settings, intake
        self.inbox = Inbox(settings.boss_dir)
        self._delivery = Delivery(settings, intake, self.inbox)
        self.brake = self._delivery.brake
        self._wake = asyncio.Event()
        self._busy = True
        self._pause = 0.0
        self._left: set[Stray] = set()
        self._told: set[str] = set()

    # --- what the outside may ask -------------------------------------------------------------------------------

    def wake(self) -> None:
        """Look into the inbox now."""
        self._wake.set()

    def waiting(self) -> int:
        """Files that are being loaded or can be dealt with; at least one while the inbox can't be read."""
        try:
            found = self._look()
        except OSError:
            return 1
        return len(found.pairs) + len(found.orphans) + len(found.strays) + len(self.brake.decided()) + self._busy

    async def decide(self, id: str, verdict: Verdict, by: str, why: str) -> Held:
        """A person's word on a file that waits; it is acted on at once. Raises ``Refused``."""
        held = await self.brake.decide(id, verdict, by, why)
        self.wake()
        return held

    async def status(self, name: str) -> list[Any]:
        """Receipts of a file, newest last; then, without ``ended``, how it stands in the inbox (``listing``)."""
        stem = safe_name(stem_of(name))
        here = [entry for entry in self.listing() if stem_of(entry["file"]) == stem]
        return [*await self._delivery.receipts(stem), *here]

    async def day(self, day: date | None) -> dict[str, Any]:
        """What has come of a business day's files (``arrivals``); None: the newest of which there is a file."""
        if day is None:
            day = max((taken.business_date for taken in self._delivery.taken.values()), default=None)
        if day is None:
            return {"date": None, "kinds": [], "files": [], "missing": [], "as_of": iso(system_now())}
        return await arrivals(self._intake.store, day, self.listing())

    def rejected(self, name: str, offset: int) -> tuple[str, int | None] | None:
        """Lines of a file's reject file from this byte on, and where the next ones begin; None: there is none."""
        known = name_of(stem_of(name))
        return None if known is None else self.inbox.read_rejects(known.stem, offset)

    def listing(self) -> list[dict[str, Any]]:
        """What is being loaded (``loading``, with ``percent``), what comes next (``queued``), data files whose control
        file has not come (``waiting``, with ``seconds``), and what can't be moved away (``stuck``)."""
        found: list[dict[str, Any]] = []
        if self._delivery.current is not None:
            found.append({"file": self._delivery.current + DATA, "result": "loading", **self._delivery.progress})
        try:
            here = self.inbox.look()
        except OSError:
            return found
        found += [{"file": name.file, "result": "queued"} for name in here.pairs]
        for half in here.halves:
            why, seconds = no_control(half), round(self.inbox.age(half.stem))
            found.append(
                {"file": half.file, "result": "waiting", "seconds": seconds, "reason_zh": why.zh, "reason_en": why.en}
            )
        found += [{"file": stray.file, "result": "stuck"} for stray in here.strays if stray in self._left]
        return found

    def freshness(self) -> dict[str, Any]:
        """The last file of each kind and city, and when (system time) the last event of the feed was accepted."""
        files = {
            key: {"business_date": str(t.business_date), "sequence": t.sequence, "at": t.ended.isoformat()}
            for key, t in sorted(self._delivery.taken.items())
        }
        held = {"files_held": n} if (n := len(self.brake.waiting())) else {}
        return {"events": {"at": self._intake.position.marks.get("fed")}, **files, **held}

    # --- the loop -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Look and load until cancelled."""
        said = ""
        while True:
            self._busy = True
            try:
                with self.inbox.alone():
                    await self._rounds()
            except OSError as error:
                # A full disk, a folder that is not mounted: the intake goes on, and we from where we were.
                metrics.FILE_TROUBLES.labels(errno.errorcode.get(error.errno or 0, "unknown")).inc()
                if not self._pause:
                    said = ""
                if said != (said := str(error)):
                    log.error("files.trouble", error=ascii(str(error)), action="waiting; go on when it is mended")
            self._pause = min(self._pause * 2, _LONGEST_PAUSE) or _FIRST_PAUSE
            await self._woken(self._pause)

    async def _rounds(self) -> None:
        await self._delivery.open()
        last = await self._delivery.resume()
        while True:
            self._wake.clear()
            if self.brake.decided():
                self._busy = True
                await self._delivery.carry_out_decisions()
            await self.brake.tell_cities()
            name = await self._next()
            if name is None or name.date != last:
                await self._intake.release()
            last = None if name is None else name.date
            if name is not None:
                self._busy = True
                await self._delivery.deliver(name)
            if self._pause:
                self._pause = 0.0
                log.info("files.recovered")
            if name is None:
                self._busy = False
                await self._woken(POLL_SECONDS)

    async def _woken(self, seconds: float) -> None:
        try:
            # Not wait_for: in Python 3.11 that may swallow a cancellation.
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    def _look(self) -> Waiting:
        """What can be dealt with in the inbox."""
        found = self.inbox.look()
        self._left.intersection_update(found.strays)
        return found._replace(strays=[stray for stray in found.strays if stray not in self._left])

    async def _next(self) -> PairName | None:
        """The pair to load next; what is no pair is turned away after a while."""
        found, grace = self._look(), self._settings.grace_seconds
        orphans = (o for o in found.orphans if self.inbox.age(o.stem) > grace)
        for orphan in islice(orphans, _A_ROUND):
            self._busy = True
            await asyncio.to_thread(self.inbox.take_over, orphan.stem)
            await self._turn_away_orphan(orphan)
        strays = (s for s in found.strays if self.inbox.age(s.stem, s.suffixes) > grace)
        for stray in islice(strays, _A_ROUND):
            self._busy = True
            await self._turn_away(stray)
        self._told.intersection_update(half.stem for half in found.halves)
        patience = self._settings.half_pair_seconds
        halves = (h for h in found.halves if h.stem not in self._told and self.inbox.age(h.stem) > patience)
        for half in islice(halves, _A_ROUND):
            self._told.add(half.stem)
            await self._delivery.tell_half(half)
        return next((name for name in found.pairs if not self._is_arriving(name)), None)

    def _is_arriving(self, name: PairName) -> bool:
        """Whether a pair is still being written, against the rule (the control file last): give it a moment."""
        if self.inbox.age(name.stem) > self._settings.grace_seconds:
            return False
        try:
            control = read_control(self.inbox.path / (name.stem + CONTROL), name)
            return control.bytes != (self.inbox.path / name.file).stat().st_size
        except (FileNotFoundError, FileUnreadable, FileRejected):
            return True

    async def _turn_away_orphan(self, name: PairName) -> None:
        if self.inbox.is_whole(name.stem):
            # Its data file came between looking and taking.
            await self._delivery.carry_on(name)
        else:
            await self._delivery.turn_away(name.stem, name.file, name, no_data(name))

    async def _turn_away(self, stray: Stray) -> None:
        """Once: what can't be moved is said, and left where it is."""
        why, notes = no_name(stray), tuple[str, ...]()
        try:
            await asyncio.to_thread(self.inbox.take_over, stray.stem, stray.suffixes, stray.safe)
        except OSError as error:
            if error.errno not in _UNTOUCHABLE:
                raise
            self._left.add(stray)
            receipts = await self._delivery.receipts(stray.safe)
            if receipts and receipts[-1].reason_en == why.en:
                return
            notes = (left_in_place(error),)
        await self._delivery.turn_away(stray.safe, stray.file, None, why, notes)
