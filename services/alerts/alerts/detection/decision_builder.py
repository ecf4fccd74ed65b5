"""One decision in the making: the state so far and the events of the alerts it moves."""

from datetime import date, datetime
from typing import Any

from msgspec.structs import replace

from alerts.detection import bounds, maintenance
from alerts.detection.state import (
    AlertRaised,
    AlertReason,
    CustomerState,
    Ended,
    Joins,
    TrackedAlert,
    TrackedComplaint,
    TrackedContract,
    Waits,
)
from alerts.rules import Rules
from contracts.alert import Alert, CalendarRef, Reason, RuleRef, ShadowAlert
from contracts.brake import BOOK
from contracts.registry import SHADOW
from servicekit.clock import local_date
from servicekit.dead_letter import REPLAYS
from servicekit.decision import Context, Decision, Forward, OutgoingEvent
from servicekit.envelope import BASELINE
from servicekit.ids import derive

APP = "alerts-detect"
#: what tells the brake's book that an alert waits (braking.py)
JOIN = "brake.join"
_RANK = ("critical", "major", "minor")


class DecisionBuilder:
    """Local to one call of a handler; what it hands out at the end (``decision``) is plain data.

    ``alerts``, ``debt``, ``tickets``, ``terms``, ``asked``, ``floor`` and ``figures`` may be changed in place.
    """

    def __init__(self, state: CustomerState, ctx: Context, rules: Rules) -> None:
        self.customer_id, self.profile, self.ctx, self.rules = state.customer_id, state.profile, ctx, rules
        # A wake-up comes at the clock all topics have reached; this customer may have been judged at a later one.
        self.now: datetime = max(ctx.now, state.looked_at or ctx.now)
        self.today: date = local_date(self.now)
        self.figures, self.floor, self.asked, self.debt = state.figures, state.floor, state.asked, state.debt
        self.alerts = dict(state.alerts)
        self.tickets: dict[str, TrackedComplaint] = dict(state.tickets)
        self.terms: dict[str, TrackedContract] = dict(state.terms)
        self.heard = state.heard
        self.ended: dict[str, Ended] = dict(state.ended)
        self.rows, self.said = state.rows, state.said
        self.judged, self.barred = state.judged, state.barred
        self.shadow = state.shadow
        self._was_unknown = state.profile is None
        self._in_baseline = baseline_of(ctx)
        self._baseline = self._in_baseline or state.baseline
        self.events: list[OutgoingEvent] = []
        self.joins: list[Joins] = []
        self.raised = 0

    @property
    def clock_known(self) -> bool:
        return self.now.year > 1970

    @property
    def waking(self) -> bool:
        return self.ctx.type == "wake"

    @property
    def is_baseline(self) -> bool:
        """Whether what is new now comes of a first load: of one of its records, or, on its days, of the clock or of
        the customer's own record, which may come by another road."""
        if self._in_baseline is not None:
            return True
        follows = self.waking or self._was_unknown
        return follows and self._baseline is not None and self.today <= self._baseline

    @property
    def may_raise(self) -> bool:
        return self.profile is not None and not self.profile.left

    # --- the life of an alert -----------------------------------------------------------------------------------

    def raise_(
        self,
        key: str,
        kind: str,
        parts: tuple[object, ...],
        reasons: tuple[AlertReason, ...],
        severity: str,
        *,
        stage: str | None = None,
        period: str | None = None,
        late: bool = False,
        due_at: datetime | None = None,
        soon_at: datetime | None = None,
        calendar: CalendarRef | None = None,
        origin: tuple[str, str] | None = None,
    ) -> None:
        """A new alert; ``parts`` are its key, its id is derived from them. One of which a trace is left reopens.

        ``origin``: event id and correlation of the record that an alert raised by the clock goes back to.
        """
        assert self.profile is not None
        first = reasons[0]
        cause, correlation = self.ctx.id, self.ctx.correlation
        if self.waking and origin is not None:
            cause, correlation = origin
        alert_id = derive("shadow" if self.rules.is_shadow else "alert", kind, *parts)
        before = self.ended.pop(alert_id, None)
        held = TrackedAlert(
            alert_id=alert_id,
            kind=kind,
            revision=1 if before is None else before.revision + 1,
            last="raised" if before is None else "changed",
            outcome=None,
            stage=stage,
            severity=severity,
            rule=first.rule,
            version=first.version,
            reasons=reasons,
            raised_at=self.now if before is None else before.raised_at,
            correlation=correlation,
            city=self.profile.city,
            manager_id=self.profile.manager_id,
            period=period,
            late=late,
            due_at=due_at,
            soon_at=soon_at,
            calendar=calendar,
            suppressed=maintenance.held_by(self.rules.maintenance, kind, self.profile.city, self.now),
            opened_at=self.ctx.now,
            work_revision=0 if before is None else before.work_revision,
            baseline=self.is_baseline,
        )
        held = self._braked(held, before)
        self.raised += before is None and held.waits is None
        self._say(key, held, before, cause)

    def change(self, key: str, **changes: Any) -> None:
        """Something of an alert is different now; an ``outcome`` of None reopens a resolved one."""
        self._move(key, "changed", changes)

    def resolve(self, key: str, outcome: str, *, by: str | None = None, **changes: Any) -> None:
        """The alert ends with this outcome."""
        self._move(key, "resolved", {"outcome": outcome, **changes}, by)

    def let_go(self, key: str) -> None:
        """Follow an alert no longer, to keep the state small: an open one gives way to newer ones, a trace stays."""
        if self.alerts[key].outcome is None:
            self.resolve(key, "superseded")
        held = self.alerts.pop(key)
        if not held.told:
            return  # to nobody it ever was
        self.ended[held.alert_id] = Ended(held.revision, held.raised_at, held.outcome, held.stage, held.work_revision)
        for alert_id in list(self.ended)[: -bounds.TRACES]:
            del self.ended[alert_id]

    def _move(self, key: str, verb: str, changes: dict[str, Any], by: str | None = None) -> None:
        before = self.alerts[key]
        # A step of the clock is caused by what the alert said last; a message is its own cause.
        last = derive(APP, f"{before.alert_id}|{before.revision}", self._type(before.last))
        held = replace(
            before,
            revision=before.revision + 1,
            last=verb,
            correlation=before.correlation if self.waking else self.ctx.correlation,
            # An alert may be older than what BOSS says of the customer's city.
            city=before.city if before.city or self.profile is None else self.profile.city,
            **changes,
        )
        if (held.stage, held.outcome) != (before.stage, before.outcome):
            held = replace(held, baseline=self.is_baseline)
        windows = self.rules.maintenance
        if before.outcome is not None and held.outcome is None:
            suppressed = maintenance.held_by(windows, held.kind, held.city, self.now)
            held = replace(held, opened_at=self.ctx.now, suppressed=suppressed)
        elif held.outcome is None:
            held = replace(held, suppressed=maintenance.held_on(held, windows, self.now))
        self._say(key, self._braked(held, before), before, last if self.waking else self.ctx.id, by)

    # --- the brake ----------------------------------------------------------------------------------------------

    def _braked(self, held: TrackedAlert, before: TrackedAlert | Ended | None) -> TrackedAlert:
        """Whether what is new of an alert waits: where a step speaks of many, and the brake is on. What ends waits for
        nobody; nor does what somebody says of this customer alone. What waits goes on waiting, whatever steps there are
        and whether or not the brake is still on."""
        step = None if held.outcome is not None else self._step()
        if step is None:
            return held if held.waits is None else replace(held, waits=None)
        brake = self.rules.brake
        was_suppressed = isinstance(before, TrackedAlert) and before.suppressed is not None
        is_news = (
            before is None
            or before.outcome is not None
            or held.stage != before.stage
            or (was_suppressed and held.suppressed is None)
        )
        is_on = brake is not None and brake.enabled
        if not is_on or held.waits is not None or held.late or held.city is None or not is_news:
            return held
        group = derive("release", "step", held.city, held.kind, step)
        others = (other for other in self.alerts.values() if other.alert_id != held.alert_id)
        # Customers are counted, not their alerts; who waits with one is told of all.
        if not any(other.waits is not None and other.waits.group == group for other in others):
            self.joins.append(Joins(group, held.city, held.kind, step, self._is_whole, self.customer_id))
        if before is None or (isinstance(before, TrackedAlert) and not before.told):
            return replace(held, waits=Waits(group), told=False)
        return replace(held, waits=Waits(group, before.stage, before.outcome))

    def _step(self) -> str | None:
        """The file or the day that this is a part of; None for what is said of one customer."""
        if self.waking:
            return self.today.isoformat()
        road, _, file = self.ctx.correlation.partition(":")
        return file.partition("#")[0] if road == "file" else None

    @property
    def _is_whole(self) -> bool:
        """Whether no end of the step is to come: of a day, and of a file whose dead letter is replayed."""
        return self.waking or (self.ctx.message is not None and REPLAYS in self.ctx.message.headers)

    def speak(self, key: str) -> None:
        """What waited of an alert is said."""
        held = self.alerts[key]
        assert held.waits is not None
        known = replace(held, stage=held.waits.stage, outcome=held.waits.outcome) if held.told else None
        held = replace(held, suppressed=maintenance.held_on(held, self.rules.maintenance, self.now))
        evidence = held.reasons[0].evidence if held.reasons else ()
        self._say(key, replace(held, waits=None), known, evidence[-1] if evidence else held.correlation)

    def hush(self, key: str, by: str | None) -> None:
        """What waited of an alert is never said: one that nobody has heard of is closed, others stay as they are known,
        but for the stage, which is not told again."""
        held = self.alerts[key]
        assert held.waits is not None
        if not held.told and held.outcome is None:
            self.resolve(key, "false_alarm", by=by)
        else:
            outcome = held.waits.outcome if held.told else held.outcome
            self.alerts[key] = replace(held, waits=None, outcome=outcome)

    def _say(
        self, key: str, held: TrackedAlert, before: TrackedAlert | Ended | None, cause: str, by: str | None = None
    ) -> None:
        """Keep it as it is now, and tell of it, unless it waits, or ended before anybody heard of it."""
        is_unheard = not held.told
        if held.waits is None and not (is_unheard and held.outcome is not None):
            if is_unheard:
                held, before = replace(held, told=True, last="raised"), None
            self._tell(held, before, cause, by)
        self.alerts[key] = held

    # --- telling ------------------------------------------------------------------------------------------------

    def _tell(self, held: TrackedAlert, before: TrackedAlert | Ended | None, cause: str, by: str | None = None) -> None:
        alert = (ShadowAlert if self.rules.is_shadow else Alert)(
            alert_id=held.alert_id,
            kind=held.kind,
            customer_id=self.customer_id,
            revision=held.revision,
            state="raised" if held.outcome is None else "resolved",
            stage=held.stage,
            previous_stage=before.stage if before is not None else None,
            severity=held.severity,  # type: ignore[arg-type]
            rule=RuleRef(id=held.rule, version=held.version),
            reasons=tuple(
                Reason(rule=RuleRef(id=c.rule, version=c.version), code=c.code, values=c.values, evidence=c.evidence)
                for c in held.reasons
            ),
            values={name: value for c in held.reasons for name, value in c.values.items()},
            evidence=tuple(dict.fromkeys(id for c in held.reasons for id in c.evidence)),
            period=held.period,
            late=held.late,
            city=held.city,
            manager_id=held.manager_id,
            outcome=held.outcome,
            baseline=held.baseline,
            reopened=before is not None and before.outcome is not None and held.outcome is None,
            raised_at=held.raised_at,
            at=self.now,
            due_at=held.due_at,
            by=by,
            calendar=held.calendar,
            suppressed=held.suppressed,
        )
        self.events.append(
            OutgoingEvent(
                self._type(held.last),
                alert,
                subject=self.customer_id,
                seed=f"{held.alert_id}|{held.revision}",
                causation=cause,
                correlation=held.correlation,
            )
        )

    def _type(self, verb: str) -> str:
        return f"{SHADOW if self.rules.is_shadow else 'kam.alert.'}{verb}.v1"

    # --- the end ------------------------------------------------------------------------------------------------

    def decision(self, wake: datetime | None) -> Decision:
        state = CustomerState(
            self.customer_id,
            self.profile,
            self.now,
            wake,
            self.figures,
            self.floor,
            self.alerts,
            self.asked,
            self.debt,
            self.tickets,
            self.terms,
            self.heard,
            self.ended,
            self.rows,
            self.said,
            self.judged,
            shadow=self.shadow,
            baseline=self._baseline if self._baseline is not None and self.today <= self._baseline else None,
            barred=self.barred,
        )
        # How long that took is measured behind the commit.
        effects = (AlertRaised(self.ctx.accepted),) * self.raised if self.ctx.accepted else ()
        forwards = tuple(Forward(BOOK, JOIN, joins) for joins in self.joins)
        return Decision(state, tuple(self.events), wake, effects=effects, forwards=forwards)


def baseline_of(ctx: Context) -> date | None:
    """The last business date of the first load that a record came with; None of any other message."""
    said = None if ctx.message is None else ctx.message.headers.get(BASELINE)
    try:
        return None if said is None else date.fromisoformat(said.decode())
    except ValueError:
        return None


def worst(severities: list[str]) -> str:
    """The gravest of some severities."""
    return min(severities, key=_RANK.index)
