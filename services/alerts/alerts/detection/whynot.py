"""Of a rule in force and a month: each condition as it stands, in words, and what holds a warning back. Pure.

What is met is asked of the functions that decide, of the final figures and by the version in force (``why_not.py``
tells the same by the version that an alert has). *Excluded* wins over everything.
"""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from alerts.conditions.figures import FIGURES
from alerts.detection import arrears, churn, conditioned, contract
from alerts.detection.exclusions import excluded_by, said_then
from alerts.detection.exclusions import said as exclusion_said
from alerts.detection.figures import newest_month
from alerts.detection.months import month_of, month_of_instant, period_of
from alerts.detection.series import falls, figure_of
from alerts.detection.state import CustomerState, Month, Profile, TrackedAlert
from alerts.rules import ALERTS, Arrears, Complaint, Condition, Contract, Fall, Request, Rule, Rules, type_of
from servicekit.clock import NEVER, iso, local_date
from servicekit.decision import Context, Decision, Refused
from servicekit.words import said, yuan

ASK = "kam.command.whynot"
Result = Literal["met", "not_met", "unknown", "excluded"]
_MOST = 50  # conditions that are told of a rule: of many contracts and complaints the first


class Ask(Struct, frozen=True):
    """Command: say how rules stand for a customer: one in force, or each. ``period``: a month ``yyyymm``."""

    customer_id: str
    rule: str | None = None
    period: str | None = None


class Told(Struct, frozen=True, kw_only=True):
    """A condition, before any ``not`` above it; ``met`` None: unknown. ``unit``: of value and limit, ``fen``, …"""

    text_zh: str
    text_en: str
    value: int | str | bool | None
    limit: int | str | bool | None
    met: bool | None
    unit: str = "none"


class Exclusion(Struct, frozen=True):
    """What holds a warning back; ``held_at``: what held it back when the month was judged, ISO 8601, and would no more,
    None: it does now."""

    code: str
    zh: str
    en: str
    held_at: str | None = None


class Answer(Struct, frozen=True, kw_only=True):
    """What a rule says of a customer in a month; ``alert_id``: the alert that it gave a reason to; ``kind``: of the
    alert that it raises."""

    customer_id: str
    rule: str
    version: int
    kind: str
    period: str
    result: Result
    alert_id: str | None
    conditions: tuple[Told, ...]
    exclusions: tuple[Exclusion, ...]


def on_ask(rules: Rules, state: CustomerState | None, data: Ask, ctx: Context) -> Decision:
    """Answers with a list of ``Answer`` and changes nothing. Raises ``Refused``."""
    if state is None:
        raise Refused("not_found", "没有此客户", "there is no such customer", 404)
    if data.rule is not None and data.rule not in rules.in_force:
        raise Refused(
            "not_in_force",
            f"没有启用中的规则 {data.rule}；看 kam rule list",
            f"no rule {data.rule} is in force: see kam rule list",
            404,
            "rule",
        )
    return Decision(state, timer_at=state.wake, answer=tuple(whynot(rules, state, ctx.now, data.rule, data.period)))


def whynot(
    rules: Rules, state: CustomerState, now: datetime, rule: str | None = None, period: str | None = None
) -> list[Answer]:
    """Of one rule in force, or each (none where it is not in force); of a month ``yyyymm``, else the newest with a
    figure."""
    now = max(now, state.looked_at or now)
    newest = newest_month(state)
    month = month_of(period) if period else newest if newest >= 0 else month_of_instant(now)
    asked = _Customer(rules, state, month, now)
    return [asked.answer(each) for id, each in sorted(rules.in_force.items()) if rule in (None, id)]


class _Customer:
    """One customer's state in a month, asked rule by rule."""

    def __init__(self, rules: Rules, state: CustomerState, month: Month, now: datetime) -> None:
        self._rules, self._state, self._month = rules, state, month
        self._now, self._today = now, local_date(now)

    def answer(self, rule: Rule) -> Answer:
        outcome, conditions = self._conditions(rule)
        exclusions = self._exclusions(rule, is_met=outcome is True)
        result: Result = "unknown"
        if exclusions:
            result = "excluded"
        elif self._state.profile is not None and outcome is not None:
            result = "met" if outcome else "not_met"
        alert = self._alert(rule)
        return Answer(
            customer_id=self._state.customer_id,
            rule=rule.id,
            version=rule.version,
            kind=rule.alert if isinstance(rule, Condition) else ALERTS[type_of(rule)],
            period=period_of(self._month),
            result=result,
            alert_id=None if alert is None else alert.alert_id,
            conditions=tuple(conditions[:_MOST]),
            exclusions=tuple(exclusions),
        )

    def _conditions(self, rule: Rule) -> tuple[bool | None, list[Told]]:
        if isinstance(rule, Condition):
            compiled = self._rules.watches[rule.id, rule.version].compiled
            stood = self._state.judged.get(rule.id, {}).get(self._month)
            if stood is not None and stood.version != rule.version:
                stood = None  # what that version knew of other figures is not what this one asks for
            facts = conditioned.facts_of(self._state, self._month, self._now, stood)
            leaves = [
                Told(
                    text_zh=t.text_zh,
                    text_en=t.text_en,
                    value=t.value,
                    limit=t.limit,
                    met=t.met,
                    unit=FIGURES[t.figure].unit,
                )
                for t in compiled.trace(facts)
            ]
            return compiled.judge(facts), leaves
        if isinstance(rule, Fall):
            found = [self._fall(rule, metric.figure, metric.record) for metric in rule.metrics]
        elif isinstance(rule, Request):
            found = [self._request(rule)]
        elif isinstance(rule, Arrears):
            found = [self._debt()]
        elif isinstance(rule, Complaint):
            found = self._complaints()
        else:
            found = self._contracts(rule)
        met = [told.met for told in found]
        return True if True in met else None if None in met else False, found

    # --- what holds it back -----------------------------------------------------------------------------------------

    def _exclusions(self, rule: Rule, *, is_met: bool) -> list[Exclusion]:
        """As last judged: what has been let in is not held back again; of what is met and would be let in now, what
        held it back then."""
        profile, lists = self._state.profile or Profile(), self._rules.lists
        if profile.left:
            return [Exclusion("left", *exclusion_said("left", lists))]
        if not isinstance(rule, Fall | Condition):
            return []
        if isinstance(rule, Condition):
            is_in = self._month in self._state.judged.get(rule.id, {})
        else:
            warning = self._state.alerts.get(churn.key_of(self._month))
            is_in = warning is not None and warning.admitted
        if is_in:
            return []
        fall, own = (rule, None) if isinstance(rule, Fall) else (self._rules.fall, rule)
        if held := excluded_by(fall, lists, self._state.customer_id, profile, self._month, own):
            return [Exclusion(code, *exclusion_said(code, lists)) for code in held]
        barred = self._state.barred.get(rule.id, {}).get(self._month)
        if barred is None or not is_met:
            return []
        return [Exclusion(code, *said_then(code, lists, barred.at), iso(barred.at)) for code in barred.codes]

    def _alert(self, rule: Rule) -> TrackedAlert | None:
        alerts = self._state.alerts
        if isinstance(rule, Fall | Request) or (isinstance(rule, Condition) and rule.alert == "churn_warning"):
            held = alerts.get(churn.key_of(self._month))
            gave = held is not None and (held.rule == rule.id or any(r.rule == rule.id for r in held.reasons))
            return held if gave else None
        if isinstance(rule, Condition):
            return alerts.get(conditioned.key_of(rule.id, self._month))
        prefix = {"arrears": arrears.KEY, "complaint": "complaint/", "contract": "contract/"}
        found = [held for key, held in alerts.items() if key.startswith(prefix[str(rule.__struct_config__.tag)])]
        return min(found, key=lambda held: held.outcome is not None, default=None)

    # --- conditions of the rules that come with the product ---------------------------------------------------------

    def _fall(self, rule: Fall, figure: str, record: str) -> Told:
        series = self._state.figures.get(figure)
        value = figure_of(series, self._month)
        before = [figure_of(series, self._month - n) for n in range(rule.months, 0, -1)]
        base = None if None in before else sum(n for n in before if n is not None)
        has_fallen = series is not None and falls(series, self._month, rule) is not None
        name = FIGURES[f"{record.lower()}.{figure}"]
        return Told(
            text_zh=f"{name.zh} ≤ 前 {rule.months} 个月均值的 {rule.percent}%",
            text_en=f"{name.en} ≤ {rule.percent} % of the mean of {rule.months} months before",
            value=value,
            limit=None if base is None else rule.percent * base // (100 * rule.months),
            met=None if value is None or base is None else has_fallen,
            unit=name.unit,
        )

    def _request(self, rule: Request) -> Told:
        warning = self._state.alerts.get(churn.key_of(self._month))
        reasons = [] if warning is None else list(warning.reasons)
        reasons += [asked.cause for asked in self._state.asked if asked.month == self._month]
        found = next((reason for reason in reasons if reason.code == rule.code), None)
        zh, en = said(rule.request)
        at = None if found is None else found.values.get(f"{rule.code}_at")
        return Told(
            text_zh=f"当月有“{zh}”申请",
            text_en=f"a request in the month: {en}",
            value=at,
            limit=None,
            met=found is not None,
        )

    def _debt(self) -> Told:
        debt = self._state.debt
        told = 0 if debt is None and "ARR" in self._state.heard else None
        amount = told if debt is None else debt.amount_fen
        name = FIGURES["arrears.amount_fen"]
        zero = f"¥{yuan(0)}"
        met = None if amount is None else amount > 0
        return Told(
            text_zh=f"{name.zh} > {zero}", text_en=f"{name.en} > {zero}", value=amount, limit=0, met=met, unit=name.unit
        )

    def _complaints(self) -> list[Told]:
        tickets = sorted(self._state.tickets.items())
        statuses = [ticket.status for _, ticket in tickets] if tickets else [None]
        statuses.sort(key=lambda status: status in ("closed", None))
        return [
            Told(
                text_zh="有未结的投诉",
                text_en="a complaint is open",
                value=status,
                limit=None,
                met=status not in ("closed", None),
            )
            for status in statuses
        ]

    def _contracts(self, rule: Contract) -> list[Told]:
        ends = (term.ends_on for term in self._state.terms.values())
        days: list[int | None] = [
            (end - self._today).days for end in sorted(e for e in ends if e is not None) if self._today <= end != NEVER
        ]
        limit = max(rule.steps)
        return [
            Told(
                text_zh=f"{FIGURES['contract.days_left'].zh} ≤ {limit} 天",
                text_en=f"{FIGURES['contract.days_left'].en} ≤ {limit}",
                value=left,
                limit=limit,
                met=left is not None and contract.step_at(rule, left) is not None,
                unit="days",
            )
            for left in days or [None]
        ]
