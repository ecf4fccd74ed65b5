"""Warnings that staff build of figures: which months a record judges, and what becomes of their reasons (interfaces.md,
"Rules at run time").

A rule judges when a record of its own kinds comes: one of a month that month, and those after it whose window reaches
it; any other the month of the business clock. Other records of a month only correct figures: of them a rule looks again
at months where its reason stands or stood, with all else as it was known then.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from alerts.conditions.facts import Facts, Source
from alerts.conditions.figures import CARRIED, RECORDS, Family, Value
from alerts.detection import churn
from alerts.detection.decision_builder import DecisionBuilder
from alerts.detection.exclusions import bar, excluded_by
from alerts.detection.figures import Remembered, StateFigures, newest_month
from alerts.detection.months import month_of_instant, period_of
from alerts.detection.rows import KEPT_MONTHS, Row, rows_of
from alerts.detection.state import AlertReason, CustomerState, Judged, Month, Values
from alerts.rules import Condition, Rules, Watch
from servicekit.decision import Context
from servicekit.ids import boss_event_id

_FOLLOWED = 200  # attention alerts of a customer


# --- which months -------------------------------------------------------------------------------------------------


def is_touched(rules: Rules, state: CustomerState, kind: str, month: Month, row: Row, ctx: Context) -> bool:
    """Whether a figure of this month, with its ``row``, matters to a condition: one warns, or a reason of it stands or
    stood."""
    if any(month <= each <= month + rules.watched_months for months in state.judged.values() for each in months):
        return True
    found = rules.together.get(kind)
    if found is None:
        return False
    now = ctx.now if state.looked_at is None else max(ctx.now, state.looked_at)  # as whoever decides will see it
    for each in _months(state, month, found.reach):
        if found.is_any_met(StateFigures(state, each, now, (kind, month, row)), each - month):
            return True
    return False


def look_around(builder: DecisionBuilder, kind: str, month: Month) -> None:
    """A record of this month came: of a BILL or USAGE its period, of others the business clock's."""
    if not (builder.rules.watching or builder.judged):
        return
    months = _months(builder, month, builder.rules.watched_months) if kind in CARRIED else [month]
    for each in months:
        _look(builder, kind, each, since=each - month)


def look_at_all(builder: DecisionBuilder) -> None:
    """The customer's record has come: everything remembered is judged now, as the records of each month would have
    judged it."""
    heard = {name.partition("/")[0] for name in builder.heard}
    newest = newest_month(builder)
    for kind in builder.rules.watching:
        if kind not in CARRIED:
            if kind in heard and builder.clock_known:
                look_around(builder, kind, month_of_instant(builder.now))
            continue
        told = _told(builder, kind)
        for each in range(newest, min(told, default=newest + 1) - 1, -1):
            _look(builder, kind, each, since=each - max(month for month in told if month <= each))


def _told(builder: DecisionBuilder, kind: str) -> set[Month]:
    """Months of which records of this kind have said something."""
    series, rows = builder.figures.get(CARRIED[kind]), builder.rows.get(kind)
    figures = () if series is None else ((series.first + n, value) for n, value in enumerate(series.values))
    others = () if rows is None else ((rows.first + n, row) for n, row in enumerate(rows_of(rows)))
    return {month for month, said in (*figures, *others) if said is not None}


def _months(state: Remembered, month: Month, reach: int) -> list[Month]:
    """This month and those after it that have figures, the latest first."""
    return list(range(max(month, min(month + reach, newest_month(state))), month - 1, -1))


# --- one month ----------------------------------------------------------------------------------------------------


def _look(builder: DecisionBuilder, kind: str, month: Month, since: int) -> None:
    """Judge a month by every rule that this record concerns; ``since``: so many months after the record's own."""
    if month < builder.floor:
        return
    facts = facts_of(builder, month, builder.now)
    reasons: list[tuple[Watch, AlertReason | None]] = []
    for watch in _concerned(builder, kind, month):
        rule, compiled = watch.rule, watch.compiled
        if since > compiled.reach or _is_forgotten(builder, month, compiled.reach):
            continue
        stood = builder.judged.get(rule.id, {}).get(month)
        own = kind in rule.on
        seen = facts if own else facts_of(builder, month, builder.now, stood)
        met = compiled.is_met(seen)
        if stood is None:
            barred = _barred(builder, rule, month) if met else ()
            bar(builder, rule.id, month, barred)
            if barred or not met:
                continue
        _keep(builder, rule.id, month, Judged(rule.version, met, _of_now(watch, seen)))
        reasons.append((watch, _reason(builder, watch, month, seen) if met else None))
    _settle(builder, month, reasons)


def _concerned(builder: DecisionBuilder, kind: str, month: Month) -> Iterable[Watch]:
    """Rules by id: those that look on this kind, and of a month's figures those whose reason stands or stood there.
    What has judged a month goes on judging it: a switch judges nothing anew."""
    rules = builder.rules
    found = {watch.rule.id: watch for watch in rules.watching.get(kind, ())}
    for id, months in builder.judged.items():
        before = months.get(month)
        if before is not None and (watch := rules.watches.get((id, before.version))) is not None:
            if kind in watch.rule.on or kind in CARRIED:
                found[id] = watch
            else:
                found.pop(id, None)
    return [found[id] for id in sorted(found)]


def _barred(builder: DecisionBuilder, rule: Condition, month: Month) -> tuple[str, ...]:
    """What of the exclusions of the fall rule and its own holds, asked once: when the reason comes."""
    assert builder.profile is not None
    return excluded_by(builder.rules.fall, builder.rules.lists, builder.customer_id, builder.profile, month, rule)


def _is_forgotten(builder: DecisionBuilder, month: Month, reach: int) -> bool:
    """Whether figures that this month is judged by may have been let go: then all stays as it is."""
    return month - reach <= newest_month(builder) - KEPT_MONTHS


def _keep(builder: DecisionBuilder, rule: str, month: Month, judged: Judged) -> None:
    months = {**builder.judged.get(rule, {}), month: judged}
    oldest = max(builder.floor, max(months) - KEPT_MONTHS + 1)
    builder.judged = {**builder.judged, rule: {m: j for m, j in months.items() if m >= oldest}}


def facts_of(state: Remembered, month: Month, now: datetime, stood: Judged | None = None) -> Facts:
    """What a rule is judged by in a month; with what it knew of now, where its reason stands or stood there."""
    source = StateFigures(state, month, now)
    return source if stood is None else Facts(_AsOf(source, stood.now))


# --- reasons ------------------------------------------------------------------------------------------------------


class _AsOf:
    """Figures of months as they are, the others as a rule knew them."""

    def __init__(self, source: Source, now: Mapping[str, Value]) -> None:
        self.month = source.month
        self._now = now

    def now(self, figure: str) -> Value:
        return self._now.get(figure)


def _of_now(watch: Watch, facts: Facts) -> dict[str, Value]:
    return {figure: facts[figure] for figure in sorted(watch.compiled.of_now) if facts[figure] is not None}


def _reason(builder: DecisionBuilder, watch: Watch, month: Month, facts: Facts) -> AlertReason:
    """Values: each figure that is asked for and its limit; evidence: records of the months, and what made it look."""
    values: Values = {}
    for told in watch.compiled.trace(facts):
        name = told.figure.replace(".", "_")
        values[name] = told.value
        if told.limit is not None:
            values[f"{name}_limit"] = told.limit
    evidence = [
        id for family, window in watch.compiled.windows.items() for id in _evidence(builder, family, month, window)
    ]
    rule = watch.rule
    return AlertReason(rule.id, rule.version, rule.id, values, tuple(dict.fromkeys((*evidence, builder.ctx.id))))


def _evidence(builder: DecisionBuilder, family: Family, month: Month, window: int) -> list[str]:
    kind = RECORDS[family]
    series = None if kind is None else builder.figures.get(CARRIED[kind])
    if kind is None or series is None:
        return []
    return [
        boss_event_id(kind, f"{builder.customer_id}/{period_of(each)}", series.revisions.get(each, 1))
        for each in range(month, month - window - 1, -1)
        if 0 <= each - series.first < len(series.values)
    ]


def _settle(builder: DecisionBuilder, month: Month, reasons: list[tuple[Watch, AlertReason | None]]) -> None:
    of_churn = {w.rule.id: reason for w, reason in reasons if w.rule.alert == "churn_warning"}
    if of_churn:
        churn.join(builder, month, of_churn)
    for watch, reason in reasons:
        if watch.rule.alert == "attention":
            _attend(builder, watch, month, reason)


# --- attention ----------------------------------------------------------------------------------------------------


def _attend(builder: DecisionBuilder, watch: Watch, month: Month, reason: AlertReason | None) -> None:
    """The alert of a rule and month, which asks for attention and no more."""
    rule, key = watch.rule, key_of(watch.rule.id, month)
    held = builder.alerts.get(key)
    if held is None:
        if reason is not None:
            period = period_of(month)
            builder.raise_(
                key,
                "attention",
                (rule.id, builder.customer_id, period),
                (reason,),
                churn.severity_of(builder, rule),
                period=period,
                late=churn.is_late(builder, month, rule.late_after_days),
            )
    elif held.outcome not in (None, "withdrawn"):
        return  # a manager's outcome or leaving has ended it for good
    elif reason is None:
        if held.outcome is None:
            builder.resolve(key, "withdrawn", reasons=())
    elif held.outcome is not None or reason.values != held.reasons[0].values:
        builder.change(key, outcome=None, reasons=(reason,), severity=churn.severity_of(builder, rule))


def key_of(rule: str, month: Month) -> str:
    """Key of the attention alert of a rule and month."""
    return f"attention/{rule}/{month}"


def forget(builder: DecisionBuilder) -> None:
    """Let go of attention alerts that are too many, the oldest months first."""
    keys = [key for key in builder.alerts if key.startswith("attention/")]
    for key in sorted(keys, key=lambda key: int(key.rpartition("/")[2]))[:-_FOLLOWED]:
        builder.let_go(key)
