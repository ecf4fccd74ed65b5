"""Rules asked together are met when one of them is, whatever they ask."""

import timeit
from datetime import UTC, datetime
from time import process_time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.conditions.compile import Compiled, compile_
from alerts.conditions.facts import Facts, Key
from alerts.conditions.figures import Value
from alerts.conditions.nodes import All, Any_, Compare, Condition, Known, Leaf, Moves, Node, Not
from alerts.conditions.together import together
from alerts.detection.figures import StateFigures
from alerts.detection.months import month_of
from alerts.detection.rows import Rows, Said, packed, with_row
from alerts.detection.state import CustomerState, Profile, Series

NOW, JUNE = datetime(2026, 6, 30, 2, tzinfo=UTC), month_of("202606")
SMALL, MONTHS = st.integers(-3, 3), st.integers(1, 3)
MONTHLY = st.sampled_from(["bill.amount_fen", "bill.data_fen", "usage.voice_minutes", "usage.care_calls"])
OPS = st.sampled_from(["<", "<=", "=", "!=", ">=", ">"])
LEAVES: st.SearchStrategy[Leaf] = st.one_of(
    st.builds(Compare, MONTHLY, OPS, SMALL, MONTHS),
    st.builds(Compare, st.just("balance.balance_fen"), OPS, SMALL),
    st.builds(Compare, MONTHLY, st.just("in"), st.lists(SMALL, min_size=1, max_size=2).map(tuple)),
    st.builds(Known, MONTHLY),
    st.builds(Moves, MONTHLY, st.sampled_from(["falls", "rises"]), st.integers(1, 99), MONTHS),
)
NODES: st.SearchStrategy[Node] = st.recursive(
    LEAVES,
    lambda below: st.one_of(
        st.lists(below, min_size=1, max_size=3).map(lambda nodes: All(tuple(nodes))),
        st.lists(below, min_size=1, max_size=3).map(lambda nodes: Any_(tuple(nodes))),
        st.builds(Not, below),
    ),
    max_leaves=5,
)
VALUES = st.lists(st.none() | st.integers(-3, 6), min_size=5, max_size=5)


def rule(number: int, when: Node) -> Compiled:
    return compile_(
        Condition(
            id=f"r{number}", alert="attention", name_zh="x", name_en="x", severity="minor", on=("BILL",), when=when
        )
    )


def state_of(bill: list[Any], data: list[Any], voice: list[Any], care: list[Any], balance: int | None) -> CustomerState:
    """Five months up to June, the oldest first."""
    first = JUNE - 4
    rows: dict[str, Rows] = {}
    for kind, rows_of in (
        ("BILL", [(None, n, None, None) for n in data]),
        ("USAGE", [(None,) * 5 + (n,) for n in care]),
    ):
        for at, row in enumerate(rows_of):
            if (found := with_row(rows.get(kind), first + at, row)) is not None:
                rows[kind] = found
    figures = {"amount_fen": Series(first, tuple(bill)), "voice_minutes": Series(first, tuple(voice))}
    return CustomerState(
        "c", profile=Profile("active"), figures=figures, rows=rows, said=packed(Said(balance_fen=balance))
    )


class Plain:
    """The same figures, one after the other."""

    def __init__(self, state: CustomerState, month: int) -> None:
        self._of = StateFigures(state, month, NOW)

    def now(self, figure: str) -> Value:
        return self._of.now(figure)

    def month(self, figure: str, back: int) -> int | None:
        return self._of.month(figure, back)


@given(
    st.lists(NODES, min_size=1, max_size=6),
    st.tuples(VALUES, VALUES, VALUES, VALUES, st.none() | SMALL),
    st.integers(0, 4),
)
@settings(max_examples=400, deadline=None)
def test_one_of_them_is_met_or_none(nodes: list[Node], figures: Any, since: int) -> None:
    rules = [rule(number, node) for number, node in enumerate(nodes)]
    state, month = state_of(*figures), JUNE - since
    whole = together("BILL", rules)
    for after in range(whole.reach + 1):
        judged = month + after
        expected = any(each.is_met(Facts(Plain(state, judged))) for each in rules if after <= each.reach)
        row = (None, figures[1][4 - since], None, None)
        brought = StateFigures(state, judged, NOW, ("BILL", month, row))
        assert whole.is_any_met(brought, after) is expected
        keys: list[Key] = ["bill.amount_fen", ("bill.data_fen", 0), ("usage.voice_minutes", -3), ("bill.data_fen", -2)]
        assert [brought[key] for key in keys] == [Facts(Plain(state, judged))[key] for key in keys]


def test_twenty_rules_about_bills_are_asked_in_a_moment() -> None:
    """6 µs a bill on a quiet machine, its figures fetched from the state; ten times that is a mistake."""
    nodes: list[Node] = []
    for n in range(5):
        nodes += [
            All((Moves("bill.amount_fen", "falls", 60 + n, 3), Compare("customer.status", "=", "active"))),
            All((Compare("bill.data_fen", "<", 5 + n), Compare("customer.area", "=", "urban"))),
            All((Compare("bill.amount_fen", "<", 10 + n, 3), Not(Compare("customer.plan_code", "in", ("FREE01",))))),
            All((Moves("usage.voice_minutes", "falls", 70 + n, 6), Compare("contract.days_left", "<=", 30))),
        ]
    whole = together("BILL", [rule(number, node) for number, node in enumerate(nodes)])
    series = {name: Series(JUNE - 11, (9000,) * 12) for name in ("amount_fen", "voice_minutes")}
    state = CustomerState("c", profile=Profile("active"), figures=series)

    def ask() -> None:
        assert not whole.is_any_met(StateFigures(state, JUNE, NOW, ("BILL", JUNE, (1, 90, 1, 1))), 0)

    taken = min(timeit.repeat(ask, number=1000, repeat=15, timer=process_time)) * 1000
    assert taken < 60, f"{taken:.1f} µs"
