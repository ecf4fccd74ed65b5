"""One customer's road through detector and desk, without any machinery: records in, SMS out, by the feed's clock."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from alerts import notifications
from alerts.notifications.channel.transport import SubmitOutcome, SubmitResult
from alerts.notifications.send_policy import MANUAL, SendPolicy, seeded
from alerts.notifications.sending import ANSWERED, HOLD, INTEND, LOST, Answered, Hold, Intend, Intent, Lost
from alerts.notifications.state import TEST, Customer, ReadyToSend
from alerts.rules import Rules
from contracts.alert import OptedOut, ReceiptReceived
from harness import detection_feed
from harness.detection_feed import RULES, Feed, at
from servicekit.decision import Context, Decision, OutgoingEvent
from servicekit.ids import derive

detection_feed._RECORDS["payment.received"] = ("PAY", ("payment_id",))
PHONE = "13900000001"
BOOK = seeded()


class Story(Feed):
    """``sms`` and ``alert_rows`` are the documents; ``told_sms`` the SMS events as ``state step reason``.

    The sender is the test: ``send`` takes everything that may go. ``alerts_first``: alert events reach the desk before
    the record that caused them.
    """

    def __init__(
        self,
        customer_id: str = "c1",
        *,
        send_policy: SendPolicy | None = None,
        alerts_first: bool = False,
        rules: Rules = RULES,
    ) -> None:
        super().__init__(customer_id, rules)
        self.desk = notifications.app(send_policy or BOOK)
        self.desk_raw: bytes | None = None
        self.desk_wake: datetime | None = None
        self.documents: dict[str, dict[str, dict[str, Any]]] = {}
        self.said_new: list[tuple[str, str]] = []
        self.may_go: list[ReadyToSend] = []
        self.desk_emits: list[OutgoingEvent] = []
        self.told_sms: list[str] = []
        self._alerts_first = alerts_first

    # --- in -----------------------------------------------------------------------------------------------------

    def customer(self, when: str = "2026-01-01", /, **profile: Any) -> "Story":
        """The customer is known, or has changed."""
        known = {"phone": PHONE, "name": "张三", "language": "zh", "do_not_disturb": False, "status": "active"}
        self.boss("customer.changed", when, **{**known, **profile})
        return self

    def owes(self, fen: int, when: str, due_on: str | None = None, **more: Any) -> None:
        """An ARR record of that moment."""
        self.boss("arrears.changed", when, as_of=when[:10], amount_fen=fen, oldest_due_on=due_on, **more)

    def pays(self, fen: int, when: str, payment_id: str = "p1") -> None:
        self.boss("payment.received", when, payment_id=payment_id, paid_at=at(when).isoformat(), amount_fen=fen)

    def complains(self, when: str, status: str = "opened", complaint_id: str = "k1") -> None:
        self.boss("complaint.changed", when, complaint_id=complaint_id, opened_at=at(when).isoformat(), status=status)

    def work(self, verb: str, alert_id: str, work_id: str = "w1", state: str | None = None) -> None:
        """``opened``, ``accepted``, ``released``, ``reassigned``, ``acted`` or ``reopened`` on work.events."""
        state = state or {"opened": "new", "reopened": "new", "released": "new", "reassigned": "new"}.get(verb, verb)
        data = {"customer_id": self.customer_id, "alert_id": alert_id, "work_id": work_id, "state": state}
        type_ = f"kam.work.{verb}.v1"
        self._desk(type_, data, Context(self.now, f"work-{verb}", type_, "feed:test#w"))

    def tick(self, when: str | None = None) -> list[str]:
        known = len(self.emits)
        told = super().tick(when)
        self._desk_hears(self.emits[known:])
        if self.desk_wake is not None and self.desk_wake <= self.now:
            assert self.desk.on_timer is not None
            decision = self.desk.on_timer(self.customer_state, Context(self.now, "wake/d", "wake", "wake/d"))
            assert decision.timer_at is None or decision.timer_at > self.now, "a wake-up must not ask for the past"
            self._desk_takes(decision)
        return told

    def command(self, type_: str, data: Any) -> Any:
        context = Context(self.now, f"{type_}/1", type_, f"{type_}/1")
        decision = self.desk.handlers[type_].handle(self.customer_state, data, context)
        self._desk_takes(decision)
        return decision.answer

    def intend(self) -> list[Intent]:
        """Intents of everything that may go."""
        offered, self.may_go = self.may_go, []
        offered.sort(key=lambda ready: -ready.priority)
        intents = [self.command(INTEND, Intend(ready.sms_id)) for ready in offered]
        return [intent for intent in intents if intent is not None]

    def hold_short(self, message: ReadyToSend) -> None:
        """The day's budget has no room for a message."""
        self.may_go.remove(message)
        self.command(HOLD, Hold(message.sms_id, is_short=True))

    def answer(self, intent: Intent, *outcomes: str, status: int | None = None) -> None:
        """The SMSC answers each part of an intent; the last outcome counts for the rest."""
        parts = []
        for index, part in enumerate(intent.parts):
            outcome = outcomes[min(index, len(outcomes) - 1)]
            message_id = f"m{part.reference}" if outcome == "accepted" else None
            parts.append(SubmitResult(part.part_id, SubmitOutcome(outcome), message_id, status))
        self.command(ANSWERED, Answered(intent.sms_id, tuple(parts)))

    def send(self, outcome: str = "accepted", status: int | None = None) -> list[Intent]:
        intents = self.intend()
        for intent in intents:
            self.answer(intent, outcome, status=status)
        return intents

    def lose(self, sms_id: str) -> None:
        """The process died between intent and answer."""
        self.command(LOST, Lost(sms_id))

    def receipt(self, sms_id: str | None, message_id: str, state: str = "DELIVRD", part: int | None = 1) -> None:
        data = ReceiptReceived(
            sms_id=sms_id, part=part, customer_id=self.customer_id if sms_id else None, message_id=message_id,
            reference=None, phone="86" + PHONE, state=state, error="000", received_at=self.now,
        )  # fmt: skip
        self.hears(data)

    def hears(self, data: ReceiptReceived) -> None:
        """The desk reads a receipt on sms.receipts."""
        type_, id_ = "kam.sms.receipt.received.v1", derive(data.message_id, data.state)
        self._desk(type_, msgspec.to_builtins(data), Context(self.now, id_, type_, "feed:test#r"))

    def opts_out(self, phone: str = "86" + PHONE) -> None:
        type_ = "kam.sms.subscriber.opted_out.v1"
        data = OptedOut(phone=phone, text="TD", received_at=self.now)
        self._desk(type_, msgspec.to_builtins(data), Context(self.now, "td-1", type_, "td-1"))

    # --- out ----------------------------------------------------------------------------------------------------

    @property
    def customer_state(self) -> Customer | None:
        return None if self.desk_raw is None else msgspec.msgpack.decode(self.desk_raw, type=Customer)

    @property
    def sms(self) -> list[dict[str, Any]]:
        return list(self.documents.get("sms", {}).values())

    @property
    def states(self) -> list[str]:
        """``step state reason`` of each message."""
        return [" ".join(filter(None, (m["step"], m["state"], m["reason"]))) for m in self.sms]

    @property
    def alert_rows(self) -> list[dict[str, Any]]:
        return list(self.documents.get("alerts", {}).values())

    def _handle(self, type_: str, data: dict[str, Any], context: Context) -> list[str]:
        known = len(self.emits)
        told = super()._handle(type_, data, context) if type_ in self.app.handlers else []
        emits = self.emits[known:]
        if self._alerts_first:
            self._desk_hears(emits)
        if type_ in self.desk.handlers:
            self._desk(type_, data, replace(context, type=type_))
        if not self._alerts_first:
            self._desk_hears(emits)
        return told

    def _desk_hears(self, emits: list[OutgoingEvent]) -> None:
        for emit in emits:
            context = Context(
                self.now, derive("alerts-detect", emit.seed, emit.type), emit.type, emit.correlation or ""
            )
            self._desk(emit.type, msgspec.to_builtins(emit.data), context)

    def _desk(self, type_: str, data: Any, context: Context) -> None:
        on = self.desk.handlers[type_]
        self._desk_takes(on.handle(self.customer_state, on.decode(msgspec.json.encode(data)), context))

    def _desk_takes(self, decision: Decision) -> None:
        self.desk_raw = None if decision.state is None else msgspec.msgpack.encode(decision.state)
        self.desk_wake = decision.timer_at
        for row in decision.writes:
            collection = self.documents.setdefault(row.collection, {})
            if row.new:
                self.said_new.append((row.collection, row.id))
            if row.doc is None:
                collection.pop(row.id, None)
            else:
                collection[row.id] = {"_id": row.id, **row.doc}
        self.may_go += [effect for effect in decision.effects if isinstance(effect, ReadyToSend)]
        self.desk_emits += decision.events
        for emit in decision.events:
            payload = msgspec.to_builtins(emit.data)
            msgspec.convert(payload, type(emit.data))  # keeps its contract
            if emit.type.startswith("kam.sms."):
                assert emit.correlation, "every SMS goes back to a record of BOSS"
                is_own = emit.causation and ("/" not in emit.causation or payload["step"] in (MANUAL, TEST))
                assert is_own, "and was caused by an event, or by the person who wrote it"
                self.told_sms.append(
                    " ".join(filter(None, (emit.type.split(".")[2], payload["step"], payload["reason"])))
                )
