"""Whom rules leave alone, and why: what holds now, and what held when a month was judged. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from alerts.conditions.figures import Text
from alerts.customer_lists import Lists, on_any
from alerts.detection.months import last_day, months_later
from alerts.detection.rows import KEPT_MONTHS
from alerts.detection.state import Barred, Month, Profile
from alerts.rules import Condition, Fall
from servicekit.clock import local_date

if TYPE_CHECKING:
    from alerts.detection.decision_builder import DecisionBuilder

#: why a customer is left alone; ``list/<id>`` besides
WORDS: Mapping[str, Text] = {
    "left": ("客户已离网，不再预警", "the customer has left the network"),
    "status": ("客户状态不在预警范围", "the customer's status is not one that is warned of"),
    "plan": ("套餐在排除名单", "the plan is on the list of exclusions"),
    "listed": ("客户在规则的排除名单里", "the customer is among those that the rule leaves out"),
    "only_listed": ("客户不在规则所限的名单上", "the customer is on none of the lists to which the rule is limited"),
    "months_in_network": ("在网时间不足", "the customer is too new"),
}


def exclusions(
    rule: Fall, lists: Lists, customer_id: str, profile: Profile, month: Month, own: Condition | None = None
) -> dict[str, bool]:
    """For what the fall rule leaves a customer alone in a month, and with it a condition of its ``own``: of each
    exclusion whether it holds. What is not known does not exclude."""
    return {
        "status": profile.status is not None and profile.status not in rule.statuses,
        "plan": profile.plan_code in rule.excluded_plan_codes,
        "listed": customer_id in rule.excluded_customers,
        "months_in_network": profile.opened_on is not None
        and months_later(profile.opened_on, rule.min_months_in_network) > last_day(month),
        **_either(_of_lists(rule, lists, customer_id), {} if own is None else _of_lists(own, lists, customer_id)),
    }


def excluded_by(
    rule: Fall, lists: Lists, customer_id: str, profile: Profile, month: Month, own: Condition | None = None
) -> tuple[str, ...]:
    """Those that hold."""
    held = exclusions(rule, lists, customer_id, profile, month, own)
    return tuple(code for code, is_so in held.items() if is_so)


def said(code: str, lists: Lists) -> Text:
    """An exclusion that holds."""
    if not code.startswith("list/"):
        return WORDS[code]
    id = code.removeprefix("list/")
    named = lists.get(id)
    zh, en = (id, id) if named is None else (named.name_zh, named.name_en)
    return f"客户在名单“{zh}”上", f'the customer is on the list "{en}"'


def said_then(code: str, lists: Lists, at: datetime) -> Text:
    """One that held when the month was judged, and holds no more."""
    zh, en = said(code, lists)
    day = local_date(at).isoformat()
    return f"{day} 判定时：{zh}；现已不再", f"when it was judged on {day}: {en}; not any more"


def bar(builder: "DecisionBuilder", rule: str, month: Month, codes: Sequence[str]) -> None:
    """Remember what kept a rule from warning of a month; none: it does not keep it any more, or there is nothing to
    warn of."""
    before = builder.barred.get(rule, {})
    after = {m: barred for m, barred in before.items() if m != month}
    if codes:
        after[month] = Barred(tuple(codes), builder.now)
        oldest = max(builder.floor, max(after) - KEPT_MONTHS + 1)
        after = {m: barred for m, barred in after.items() if m >= oldest}
    if after != before:
        others = {id: months for id, months in builder.barred.items() if id != rule}
        builder.barred = {**others, rule: after} if after else others


def _of_lists(rule: Fall | Condition, lists: Lists, customer_id: str) -> dict[str, bool]:
    """``list/<id>`` for each list that a rule names; ``only_listed``: it looks at others alone."""
    found = {f"list/{name}": bool(on_any(lists, (name,), customer_id)) for name in rule.exclude_lists}
    if rule.only_lists:
        found["only_listed"] = not on_any(lists, rule.only_lists, customer_id)
    return found


def _either(one: dict[str, bool], other: dict[str, bool]) -> dict[str, bool]:
    return {code: one.get(code, False) or other.get(code, False) for code in (*one, *other)}
