"""Why no alert came: of every rule each condition with its value, its limit and whether it is met, as things stand.

What is met is asked of the functions that decide (``falls``, ``exclusions``, ``contract.step_at``), so it can tell no
other story than they do. Pure.
"""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from alerts.conditions.facts import Facts
from alerts.conditions.words import as_it_stands
from alerts.detection import arrears, churn, conditioned, contract
from alerts.detection.exclusions import exclusions, said_then
from alerts.detection.months import month_of, month_of_instant, period_of
from alerts.detection.series import falls, figure_of
from alerts.detection.state import CustomerState, Month, Profile, TrackedAlert, TrackedContract, Values
from alerts.rules import Arrears, Complaint, Contract, Fall, Metric, Request, Rule, Rules, Watch
from alerts.rules import Condition as ConditionRule
from servicekit.clock import NEVER, iso, local_date
from servicekit.decision import Context, Decision, Refused

ASK = "kam.command.why_not"
#: code of what a rule of staff asks for
CONDITION = "condition"

#: raised: its alert is open. ended: it was, and what ended it holds. excluded: a requirement is not met. unknown: what
#: it asks for has not come. not_met: nothing it warns of. waiting: all is met, the next record or day raises.
Verdict = Literal["raised", "ended", "excluded", "unknown", "not_met", "waiting"]
#: of many complaints and contracts the first few are told of
_MOST = 10


class Ask(Struct, frozen=True):
    """Command: say why no alert came to a customer. ``period``: a month ``yyyymm``, else the newest with figures."""

    customer_id: str
    period: str | None = None


class Condition(Struct, frozen=True, kw_only=True):
    """A condition of a rule; ``met`` None: what it asks for is not known. ``values``: what it was judged by."""

    code: str
    met: bool | None
    value: int | str | None = None
    limit: int | str | None = None
    values: Values = {}


class AlertOfRule(Struct, frozen=True):
    """An alert that the rule gave a reason to; ``outcome`` None: it is open."""

    alert_id: str
    outcome: str | None


class RuleAnswer(Struct, frozen=True, kw_only=True):
    """What a rule says of a customer: it warns when one condition of ``any_of`` and all of ``all_of`` are met."""

    rule: str
    version: int
    type: str
    kind: str
    name_zh: str
    name_en: str
    verdict: Verdict
    alerts: tuple[AlertOfRule, ...]
    any_of: tuple[Condition, ...]
    all_of: tuple[Condition, ...]


class WhyNot(Struct, frozen=True, kw_only=True):
    """All rules in force, of a month (``period``; ``periods``: those with figures, the newest first) and of now."""

    customer_id: str
    period: str
    periods: tuple[str, ...]
    clock: str | None
    rules: tuple[RuleAnswer, ...]


def on_ask(rules: Rules, state: CustomerState | None, data: Ask, ctx: Context) -> Decision:
    """Answers with ``WhyNot`` and changes nothing. Raises ``Refused``."""
    if state is None:
        raise Refused("not_found", "没有此客户", "there is no such customer", 404)
    return Decision(state, timer_at=state.wake, answer=why_not(rules, state, data.period, ctx.now))


def why_not(rules: Rules, state: CustomerState, period: str | None, now: datetime) -> WhyNot:
    """The answer for a month ``yyyymm``, without one the newest with figures."""
    now = max(now, state.looked_at or now)
    spans = [range(series.first, series.first + len(series.values)) for series in state.figures.values()]
    known = sorted({month for span in spans for month in span}, reverse=True)
    asked = month_of(period) if period else known[0] if known else month_of_instant(now)
    told = _Customer(rules, state, asked, now)
    return WhyNot(
        customer_id=state.customer_id,
        period=period_of(asked),
        periods=tuple(map(period_of, known)),
        clock=iso(now) if now.year > 1970 else None,
        rules=tuple(map(told.answer, rules.in_force.values())),
    )


class _Customer:
    """One customer's state, asked rule by rule."""

    def __init__(self, rules: Rules, state: CustomerState, month: Month, now: datetime) -> None:
        self._rules, self._state, self._month = rules, state, month
        self._now, self._today = now, local_date(now)
        self._warning = state.alerts.get(churn.key_of(month))

    def answer(self, rule: Rule) -> RuleAnswer:
        """What this rule says; a warning that was raised by an earlier version is told by that one."""
        known, left = self._state.profile is not None, self._state.profile is not None and self._state.profile.left
        all_of = [Condition(code="record", met=known or None), Condition(code="in_network", met=not left)]
        if isinstance(rule, Fall):
            rule = churn.fall_rule(self._rules, self._warning)
            kind, any_of, alerts = "churn_warning", self._falls(rule), self._warnings(rule.id, figures=True)
            all_of += self._requirements(rule)
        elif isinstance(rule, Request):
            kind, any_of, alerts = "churn_warning", [self._request(rule)], self._warnings(rule.id)
        elif isinstance(rule, Arrears):
            kind, any_of, alerts = "arrears", [self._debt()], self._alerts(arrears.KEY)
        elif isinstance(rule, Complaint):
            kind, any_of, alerts = "complaint_opened", self._complaints(), self._alerts("complaint/")
        elif isinstance(rule, ConditionRule):
            watch = self._watch(rule)
            rule, kind, any_of = watch.rule, watch.rule.alert, [self._condition(watch)]
            alerts = self._reasoned(watch.rule)
            all_of += self._requirements(self._rules.fall, watch.rule)
        else:
            kind, any_of, alerts = "contract_expiring", self._contracts(rule), self._alerts("contract/")
        verdict = _verdict(alerts, any_of, all_of)
        if verdict == "waiting" and (barred := self._barred(rule.id)):
            verdict, all_of = "excluded", all_of + barred
        return RuleAnswer(
            rule=rule.id,
            version=rule.version,
            type=str(rule.__struct_config__.tag),
            kind=kind,
            name_zh=rule.name_zh,
            name_en=rule.name_en,
            verdict=verdict,
            alerts=tuple(AlertOfRule(alert.alert_id, alert.outcome) for alert in alerts[:_MOST]),
            any_of=tuple(any_of[:_MOST]),
            all_of=tuple(all_of),
        )

    # --- churn ------------------------------------------------------------------------------------------------------

    def _warnings(self, rule: str, *, figures: bool = False) -> list[TrackedAlert]:
        held = self._warning
        gave = held is not None and ((figures and held.admitted) or any(r.rule == rule for r in held.reasons))
        return [held] if held is not None and gave else []

    # --- conditions -------------------------------------------------------------------------------------------------

    def _watch(self, rule: ConditionRule) -> Watch:
        """The version that judges the month: the one that gave it a reason, else the one in force."""
        stood = self._state.judged.get(rule.id, {}).get(self._month)
        own = None if stood is None else self._rules.watches.get((rule.id, stood.version))
        return own or self._rules.watches[rule.id, rule.version]

    def _condition(self, watch: Watch) -> Condition:
        """What the rule asks for as a whole, in the words of its leaves."""
        facts = self._facts(watch)
        told = [as_it_stands((t.text_zh, t.text_en), t.figure, t.value, t.met) for t in watch.compiled.trace(facts)]
        values: Values = {"zh": "；".join(zh for zh, _ in told), "en": "; ".join(en for _, en in told)}
        return Condition(code=CONDITION, met=watch.compiled.judge(facts), values=values)

    def _facts(self, watch: Watch) -> Facts:
        stood = self._state.judged.get(watch.rule.id, {}).get(self._month)
        return conditioned.facts_of(self._state, self._month, self._now, stood)

    def _reasoned(self, rule: ConditionRule) -> list[TrackedAlert]:
        if rule.alert == "churn_warning":
            return self._warnings(rule.id)
        held = self._state.alerts.get(conditioned.key_of(rule.id, self._month))
        return [] if held is None else [held]

    def _falls(self, rule: Fall) -> list[Condition]:
        return [self._fall(rule, metric) for metric in rule.metrics]

    def _fall(self, rule: Fall, metric: Metric) -> Condition:
        series = self._state.figures.get(metric.figure)
        value = figure_of(series, self._month)
        before = [figure_of(series, self._month - n) for n in range(rule.months, 0, -1)]
        base = None if None in before else sum(n for n in before if n is not None)
        has_fallen = series is not None and falls(series, self._month, rule) is not None
        values: Values = {"figure": metric.figure, "percent": rule.percent, "months": rule.months, "base": base}
        return Condition(
            code=metric.code,
            met=None if value is None or base is None else has_fallen,
            value=value,
            limit=None if base is None else rule.percent * base // (100 * rule.months),
            values=values,
        )

    def _requirements(self, rule: Fall, own: ConditionRule | None = None) -> list[Condition]:
        profile = self._state.profile or Profile()
        held = exclusions(rule, self._rules.lists, self._state.customer_id, profile, self._month, own)
        opened = None if profile.opened_on is None else profile.opened_on.isoformat()
        told: dict[str, tuple[int | str | None, int | str | None]] = {
            "status": (profile.status, ", ".join(rule.statuses)),
            "plan": (profile.plan_code, ", ".join(rule.excluded_plan_codes) or None),
            "listed": (None, None),
            "months_in_network": (opened, rule.min_months_in_network),
        }
        return [
            self._requirement(code, not is_excluded, *told.get(code, (None, None)))
            for code, is_excluded in held.items()
        ] + [Condition(code="remembered", met=not churn.is_forgotten(rule, self._state, self._month))]

    def _requirement(self, code: str, met: bool, value: int | str | None, limit: int | str | None) -> Condition:
        if not code.startswith("list/"):
            return Condition(code=code, met=met, value=value, limit=limit)
        named = self._rules.lists.get(code.removeprefix("list/"))
        names: Values = {} if named is None else {"name_zh": named.name_zh, "name_en": named.name_en}
        return Condition(code="list", met=met, values={"list": code.removeprefix("list/"), **names})

    def _barred(self, rule: str) -> list[Condition]:
        """What excluded the customer when the month was judged, in words (``zh``, ``en``)."""
        barred = self._state.barred.get(rule, {}).get(self._month)
        if barred is None:
            return []
        lists, at = self._rules.lists, barred.at
        told = {code: said_then(code, lists, at) for code in barred.codes}
        return [
            Condition(code=code, met=False, values={"held_at": iso(at), "zh": zh, "en": en})
            for code, (zh, en) in told.items()
        ]

    def _request(self, rule: Request) -> Condition:
        reasons = [] if self._warning is None else list(self._warning.reasons)
        reasons += [asked.cause for asked in self._state.asked if asked.month == self._month]
        found = next((reason for reason in reasons if reason.code == rule.code), None)
        at = None if found is None else found.values.get(f"{rule.code}_at")
        return Condition(code=rule.code, met=found is not None, value=at, values={"request": rule.request})

    # --- as of now --------------------------------------------------------------------------------------------------

    def _alerts(self, key: str) -> list[TrackedAlert]:
        found = [held for name, held in self._state.alerts.items() if name.startswith(key)]
        return sorted(found, key=lambda held: held.outcome is not None)

    def _debt(self) -> Condition:
        debt = self._state.debt
        if debt is None:
            return Condition(code="owes", met=False, value=0 if "ARR" in self._state.heard else None)
        due = None if debt.oldest_due_on is None else debt.oldest_due_on.isoformat()
        return Condition(code="owes", met=True, value=debt.amount_fen, values={"oldest_due_on": due})

    def _complaints(self) -> list[Condition]:
        found = [
            Condition(code="complaint", met=ticket.status != "closed", value=ticket.status, values={"complaint_id": id})
            for id, ticket in sorted(self._state.tickets.items(), key=lambda each: each[1].status == "closed")
        ]
        return found or [Condition(code="complaint", met=False)]

    def _contracts(self, rule: Contract) -> list[Condition]:
        found = sorted(self._state.terms.items(), key=lambda each: each[1].ends_on or NEVER)
        ahead = [each for each in found if each[1].ends_on is None or each[1].ends_on >= self._today]
        return [self._contract(rule, *each) for each in ahead] or [Condition(code="contract", met=False)]

    def _contract(self, rule: Contract, contract_id: str, term: TrackedContract) -> Condition:
        ends = term.ends_on if term.ends_on not in (None, NEVER) else None
        left = None if ends is None else (ends - self._today).days
        step = None if left is None else contract.step_at(rule, left)
        return Condition(
            code="contract",
            met=step is not None and not contract.has_passed(term, step),
            value=left,
            limit=max(rule.steps),
            values={
                "contract_id": contract_id,
                "ends_on": None if ends is None else ends.isoformat(),
                "passed": step is not None and contract.has_passed(term, step),
            },
        )


def _verdict(alerts: list[TrackedAlert], any_of: list[Condition], all_of: list[Condition]) -> Verdict:
    if any(alert.outcome is None for alert in alerts):
        return "raised"
    if any(condition.met is False for condition in all_of):
        return "excluded"
    is_met = any(condition.met for condition in any_of)
    if any(condition.met is None for condition in all_of):
        return "unknown"
    if not is_met:
        return "unknown" if any(condition.met is None for condition in any_of) else "not_met"
    return "ended" if alerts else "waiting"
