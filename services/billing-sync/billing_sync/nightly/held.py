"""Files that the brake holds: what is kept of them, and the jobs by which people decide (ADR 0023).

A release is ``waiting``, then ``released`` or ``rejected`` by a person, or ``superseded`` by a later file. ``is_here``
as long as its pair lies in ``held/``.
"""

from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from billing_sync.domain.keys import release_key
from billing_sync.nightly.names import DATA
from billing_sync.store import encode
from contracts.brake import Verdict
from contracts.releases import ReleaseView, share
from servicekit.clock import iso, to_millis
from servicekit.decision import Refused
from servicekit.words import said

if TYPE_CHECKING:
    from billing_sync.draft import Draft
    from billing_sync.intake import Intake

_REMEMBERED_MS = 400 * 86_400_000
_AT_ONCE, _MOST = 500, 5000


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A release of a file. ``city`` is the one that would lose ``count`` of ``customers``, mostly the file's;
    ``target`` the name under which the pair lies in ``held/``."""

    id: str
    stem: str
    sha256: str
    sequence: int
    business_date: date
    target: str
    city: str
    count: int
    customers: int
    percent: int
    since: datetime
    notes: tuple[str, ...] = ()
    state: Literal["waiting", "released", "rejected", "superseded"] = "waiting"
    is_here: bool = True
    by: str | None = None
    why: str | None = None
    decided_at: datetime | None = None

    @property
    def place(self) -> str:
        """Kind and city of the file, of which at most one waits."""
        kind, city, *_ = self.stem.split("_")
        return f"{kind}/{city}"

    @property
    def share(self) -> float:
        """Percent of the city's customers."""
        return share(self.count, self.customers)

    def plain(self) -> dict[str, Any]:
        """As people get it."""
        at = self.decided_at
        return ReleaseView(
            id=self.id,
            source="file",
            effect="clear",
            state=self.state,
            city=self.city,
            kind=self.stem.partition("_")[0],
            cause=self.stem + DATA,
            count=self.count,
            customers=self.customers,
            of=self.customers,
            share=self.share,
            percent=self.percent,
            since=iso(self.since),
            by=self.by,
            why=self.why,
            decided_at=None if at is None else iso(at),
        ).model_dump()


decode_held, decode_release = msgspec.msgpack.Decoder(Held).decode, msgspec.json.Decoder(Held).decode


def keep(draft: "Draft", held: Held) -> None:
    """Remember a release; one that is over for as long as its file's receipt."""
    until = None if held.is_here else to_millis(draft.system_now) + _REMEMBERED_MS
    draft.put(release_key(held.id), encode(held), until)


class Decide:
    """Job: a person's word. Answers the release. Raises ``Refused``: 404 where there is none, 409 if it is decided."""

    def __init__(self, id: str, verdict: Verdict, by: str, why: str) -> None:
        self._id, self._verdict, self._by, self._why = id, verdict, by, why

    async def carry_out(self, draft: "Draft") -> Held:
        key = release_key(self._id)
        await draft.need(others=[key])
        if (raw := draft.get(key)) is None:
            raise Refused("not_found", "没有此编号的待放行项", "there is no release of this id", 404)
        held = decode_held(raw)
        if (held.state, held.by) == (self._verdict, self._by):
            return held  # asked again
        if held.state != "waiting":
            raise decided(held.state, held.by or "kam")
        held = msgspec.structs.replace(
            held, state=self._verdict, by=self._by, why=self._why, decided_at=draft.system_now
        )
        keep(draft, held)
        return held


def decided(state: str, by: str) -> Refused:
    """Somebody was faster."""
    zh, en = said(state, "release")
    return Refused("already_decided", f"{by} {zh}，不能再改", f"{en} by {by} already: that stands")


async def held_of(intake: "Intake") -> list[Held]:
    """Releases, those whose files are still here first, then the newest of the others."""
    prefix, after, found = release_key(""), "", list[Held]()
    while keys := await intake.committer.patiently(partial(intake.store.keys, prefix, after, _AT_ONCE)):
        found += [decode_held(raw) for raw in (await intake.load(keys)).values()]
        after = keys[-1]
    # All that are here must be found again at a start, however many are over.
    order = sorted(
        found, key=lambda held: (not held.is_here, held.state != "waiting", -held.since.timestamp(), held.id)
    )
    return order[: max(_MOST, sum(held.is_here for held in found))]
