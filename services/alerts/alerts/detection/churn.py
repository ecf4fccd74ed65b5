"""Churn warnings: one alert a customer and calendar month, for falling figures and for requests to stop or to port.

The alert follows the final figures, whatever the order in which they came (interfaces.md, "drop-30").
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from alerts.customer_lists import on_any
from alerts.detection.decision_builder import DecisionBuilder, worst
from alerts.detection.exclusions import bar, excluded_by
from alerts.detection.months import last_day, period_of
from alerts.detection.rows import KEPT_MONTHS
from alerts.detection.series import falls, figure_of
from alerts.detection.state import (
    AlertReason,
    CustomerState,
    Month,
    PendingRequest,
    Series,
    TrackedAlert,
    Values,
)
from alerts.rules import Condition, Fall, Metric, Request, Rules, Severity
from servicekit.clock import SHANGHAI, end_of, in_range, later
from servicekit.decision import Context
from servicekit.ids import boss_event_id

# KEPT_MONTHS: of a figure up to its newest; and warnings, the newest, and as many older ones that are open
_FOLLOWS_FIGURES = (None, "withdrawn", "superseded", "recovered")


# --- figures ----------------------------------------------------------------------------------------------------


def is_touched(state: CustomerState, figures: dict[str, Series], month: Month, rules: Rules) -> bool:
    """Whether a figure of this month can matter to any alert: some month falls, or has an alert."""
    rule = rules.fall
    last = month + rule.months
    for series in figures.values():
        later, end = month, series.first + len(series.values)
        while later < end and later <= last:
            if falls(series, later, rule) is not None:
                return True
            later += 1
    return bool(state.alerts) and any(key_of(m) in state.alerts for m in _reach(month, rules))


def fall_rule(rules: Rules, held: TrackedAlert | None) -> Fall:
    """The version that judges a month: the one that gave its alert a reason, else the one in force."""
    if held is None:
        return rules.fall
    gave = (*((reason.rule, reason.version) for reason in held.reasons), (held.rule, held.version))
    own = (rules.versions.get(version) for version in gave)
    return next((rule for rule in own if isinstance(rule, Fall)), rules.fall)


def is_forgotten(rule: Fall, state: CustomerState | DecisionBuilder, month: Month) -> bool:
    """Whether a month is too long ago to be judged: it is forgotten, or one of those before it."""
    before = month - rule.months
    return month < state.floor or any(len(s.values) == KEPT_MONTHS and before < s.first for s in state.figures.values())


# --- alerts -----------------------------------------------------------------------------------------------------


def look_around(builder: DecisionBuilder, month: Month) -> None:
    """A figure of this month came: look again at every alert it can move, the latest first.

    The month before can't begin to warn by it, but it may have recovered or be superseded.
    """
    end = max(series.first + len(series.values) for series in builder.figures.values())
    for each in _reach(month, builder.rules):
        # Further on than the version in force looks back, this figure is news only to alerts of other versions.
        is_near = month <= each <= month + builder.rules.fall.months
        if (is_near and each < end) or key_of(each) in builder.alerts:
            look(builder, each, may_admit=is_near)


def look_at_all(builder: DecisionBuilder) -> None:
    """The customer's record has come: everything remembered is judged now."""
    waiting: dict[Month, tuple[AlertReason, ...]] = {}
    behind = []
    for asked in builder.asked:
        if asked.cause.rule in builder.rules.stopped:
            continue
        causes = waiting.get(asked.month, ())
        if any(c.code == asked.cause.code for c in causes):
            behind.append(asked)
        else:
            waiting[asked.month] = (*causes, asked.cause)
    builder.asked = tuple(behind)
    months = {m for s in builder.figures.values() for m in range(s.first, s.first + len(s.values))} | set(waiting)
    for month in sorted(months, reverse=True):
        look(builder, month, waiting.get(month, ()))


def look(
    builder: DecisionBuilder, month: Month, requests: tuple[AlertReason, ...] = (), *, may_admit: bool = True
) -> None:
    """Bring the alert of one month in line with the figures, and with requests that have just come.

    A month that is forgotten, or whose months before are, stays as it is.
    """
    held = builder.alerts.get(key_of(month))
    rule = fall_rule(builder.rules, held)
    if month < builder.floor or (not requests and is_forgotten(rule, builder, month)):
        return
    if held is not None:
        requests = (*(c for c in held.reasons if _stays(builder, c)), *requests)
    falling = _falling(builder, month)
    admitted = held is not None and held.admitted
    if not admitted and may_admit and rule.id not in builder.rules.stopped:
        assert builder.profile is not None
        lists, customer_id = builder.rules.lists, builder.customer_id
        barred = excluded_by(rule, lists, customer_id, builder.profile, month) if falling else ()
        bar(builder, rule.id, month, barred)
        admitted = bool(falling) and not barred
    _settle(builder, month, (*(falling if admitted else ()), *requests), admitted)


def join(builder: DecisionBuilder, month: Month, reasons: Mapping[str, AlertReason | None]) -> None:
    """Reasons of conditions, by rule, join the alert of a month or change there; what is None leaves it."""
    held = builder.alerts.get(key_of(month))
    before = held.reasons if held is not None else ()
    kept = [reasons.get(c.rule, c) if c.code == c.rule else c for c in before]
    new = [c for rule, c in reasons.items() if all(b.rule != rule for b in before)]
    found = tuple(c for c in (*kept, *new) if c is not None)
    _settle(builder, month, found, held is not None and held.admitted)


def ask(builder: DecisionBuilder, month: Month, cause: AlertReason) -> None:
    """A request to stop or about porting: one reason of its kind joins the alert of its month, more wait behind it."""
    held = builder.alerts.get(key_of(month))
    if month < builder.floor:
        return
    reasons = held.reasons if held is not None else ()
    same = next((c for c in reasons if c.code == cause.code), None)
    if same is None:
        _settle(builder, month, (*reasons, cause), held is not None and held.admitted)
    elif _request_id(same) != _request_id(cause):
        builder.asked = remember(builder.asked, month, cause)


def take_back(builder: DecisionBuilder, request_id: str) -> None:
    """A request is another customer's now: its reason leaves the alert, and the next of its kind takes its place."""
    builder.asked = without(builder.asked, request_id)
    for key, held in list(builder.alerts.items()):
        gone = [c for c in held.reasons if _request_id(c) == request_id]
        if not key.startswith("churn/") or not gone:
            continue
        month = int(key.removeprefix("churn/"))
        reasons = tuple(c for c in held.reasons if c not in gone)
        follower = next((a for a in builder.asked if a.month == month and a.cause.code == gone[0].code), None)
        if follower is not None:
            builder.asked = tuple(a for a in builder.asked if a != follower)
            reasons = (*reasons, follower.cause)
        _settle(builder, month, reasons, held.admitted)


def forget(builder: DecisionBuilder) -> None:
    """Drop resolved warnings that are more than we keep, the oldest first; open ones that are too many give way."""
    months = sorted(int(key.removeprefix("churn/")) for key in builder.alerts if key.startswith("churn/"))
    older = months[:-KEPT_MONTHS]
    open_ = [m for m in older if builder.alerts[key_of(m)].outcome is None]
    for month in open_[:-KEPT_MONTHS]:
        builder.resolve(key_of(month), "superseded")
    for month in older:
        if builder.alerts[key_of(month)].outcome is not None:
            del builder.alerts[key_of(month)]
            builder.floor = max(builder.floor, month + 1)


def remember(asked: tuple[PendingRequest, ...], month: Month, cause: AlertReason) -> tuple[PendingRequest, ...]:
    """Keep a request that waits, in the order of months; of the newest months, as many as two a month."""
    return tuple(sorted((*asked, PendingRequest(month, cause)), key=lambda a: a.month)[-2 * KEPT_MONTHS :])


def without(asked: tuple[PendingRequest, ...], request_id: str) -> tuple[PendingRequest, ...]:
    """The waiting requests but this one."""
    return tuple(a for a in asked if _request_id(a.cause) != request_id)


def request_cause(rules: Rules, kind: str, request_id: str, requested_at: datetime, ctx: Context) -> AlertReason | None:
    """The reason a service request gives, None for kinds no rule asks about."""
    rule = rules.requests.get(kind)
    if rule is None:
        return None
    values: Values = {
        f"{rule.code}_id": request_id,
        f"{rule.code}_at": in_range(requested_at).astimezone(SHANGHAI).isoformat(),
    }
    return AlertReason(rule.id, rule.version, rule.code, values, (ctx.id,))


def _stays(builder: DecisionBuilder, cause: AlertReason) -> bool:
    """Whether a reason stays whatever becomes of what has fallen: a request's, or a condition's."""
    return not isinstance(builder.rules.churn(cause.rule, cause.version), Fall)


def _settle(builder: DecisionBuilder, month: Month, reasons: tuple[AlertReason, ...], admitted: bool) -> None:
    key = key_of(month)
    held = builder.alerts.get(key)
    if held is None:
        if not reasons:
            return
        _raise(builder, month, reasons)
    elif held.outcome not in _FOLLOWS_FIGURES:
        return  # a manager's outcome or leaving has ended it for good
    held = builder.alerts[key]
    if held.admitted != admitted:
        held = builder.alerts[key] = replace(held, admitted=admitted)
    outcome = _outcome(builder, month, reasons)
    reasons, leads = _led(builder, held, reasons)
    severity = _severity(builder, reasons) if reasons else held.severity
    if outcome is not None and outcome != held.outcome:
        builder.resolve(key, outcome, reasons=reasons, severity=severity, **leads)
    elif outcome != held.outcome or _gist(reasons) != _gist(held.reasons):
        builder.change(key, outcome=outcome, reasons=reasons, severity=severity, **leads)


def _led(
    builder: DecisionBuilder, held: TrackedAlert, reasons: tuple[AlertReason, ...]
) -> tuple[tuple[AlertReason, ...], dict[str, Any]]:
    """Where conditions take part, the alert's rule is its first reason's: the reason that it was raised by stays the
    first; where that has left the list, the alert is of the next one's rule."""
    is_of_one = isinstance(builder.rules.churn(held.rule, held.version), Condition)
    if is_of_one:
        reasons = tuple(sorted(reasons, key=lambda c: c.rule != held.rule))
    if not reasons or any(c.rule == held.rule for c in reasons):
        return reasons, {}
    first = reasons[0]
    if not is_of_one and not isinstance(builder.rules.churn(first.rule, first.version), Condition):
        return reasons, {}
    return reasons, {"rule": first.rule, "version": first.version}


def _raise(builder: DecisionBuilder, month: Month, reasons: tuple[AlertReason, ...]) -> None:
    period = period_of(month)
    late_after = builder.rules.churn(reasons[0].rule, reasons[0].version).late_after_days
    builder.raise_(
        key_of(month),
        "churn_warning",
        (builder.customer_id, period),
        reasons,
        _severity(builder, reasons),
        period=period,
        late=is_late(builder, month, late_after),
    )


def is_late(builder: DecisionBuilder, month: Month, after_days: int) -> bool:
    """Whether a month ended so long before the business clock that nothing is to be done about it."""
    return builder.clock_known and later(end_of(last_day(month)), timedelta(days=after_days)) < builder.now


def _outcome(builder: DecisionBuilder, month: Month, reasons: tuple[AlertReason, ...]) -> str | None:
    """How an alert with these reasons stands: None is open."""
    if not reasons:
        return "withdrawn"
    if any(_stays(builder, c) for c in reasons):
        return None
    following = builder.alerts.get(key_of(month + 1))
    if following is not None and following.admitted and _falling(builder, month + 1):
        return "superseded"
    return "recovered" if all(_recovered(builder, month + 1, c) for c in reasons) else None


def _recovered(builder: DecisionBuilder, month: Month, cause: AlertReason) -> bool:
    """Whether a figure of the next month is known and above the line of the baseline stored in the alert."""
    rule = builder.rules.churn(cause.rule, cause.version)
    assert isinstance(rule, Fall)
    figure = next(m.figure for m in rule.metrics if m.code == cause.code)
    value = figure_of(builder.figures.get(figure), month)
    base = cause.values[f"{figure}_base"]
    assert isinstance(base, int)
    return value is not None and 100 * rule.months * value > rule.percent * base


def _falling(builder: DecisionBuilder, month: Month) -> tuple[AlertReason, ...]:
    """A reason for each figure that has fallen, by the rule version that raised the alert or the one in force."""
    rule = fall_rule(builder.rules, builder.alerts.get(key_of(month)))
    causes = []
    for metric in rule.metrics:
        series = builder.figures.get(metric.figure)
        if series is not None and (base := falls(series, month, rule)) is not None:
            causes.append(_cause(rule, metric, builder.customer_id, series, month, base))
    return tuple(causes)


def _cause(rule: Fall, metric: Metric, customer_id: str, series: Series, month: Month, base: int) -> AlertReason:
    """Values: the figure, the sum of the months before, and its share of their mean in whole percent."""
    figure, name = series.values[month - series.first], metric.figure
    assert figure is not None
    values: Values = {name: figure, f"{name}_base": base, f"{name}_percent": 100 * rule.months * figure // base}
    evidence = tuple(
        boss_event_id(metric.record, f"{customer_id}/{period_of(m)}", series.revisions.get(m, 1))
        for m in range(month, month - rule.months - 1, -1)
    )
    return AlertReason(rule.id, rule.version, metric.code, values, evidence)


def _request_id(cause: AlertReason) -> object:
    return cause.values.get(f"{cause.code}_id")


def _severity(builder: DecisionBuilder, reasons: tuple[AlertReason, ...]) -> str:
    return worst([severity_of(builder, builder.rules.churn(c.rule, c.version)) for c in reasons])


def severity_of(builder: DecisionBuilder, rule: Fall | Request | Condition) -> Severity:
    """How grave a reason of a rule is: of customers on one of its VIP lists as grave as can be."""
    is_vip = not isinstance(rule, Request) and on_any(builder.rules.lists, rule.vip_lists, builder.customer_id)
    return "critical" if is_vip else rule.severity


def _gist(reasons: tuple[AlertReason, ...]) -> list[tuple[str, object]]:
    return [(c.code, c.values) for c in reasons]


def key_of(month: Month) -> str:
    """Key of the warning of a month."""
    return f"churn/{month}"


def _reach(month: Month, rules: Rules) -> range:
    return range(month + rules.reach, month - 2, -1)
