"""Whether any of some rules is met: asked of every bill and usage summary, and the answer is nearly always no.

Of each rule a part is taken that it can't be met without (its *gate*; of parts of which one is enough, one of each),
and gates that ask the same of figures with other limits are asked as one, with the limits that let most pass: twenty
rules about a bill cost little more than one.
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from alerts.conditions.compile import Compiled, comes_to, reach_of
from alerts.conditions.facts import Facts
from alerts.conditions.figures import CARRIED, FIGURES, RECORDS
from alerts.conditions.nodes import All, Any_, Compare, Leaf, Moves, Node

_Group = tuple[Callable[[Facts], bool], tuple[tuple[int, Callable[[Facts], bool]], ...]]
#: leaves of which one must be met
_Gate = tuple[Leaf, ...]
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
    gates: dict[Any, tuple[_Gate, list[Compiled]]] = {}
    for each in rules:
        gate = _gate(each.rule.when, kind)
        name = tuple(map(_named, gate))
        there, others = gates.get(name, (gate, []))
        gates[name] = (tuple(map(_widest, there, gate)), [*others, each])
    return Together(
        tuple(
            (_passes(gate), tuple((each.reach, each.is_met) for each in theirs))
            for gate, theirs in sorted(gates.values(), key=lambda found: _cost(found[0], kind))
        ),
        max((each.reach for each in rules), default=0),
    )


def _gate(node: Node, kind: str) -> _Gate:
    """Leaves of which one is met where the node is; none: it can't be told."""
    if isinstance(node, Leaf):
        return (node,)
    if isinstance(node, All):
        found = [gate for each in node.nodes if (gate := _gate(each, kind))]
        return min(found, key=lambda gate: _cost(gate, kind), default=())
    if isinstance(node, Any_):
        parts = [_gate(each, kind) for each in node.nodes]
        return tuple(leaf for part in parts for leaf in part) if all(parts) else ()
    return ()


def _cost(gate: _Gate, kind: str) -> tuple[bool, int, int, int]:
    """What it costs to ask, and how little is sorted out by it: most customers are active, few have a bill below 1."""
    costs = [_cost_of(leaf, kind) for leaf in gate]
    return (not gate, *(sum(each) for each in zip(*costs, strict=True))) if gate else (True, 0, 0, 0)


def _cost_of(leaf: Leaf, kind: str) -> tuple[int, int, int]:
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


def _widest(one: Leaf, other: Leaf) -> Leaf:
    if isinstance(one, Compare) and isinstance(other, Compare) and one.op in _BELOW + _ABOVE:
        limits: list[Any] = [one.value, other.value]
        return replace(one, value=max(limits) if one.op in _BELOW else min(limits))
    if isinstance(one, Moves) and isinstance(other, Moves):
        return replace(one, percent=min(one.percent, other.percent))
    return one


def _passes(gate: _Gate) -> Callable[[Facts], bool]:
    if not gate:
        return lambda facts: True
    return comes_to(Any_(gate), True)
