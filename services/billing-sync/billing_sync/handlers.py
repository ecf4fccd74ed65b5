"""What becomes of a fact: compared with what is known, stored, and told on when it is news. Pure but for the draft.

Every road ends here. ``TAKE`` at the foot says who takes which kind.
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from typing import Protocol

import msgspec

from billing_sync.domain.events import FeedEvent, Receipt
from billing_sync.domain.keys import identity_key, index_key, record_key
from billing_sync.domain.kinds import KINDS, Kind
from billing_sync.domain.reasons import Bad
from billing_sync.domain.record import Fact, Known, Outcome, compare, is_older
from contracts.boss import ArrearsConfirmed, RecordMoved
from servicekit.clock import from_millis

CONFIRMED, MOVED = "kam.boss.arrears.confirmed.v1", "kam.boss.record.moved.v1"
REMEMBERED_MS = 90 * 86_400_000
ANY_CITY = "*"
_decode_content = msgspec.msgpack.Decoder(tuple).decode
_encode_body = msgspec.json.Encoder().encode
_CUST, _LEFT, _ARR = KINDS["CUST"], KINDS["LEFT"], KINDS["ARR"]
_STATUS, _CITY = _CUST.columns.index("status"), _CUST.columns.index("city")
_AMOUNT = _ARR.columns.index("amount_fen")


class Draft(Protocol):
    """What a handler needs of the batch in the making; the keys it reads have been loaded.

    ``revisions_from``: the revision before the first of a record that is not known; 0 unless a store was lost.
    """

    @property
    def revisions_from(self) -> int: ...

    def known(self, key: str) -> Known | None:
        """What is stored of a record, this batch's changes included."""

    def remember(self, key: str, known: Known) -> None:
        """Store it."""

    def get(self, key: str) -> bytes | None:
        """Any other entry."""

    def put(self, key: str, value: bytes | None, wake: int | None = None) -> None:
        """Store or (None) remove an entry."""

    def reach(self, at: datetime) -> None:
        """Something of this time was accepted: the business clock may move."""

    def publish(
        self,
        kind: Kind,
        type_: str,
        key: str,
        revision: int,
        body: bytes,
        fact: Fact,
        *,
        subject: str = "",
        owner_revision: int = 0,
    ) -> None:
        """Put a ``boss.events`` message into the outbox; ``subject`` where it is not the fact's."""


def keys_of(fact: Fact) -> tuple[str, ...]:
    """Keys that must be loaded before ``take``."""
    kind = fact.kind.name
    return (record_key("CUST" if kind == "LEFT" else kind, fact.key),)


def take(draft: Draft, fact: Fact) -> Outcome:
    """The one compare step of all roads, and what follows from it."""
    return TAKE.get(fact.kind.name, _plain)(draft, fact)


def take_event(draft: Draft, event: FeedEvent, now_ms: int) -> Receipt:
    """An event of the feed: its source and id are remembered, so that a second copy changes nothing.

    Raises ``Bad``, before anything is changed, when they were used with other content.
    """
    key = identity_key(event.source, event.id)
    fact = event.fact
    about = blake2b(f"{fact.kind.type}|{event.time.isoformat()}|".encode() + fact.content, digest_size=16).digest()
    before = draft.get(key)
    if before is not None and before != about:
        raise Bad(
            "id",
            f"来源 {event.source} 的编号 {event.id} 已用于另一内容；新的事实请用新编号",
            "this source and id were used with other content; give a new fact a new id",
        )
    if before is not None:
        return Receipt(event.source, event.id, "duplicate")
    draft.put(key, about, now_ms + REMEMBERED_MS)
    draft.reach(event.time)
    take(draft, fact)
    return Receipt(event.source, event.id, "accepted")


def mark_seen(draft: Draft, kind: Kind, key: str, tag: int) -> None:
    """A snapshot file names this record, though its row was stale or could not be taken."""
    known = draft.known(record_key(kind.name, key))
    if known is not None and known.seen != tag:
        draft.remember(record_key(kind.name, key), msgspec.structs.replace(known, seen=tag))


def _plain(draft: Draft, fact: Fact) -> Outcome:
    return _taken(draft, fact)[0]


def _taken(draft: Draft, fact: Fact, city: str = "") -> tuple[Outcome, Known | None]:
    """Compare, store and tell; the outcome, and what was known before."""
    key = record_key(fact.kind.name, fact.key)
    known = draft.known(key)
    outcome = compare(known, fact.effective, fact.sequence, fact.content)
    if outcome == "stale":
        if fact.tag:
            mark_seen(draft, fact.kind, fact.key, fact.tag)
        return outcome, known
    after = Known(fact.effective, fact.sequence, draft.revisions_from + 1, fact.content, city, _seen(fact, known))
    if known is not None:
        after.revision = known.revision + (outcome == "changed")
        after.owner_revision = known.owner_revision
        if (owner := _left_owner(fact, known)) is not None:
            after.owner_revision = after.revision
            _tell_moved(draft, fact, owner, known.owner_revision, after.revision)
    draft.remember(key, after)
    if outcome == "changed":
        draft.publish(
            fact.kind,
            fact.kind.type,
            fact.key,
            after.revision,
            fact.kind.body(fact.values),
            fact,
            owner_revision=after.owner_revision,
        )
    return outcome, known


def _left_owner(fact: Fact, known: Known) -> str | None:
    """The customer whom the record leaves with this fact; None where it stays."""
    if not fact.kind.is_movable or known.content == fact.content:
        return None
    owner = str(_decode_content(known.content)[fact.kind.subject_at])
    return None if owner == fact.subject else owner


def _tell_moved(draft: Draft, fact: Fact, owner: str, owner_revision: int, revision: int) -> None:
    """On the old customer's key, before the record's own event on the new one's (ADR 0009)."""
    moved = RecordMoved(
        kind=fact.kind.name,  # type: ignore[arg-type]
        record_id=fact.key,
        customer_id=owner,
        moved_to=fact.subject,
        moved_at=from_millis(fact.effective),
    )
    # No id holds a "|", so this key is no other record's.
    about = f"{fact.key}|moved"
    body = _encode_body(moved)
    draft.publish(fact.kind, MOVED, about, revision, body, fact, subject=owner, owner_revision=owner_revision)


def _contract(draft: Draft, fact: Fact) -> Outcome:
    before = draft.known(record_key("CONT", fact.key))
    city = fact.city
    if not city and before is not None and _left_owner(fact, before) is None:
        # Of a contract that passes to another customer by an event nobody knows whose file names it next.
        city = before.city
    outcome, _ = _taken(draft, fact, city)
    if outcome != "stale":
        _index(draft, fact, "" if before is None else before.city, city)
    return outcome


def _arrears(draft: Draft, fact: Fact) -> Outcome:
    """A debt that BOSS confirms at a later time is told too: payments made since are not in it yet (ADR 0005)."""
    city = fact.city or ANY_CITY
    outcome, known = _taken(draft, fact, city)
    if outcome == "stale":
        return outcome
    owes = fact.values[_AMOUNT] != 0
    owed = known is not None and _decode_content(known.content)[_AMOUNT] != 0
    _index(draft, fact, known.city if known is not None and owed else "", city if owes else "")
    if outcome == "unchanged" and owes and known is not None and fact.effective > known.effective:
        data = ArrearsConfirmed(customer_id=fact.subject, confirmed_at=from_millis(fact.effective))
        about = f"{fact.key}/confirmed/{fact.effective}"
        draft.publish(fact.kind, CONFIRMED, about, known.revision, _encode_body(data), fact)
    return outcome


def _customer(draft: Draft, fact: Fact) -> Outcome:
    """CUST; status ``left`` is a leaving too, told once, after whatever else changed."""
    key = record_key("CUST", fact.key)
    known = draft.known(key)
    outcome = compare(known, fact.effective, fact.sequence, fact.content)
    if outcome == "stale":
        if fact.tag:
            mark_seen(draft, fact.kind, fact.key, fact.tag)
        return outcome
    leaves = fact.values[_STATUS] == "left"
    was_left = known is not None and known.left is not None
    # Only "active" is a win-back; who left and whose status is not known, or another one, is still away.
    away = leaves or (was_left and fact.values[_STATUS] != "active")
    city = fact.city or fact.values[_CITY] or ("" if known is None else known.city)
    after = Known(
        fact.effective,
        fact.sequence,
        draft.revisions_from if known is None else known.revision,
        fact.content,
        str(city),
        _seen(fact, known),
        None if not away else known.left if known is not None and known.left else (fact.day, None, None),
    )
    if outcome == "changed":
        only_left = leaves and not was_left and known is not None and _differs_only_in_status(known, fact)
        if not only_left:
            after.revision += 1
            draft.publish(_CUST, _CUST.type, fact.key, after.revision, _CUST.body(fact.values), fact)
        if leaves and not was_left:
            after.revision += 1
            body = _LEFT.body((fact.key, *after.left))  # type: ignore[misc]
            draft.publish(_CUST, _LEFT.type, fact.key, after.revision, body, fact)
    draft.remember(key, after)
    _index(draft, fact, "" if known is None or was_left else known.city, "" if away else after.city)
    return outcome


def _left(draft: Draft, fact: Fact) -> Outcome:
    """customer.left is a change of the CUST record: its status, and when, why and where to."""
    key = record_key("CUST", fact.key)
    known = draft.known(key)
    if known is not None and is_older(fact.effective, fact.sequence, known):
        return "stale"
    left = (str(fact.values[1]), fact.values[2], fact.values[3])
    if known is None:
        after = Known(fact.effective, 0, draft.revisions_from, b"")
    else:
        after = msgspec.structs.replace(known, effective=fact.effective, sequence=0, content=_as_left(known.content))
    changed = known is None or known.left != left
    if changed:
        after.left = left  # type: ignore[assignment]
        after.revision += 1
        draft.publish(_CUST, _LEFT.type, fact.key, after.revision, _LEFT.body(fact.values), fact)
    draft.remember(key, after)
    _index(draft, fact, "" if known is None or known.left is not None else known.city, "")
    return "changed" if changed else "unchanged"


def _index(draft: Draft, fact: Fact, before: str, after: str) -> None:
    """Keep the snapshot index: under the city whose next file is expected to name the record; empty: none is."""
    if before == after:
        return
    kind = "CUST" if fact.kind is _LEFT else fact.kind.name
    if before:
        draft.put(index_key(kind, before, fact.key), None)
    if after:
        draft.put(index_key(kind, after, fact.key), b"")


def _seen(fact: Fact, known: Known | None) -> int:
    return fact.tag or (0 if known is None else known.seen)


def _as_left(content: bytes) -> bytes:
    if not content:
        return content
    values = list(_decode_content(content))
    values[_STATUS] = "left"
    return msgspec.msgpack.encode(values)


def _differs_only_in_status(known: Known, fact: Fact) -> bool:
    return bool(known.content) and _as_left(known.content) == fact.content


TAKE: dict[str, Callable[[Draft, Fact], Outcome]] = {
    "CUST": _customer,
    "LEFT": _left,
    "CONT": _contract,
    "ARR": _arrears,
}
