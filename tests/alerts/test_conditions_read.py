"""A condition as staff write it: read whole, or refused with the field and the remedy in two languages."""

from typing import Any

import pytest

from alerts.conditions.check import check
from alerts.conditions.document import compiled, faults_of
from alerts.conditions.nodes import All, Compare, Known, Moves, Not, Placed, leaves
from alerts.conditions.read import MOST_LEAVES, MOST_VALUES, read
from servicekit.documents.document_text import read_text
from servicekit.documents.fault import MOST_FAULTS, Fault

SILENT = """
id: silent
type: condition
alert: churn_warning
name_zh: 近乎静默
name_en: Nearly silent
severity: major
on: [USAGE]
when:
  all:
    - {figure: usage.active_days, op: "<=", value: 3}
    - {figure: usage.voice_minutes, falls_percent: 50, months: 3}
    - not: {figure: customer.plan_code, op: in, value: [FREE01]}
"""
FEW_DAYS = {"figure": "usage.active_days", "op": "<=", "value": 3}
HEAD: dict[str, Any] = {
    "id": "silent",
    "type": "condition",
    "alert": "churn_warning",
    "name_zh": "近乎静默",
    "name_en": "Nearly silent",
    "severity": "major",
    "on": ["USAGE"],
    "when": FEW_DAYS,
}


def when(node: Any) -> dict[str, Any]:
    """A document with this condition."""
    return {**HEAD, "when": node}


def test_reads_the_example() -> None:
    document, _ = read_text(SILENT)
    assert document is not None
    rule, faults = read(document)
    assert rule is not None and faults == check(rule) == []
    assert (rule.id, rule.alert, rule.severity, rule.on, rule.late_after_days) == (
        "silent",
        "churn_warning",
        "major",
        ("USAGE",),
        60,
    )
    few, falls = Compare("usage.active_days", "<=", 3), Moves("usage.voice_minutes", "falls", 50, 3)
    free = Compare("customer.plan_code", "in", ("FREE01",))
    assert rule.when == All((few, falls, Not(free)))
    assert list(leaves(rule.when)) == [
        Placed("when.all[0]", few, False),
        Placed("when.all[1]", falls, False),
        Placed("when.all[2].not", free, True),
    ]


def test_reads_every_leaf() -> None:
    nodes = [
        {"figure": "balance.balance_fen", "op": "known"},
        {"figure": "bill.amount_fen", "rises_percent": 100, "months": 12},
        {"figure": "usage.care_calls", "op": ">=", "value": 1, "for_months": 3},
        {"figure": "arrears.suspended", "op": "=", "value": True},
        {"figure": "customer.city", "op": "!=", "value": "440100"},
    ]
    rule, faults = read({**when({"all": nodes}), "late_after_days": 0})
    assert rule is not None and faults == check(rule) == [] and rule.late_after_days == 0
    assert rule.when == All(
        (
            Known("balance.balance_fen"),
            Moves("bill.amount_fen", "rises", 100, 12),
            Compare("usage.care_calls", ">=", 1, 3),
            Compare("arrears.suspended", "=", True),
            Compare("customer.city", "!=", "440100"),
        )
    )


HEADS = [
    ({"id": "Silent"}, "id", "small letter"),
    ({"id": "x" * 65}, "id", "64"),
    ({"id": 7}, "id", "small letter"),
    ({"type": "fall"}, "type", "condition"),
    ({"alert": "arrears"}, "alert", "churn_warning, attention"),
    ({"alert": ["attention"]}, "alert", "churn_warning, attention"),
    ({"name_zh": " "}, "name_zh", "1 to 100"),
    ({"name_en": "x" * 101}, "name_en", "1 to 100"),
    ({"name_en": None}, "name_en", "1 to 100"),
    ({"severity": "grave"}, "severity", "critical, major, minor"),
    ({"severity": {}}, "severity", "critical, major, minor"),
    ({"on": []}, "on", "at least one"),
    ({"on": "USAGE"}, "on", "at least one"),
    ({"on": ["USAGE", "usage"]}, "on[1]", "must be one of BILL"),
    ({"on": ["UNIT"]}, "on[0]", "no record of a customer"),
    ({"on": ["BAL", "BAL"]}, "on[1]", "once"),
    ({"on": ["BAL"] * 30_000}, "on", "name each once"),
    ({"on": [["BAL"]]}, "on[0]", "must be one of"),
    ({"late_after_days": -1}, "late_after_days", "0 to 3650"),
    ({"late_after_days": True}, "late_after_days", "0 to 3650"),
    ({"late_after_day": 30}, "late_after_day", "do you mean late_after_days?"),
    ({"version": 2}, "version", "no such field"),
]


@pytest.mark.parametrize(("change", "field", "en"), HEADS, ids=str)
def test_a_wrong_head(change: dict[str, Any], field: str, en: str) -> None:
    assert_one(faults_of({**HEAD, **change}), field, en)


@pytest.mark.parametrize("name", list(HEAD))
def test_a_missing_field(name: str) -> None:
    assert_one(faults_of({n: v for n, v in HEAD.items() if n != name}), name, "missing")


def nested(depth: int) -> dict[str, Any]:
    node: dict[str, Any] = FEW_DAYS
    for _ in range(depth - 1):
        node = {"not": node}
    return node


def leaf(figure: str, **of: Any) -> dict[str, Any]:
    return {"figure": figure, **of}


SHAPES = [
    ("usage.active_days <= 3", "when", "exactly one of all, any, not and figure"),
    ([FEW_DAYS], "when", "exactly one of"),
    ({}, "when", "exactly one of"),
    (None, "when", "exactly one of"),
    ({"all": [FEW_DAYS], "any": [FEW_DAYS]}, "when", "exactly one of"),
    ({"all": [FEW_DAYS], "value": 1}, "when.value", "no such field"),
    ({"all": []}, "when.all", "an empty all matches everyone"),
    ({"not": {"any": []}}, "when.not.any", "at least one"),
    ({"all": FEW_DAYS}, "when.all", "at least one"),
    ({"all": [FEW_DAYS, "and"]}, "when.all[1]", "exactly one of"),
    ({"not": [FEW_DAYS]}, "when.not", "exactly one of"),
    (nested(7), "when.not.not.not.not.not.not", "deeper than 6"),
    ({"any": [FEW_DAYS] * (MOST_LEAVES + 1)}, "when.any", "more than 50"),
    ({"all": [{"any": [FEW_DAYS] * 26}] * 2}, "when.all[1].any[24]", "more than 50"),
    (leaf("usage.active_days"), "when", "exactly one of op, falls_percent and rises_percent"),
    (leaf("usage.active_days", op="=", value=1, falls_percent=3), "when", "exactly one of op"),
    (leaf("usage.active_days", op="<="), "when.value", "missing"),
    (leaf("usage.active_days", op="<=", value=3, months=3), "when.months", "no such field"),
    (leaf("usage.active_days", op="<=", value=3, vlaue=3), "when.vlaue", "do you mean value?"),
    (leaf("usage.active_days", op="known", value=3), "when.value", "no such field"),
    (leaf("usage.active_days", op="==", value=3), "when.op", "must be ="),
    (leaf("usage.active_days", op="≤", value=3), "when.op", "must be <="),
    (leaf("usage.active_days", op="like", value=3), "when.op", "must be one of < <= = != >= > in known"),
    (leaf("usage.active_days", op=["<="], value=3), "when.op", "must be one of"),
    (leaf("usage.active_days", op="<=", value=2.5), "when.value", "whole number"),
    (leaf("usage.active_days", op="<=", value=[3]), "when.value", "op: in"),
    (leaf("usage.active_days", op="<=", value=None), "when.value", "must be a number, a text"),
    (leaf("usage.active_days", op="<=", value={}), "when.value", "must be a number, a text"),
    (leaf("bill.amount_fen", op="<=", value=2**60), "when.value", "too great"),
    (leaf("customer.brand", op="=", value=""), "when.value", "1 to 100"),
    (leaf("customer.plan_code", op="in", value=[]), "when.value", "list of 1 to 1000"),
    (leaf("customer.plan_code", op="in", value="FREE01"), "when.value", "list of 1 to 1000"),
    (leaf("customer.plan_code", op="in", value=["x"] * (MOST_VALUES + 1)), "when.value", "list of 1 to 1000"),
    (leaf("customer.plan_code", op="in", value=["A", 1.5]), "when.value[1]", "whole number"),
    (leaf("usage.active_days", op="<=", value=3, for_months=0), "when.for_months", "1 to 12"),
    (leaf("usage.active_days", op="<=", value=3, for_months=13), "when.for_months", "1 to 12"),
    (leaf("usage.active_days", falls_percent=50), "when.months", "missing"),
    (leaf("usage.active_days", falls_percent=50, months=0), "when.months", "no mean to divide by"),
    (leaf("usage.active_days", falls_percent=50, months=13), "when.months", "1 to 12"),
    (leaf("usage.active_days", falls_percent=0, months=3), "when.falls_percent", "1 to 99"),
    (leaf("usage.active_days", falls_percent=100, months=3), "when.falls_percent", "1 to 99"),
    (leaf("usage.active_days", rises_percent=1001, months=3), "when.rises_percent", "1 to 1000"),
    (leaf("usage.active_days", rises_percent="50", months=3), "when.rises_percent", "1 to 1000"),
    ({"figure": 7, "op": "known"}, "when.figure", "name of a figure"),
]


@pytest.mark.parametrize(("node", "field", "en"), SHAPES, ids=lambda value: str(value)[:60])
def test_a_wrong_shape(node: Any, field: str, en: str) -> None:
    assert_one(faults_of(when(node)), field, en)


ALWAYS, NEVER = "holds for every customer", "can never hold"
MEANINGS = [
    (leaf("usage.activ_days", op="<=", value=3), "when.figure", "do you mean usage.active_days"),
    (leaf("amount", op="<=", value=3), "when.figure", "see the table"),
    (leaf("customer.plan_code", op="<=", value=3), "when.value", "is a text and can't be compared with a whole number"),
    (leaf("customer.city", op="=", value=440100), "when.value", "put it in quotes"),
    (
        leaf("usage.active_days", op="<=", value="3"),
        "when.value",
        "is a whole number and can't be compared with a text",
    ),
    (leaf("usage.active_days", op="=", value=True), "when.value", "can't be compared with true or false"),
    (leaf("arrears.suspended", op="=", value=1), "when.value", "is true or false and can't be compared with a whole"),
    (leaf("usage.active_days", op="in", value=[1, "2"]), "when.value", "can't be compared with a text"),
    (leaf("customer.plan_code", op=">", value="A"), "when.op", "is a text: only = != in known"),
    (leaf("arrears.suspended", op=">=", value=True), "when.op", "only = != known"),
    (leaf("customer.status", op="=", value="Active"), "when.value", "active, suspended, left"),
    (leaf("usage.active_days", op="<=", value=40), "when.value", "from 0 to 31"),
    (leaf("usage.sms_count", op=">", value=-1), "when.value", "never below 0"),
    (leaf("balance.balance_fen", falls_percent=10, months=3), "when.months", "only bill.* and usage.* are of months"),
    (leaf("contract.days_left", op="<", value=9, for_months=2), "when.for_months", "is not of months"),
    (leaf("usage.sms_count", op=">=", value=0), "when", ALWAYS),
    (leaf("bill.amount_fen", op="known"), "when", ALWAYS),
    ({"any": [FEW_DAYS, {"not": FEW_DAYS}]}, "when", ALWAYS),
    ({"any": [FEW_DAYS, leaf("usage.active_days", op=">", value=3)]}, "when", ALWAYS),
    ({"any": [FEW_DAYS, leaf("usage.active_days", op=">=", value=3)]}, "when", ALWAYS),
    ({"not": {"all": [FEW_DAYS, leaf("usage.active_days", op=">", value=3)]}}, "when", ALWAYS),
    (leaf("customer.kind", op="in", value=["person", "corporate"]), "when", ALWAYS),
    (
        {"any": [{"figure": "usage.data_mb", "falls_percent": 9, "months": 3}, leaf("bill.sms_fen", op="known")]},
        "when",
        ALWAYS,
    ),
    ({"all": [FEW_DAYS, leaf("usage.active_days", op=">", value=3)]}, "when", NEVER),
    ({"all": [FEW_DAYS, {"not": leaf("usage.active_days", op="known")}]}, "when", NEVER),
    (
        {"all": [leaf("customer.brand", op="=", value="A"), leaf("customer.brand", op="=", value="B")]},
        "when",
        NEVER,
    ),
]


@pytest.mark.parametrize(("node", "field", "en"), MEANINGS, ids=lambda value: str(value)[:60])
def test_a_wrong_meaning(node: Any, field: str, en: str) -> None:
    assert_one(faults_of(when(node)), field, en)


RIGHT = [
    {"any": [FEW_DAYS, leaf("usage.active_days", op=">", value=4)]},
    {"not": leaf("customer.plan_code", op="in", value=["FREE01"])},
    {"all": [FEW_DAYS, leaf("usage.active_days", op="known")]},
    {"not": leaf("customer.credit_class", op="known")},
    leaf("usage.active_days", op="=", value=31),
    leaf("bill.amount_fen", op="<", value=0),
    leaf("usage.voice_minutes", falls_percent=99, months=1),
    {"all": [leaf("customer.status", op="!=", value="left"), leaf("customer.status", op="!=", value="active")]},
    nested(6),
    {"any": [leaf("bill.amount_fen", op="<", value=n) for n in range(MOST_LEAVES)]},
]


@pytest.mark.parametrize("node", RIGHT, ids=lambda value: str(value)[:60])
def test_nothing_wrong(node: Any) -> None:
    assert faults_of(when(node)) == []


def test_all_faults_are_told() -> None:
    document = {**when({"all": [leaf("usage.active_days", op="~", value=1), {}]}), "on": [], "severity": "x"}
    assert [fault.field for fault in faults_of(document)] == ["severity", "on", "when.all[0].op", "when.all[1]"]
    both = {"all": [leaf("a", op="known"), leaf("customer.city", op="=", value=1)]}
    assert [fault.field for fault in faults_of(when(both))] == ["when.all[0].figure", "when.all[1].value"]


def test_a_document_full_of_faults_is_answered_with_the_first() -> None:
    document = {**HEAD, **{f"field{n}": n for n in range(10_000)}}
    assert len(faults_of(document)) == MOST_FAULTS + 1, "the last says that there are more"


def test_keys_that_are_no_texts() -> None:
    assert_one(faults_of({**HEAD, True: ["USAGE"]}), "True", "no such field")  # type: ignore[dict-item]


def test_what_is_kept_is_compiled() -> None:
    assert compiled(HEAD).monthly == frozenset({"usage.active_days"})
    with pytest.raises(ValueError, match=r"when\.op: 应为"):
        compiled(when({**FEW_DAYS, "op": "=="}))


def assert_one(faults: list[Fault], field: str, en: str) -> None:
    assert [fault.field for fault in faults] == [field], faults
    assert en in faults[0].en and any("一" <= char <= "鿿" for char in faults[0].zh), faults
    assert not any("一" <= char <= "鿿" for char in faults[0].en), faults
