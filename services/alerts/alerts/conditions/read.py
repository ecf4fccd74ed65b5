"""Reads a rule of type ``condition`` from plain values, as YAML and JSON give them.

Reading judges the shape alone (fields, their types, how deep and how many); whether it makes sense is asked in
``check.py``, which needs a tree to look at.
"""

import re
from collections.abc import Mapping
from typing import Any, cast, get_args

from alerts.conditions.figures import MOST, meant
from alerts.conditions.nodes import All, Any_, Compare, Condition, Kind, Known, Leaf, Moves, Node, Not, Op
from contracts.alert import Severity
from servicekit.documents.fault import Checker, Fault

ALERTS = ("churn_warning", "attention")
DEEPEST = 6  # nodes above one another, the leaf included
MOST_LEAVES = 50
MOST_VALUES = 1000  # of ``in``
MOST_TEXT = 100

_KINDS: tuple[str, ...] = get_args(Kind)
_OPS: tuple[str, ...] = get_args(Op)
_SEVERITIES: tuple[str, ...] = get_args(Severity)
_ID = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_FIELDS = (
    "id",
    "type",
    "alert",
    "name_zh",
    "name_en",
    "severity",
    "on",
    "when",
    "late_after_days",
    "exclude_lists",
    "only_lists",
    "vip_lists",
)
#: what ``rules.Condition`` alone reads and checks
_OF_LISTS = ("exclude_lists", "only_lists", "vip_lists")
_OPTIONAL = ("late_after_days", *_OF_LISTS)
_NODES = ("all", "any", "not", "figure")
_LEAF_FIELDS = ("figure", "op", "value", "for_months", "falls_percent", "rises_percent", "months")
#: what people write instead of an operator
_MEANT = {"==": "=", "===": "=", "is": "=", "≤": "<=", "=<": "<=", "≥": ">=", "=>": ">=", "<>": "!=", "≠": "!="}


def read(document: Mapping[str, Any]) -> tuple[Condition | None, list[Fault]]:
    """The rule that a document says, or everything that is wrong with its shape."""
    checker = Checker()
    _fields(checker, document, _FIELDS, _OPTIONAL)
    head = _Head(checker, document)
    when: Node | None = None
    if "when" in document:
        when = _Tree().node(checker.under("when"), document["when"], 1)
    if checker.faults:
        return None, checker.faults
    assert when is not None
    return (
        Condition(
            id=head.id,
            alert=head.alert,
            name_zh=head.name_zh,
            name_en=head.name_en,
            severity=cast(Severity, head.severity),
            on=cast(tuple[Kind, ...], head.on),
            when=when,
            late_after_days=head.late_after_days,
        ),
        [],
    )


class _Head:
    """Everything but the tree; what is missing has been said already."""

    def __init__(self, checker: Checker, document: Mapping[str, Any]) -> None:
        self._checker, self._document = checker, document
        self.id = self._id()
        if document.get("type", "condition") != "condition":
            checker.under("type").say("应为 condition", "must be condition")
        self.alert = self._one_of("alert", ALERTS)
        self.name_zh, self.name_en = self._name("name_zh"), self._name("name_en")
        self.severity = self._one_of("severity", _SEVERITIES)
        self.on = self._on()
        self.late_after_days = _number(checker.under("late_after_days"), document.get("late_after_days", 60), 0, 3650)

    def _id(self) -> str:
        id, checker = self._document.get("id"), self._checker.under("id")
        if "id" not in self._document:
            return ""
        if not isinstance(id, str) or not _ID.fullmatch(id):
            checker.say(
                "应为小写字母开头、由小写字母、数字、- 和 _ 组成的文本，不超过 64 字符，如 low-balance",
                "must begin with a small letter and hold small letters, digits, - and _, 64 at most, as low-balance",
            )
            return ""
        return id

    def _one_of(self, name: str, values: tuple[str, ...]) -> str:
        value = self._document.get(name)
        if name in self._document and value not in values:
            self._checker.under(name).say(f"应为其中之一：{'、'.join(values)}", f"must be one of {', '.join(values)}")
        return value if isinstance(value, str) else ""

    def _name(self, name: str) -> str:
        value = self._document.get(name)
        if name in self._document and not (isinstance(value, str) and 0 < len(value.strip()) <= MOST_TEXT):
            self._checker.under(name).say(
                f"应为 1 至 {MOST_TEXT} 字的文本", f"must be a text of 1 to {MOST_TEXT} characters"
            )
        return value.strip() if isinstance(value, str) else ""

    def _on(self) -> tuple[str, ...]:
        value, checker = self._document.get("on"), self._checker.under("on")
        if "on" not in self._document:
            return ()
        if not isinstance(value, list | tuple) or not value:
            checker.say(
                f"写明由哪些记录触发，至少一种：{'、'.join(_KINDS)}，如 [USAGE]",
                f"say which records make it look, at least one of {', '.join(_KINDS)}, as [USAGE]",
            )
            return ()
        if len(value) > len(_KINDS):
            checker.say(f"最多 {len(_KINDS)} 种，各写一次", f"there are {len(_KINDS)} kinds: name each once")
            return ()
        for at, kind in enumerate(value):
            if kind in ("UNIT", "MGR"):
                checker.under(at).say(
                    f"{kind} 不是客户的记录，请换成客户的", f"{kind} is no record of a customer: take one that is"
                )
            elif kind not in _KINDS:
                checker.under(at).say(f"应为其中之一：{'、'.join(_KINDS)}", f"must be one of {', '.join(_KINDS)}")
            elif kind in value[:at]:
                checker.under(at).say("重复，留一个即可", "stands twice: once is enough")
        return tuple(value)


class _Tree:
    """Reads nodes, and counts them: what is too big is not read to its end."""

    def __init__(self) -> None:
        self._leaves = 0

    def node(self, checker: Checker, value: Any, depth: int) -> Node | None:
        if depth > DEEPEST:
            checker.say(
                f"嵌套超过 {DEEPEST} 层，请合并 all 与 any",
                f"deeper than {DEEPEST}: join what is all of all, any of any",
            )
            return None
        found = [name for name in _NODES if name in value] if isinstance(value, Mapping) else []
        if len(found) != 1:
            checker.say(
                "一个条件写且只写 all、any、not、figure 之一",
                "a condition is exactly one of all, any, not and figure",
            )
            return None
        name = found[0]
        if name == "figure":
            return self._leaf(checker, value)
        _fields(checker, value, (name,), ())
        below = value[name]
        if name == "not":
            inner = self.node(checker.under("not"), below, depth + 1)
            return None if inner is None else Not(inner)
        nodes = self._nodes(checker.under(name), below, depth + 1)
        return None if nodes is None else All(nodes) if name == "all" else Any_(nodes)

    def _nodes(self, checker: Checker, value: Any, depth: int) -> tuple[Node, ...] | None:
        if not isinstance(value, list | tuple) or not value:
            checker.say(
                "至少写一个条件：空的 all 对所有人成立", "needs at least one condition: an empty all matches everyone"
            )
            return None
        if len(value) > MOST_LEAVES:
            self._too_many(checker)
            return None
        nodes = []
        for at, each in enumerate(value):
            if self._leaves > MOST_LEAVES:
                break
            nodes.append(self.node(checker.under(at), each, depth))
        return None if None in nodes else tuple(cast(list[Node], nodes))

    def _too_many(self, checker: Checker) -> None:
        checker.say(
            f"条件超过 {MOST_LEAVES} 个，请拆成几条规则",
            f"more than {MOST_LEAVES} conditions: make several rules of it",
        )

    def _leaf(self, checker: Checker, value: Mapping[str, Any]) -> Leaf | None:
        self._leaves += 1
        if self._leaves > MOST_LEAVES:
            if self._leaves == MOST_LEAVES + 1:
                self._too_many(checker)
            return None
        before = len(checker.faults)
        figure = value["figure"]
        if not isinstance(figure, str):
            checker.under("figure").say(
                "应为指标名称，如 usage.active_days", "must be the name of a figure, as usage.active_days"
            )
        says = [name for name in ("op", "falls_percent", "rises_percent") if name in value]
        if len(says) != 1:
            checker.say(
                "写且只写 op、falls_percent、rises_percent 之一",
                "say exactly one of op, falls_percent and rises_percent",
            )
            _fields(checker, value, _LEAF_FIELDS, _LEAF_FIELDS)
            return None
        leaf = _compare(checker, value) if says == ["op"] else _moves(checker, value, says[0])
        return leaf if len(checker.faults) == before else None


def _compare(checker: Checker, value: Mapping[str, Any]) -> Leaf | None:
    op = value["op"]
    if op == "known":
        _fields(checker, value, ("figure", "op"), ())
        return Known(value["figure"])
    _fields(checker, value, ("figure", "op", "value", "for_months"), ("for_months",))
    if op not in _OPS:
        sign = _MEANT.get(op) if isinstance(op, str) else None
        checker.under("op").say(
            f"应为 {sign}" if sign else f"应为其中之一：{' '.join(_OPS)} known",
            f"must be {sign}" if sign else f"must be one of {' '.join(_OPS)} known",
        )
        return None
    for_months = _number(checker.under("for_months"), value.get("for_months", 1), 1, 12)
    if "value" not in value:
        return None
    limit, under = value["value"], checker.under("value")
    if op != "in":
        _scalar(under, limit)
        return Compare(value["figure"], op, limit, for_months)
    if not isinstance(limit, list | tuple) or not 0 < len(limit) <= MOST_VALUES:
        under.say(
            f"应为 1 至 {MOST_VALUES} 个值的列表，如 [A, B]", f"must be a list of 1 to {MOST_VALUES} values, as [A, B]"
        )
        return None
    for at, each in enumerate(limit):
        _scalar(under.under(at), each)
    return Compare(value["figure"], op, tuple(limit), for_months)


def _moves(checker: Checker, value: Mapping[str, Any], name: str) -> Leaf:
    _fields(checker, value, ("figure", name, "months"), ())
    months = value.get("months", 1)
    if type(months) is int and months == 0:
        checker.under("months").say(
            "0 个月没有均值可比（除以零），应为 1 至 12", "no months have no mean to divide by: 1 to 12"
        )
    else:
        months = _number(checker.under("months"), months, 1, 12)
    percent = _number(checker.under(name), value[name], 1, 99 if name == "falls_percent" else 1000)
    return Moves(value["figure"], "falls" if name == "falls_percent" else "rises", percent, months)


def _scalar(checker: Checker, value: Any) -> None:
    if isinstance(value, float):
        checker.say("应为整数；金额以分计", "must be a whole number; money is in fen")
    elif isinstance(value, list | tuple):
        checker.say("是一个值，不是列表；列表用 op: in", "is one value, no list: for a list say op: in")
    elif not isinstance(value, int | str):
        checker.say("应为数、文本、true 或 false", "must be a number, a text, true or false")
    elif isinstance(value, str) and not 0 < len(value) <= MOST_TEXT:
        checker.say(f"应为 1 至 {MOST_TEXT} 字的文本", f"must be a text of 1 to {MOST_TEXT} characters")
    elif isinstance(value, int) and abs(value) > MOST:
        checker.say("数太大", "is too great a number")


def _number(checker: Checker, value: Any, least: int, most: int) -> int:
    if type(value) is int and least <= value <= most:
        return value
    checker.say(f"应为 {least} 至 {most} 的整数", f"must be a whole number from {least} to {most}")
    return least


def _fields(checker: Checker, value: Mapping[str, Any], names: tuple[str, ...], optional: tuple[str, ...]) -> None:
    """Which fields are not of this place, and which are missing."""
    for name in value:
        if name not in names:
            near = meant(str(name), names)
            checker.under(str(name)[:50]).say(
                f"没有此字段；{'是 ' + near[0] + ' 吗？' if near else '这里可写：' + '、'.join(names)}",
                f"there is no such field; {'do you mean ' + near[0] + '?' if near else 'here: ' + ', '.join(names)}",
            )
    for name in names:
        if name not in value and name not in optional:
            checker.under(name).say("缺少此字段，请补上", "is missing: add it")
