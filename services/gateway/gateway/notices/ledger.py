"""The ledger of notices: what was made for whom, and how it fares; documents under ids that only one can take.

Urgent notices of a person are a chain, ``<staff>:urgent:<number>``; the newest says of which alerts they were told, and
thereby where notices go on after a restart, in another process or over a read model that was made anew. Whoever adds a
number first has decided; all others look again. A digest has its day for a name.

Each try to send has a name of its own, too. A process that ended in the middle of one leaves it behind, and after
``LEASE`` somebody else tries again: a message may then go out twice, a notice is never lost.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

import msgspec

from gateway.notices.due import CHANNELS, Channel, Kind, Told
from servicekit.clock import SystemClock, iso, later, system_now
from servicekit.store import Documents, patiently

NOTICES, ATTEMPTS = "notices", "notice_attempts"
#: longer than any try takes
LEASE = timedelta(minutes=3)
KEPT = timedelta(days=30)
#: urgent notices of one person that are kept, and those that are shown
_CHAIN, _SHOWN = 100, 20
State = Literal["waiting", "sent", "failed", "dropped"]


class Delivery(msgspec.Struct, frozen=True):
    """How a notice fares by one channel. ``at``: when that was so, ``next_at``: when it is tried again."""

    state: State = "waiting"
    attempts: int = 0
    reason: str | None = None
    at: datetime | None = None
    next_at: datetime | None = None


class Notice(msgspec.Struct, frozen=True):
    """A notice. ``number``, ``since``, ``told``: of urgent ones alone, see above; ``day``: of a digest; ``alerts``: ids
    of what it was made for, so ``many`` that they are counted and not listed; ``baseline``: what stood when somebody
    asked to be told, of which they are not."""

    id: str
    staff_no: str
    kind: Kind
    at: datetime
    is_open: bool = True
    number: int = 0
    since: int = 0
    day: str | None = None
    many: bool = False
    alerts: tuple[str, ...] = ()
    told: tuple[Told, ...] = ()
    mail: Delivery | None = None
    wecom: Delivery | None = None

    def delivery(self, channel: Channel) -> Delivery | None:
        """How it fares by this channel; None: it was not to go there."""
        return self.mail if channel == "mail" else self.wecom

    @property
    def deliveries(self) -> Sequence[tuple[Channel, Delivery]]:
        """By each of its channels."""
        found = ((channel, self.delivery(channel)) for channel in CHANNELS)
        return [(channel, delivery) for channel, delivery in found if delivery is not None]


class Ledger:
    """Raises ``Transient`` where the database does not answer."""

    def __init__(self, rows: Documents, clock: SystemClock = system_now) -> None:
        self._rows, self._clock = rows, clock

    # --- notices ----------------------------------------------------------------------------------------------------

    async def urgent(
        self,
        before: Notice | None,
        staff_no: str,
        since: int,
        told: Iterable[Told],
        alerts: Iterable[str] = (),
        channels: Iterable[Channel] = (),
        *,
        many: bool = False,
    ) -> bool:
        """The next of a chain; whether nobody was faster."""
        number = 1 if before is None else before.number + 1
        kind: Kind = "urgent" if alerts else "baseline"
        more: dict[str, Any] = {"number": number, "since": since, "told": tuple(told), "alerts": tuple(alerts)}
        more["many"] = many
        if not await self._add(_link(staff_no, number), staff_no, kind, channels, **more):
            return False
        if before is not None:  # the newest alone is asked
            await self._rows.patch(NOTICES, before.id, {"told": []})
            await self._rows.forget(NOTICES, {"_id": _link(staff_no, number - _CHAIN)})
        return True

    async def told_since(self, staff_no: str, since: datetime) -> int:
        """Of how many alerts somebody was told, or will be, by notices that were made then or later."""
        where = {"staff_no": staff_no, "kind": "urgent", "at": {"$gte": iso(since)}}
        return sum(len(row["alerts"]) for row in await self._rows.find(NOTICES, where))

    async def newest(self, staff_no: str) -> Notice | None:
        """The end of somebody's chain."""
        where = {"staff_no": staff_no, "kind": {"$in": ["urgent", "baseline"]}}
        found = await self._rows.find(NOTICES, where, sort="-number", limit=1)
        return _read(found[0]) if found else None

    async def digest(self, staff_no: str, day: str, channels: Iterable[Channel]) -> bool:
        """The digest of a day, unless there is one."""
        return await self._add(f"{staff_no}:digest:{day}", staff_no, "digest", channels, day=day)

    async def test(self, staff_no: str, name: str, channel: Channel) -> Notice | None:
        """A test under a name of the caller's: the one that is there, if there is one."""
        id = f"{staff_no}:test:{name}"
        await self._add(id, staff_no, "test", (channel,))
        return await self.get(id)

    async def get(self, id: str) -> Notice | None:
        """One notice."""
        found = await self._rows.get(NOTICES, id)
        return None if found is None else _read(found)

    async def open(self) -> list[Notice]:
        """Those of which something is still to be done."""
        return [_read(row) for row in await self._rows.find(NOTICES, {"is_open": True})]

    async def recent(self, staff_no: str) -> list[Notice]:
        """Somebody's, newest first."""
        where = {"staff_no": staff_no, "kind": {"$in": ["digest", "urgent", "test"]}}
        return [_read(row) for row in await self._rows.find(NOTICES, where, sort="-at", limit=_SHOWN)]

    async def tests_since(self, staff_no: str, since: datetime) -> int:
        """How many tests somebody sent."""
        return await self._rows.count(NOTICES, {"staff_no": staff_no, "kind": "test", "at": {"$gte": iso(since)}})

    async def forget_old(self) -> None:
        """What is older than anybody asks for. Chains are kept short as they grow; they are where notices go on."""
        before = iso(later(self._clock(), -KEPT))
        await self._rows.forget(NOTICES, {"kind": {"$in": ["digest", "test"]}, "at": {"$lt": before}})
        await self._rows.forget(ATTEMPTS, {"at": {"$lt": before}})

    # --- tries ------------------------------------------------------------------------------------------------------

    async def claim(self, notice: Notice, channel: Channel) -> Delivery | None:
        """The try that begins now, counted; None: another process has it, or it is done already."""
        now, number = self._clock(), 1
        if (known := notice.delivery(channel)) is not None:
            number += known.attempts
        while not await self._rows.add(ATTEMPTS, name := f"{notice.id}:{channel}:{number}", {"at": iso(now)}):
            there = await self._rows.get(ATTEMPTS, name)
            if there is None or now < later(datetime.fromisoformat(there["at"]), LEASE):
                return None
            number += 1
        # What was read before the claim may be old by now.
        fresh = await self.get(notice.id)
        delivery = None if fresh is None else fresh.delivery(channel)
        if delivery is None or delivery.state != "waiting" or delivery.attempts >= number:
            return None
        return msgspec.structs.replace(delivery, attempts=number)

    async def settle(self, notice: Notice, channel: Channel, delivery: Delivery) -> None:
        """Write down how it fares by this channel, however long the database is away: what was sent can't be taken
        back."""
        fields: dict[str, Any] = {channel: msgspec.to_builtins(delivery)}
        await patiently(partial(self._rows.patch, NOTICES, notice.id, fields), "notice sent")

    async def close(self, notice: Notice) -> None:
        """Nothing of it is to be done any more."""
        await self._rows.patch(NOTICES, notice.id, {"is_open": False})

    async def _add(self, id: str, staff_no: str, kind: Kind, channels: Iterable[Channel], **more: Any) -> bool:
        to: dict[str, Any] = {channel: Delivery() for channel in channels}
        row: dict[str, Any] = msgspec.to_builtins(Notice(id, staff_no, kind, self._clock(), bool(to), **more, **to))
        del row["id"]
        return await self._rows.add(NOTICES, id, {**row, "at": iso(self._clock())})


def _link(staff_no: str, number: int) -> str:
    return f"{staff_no}:urgent:{number}"


def _read(row: dict[str, Any]) -> Notice:
    return msgspec.convert({**row, "id": row["_id"]}, Notice)
