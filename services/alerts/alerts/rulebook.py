"""Rules as documents that staff change: what is checked of one before it is kept, and what people call its fields.

Types and names are checked by how a rule is read (``rules.read``); here is what they must mean.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from alerts import rules
from alerts.conditions.document import faults_of
from alerts.customer_lists import NAMED_IN, Purpose, check_named
from alerts.rules import ALERTS, KIND, Arrears, Complaint, Condition, Contract, Fall, Metric, Request, Rule, type_of
from servicekit.documents.fault import Checker, Fault, Faulty
from servicekit.documents.kinds import Kind, Others

#: types of which there is one rule, which decides about all alerts of its kind
_SINGLE = frozenset({"fall", "arrears", "complaint", "contract"})
#: types of which a version can run in shadow
SHADOWED = ("fall", "request", "condition")
_FIGURES = {"BILL": "amount_fen", "USAGE": "voice_minutes"}
_MOST_DAYS, _MOST_MONTHS, _MOST_LISTED, _LONGEST_NAME = 3650, 12, 20_000, 200
#: of stages, steps, figures, statuses: there are fewer kinds of each, and none may be there twice
_MOST_PARTS = 20
_STATUSES = ("active", "suspended", "left")
_AREAS = ("urban", "rural")
#: /v1/rules/<id> means something else
_TAKEN = ("figures", "trials")
#: texts, the ladders of the SMS policy and screens know these, in this order
STAGES = ("opened", "reminder", "second_reminder", "final_notice", "suspension_proposed", "suspended")
STEPS = (90, 60, 30, 7, 1)


Purposes = Callable[[], Mapping[str, Purpose]]


def check(rule: Rule, others: Others, purposes: Purposes = dict) -> Sequence[Fault]:
    """What is wrong with the meaning of a rule; ``purposes``: of the lists of customers that are in force, by id."""
    checker = Checker()
    if any(getattr(rule, field, ()) for field in NAMED_IN):
        check_named(checker, rule, purposes())
    checker.under("name_zh").called(rule.name_zh, _LONGEST_NAME, "中文", "a Chinese")
    checker.under("name_en").called(rule.name_en, _LONGEST_NAME, "英文", "an English")
    if rule.id in _TAKEN:
        checker.under("id").say("此编号另有用途，请换一个", "stands for something else here: take another id")
    _place(checker, rule, others)
    match rule:
        case Fall():
            _fall(checker, rule, others)
        case Request():
            _request(checker, rule, others)
        case Arrears():
            _arrears(checker, rule)
        case Complaint():
            _complaint(checker, rule)
        case Contract():
            _contract(checker, rule)
        case Condition():
            _code(checker.under("id"), rule.id, rule, others)
    return checker.faults


def _place(checker: Checker, rule: Rule, others: Others) -> None:
    """It must not push another rule aside, nor become something else than alerts know it as."""
    type_ = type_of(rule)
    was = next((other["type"] for other in others if other["id"] == rule.id), type_)
    if was != type_:
        checker.under("type").say(
            f"类型不能由 {was} 改为 {type_}；请另立一条规则", f"was {was} and stays so: write another rule"
        )
    if type_ in _SINGLE:
        there = next((other["id"] for other in others if other["type"] == type_ and other["id"] != rule.id), None)
        if there is not None:
            checker.under("id").say(
                f"{type_} 类只能有一条规则，请改 {there}", f"there is one rule of type {type_}: change {there}"
            )


def _fall(checker: Checker, rule: Fall, others: Others) -> None:
    checker.under("percent").between(rule.percent, 1, 99)
    checker.under("months").between(rule.months, 1, _MOST_MONTHS)
    checker.under("late_after_days").between(rule.late_after_days, 0, _MOST_DAYS)
    checker.under("min_months_in_network").between(rule.min_months_in_network, 0, 600)
    metrics = checker.under("metrics")
    if metrics.some(rule.metrics, _MOST_PARTS):
        metrics.distinct([metric.figure for metric in rule.metrics])
        for n, metric in enumerate(rule.metrics):
            _metric(metrics.under(n), metric)
            _code(metrics.under(n).under("code"), metric.code, rule, others)
        codes = [metric.code for metric in rule.metrics]
        if len({*codes}) < len(codes):
            metrics.say("各项的 code 不能相同", "each needs a code of its own")
    statuses = checker.under("statuses")
    if statuses.some(rule.statuses, _MOST_PARTS):
        for n, status in enumerate(rule.statuses):
            _among(statuses.under(n), status, _STATUSES)
    checker.under("excluded_plan_codes").few(rule.excluded_plan_codes, _MOST_LISTED)
    checker.under("excluded_customers").few(rule.excluded_customers, _MOST_LISTED)


def _metric(checker: Checker, metric: Metric) -> None:
    figure = _FIGURES[metric.record]
    if metric.figure != figure:
        checker.under("figure").say(
            f"{metric.record} 的指标只有 {figure}，没有 {metric.figure}",
            f"the figure of {metric.record} is {figure}; {metric.figure} is not known",
        )


def _request(checker: Checker, rule: Request, others: Others) -> None:
    checker.under("late_after_days").between(rule.late_after_days, 0, _MOST_DAYS)
    _code(checker.under("code"), rule.code, rule, others)
    asking = (other["id"] for other in others if other.get("request") == rule.request and other["id"] != rule.id)
    if (there := next(asking, None)) is not None:
        checker.under("request").say(f"{there} 已管这类申请，请改它", f"{there} asks about these already: change that")


def _code(checker: Checker, code: str, rule: Rule, others: Others) -> None:
    """A reason is known by its code alone: it must be no other rule's."""
    for other in others:
        codes = {other.get("code"), *(metric.get("code") for metric in other.get("metrics", ()))}
        if other.get("type") == "condition":
            codes.add(other["id"])
        if other["id"] != rule.id and code in codes:
            there = other["id"]
            checker.say(f"{code} 已是 {there} 的原因，请换一个", f"{code} is a reason of {there}: take another code")
            return


def _arrears(checker: Checker, rule: Arrears) -> None:
    stages = checker.under("stages")
    if not stages.some(rule.stages, _MOST_PARTS):
        return
    days = [stage.after_days for stage in rule.stages]
    for n, day in enumerate(days):
        stages.under(n).under("after_days").between(day, 1, _MOST_DAYS)
        if n and day <= days[n - 1]:
            stages.under(n).under("after_days").say(
                f"应晚于上一级的 {days[n - 1]} 天", f"must be later than {days[n - 1]}, the one before"
            )
    names = [rule.first_stage, *(stage.stage for stage in rule.stages), rule.suspended_stage]
    places = [checker.under("first_stage"), *(stages.under(n).under("stage") for n in range(len(days)))]
    _ladder([*places, checker.under("suspended_stage")], names)
    _severities(checker, rule.severity, names)


def _ladder(places: Sequence[Checker], names: Sequence[str]) -> None:
    """Stages rise, each above the one before: an SMS goes when a debt has come higher than it ever was."""
    for n, (place, name) in enumerate(zip(places, names, strict=True)):
        before = names[n - 1] if n else None
        _among(place, name, STAGES)
        if name in STAGES and before in STAGES and STAGES.index(name) <= STAGES.index(before):
            place.say(
                f"应在 {before} 之后；各级顺序为 {'、'.join(STAGES)}",
                f"must come above {before}: stages rise in the order {', '.join(STAGES)}",
            )


def _complaint(checker: Checker, rule: Complaint) -> None:
    hours = checker.under("due_hours")
    if hours.few(rule.due_hours, _MOST_PARTS):
        for area, value in rule.due_hours.items():
            _among(hours.under(area), area, _AREAS)
            hours.under(area).between(value, 1, 24 * 365)
    checker.under("due_hours_unknown_area").between(rule.due_hours_unknown_area, 1, 24 * 365)
    checker.under("due_soon_percent").between(rule.due_soon_percent, 1, 99)
    checker.under("forget_after_days").between(rule.forget_after_days, 1, _MOST_DAYS)
    _severities(checker, rule.severity, ["opened", "due_soon", "overdue", "reopened"])


def _contract(checker: Checker, rule: Contract) -> None:
    steps = checker.under("steps")
    if steps.some(rule.steps, _MOST_PARTS):
        for n, step in enumerate(rule.steps):
            _among(steps.under(n), step, STEPS)
            if n and step >= rule.steps[n - 1]:
                steps.under(n).say(
                    f"应小于上一步的 {rule.steps[n - 1]} 天", f"must be below {rule.steps[n - 1]}, the one before"
                )
        _severities(checker, rule.severity, [str(step) for step in rule.steps])
    checker.under("forget_after_days").between(rule.forget_after_days, 1, _MOST_DAYS)


def _among(checker: Checker, name: str | int, known: Sequence[str | int]) -> None:
    """One of those that there are words and texts for."""
    if name not in known:
        words = [str(each) for each in known]
        checker.say(f"不认识 {name}；可用 {'、'.join(words)}", f"{name} is not known: take one of {', '.join(words)}")


def _severities(checker: Checker, severity: Mapping[str, str], needed: Sequence[str]) -> None:
    """Each stage has one, and nothing else has."""
    severities = checker.under("severity")
    for name in needed:
        if name not in severity:
            severities.under(name).say(
                "缺少级别 critical、major 或 minor", "needs a severity: critical, major or minor"
            )
    if severities.few(severity, _MOST_PARTS):
        for name in severity:
            if name not in needed:
                severities.under(name).say(
                    f"没有这一级，请删去或改正名称；各级为 {'、'.join(needed)}",
                    f"is none of its stages ({', '.join(needed)}): remove it or correct its name",
                )


def _read(document: dict[str, Any]) -> Rule:
    """A rule of a plain document; of a condition everything that is wrong with it is told (``Faulty``)."""
    if document.get("type") == "condition" and (faults := faults_of(document)):
        raise Faulty(faults)
    return rules.read(document)


def _shows(document: Mapping[str, Any]) -> dict[str, Any]:
    return {"alert": ALERTS.get(str(document["type"])) or document["alert"]}


def _why_no_shadow(document: Mapping[str, Any]) -> tuple[str, str] | None:
    """What people do about a debt, a complaint or a contract follows BOSS day by day: there is nothing to look at
    beside it."""
    if document["type"] in SHADOWED:
        return None
    return (
        f"{document['type']} 类规则没有影子运行；只有 {'、'.join(SHADOWED)} 类有",
        f"rules of type {document['type']} have no shadow: only {', '.join(SHADOWED)} have",
    )


def rule_kind(purposes: Purposes) -> Kind:
    """Rules that may name lists of customers: those that are in force when a version is checked."""
    return replace(RULE, check=lambda rule, others: check(rule, others, purposes))


RULE = Kind(
    name=KIND,
    read=_read,
    check=check,
    fields={
        "name_zh": ("中文名称", "Chinese name"),
        "name_en": ("英文名称", "English name"),
        "severity": ("级别", "severity"),
        "metrics": ("指标", "figures"),
        "record": ("记录", "record"),
        "percent": ("百分比", "percent"),
        "months": ("月数", "months"),
        "late_after_days": ("逾多少天算过期", "days after which it is late"),
        "statuses": ("适用状态", "statuses"),
        "min_months_in_network": ("在网不足月数", "least months in the network"),
        "excluded_plan_codes": ("排除套餐", "excluded plans"),
        "excluded_customers": ("排除客户", "excluded customers"),
        "exclude_lists": ("排除名单", "lists of customers it leaves alone"),
        "only_lists": ("限于名单", "lists of customers it is limited to"),
        "vip_lists": ("VIP 名单", "lists of customers whose alerts are critical"),
        "alert": ("预警种类", "kind of alert"),
        "on": ("触发记录", "records that make it look"),
        "when": ("条件", "condition"),
        "all": ("全部成立", "all of"),
        "any": ("任一成立", "any of"),
        "not": ("不成立", "not"),
        "figure": ("指标", "figure"),
        "op": ("比较", "comparison"),
        "value": ("值", "value"),
        "for_months": ("连续月数", "months in a row"),
        "falls_percent": ("下降百分比", "percent below"),
        "rises_percent": ("上升百分比", "percent above"),
        "request": ("申请种类", "kind of request"),
        "code": ("原因代码", "code of the reason"),
        "stages": ("阶段", "stages"),
        "after_days": ("天数", "days"),
        "stage": ("阶段", "stage"),
        "due_hours": ("时限（小时）", "hours until due"),
        "due_hours_unknown_area": ("区域未知时的时限（小时）", "hours until due where the area is not known"),
        "due_soon_percent": ("将超时的百分比", "percent of the time gone at which it is due soon"),
        "steps": ("提前天数", "days ahead"),
        "forget_after_days": ("多少天后不再跟踪", "days after which it is no longer followed"),
    },
    shows=_shows,
    has_shadow=True,
    why_no_shadow=_why_no_shadow,
)
