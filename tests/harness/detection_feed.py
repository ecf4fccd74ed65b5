"""One customer's road through the detector, without any machinery: records in, alerts out, by the feed's clock."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from alerts.detection import app
from alerts.detection.state import CustomerState
from alerts.rules import Rules, load
from contracts.alert import Alert
from servicekit.clock import SHANGHAI
from servicekit.decision import Context, Decision, OutgoingEvent
from servicekit.envelope import BASELINE, Message
from servicekit.ids import boss_event_id, derive

RULES = load()
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
# type -> kind of the record and the fields of its key
_RECORDS = {
    "customer.changed": ("CUST", ("customer_id",)),
    "customer.left": ("CUST", ("customer_id",)),
    "bill.issued": ("BILL", ("customer_id", "period")),
    "usage.summarised": ("USAGE", ("customer_id", "period")),
    "arrears.changed": ("ARR", ("customer_id",)),
    "contract.changed": ("CONT", ("contract_id",)),
    "complaint.changed": ("COMP", ("complaint_id",)),
    "service.requested": ("SERV", ("request_id",)),
    "balance.changed": ("BAL", ("customer_id",)),
    "payment.received": ("PAY", ("payment_id",)),
}


def at(text: str) -> datetime:
    """Instant of a local time, ``2026-06-30`` (10:00) or ``2026-06-30 12:30``; texts with an offset as they are."""
    found = datetime.fromisoformat(text if len(text) > 10 else f"{text} 10:00")
    return found if found.tzinfo else found.replace(tzinfo=SHANGHAI)


class Feed:
    """Gives every record its revision, drops what is stale or nothing new, and keeps the state as stored bytes.

    ``heard`` are the messages so far, which can be replayed as a dead letter is. ``baseline``: records are of a first
    load with this last business date, while it is set.
    """

    def __init__(self, customer_id: str = "c1", rules: Rules = RULES) -> None:
        self.customer_id, self.now = customer_id, _EPOCH
        self.app = app(rules)
        self.baseline = ""
        self.raw: bytes | None = None
        self.wake: datetime | None = None
        self.emits: list[OutgoingEvent] = []
        self.told: list[str] = []
        self.heard: list[tuple[str, dict[str, Any], Context]] = []
        self._known: dict[tuple[str, str], tuple[int, datetime, Any]] = {}
        self._owner: dict[tuple[str, str], int] = {}

    # --- in -----------------------------------------------------------------------------------------------------

    def boss(self, type_: str, when: str | None = None, /, **data: Any) -> list[str]:
        """A record of BOSS (``bill.issued``); returns what became of alerts: ``churn_warning raised``, …"""
        effective = at(when) if when else self.now
        data = {"customer_id": self.customer_id, **data}
        kind, fields = _RECORDS[type_]
        key = "/".join(str(data[f]) for f in fields)
        revision, known_at, known = self._known.get((kind, key), (0, _EPOCH, None))
        self.now = max(self.now, effective)
        if known == (type_, data) or effective < known_at:
            return []
        self._known[kind, key] = (revision + 1, effective, (type_, data))
        id_ = boss_event_id(kind, key, revision + 1)
        owner = self._owner.get((kind, key), 0)
        loaded = {BASELINE: self.baseline.encode()} if self.baseline else {}
        record = Message("boss.events", 0, 0, b"c1", dict(loaded), None)
        context = Context(self.now, id_, type_, f"feed:test#{id_}", revision + 1, _text(effective), record, owner)
        return self._hear(f"kam.boss.{type_}.v1", data, context)

    def hand_over(
        self, to: "Feed", type_: str, when: str, /, *, dead: bool = False, **data: Any
    ) -> tuple[list[str], list[str]]:
        """A record with an id of its own becomes another customer's; returns what became of alerts here and there.

        ``dead``: the word of it is a dead letter here, which may be replayed.
        """
        kind, fields = _RECORDS[type_]
        key = "/".join(str(data[f]) for f in fields)
        revision, *known = self._known[kind, key]
        self.now = max(self.now, at(when))
        moved = {
            "kind": kind, "record_id": key, "customer_id": self.customer_id, "moved_to": to.customer_id,
            "moved_at": _text(at(when)),
        }  # fmt: skip
        id_ = f"moved-{kind}-{key}-{revision + 1}"
        type_moved = "kam.boss.record.moved.v1"
        context = Context(self.now, id_, type_moved, f"feed:test#{id_}", revision + 1, _text(at(when)))
        if dead:
            here = []
            self.heard.append((type_moved, moved, context))
        else:
            here = self._hear(type_moved, moved, context)
        to._known[kind, key] = (revision, known[0], None)
        to._owner[kind, key] = revision + 1
        return here, to.boss(type_, when, **data)

    def replay(self, number: int) -> list[str]:
        """An earlier message once more, as a replayed dead letter: as it was, at the clock that is now."""
        type_, data, context = self.heard[number]
        return self._handle(type_, data, replace(context, now=self.now))

    def manager(self, alert: Alert, outcome: str, by: str | None = "m1", **more: Any) -> list[str]:
        """A work item was closed; ``more``: its ``revision``, and ``at``."""
        data = {"customer_id": self.customer_id, "alert_id": alert.alert_id, "outcome": outcome, "by": by, **more}
        return self._hear("kam.work.closed.v1", data, Context(self.now, "work-1", "kam.work.closed.v1", "feed:test#w"))

    def tick(self, when: str | None = None) -> list[str]:
        """The business clock reached a moment after all that was accepted before it."""
        if when:
            self.now = max(self.now, at(when))
        told: list[str] = []
        while self.wake is not None and self.wake <= self.now:
            context = Context(self.now, "wake/x", "wake", "wake/x")
            assert self.app.on_timer is not None
            told += self._take(self.app.on_timer(self.state, context), context)
            assert self.wake is None or self.wake > self.now, "a wake-up must not ask for the past"
        return told

    # --- out ----------------------------------------------------------------------------------------------------

    @property
    def state(self) -> CustomerState | None:
        return None if self.raw is None else msgspec.msgpack.decode(self.raw, type=CustomerState)

    @property
    def history(self) -> list[Alert]:
        """Every alert event's payload, in order."""
        return [emit.data for emit in self.emits]  # type: ignore[misc]

    def alerts(self, kind: str | None = None) -> list[Alert]:
        """Alerts as they stand, in the order they were raised."""
        latest = {alert.alert_id: alert for alert in self.history}
        return [a for a in latest.values() if kind is None or a.kind == kind]

    def _hear(self, type_: str, data: dict[str, Any], context: Context) -> list[str]:
        self.heard.append((type_, data, context))
        return self._handle(type_, data, context)

    def _handle(self, type_: str, data: dict[str, Any], context: Context) -> list[str]:
        on = self.app.handlers[type_]
        return self._take(on.handle(self.state, on.decode(msgspec.json.encode(data)), context), context)

    def _take(self, decision: Decision, context: Context) -> list[str]:
        self.raw = None if decision.state is None else msgspec.msgpack.encode(decision.state)
        assert decision.state is None or decision.state.wake == decision.timer_at
        self.wake = decision.timer_at
        told = []
        for emit in decision.events:
            alert = emit.data
            assert isinstance(alert, Alert)
            previous = [e for e in self.emits if e.data.alert_id == alert.alert_id]  # type: ignore[attr-defined]
            assert alert.revision == len(previous) + 1, "revisions count the events of an alert"
            assert emit.seed == f"{alert.alert_id}|{alert.revision}"
            if context.type == "wake" and previous:
                last = previous[-1]
                assert emit.causation == derive("alerts-detect", last.seed, last.type)
            for cause in (emit.causation, emit.correlation):
                assert cause and not cause.startswith("wake/"), "a step of the clock goes back to a record, too"
            self.emits.append(emit)
            verb = emit.type.removeprefix("kam.alert.").rpartition(".")[0]
            told.append(" ".join(filter(None, (alert.kind, alert.period, verb, alert.stage, alert.outcome))))
        self.told += told
        return told


def _text(instant: datetime) -> str:
    return instant.isoformat()
