"""Switches: a version of a document comes into force at one place of the log (ADR 0020). Who owns documents asks; the
intake writes them, numbered upward, one on every partition of boss.events, and remembers each order by its id.
"""

from datetime import date, datetime
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from billing_sync.domain.keys import BRAKE, BRAKED, number_key, order_key, waiting_key
from contracts import brake
from contracts.documents import PASSED, DocumentSwitched, Ordered, Placed, most_bytes
from servicekit.clock import local_date
from servicekit.decision import KeyUsed, Refused

if TYPE_CHECKING:
    from billing_sync.draft import Draft
    from billing_sync.intake import Intake

NUMBER = "switches"
_encode, _json = msgspec.msgpack.Encoder().encode, msgspec.json.Encoder(order="deterministic").encode


class Order(Ordered, frozen=True, kw_only=True):
    """What was asked for, with the whole document. ``asked``: its turn among those that wait."""

    document: dict[str, Any]
    asked: int = 0

    def placed(self, number: int | None = None, at: datetime | None = None) -> Placed:
        """As it is answered; without a number it waits."""
        return Placed(**{name: getattr(self, name) for name in Ordered.__struct_fields__}, number=number, at=at)

    @property
    def content(self) -> bytes:
        """A digest of what it does: who asks again may word the reason otherwise."""
        what = (self.kind, self.document_id, self.version, self.state, self.on, self.document)
        return blake2b(_json(what), digest_size=16).digest()


class _Remembered(msgspec.Struct, frozen=True):
    """An order that was placed, under its id."""

    placed: Placed
    content: bytes


decode_brake = msgspec.msgpack.Decoder(brake.Brake).decode
decode_order = msgspec.msgpack.Decoder(Order).decode
_decode = msgspec.msgpack.Decoder(_Remembered).decode


class Place:
    """Job: write the switch, or let it wait for its day. Answers ``Placed``; the same order again gets the same place.
    Raises ``Refused``: 413 for a document that fits into no record, 422 for a day that has passed and for the id of
    another order."""

    def __init__(self, order: Order) -> None:
        self._order = order

    async def carry_out(self, draft: "Draft") -> Placed:
        order = self._order
        if len(_json(order.document)) > (most := most_bytes(order.kind)):
            raise _too_large(most)
        if order.kind == brake.KIND:
            _brake_of(order)
        await draft.need(others=[order_key(order.id)])
        if (raw := draft.get(order_key(order.id))) is not None:
            before = _decode(raw)
            if before.content != order.content:
                raise KeyUsed()
            return before.placed
        if (waiting := draft.waiting.get(order.id)) is not None:
            if waiting.content != order.content:
                raise KeyUsed()
            return waiting.placed()
        today = None if draft.clock is None else local_date(draft.clock)
        if order.on is not None and today is not None and order.on < today:
            raise _passed(order.on, today)
        if order.on is not None and (today is None or order.on > today):
            draft.wait(order)
            return order.placed()
        return draft.place_switch(order)


class TakeBack:
    """Job: an order that waits is given up. Raises ``Refused``: 409 where it was placed, 404 where there is none."""

    def __init__(self, id: str) -> None:
        self._id = id

    async def carry_out(self, draft: "Draft") -> None:
        if self._id in draft.waiting:
            return draft.give_up(self._id)
        await draft.need(others=[order_key(self._id)])
        if draft.get(order_key(self._id)) is not None:
            raise Refused(
                "placed", "该切换已生效，不能撤回", "this switch has been placed and can't be taken back", 409
            )
        raise Refused("not_found", "没有等待中的切换", "there is no such order", 404)


def written(order: Order, number: int, at: datetime) -> tuple[DocumentSwitched, dict[str, bytes | None]]:
    """The switch of an order at its number, and the entries by which it is remembered."""
    switched = DocumentSwitched(
        number=number,
        kind=order.kind,
        document_id=order.document_id,
        version=order.version,
        state=order.state,
        document=order.document,
        by=order.by,
        why=order.why,
        switched_at=at,
    )
    remembered = _Remembered(order.placed(number, at), order.content)
    kept: dict[str, bytes | None] = {
        order_key(order.id): _encode(remembered),
        number_key(number): order.id.encode(),
        waiting_key(order.id): None,
    }
    if order.kind == brake.KIND:
        # The intake goes by it too, from the very commit that writes it on.
        kept |= {BRAKE: _encode(_brake_of(order)), BRAKED: b"%d" % number}
    return switched, kept


def _brake_of(order: Order) -> brake.Brake:
    """What the intake takes of the brake. Raises ``Refused``."""
    try:
        found = msgspec.convert(order.document, brake.Brake)
    except msgspec.ValidationError as error:
        raise Refused("bad_document", f"不是刹车文档：{error}", f"no document of the brake: {error}", 422) from error
    return found if order.state == "active" else msgspec.structs.replace(found, enabled=False)


def waits(order: Order) -> dict[str, bytes | None]:
    """The entry of an order that waits."""
    return {waiting_key(order.id): _encode(order)}


async def waiting_of(intake: "Intake") -> dict[str, Order]:
    """Orders that wait, as the store has them."""
    prefix, found, after = waiting_key(""), dict[str, Order](), ""
    while keys := await intake.committer.patiently(partial(intake.store.keys, prefix, after, 1000)):
        for raw in (await intake.load(keys)).values():
            order = decode_order(raw)
            found[order.id] = order
        after = keys[-1]
    return found


async def placed_after(intake: "Intake", number: int, kind: str | None, most: int = 1000) -> list[Placed]:
    """Orders placed behind a number, by their numbers, then those that wait."""
    found, after = list[Placed](), number_key(number)
    while len(found) < most and (
        keys := await intake.committer.patiently(partial(intake.store.keys, number_key(None), after, most))
    ):
        ids = await intake.load(keys)
        names = [order_key(ids[key].decode()) for key in keys]
        orders = await intake.load(names)
        placed = (_decode(orders[name]).placed for name in names)
        found += [each for each in placed if kind in (None, each.kind)]
        after = keys[-1]
    waiting = (order.placed() for order in intake.waiting.values())
    return [*found, *(each for each in waiting if kind in (None, each.kind))]


def _too_large(most: int) -> Refused:
    return Refused(
        "too_large",
        f"文档超过 {most >> 10} KiB；请缩小，例如把名单分成几份",
        f"a document over {most >> 10} KiB: make it smaller, say several lists of one",
        413,
    )


def _passed(on: date, today: date) -> Refused:
    return Refused(
        PASSED,
        f"生效日期 {on} 已过（业务日期 {today}）；请给今天或以后的日期，或不给日期立即生效",
        f"{on} has passed (the business day is {today}); give today or a later day, or none for at once",
        422,
        "on",
    )
