"""Whether any of some rules is met: asked of every bill and usage summary, and the answer is nearly always no.

Of each rule one part is taken that it can't be met without (its *gate*), and gates that ask the same of a figure with
other limits are asked as one, with the limit that lets most pass: twenty rules about a bill cost little more than one.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from alerts.conditions.compile import Compiled, comes_to, reach_of
from alerts.conditions.facts import Facts
from alerts.conditions.figures import CARRIED, FIGURES, RECORDS
from alerts.conditions.nodes import All, Compare, Leaf, Moves, Node

_Group = tuple[Callable[[Facts], bool], tuple[tuple[int, Callable[[Facts], bool]], ...]]
#: operators by which a limit lets more pass the greater, or the smaller, it is
_BELOW, _ABOVE = ("<", "<="), (">", ">=")


class Together(Struct, frozen=True):
    """Rules that look at one kind of record. ``reach``: how many months back one of them looks."""

    groups: tuple[_Group, ...]
    reach: int

    def is_any_met(self, facts: Facts, since: int) -> bool:
        """``since``: so many months after the record's own; rules that do not reach back to it are not asked."""
        for passes, rules in self.groups:
            if passes(facts):
                for reach, is_met in rules:
                    if since <= reach and is_met(facts):
                        return True
        return False


def together(kind: str, rules: Sequence[Compiled]) -> Together:
    """``kind``: of the record that they look at; what it brings itself is asked first."""
    gates: dict[Any, tuple[Leaf | None, list[Compiled]]] = {}
    for each in rules:
        gate = min(_needed(each.rule.when), key=lambda leaf: _cost(leaf, kind), default=None)
        name = None if gate is None else _named(gate)
        there, others = gates.get(name, (gate, []))
        gates[name] = (_widest(there, gate), [*others, each])
    return Together(
        tuple(
            (_always if gate is None else comes_to(gate, True), tuple((each.reach, each.is_met) for each in theirs))
            for gate, theirs in sorted(gates.values(), key=lambda found: _cost(found[0], kind))
        ),
        max((each.reach for each in rules), default=0),
    )


def _needed(node: Node) -> Iterator[Leaf]:
    """Leaves without which a node is not met, as they stand there."""
    if isinstance(node, All):
        for each in node.nodes:
            yield from _needed(each)
    elif isinstance(node, Leaf):
        yield node


def _cost(leaf: Leaf | None, kind: str) -> tuple[int, int, int]:
    """What it costs to ask, and how little is sorted out by it: most customers are active, few have a bill below 1."""
    if leaf is None:
        return (9, 0, 0)
    column = leaf.figure.rpartition(".")[2]
    record = RECORDS[FIGURES[leaf.figure].family]
    is_at_hand = CARRIED.get(record or "") == column or (record == kind and reach_of(leaf) == 0)
    is_ordered = isinstance(leaf, Moves) or (isinstance(leaf, Compare) and leaf.op in _BELOW + _ABOVE)
    return (not is_ordered, not is_at_hand, reach_of(leaf))


def _named(leaf: Leaf) -> Any:
    """Leaves of one name differ by their limit alone, and one of them is wider than all others."""
    if isinstance(leaf, Compare) and leaf.op in _BELOW + _ABOVE:
        return ("compare", leaf.figure, leaf.op, leaf.for_months)
    if isinstance(leaf, Moves):
        return ("moves", leaf.figure, leaf.direction, leaf.months)
    return leaf


def _widest(one: Leaf | None, other: Leaf | None) -> Leaf | None:
    if isinstance(one, Compare) and isinstance(other, Compare) and one.op in _BELOW + _ABOVE:
        limits: list[Any] = [one.value, other.value]
        return replace(one, value=max(limits) if one.op in _BELOW else min(limits))
    if isinstance(one, Moves) and isinstance(other, Moves):
        return replace(one, percent=min(one.percent, other.percent))
    return one


def _always(facts: Facts) -> bool:
    return True
