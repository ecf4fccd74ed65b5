"""What a condition can come to at all, whatever the figures: nobody is to activate one that is no condition.

Each leaf is judged at the values where its answer, or that of another leaf of the same figure, changes. Leaves of
several months are taken to be free of one another. So the answer may hold outcomes that can't be, and never lacks one
that can: what is refused because of it is surely wrong.
"""

from collections.abc import Iterable, Mapping
from itertools import product

from alerts.conditions.compile import Outcome, judge_of
from alerts.conditions.facts import Facts
from alerts.conditions.figures import FIGURES, Value
from alerts.conditions.nodes import All, Any_, Compare, Known, Leaf, Node, Not, leaves

_Case = Mapping[Leaf, Outcome]  # what the leaves of one figure say together
_MOST_CASES = 2000
_MOST_POINTS = 20_000  # times leaves that are judged there


def outcomes(node: Node, *, may_be_unknown: bool) -> set[Outcome]:
    """All that a node can come to, of customers of whom everything is known, or of any."""
    groups: dict[str | Leaf, list[Leaf]] = {}
    for placed in leaves(node):
        groups.setdefault(_subject(placed.leaf), []).append(placed.leaf)
    alone = {
        leaf: {case[leaf] for case in _cases([leaf], may_be_unknown)} for group in groups.values() for leaf in group
    }
    together, count = [], 1
    for group in groups.values():
        if len(group) > 1 and (cases := _cases(group, may_be_unknown)) and count * len(cases) <= _MOST_CASES:
            together.append(cases)
            count *= len(cases)
    found: set[Outcome] = set()
    for chosen in product(*together):
        fixed = {leaf: answer for case in chosen for leaf, answer in case.items()}
        found |= _of(node, fixed, alone)
        if len(found) == (3 if may_be_unknown else 2):
            break
    return found


def _of(node: Node, fixed: _Case, alone: Mapping[Leaf, set[Outcome]]) -> set[Outcome]:
    if isinstance(node, Not):
        return {None if met is None else not met for met in _of(node.node, fixed, alone)}
    if isinstance(node, All | Any_):
        join = _both if isinstance(node, All) else _either
        found: set[Outcome] = {isinstance(node, All)}
        for each in node.nodes:
            found = {join(a, b) for a, b in product(found, _of(each, fixed, alone))}
        return found
    return {fixed[node]} if node in fixed else alone[node]


def _both(a: Outcome, b: Outcome) -> Outcome:
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def _either(a: Outcome, b: Outcome) -> Outcome:
    if a or b:
        return True
    return None if a is None or b is None else False


def _subject(leaf: Leaf) -> str | Leaf:
    """What leaves share: the figure of this month, else nothing but what is the same leaf."""
    is_of_now = isinstance(leaf, Known) or (isinstance(leaf, Compare) and leaf.for_months == 1)
    return leaf.figure if is_of_now else leaf


def _cases(group: list[Leaf], may_be_unknown: bool) -> list[_Case]:
    """What the leaves of one subject can say together, each once; nothing where there is too much to try."""
    leaf = group[0]
    if _subject(leaf) is leaf:
        return [{leaf: answer} for answer in (True, False, *((None,) if may_be_unknown else ()))]
    points = _points(group)
    if len(points) * len(group) > _MOST_POINTS:
        return []
    if may_be_unknown:
        points.add(None)
    judges = {leaf: judge_of(leaf) for leaf in group}
    said = {tuple(judge(_At(leaf.figure, point)) for judge in judges.values()) for point in points}
    return [dict(zip(judges, answers, strict=True)) for answers in said]


def _points(group: Iterable[Leaf]) -> set[Value]:
    """Values of a figure between which no answer changes."""
    limits: set[Value] = set()
    figure = None
    for leaf in group:
        figure = FIGURES[leaf.figure]
        if isinstance(leaf, Compare):
            limits.update(leaf.value if isinstance(leaf.value, tuple) else (leaf.value,))
    assert figure is not None
    if figure.type == "bool":
        return {True, False}
    if figure.type == "str":
        return limits | set(figure.values or {"\0"})  # a text that nobody writes
    numbers = {figure.least, figure.most}
    for limit in limits:
        assert isinstance(limit, int)
        numbers |= {limit - 1, limit, limit + 1}
    return {each for each in numbers if figure.least <= each <= figure.most}


class _At(Facts):
    """Of one figure one value."""

    def __init__(self, figure: str, value: Value) -> None:
        dict.__init__(self)
        self[figure] = value
