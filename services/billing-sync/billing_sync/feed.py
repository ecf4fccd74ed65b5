"""Events of the feed as they come by HTTP and over boss.feed: taken, or refused with a reason.

A refusal is said on ``feed.events`` whatever road it came by. Over HTTP its sender reads it in the receipt too; of a
record on ``boss.feed`` the original goes to the dead letters.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import structlog

from billing_sync import metrics
from billing_sync.domain.events import FeedEvent, Receipt, Rejection, binary, event_of, rejection, structured
from billing_sync.domain.keys import identity_key
from billing_sync.domain.reasons import Bad
from billing_sync.draft import Draft
from billing_sync.handlers import keys_of, take_event
from contracts.misc import EventRejected
from servicekit import dead_letter
from servicekit.clock import iso, to_millis
from servicekit.decision import Invalid
from servicekit.envelope import Message, OutgoingMessage, encode_data, write_headers
from servicekit.ids import derive
from servicekit.kafka import partition_of
from servicekit.record_batches import UNREADABLE

log = structlog.get_logger()
REJECTED = "kam.feed.event.rejected.v1"
_SHOWN, _TURN = 500, 200


class Events:
    """Events of an HTTP request, those that could not even be read included. Answers a receipt for each, in order."""

    def __init__(self, items: Sequence[FeedEvent | Rejection]) -> None:
        self._items = items

    @property
    def readable(self) -> Iterator[FeedEvent]:
        """Those that can be taken, if nothing known speaks against them."""
        return (item for item in self._items if isinstance(item, FeedEvent))

    async def carry_out(self, draft: Draft) -> list[Receipt]:
        await need(draft, [*self.readable])
        receipts: list[Receipt] = []
        for item in self._items:
            receipts.append(self._one(draft, item))
            if len(receipts) % _TURN == 0:
                # A large batch takes seconds: health checks and other senders have their turn meanwhile.
                await asyncio.sleep(0)
        return receipts

    def _one(self, draft: Draft, item: FeedEvent | Rejection) -> Receipt:
        if isinstance(item, FeedEvent):
            taken = _take(draft, item, "http")
            if isinstance(taken, Receipt):
                return taken
            item = taken
        tell_rejected(draft, "http", item)
        return item.receipt


async def take_records(draft: Draft, messages: Sequence[Message]) -> None:
    """Records of boss.feed; what can't be taken goes to the dead letters as it came."""
    read: list[tuple[Message, FeedEvent]] = []
    app = draft.intake.app.name
    for message in messages:
        draft.offsets[f"{message.topic}/{message.partition}"] = message.offset + 1
        replay_for = message.headers.get(dead_letter.REPLAY_FOR)
        if replay_for is not None and replay_for != app.encode():
            continue
        attributes: Any = None
        try:
            attributes = _attributes(message)
            read.append((message, event_of(attributes, draft.system_now)))
        except Bad as bad:
            _reject(draft, message, rejection(attributes, bad))
    await need(draft, [event for _, event in read])
    for message, event in read:
        taken = _take(draft, event, "kafka")
        if isinstance(taken, Rejection):
            _reject(draft, message, taken)


def _take(draft: Draft, event: FeedEvent, road: str) -> Receipt | Rejection:
    try:
        receipt = take_event(draft, event, to_millis(draft.system_now))
    except Bad as bad:
        return Rejection(event.source, event.id, event.fact.kind.type, bad.field, bad.zh, bad.en)
    if receipt.status == "accepted":
        draft.marks["fed"] = iso(draft.system_now)
        draft.intake.heard.note(event.source, draft.system_now)
    metrics.RECORDS.labels(road, event.fact.kind.name, receipt.status).inc()
    return receipt


def _reject(draft: Draft, message: Message, refusal: Rejection) -> None:
    # Not counted towards "too many in a row": bad input is the sender's, and must not stop the other roads.
    draft.intake.dead_letters.keep_whole(message)
    draft.send(dead_letter.letter(message, draft.intake.app.name, Invalid(refusal.reason)))
    tell_rejected(draft, "kafka", refusal, f"{message.topic}/{message.partition}@{message.offset}")


def tell_rejected(draft: Draft, road: str, refusal: Rejection, record: str | None = None) -> None:
    """Say on feed.events that an event was refused, and why; ``record``: where it stands on boss.feed."""
    source, id_, type_ = (None if text is None else text[:_SHOWN] for text in refusal[:3])
    label = draft.next_label()
    headers = write_headers(
        id=derive(REJECTED, label),
        type=REJECTED,
        source="kam/billing-sync",
        # The road, not what a stranger wrote: keys of this topic are remembered by those who read it.
        subject=road,
        time=iso(draft.system_now),
        correlation_id=f"feed:{source or ''}#{id_ or record or label}",
        sequence=label,
        clock=None if draft.clock is None else iso(draft.clock),
    )
    told = EventRejected(
        road=road,  # type: ignore[arg-type]
        source=source,
        id=id_,
        type=type_,
        field=refusal.field,
        reason_zh=refusal.zh,
        reason_en=refusal.en,
        record=record,
        at=draft.system_now,
    )
    partition = partition_of(road, draft.intake.app.partitions)
    draft.send(OutgoingMessage("feed.events", partition, road.encode(), encode_data(told), headers))
    metrics.RECORDS.labels(road, "unknown", "rejected").inc()
    log.warning("event.rejected", road=road, record=record, source=source, id=id_, field=refusal.field)


async def need(draft: Draft, events: Sequence[FeedEvent]) -> None:
    """Load what is known of what these tell, unless it is here already."""
    identities = (identity_key(event.source, event.id) for event in events)
    await draft.need((key for event in events for key in keys_of(event.fact)), identities)


def _attributes(message: Message) -> Any:
    """A record as one structured event. Raises ``Bad``."""
    if UNREADABLE in message.headers:
        reason = message.headers[UNREADABLE].decode("utf-8", "replace")
        raise Bad(None, f"记录无法读取：{reason}", f"the record can't be read: {reason}")
    headers = {name: value.decode("utf-8", "replace") for name, value in message.headers.items()}
    if headers.get("content-type", "").startswith("application/cloudevents+json"):
        return structured(message.body or b"")
    return binary(headers, "ce_", message.body or b"")
