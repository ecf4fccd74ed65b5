"""Desk unit, sender and receipts as one process has them, over a memory store that outlives them."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from alerts import notifications
from alerts.notifications.answers import KeptAnswers
from alerts.notifications.blocked import Blocked
from alerts.notifications.budget import Ledger
from alerts.notifications.channel.channels import Channels
from alerts.notifications.channel.transport import (
    OnInbound,
    OnLateAnswer,
    OnReceipt,
    Permit,
    SubmitOutcome,
    SubmitRequest,
    SubmitResult,
    Transport,
)
from alerts.notifications.composition import TOPICS, take_effects
from alerts.notifications.lookup import Lookup
from alerts.notifications.processor import NotificationsProcessor
from alerts.notifications.receipts import Receipts
from alerts.notifications.send_policy import SendPolicy
from alerts.notifications.sender import Sender
from alerts.notifications.stops import Stops
from contracts.alert import Alert, RuleRef
from contracts.control import RELEASED, STOPPED, Stop
from contracts.registry import EVENTS
from harness.notifications_feed import BOOK
from harness.one_processor import NOON, OneProcessor
from harness.waiting import eventually
from servicekit.clock import local_date
from servicekit.envelope import Headers, Message
from servicekit.ids import derive
from servicekit.memory_store import MemoryDocuments
from servicekit.timers import tick_of

QUICK = replace(BOOK.policy, retry=replace(BOOK.policy.retry, first_seconds=0.02, attempts=3))


class FakeSmsc:
    """A transport that answers as told; ``accepted`` is what the SMSC has taken, over all processes.

    ``answers``: outcomes of the next submits (then ``accepted``); ``open`` cleared: not ready; ``has_room`` cleared:
    parts wait in the window; ``speaks`` cleared: no answer comes until it is set again.
    """

    def __init__(self) -> None:
        self.submitted: list[SubmitRequest] = []
        self.accepted: list[SubmitRequest] = []
        self.answers: list[SubmitOutcome] = []
        self.status: int | None = None
        self.ids: list[str | None] = []
        self.open, self.speaks, self.has_room = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.open.set()
        self.has_room.set()
        self.speaks.set()
        self.closed = 0
        self.lost_at = 0.0  # of the monotonic clock, where it is not open

    async def start(
        self, on_receipt: OnReceipt, on_inbound: OnInbound, on_late_answer: OnLateAnswer | None = None
    ) -> None:
        self.on_receipt, self.on_inbound, self.on_late_answer = on_receipt, on_inbound, on_late_answer

    @property
    def is_ready(self) -> bool:
        return self.open.is_set()

    async def ready(self) -> None:
        await self.open.wait()

    async def submit(self, part: SubmitRequest, permit: Permit | None = None) -> SubmitResult:
        await self.has_room.wait()
        while permit is not None and not permit.is_valid():
            if not await permit.renew():
                return SubmitResult(part.part_id, SubmitOutcome.NOT_WRITTEN, None, None, "waited too long")
        self.submitted.append(part)
        outcome = self.answers.pop(0) if self.answers else SubmitOutcome.ACCEPTED
        message_id = None
        if outcome is SubmitOutcome.ACCEPTED:
            self.accepted.append(part)
            message_id = self.ids.pop(0) if self.ids else f"m{len(self.accepted)}"
        await self.speaks.wait()
        return SubmitResult(part.part_id, outcome, message_id, self.status, "")

    async def close(self) -> None:
        self.closed += 1

    @property
    def connected(self) -> bool:
        return self.open.is_set()

    @property
    def down_since(self) -> float | None:
        return None if self.open.is_set() else self.lost_at


class Process:
    """One life of the service: ``async with`` runs it. ``others``: channels besides the SMSC, which is called
    ``first``; ``send_policy``: further arguments of its SendPolicy (clocks, templates)."""

    def __init__(
        self,
        store: Any,
        smsc: FakeSmsc,
        policy: Any = QUICK,
        kept: KeptAnswers = KeptAnswers(None),
        share: float = 1.0,
        stops: Stops | None = None,
        numbers: Blocked | None = None,
        others: Mapping[str, Transport] = {},
        first: str = "smpp",
        **send_policy: Any,
    ) -> None:
        self.store, self.smsc = store, smsc
        channels = Channels({first: smsc, **others})
        self.published: list[tuple[bytes, str, Any, dict[str, bytes]]] = []
        self.blocked = numbers or Blocked()
        self.stops = stops or Stops()
        asked = {
            "blocked": self.blocked.__contains__,
            "stopped": self.stops.of,
            "configured": channels.names,
            "choose": channels.choose,
            "templates": list(BOOK.templates.values()),
        }
        self.send_policy = SendPolicy(policy, **{**asked, **send_policy})
        messages, documents = Lookup(lambda: [self.desk.processor]), MemoryDocuments(store)
        self.receipts = Receipts(
            self._publish, messages, documents, lambda: policy, 1, clock=lambda: self.desk.processor.now
        )
        self.in_force = self.send_policy
        self.ledger = Ledger(
            lambda: self.in_force.policy, lambda: local_date(self.send_policy.clock(self.desk.processor.now))
        )
        make = partial(
            NotificationsProcessor,
            receipts=self.receipts,
            blocked=self.blocked,
            claim=lambda m: self.sender.claim(m),
            in_turn=lambda messages: self.sender.in_turn(messages),
            ledger=self.ledger,
        )
        app = notifications.app(self.send_policy, self._effects, 1)
        self.desk = OneProcessor(app, *TOPICS, store=store, make=make)
        self.heard = asyncio.Event()
        self.heard.set()
        self.sender = Sender(
            channels,
            self.receipts,
            lambda customer: self.desk.processor,
            messages,
            self.send_policy,
            kept=kept,
            heard=self.heard.wait,  # type: ignore[arg-type]
            share=share,
            in_force=lambda _: self.in_force,
            ledger=self.ledger,
        )
        self._offsets = dict(store.position.offsets)

    async def __aenter__(self) -> "Process":
        await self.desk.open()
        for name, offset in self._offsets.items():
            self.desk._offsets[name.rpartition("/")[0]] = offset
        self.processor_run = asyncio.create_task(self.desk.processor.run(None))
        return self

    async def __aexit__(self, *_: object) -> None:
        if hasattr(self, "sender_run"):
            self.sender_run.cancel()
            await asyncio.gather(self.sender_run, return_exceptions=True)
        self.desk.processor.stop()
        await asyncio.gather(self.processor_run, return_exceptions=True)

    def start(self) -> "Process":
        self.sender_run = asyncio.create_task(self.sender.run())
        return self

    async def complain(self, *customers: str, clock: Any = NOON, accepted: bytes = b"") -> None:
        """A complaint of each customer, accepted then (epoch ms), and the tick behind it."""
        await complain(self.desk, *customers, clock=clock, accepted=accepted)

    async def hear(self) -> None:
        """The desk reads what was published on sms.receipts."""
        published, self.published = self.published, []
        records = [
            self.desk.record("sms.receipts", type_, data, key=key.decode(), id=headers["ce_id"].decode())
            for key, type_, data, headers in published
        ]
        await self.desk.take(*records)

    def say(self, what: str, *, stop: bool = True) -> None:
        """A stop stands from now on, or is released."""
        stopped = Stop(what=what, by="li", why="金额写错", at=NOON)
        headers = {"ce_type": (STOPPED if stop else RELEASED).encode()}
        self.stops.take(Message("control.stops", 0, 0, what.encode(), headers, msgspec.json.encode(stopped)))
        self.sender.look_at_stops()

    def sms(self, customer: str = "c1") -> dict[str, Any]:
        (row,) = [r for r in self.store.documents["sms"].values() if r["customer_id"] == customer]
        return row

    async def until(self, state: str, customer: str = "c1") -> dict[str, Any]:
        await eventually(lambda: self.sms(customer)["state"] == state and not self.sender._tasks, 5, 0.005)
        return self.sms(customer)

    async def _effects(self, effects: list[Any]) -> None:
        await take_effects(self.sender, self.blocked, self.ledger, effects)

    async def _publish(self, topic: str, partition: int, key: bytes, value: bytes, headers: Headers) -> None:
        known = dict(headers)
        type_ = known["ce_type"].decode()
        self.published.append((key, type_, msgspec.json.decode(value, type=EVENTS[type_].payload), known))


async def complain(desk: OneProcessor, *customers: str, clock: Any = NOON, accepted: bytes = b"") -> None:
    """Records of new customers who complain, and the tick behind them."""
    records = []
    for customer in customers:
        profile = {"customer_id": customer, "phone": phone(customer), "name": "Ann", "language": "en"}
        who, raised = {"key": customer, "clock": clock}, complaint(customer)
        records.append(desk.record("boss.events", "kam.boss.customer.changed.v1", _json(profile), **who))
        about = {**who, "id": f"a-{customer}", "headers": [("ce_acceptedat", accepted)]}
        records.append(desk.record("alert.events", "kam.alert.raised.v1", raised, **about))
    number = tick_of(desk.processor.position.marks.get("ticked"))[0][1] + 1
    records += [desk.tick(topic, number, clock) for topic in ("boss.events", "alert.events")]
    await desk.take(*records)


def phone(customer: str) -> str:
    """c1 -> 13900000001; the same for c1 and its namesakes c1-…"""
    return f"139{int(customer[1:].partition('-')[0]):08d}"


def complaint(customer: str) -> Alert:
    return Alert(
        alert_id=derive("alert", customer),
        kind="complaint_opened",
        customer_id=customer,
        revision=1,
        state="raised",
        stage="opened",
        severity="major",
        rule=RuleRef(id="complaint-opened", version=1),
        raised_at=NOON,
        at=NOON,
    )


def dies_at(point: str) -> Callable[[str, str], None]:
    """A replacement of ``faults.hit`` that ends the process there."""

    def hit(service: str, where: str) -> None:
        if where == point:
            raise Killed(point)

    return hit


class Killed(Exception):
    """The process is gone."""


def _json(data: dict[str, Any]) -> bytes:
    return msgspec.json.encode(data)
