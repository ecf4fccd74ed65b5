"""A condition as data: the rule and its tree of nodes."""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from alerts.conditions.figures import Value
from contracts.alert import Severity

Op = Literal["<", "<=", "=", "!=", ">=", ">", "in"]
Direction = Literal["falls", "rises"]
Kind = Literal["BILL", "USAGE", "BAL", "ARR", "CONT", "COMP", "SERV", "PAY", "CUST"]


class All(Struct, frozen=True):
    """Met when all are."""

    nodes: "tuple[Node, ...]"


class Any_(Struct, frozen=True):
    """Met when one is."""

    nodes: "tuple[Node, ...]"


class Not(Struct, frozen=True):
    """Met when the other is not."""

    node: "Node"


class Compare(Struct, frozen=True):
    """A figure against a value, or (``in``) some; of a monthly one in ``for_months`` months, the last of them this."""

    figure: str
    op: Op
    value: Value | tuple[Value, ...]
    for_months: int = 1


class Known(Struct, frozen=True):
    """A figure that some record has said."""

    figure: str


class Moves(Struct, frozen=True):
    """A monthly figure ``percent`` or more below, or above, its mean of the ``months`` months before."""

    figure: str
    direction: Direction
    percent: int
    months: int


Leaf = Compare | Known | Moves
Node = All | Any_ | Not | Leaf


class Condition(Struct, frozen=True, kw_only=True):
    """A rule of type ``condition``, without its version: what is looked at on the arrival of ``on`` records.

    ``late_after_days``: after the end of a month, no work item comes of it any more.
    """

    id: str
    alert: str
    name_zh: str
    name_en: str
    severity: Severity
    on: tuple[Kind, ...]
    when: Node
    late_after_days: int = 60


class Placed(Struct, frozen=True):
    """A leaf where it stands: its path in the document, and whether an odd number of ``not`` is above it."""

    path: str
    leaf: Leaf
    negated: bool


def leaves(node: Node, path: str = "when", negated: bool = False) -> Iterator[Placed]:
    """The leaves below a node, in the order of the document."""
    if isinstance(node, All | Any_):
        name = "all" if isinstance(node, All) else "any"
        for at, each in enumerate(node.nodes):
            yield from leaves(each, f"{path}.{name}[{at}]", negated)
    elif isinstance(node, Not):
        yield from leaves(node.node, f"{path}.not", not negated)
    else:
        yield Placed(path, node, negated)
