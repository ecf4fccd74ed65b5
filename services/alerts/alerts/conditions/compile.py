"""A condition as a function: compiled once to closures, three-valued (Kleene), each leaf able to say what it saw.

``None`` is unknown. A figure that moves is judged in integers: it falls when ``100·n·x ≤ (100−p)·sum`` of the ``n``
months before and rises when ``100·n·x ≥ (100+p)·sum``; an unknown month makes it unknown, ``sum ≤ 0`` not met.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from alerts.conditions.facts import Facts, Key
from alerts.conditions.figures import FIGURES, Family, Value
from alerts.conditions.nodes import All, Any_, Compare, Condition, Known, Leaf, Moves, Node, Not, Placed, leaves
from alerts.conditions.words import say

#: values that a limit names
_MOST_NAMED = 10
Outcome = bool | None
Judge = Callable[[Facts], Outcome]


class Told(Struct, frozen=True, kw_only=True):
    """A leaf as it stands, before any ``not`` above it: what it asks in words, the figure's value, the limit.

    ``met`` None: unknown. ``path``: where it stands in the document; ``negated``: below an odd number of ``not``.
    """

    path: str
    figure: str
    text_zh: str
    text_en: str
    value: Value
    limit: Value
    met: Outcome
    negated: bool


class Compiled(Struct, frozen=True):
    """A rule that can be asked. ``is_met`` is the quick question, whether ``judge`` comes to True.

    ``monthly``: the monthly figures it asks for, ``of_now`` the others; ``windows``: by family of monthly figures how
    many months back it looks, ``reach`` the longest.
    """

    rule: Condition
    is_met: Callable[[Facts], bool]
    judge: Judge
    trace: Callable[[Facts], tuple[Told, ...]]
    monthly: frozenset[str]
    of_now: frozenset[str]
    windows: Mapping[Family, int]
    reach: int


def compile_(rule: Condition) -> Compiled:
    """The function of a rule that ``check`` finds no fault with."""
    placed = tuple(leaves(rule.when))
    tellers = tuple(map(_teller, placed))
    figures = {each.leaf: FIGURES[each.leaf.figure] for each in placed}
    windows: dict[Family, int] = {}
    for leaf, figure in figures.items():
        if figure.monthly:
            windows[figure.family] = max(windows.get(figure.family, 0), reach_of(leaf))
    return Compiled(
        rule=rule,
        is_met=comes_to(rule.when, True),
        judge=judge_of(rule.when),
        trace=lambda facts: tuple(tell(facts) for tell in tellers),
        monthly=frozenset(figure.name for figure in figures.values() if figure.monthly),
        of_now=frozenset(figure.name for figure in figures.values() if not figure.monthly),
        windows=windows,
        reach=max(windows.values(), default=0),
    )


def reach_of(leaf: Leaf) -> int:
    """How many months before the one that is judged a leaf asks for."""
    if isinstance(leaf, Moves):
        return leaf.months
    return leaf.for_months - 1 if isinstance(leaf, Compare) else 0


def judge_of(node: Node) -> Judge:
    """The function of a node."""
    if isinstance(node, All):
        return _all(_in_order(node.nodes))
    if isinstance(node, Any_):
        return _any(_in_order(node.nodes))
    if isinstance(node, Not):
        return _not(judge_of(node.node))
    if isinstance(node, Known):
        return _known(node.figure)
    if isinstance(node, Moves):
        return _moves(node)
    return _held(node) if node.for_months > 1 else _compare(node)


# --- nodes --------------------------------------------------------------------------------------------------------


def _in_order(nodes: tuple[Node, ...]) -> tuple[Judge, ...]:
    """What costs little first: the order changes no outcome, and most customers meet little."""
    return tuple(judge_of(node) for node in sorted(nodes, key=_cost))


def _cost(node: Node) -> int:
    return 1 + reach_of(node) if isinstance(node, Leaf) else 10


def _all(judges: tuple[Judge, ...]) -> Judge:
    if len(judges) == 1:
        return judges[0]

    def all_(facts: Facts) -> Outcome:
        result: Outcome = True
        for judge in judges:
            met = judge(facts)
            if not met:
                if met is not None:
                    return False
                result = None
        return result

    return all_


def _any(judges: tuple[Judge, ...]) -> Judge:
    if len(judges) == 1:
        return judges[0]

    def any_(facts: Facts) -> Outcome:
        result: Outcome = False
        for judge in judges:
            met = judge(facts)
            if met:
                return True
            if met is None:
                result = None
        return result

    return any_


def _not(judge: Judge) -> Judge:
    def not_(facts: Facts) -> Outcome:
        met = judge(facts)
        return None if met is None else not met

    return not_


# --- the quick question -------------------------------------------------------------------------------------------


def comes_to(node: Node, wanted: bool) -> Callable[[Facts], bool]:
    """Whether a node is met, or not met. Unknown is neither, so the first part that is not as wanted may end it."""
    if isinstance(node, Not):
        return comes_to(node.node, not wanted)
    if isinstance(node, All | Any_):
        parts = tuple(comes_to(each, wanted) for each in sorted(node.nodes, key=_cost))
        if len(parts) == 1:
            return parts[0]
        return _every(parts) if isinstance(node, All) is wanted else _some(parts)
    if isinstance(node, Compare) and node.for_months == 1:
        return _compares(node, wanted)
    judge = judge_of(node)
    return lambda facts: judge(facts) is wanted


def _every(parts: tuple[Callable[[Facts], bool], ...]) -> Callable[[Facts], bool]:
    def every(facts: Facts) -> bool:
        for is_so in parts:  # noqa: SIM110 - a generator costs more than what it goes through
            if not is_so(facts):
                return False
        return True

    return every


def _some(parts: tuple[Callable[[Facts], bool], ...]) -> Callable[[Facts], bool]:
    def some(facts: Facts) -> bool:
        for is_so in parts:  # noqa: SIM110
            if is_so(facts):
                return True
        return False

    return some


def _compares(leaf: Compare, wanted: bool) -> Callable[[Facts], bool]:
    figure, holds, limit = leaf.figure, _OPS[leaf.op], _limit(leaf)

    def compares(facts: Facts) -> bool:
        value = facts[figure]
        return value is not None and holds(value, limit) is wanted

    return compares


# --- leaves -------------------------------------------------------------------------------------------------------

_OPS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
    "in": lambda value, limit: value in limit,
}


def _known(figure: str) -> Judge:
    return lambda facts: facts[figure] is not None


def _compare(leaf: Compare) -> Judge:
    figure, holds, limit = leaf.figure, _OPS[leaf.op], _limit(leaf)

    def compare(facts: Facts) -> Outcome:
        value = facts[figure]
        return None if value is None else holds(value, limit)

    return compare


def _held(leaf: Compare) -> Judge:
    keys: tuple[Key, ...] = (leaf.figure, *((leaf.figure, back) for back in range(1, leaf.for_months)))
    holds, limit = _OPS[leaf.op], _limit(leaf)

    def held(facts: Facts) -> Outcome:
        result: Outcome = True
        for key in keys:
            value = facts[key]
            if value is None:
                result = None
            elif not holds(value, limit):
                return False
        return result

    return held


def _moves(leaf: Moves) -> Judge:
    figure, share, scale, falls = leaf.figure, _share(leaf), 100 * leaf.months, leaf.direction == "falls"
    key = (figure, -leaf.months)

    def moves(facts: Facts) -> Outcome:
        value, base = facts[figure], facts[key]
        if value is None or base is None:
            return None
        if base <= 0:
            return False
        moved: int = scale * value
        line: int = share * base
        return moved <= line if falls else moved >= line

    return moves


def _base(leaf: Moves) -> Callable[[Facts], int | None]:
    key = (leaf.figure, -leaf.months)
    return lambda facts: facts[key]


def _share(leaf: Moves) -> int:
    return 100 - leaf.percent if leaf.direction == "falls" else 100 + leaf.percent


def _limit(leaf: Compare) -> Any:
    return frozenset(leaf.value) if isinstance(leaf.value, tuple) else leaf.value


# --- trace --------------------------------------------------------------------------------------------------------


def _teller(placed: Placed) -> Callable[[Facts], Told]:
    leaf = placed.leaf
    judge, limit_of, (text_zh, text_en) = judge_of(leaf), _line(leaf), say(leaf)

    def tell(facts: Facts) -> Told:
        return Told(
            path=placed.path,
            figure=leaf.figure,
            text_zh=text_zh,
            text_en=text_en,
            value=facts[leaf.figure],
            limit=limit_of(facts),
            met=judge(facts),
            negated=placed.negated,
        )

    return tell


def _listed(values: tuple[Value, ...]) -> str:
    """Values of ``in`` as a limit, the first of many: each alert and what follows from it carries them."""
    named = ", ".join(map(str, values[:_MOST_NAMED]))
    return named if len(values) <= _MOST_NAMED else f"{named} … ({len(values)})"


def _line(leaf: Leaf) -> Callable[[Facts], Value]:
    """The limit of a leaf: a figure that moves has one as soon as its mean is known, the last number that meets it."""
    if isinstance(leaf, Known):
        return lambda facts: None
    if isinstance(leaf, Compare):
        limit = _listed(leaf.value) if isinstance(leaf.value, tuple) else leaf.value
        return lambda facts: limit
    share, scale, falls, base_of = _share(leaf), 100 * leaf.months, leaf.direction == "falls", _base(leaf)

    def line(facts: Facts) -> Value:
        base = base_of(facts)
        if base is None or base <= 0:
            return None
        return share * base // scale if falls else -(-share * base // scale)

    return line
