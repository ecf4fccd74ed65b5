"""The brake at the file (ADR 0023): what of the snapshots waits, what became of it, and in which words that is told."""

import asyncio
from datetime import datetime

import msgspec
import structlog

from billing_sync import metrics
from billing_sync.domain.keys import BRAKE, BRAKED, COUNTED
from billing_sync.domain.rows import FactMaker
from billing_sync.intake import Intake
from billing_sync.nightly.chunks import DataFile
from billing_sync.nightly.control import Control
from billing_sync.nightly.held import Decide, Held, decode_release, held_of
from billing_sync.nightly.inbox import Inbox
from billing_sync.nightly.loading import Loading, TakeBack, decode_receipt
from billing_sync.nightly.names import PairName
from billing_sync.nightly.reading import FileRejected
from billing_sync.nightly.weighing import WEIGHED, Weight, census, census_of_all, weigh
from billing_sync.steps import TellCities
from billing_sync.switches import decode_brake
from contracts.brake import Brake, LoadEnded, Verdict
from servicekit.ids import derive

log = structlog.get_logger()


class FileBrake:
    """``here``: the releases whose pair lies in ``held/``, by kind and city."""

    def __init__(self, intake: Intake, inbox: Inbox) -> None:
        self._intake, self._inbox = intake, inbox
        self.here: dict[str, Held] = {}
        metrics.FILES_HELD_SECONDS.set_function(self._oldest_seconds)

    async def open(self) -> None:
        """Learn what waits."""
        await self._take_back()
        for held in await held_of(self._intake):
            self.note(held)

    async def _take_back(self) -> None:
        """What lies in ``held/`` goes on waiting where the store that knew of it was lost."""
        for release, receipt in await asyncio.to_thread(lambda: list(self._inbox.releases())):
            try:
                held, told = decode_release(release), decode_receipt(receipt)
            except msgspec.MsgspecError as error:
                log.error("release.unreadable", error=str(error)[:200])
                continue
            await self._intake.submit(TakeBack(held, told))

    def note(self, held: Held) -> None:
        """What became of a release."""
        if held.is_here:
            self.here[held.place] = held
        elif (there := self.here.get(held.place)) is not None and there.id == held.id:
            del self.here[held.place]
        metrics.FILES_HELD.set(len(self.waiting()))

    def of(self, name: PairName) -> Held | None:
        """What waits of this kind and city."""
        return self.here.get(f"{name.kind.name}/{name.city}")

    def waiting(self) -> list[Held]:
        """Those that nobody has decided on."""
        return [held for held in self.here.values() if held.state == "waiting"]

    def _oldest_seconds(self) -> float:
        now = self._intake.system_clock()
        return max(((now - held.since).total_seconds() for held in self.waiting()), default=0.0)

    def decided(self) -> list[Held]:
        """Those that somebody has, whose files still lie where they waited; first come first."""
        return sorted((h for h in self.here.values() if h.state != "waiting"), key=lambda held: held.since)

    async def decide(self, id: str, verdict: Verdict, by: str, why: str) -> Held:
        """A person's word; the loader then does as it says. Raises ``Refused``."""
        held: Held = await self._intake.submit(Decide(id, verdict, by, why))
        self.note(held)
        return held

    async def settings(self) -> Brake | None:
        """The brake that is on; None: there is none."""
        raw = await self._intake.entry(BRAKE)
        brake = None if raw is None else decode_brake(raw)
        return brake if brake is not None and brake.enabled else None

    async def tell_cities(self) -> None:
        """After the brake was switched on: what the city of a step has is known before its first file has ended."""
        if await self.settings() is None:
            return
        switch = await self._intake.entry(BRAKED) or b"0"
        if await self._intake.entry(COUNTED) != switch:
            cities = await census_of_all(self._intake, self._intake.app.partitions)
            await self._intake.submit(TellCities(switch, cities))

    async def ended(self, name: PairName) -> list[LoadEnded]:
        """What each partition is told behind the last row of a file; nothing where there never was a brake."""
        # A store that was lost has forgotten the brake by which alerts wait for these words.
        if await self._intake.entry(BRAKE) is None and not self._intake.revisions_from:
            return []
        partitions = self._intake.app.partitions
        counts = await census(self._intake, name.city, partitions) if await self.settings() else [0] * partitions
        return [LoadEnded(file=name.file, city=name.city, customers=sum(counts), here=here) for here in counts]

    def refuse_again(self, name: PairName) -> None:
        """A name that waits already. Raises ``FileRejected``."""
        held = self.of(name)
        if held is not None and held.sequence == name.sequence:
            raise FileRejected(
                f"{held.stem} 已在等候放行（{held.id}）；更正请用下一个序号",
                f"{held.stem} waits for release already ({held.id}); send a correction with the next sequence",
            )

    async def holds(self, name: PairName, control: Control, loading: Loading, earlier: int) -> Held | None:
        """The release that a good file becomes; None where it may be loaded. ``earlier``: receipts that its name has.
        Raises ``FileRejected``, also for one that is older than what waits."""
        brake = await self.settings() if name.kind.name in WEIGHED else None
        if brake is None:
            return None
        maker = FactMaker(name.kind, name.file, name.city, name.date, name.sequence)
        weight = await weigh(self._intake, brake, DataFile(self._inbox.data(name.stem), name, control, maker))
        if weight is None:
            return None
        there = self.of(name)
        if there is not None and there.sequence > name.sequence:
            raise superseded(there.stem)
        return _release(name, loading, weight, brake, self._intake.system_clock(), earlier)


def _release(name: PairName, loading: Loading, weight: Weight, brake: Brake, now: datetime, earlier: int) -> Held:
    return Held(
        id=derive("release", name.stem, loading.sha256, earlier),
        stem=name.stem,
        sha256=loading.sha256,
        sequence=name.sequence,
        business_date=name.date,
        target=name.stem,
        city=weight.city,
        count=weight.count,
        customers=weight.customers,
        percent=brake.percent,
        since=now,
        notes=loading.notes,
    )


def why_held(held: Held) -> FileRejected:
    """In words."""
    return FileRejected(
        f"等候放行：将清除 {held.city} 的 {held.customers} 名客户中的 {held.count} 名（{held.share}%，"
        f"上限 {held.percent}%）；请核对后 kam release go 或 reject {held.id}",
        f"waits for release: it would clear {held.count} of {held.customers} customers of {held.city} ({held.share} %, "
        f"the limit is {held.percent} %); check it, then kam release go or reject {held.id}",
    )


def rejected_by(held: Held) -> FileRejected:
    """A person's no."""
    return FileRejected(
        f"{held.by} 拒绝放行：{held.why}；更正请用下一个序号",
        f"{held.by} did not release it: {held.why}; send a correction with the next sequence",
    )


def superseded(by: str) -> FileRejected:
    """A later snapshot says all that this one said."""
    return FileRejected(f"等候放行期间已由 {by} 替代", f"while it waited for release, {by} took its place")


def released_note(held: Held) -> str:
    """Of the receipt of a file that was let go."""
    return f"由 {held.by} 放行：{held.why} / released by {held.by}: {held.why}"


def over(held: Held, by: str, now: datetime) -> Held:
    """A release that a later file took the place of."""
    return msgspec.structs.replace(held, state="superseded", by=by, decided_at=now, is_here=False)
