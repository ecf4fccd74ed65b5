"""A compiled condition comes to what its definition says, of any figures; and tells each leaf as it stands."""

import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.conditions.check import check
from alerts.conditions.compile import Compiled, Outcome, compile_, judge_of
from alerts.conditions.facts import Facts
from alerts.conditions.figures import FIGURES, MOST, RECORDS, Value
from alerts.conditions.nodes import All, Any_, Compare, Condition, Known, Leaf, Moves, Node, Not, leaves
from alerts.conditions.outcomes import outcomes
from alerts.conditions.read import MOST_LEAVES, read
from alerts.conditions.words import say

# --- facts in a table ---------------------------------------------------------------------------------------------


class Table:
    """Figures written down: a monthly one as a list, the newest first."""

    def __init__(self, **figures: Any) -> None:
        self.figures = {name.replace("__", "."): value for name, value in figures.items()}
        self.asked: list[object] = []

    def now(self, figure: str) -> Value:
        self.asked.append(figure)
        found: Value = self.figures.get(figure)
        return found

    def month(self, figure: str, back: int) -> int | None:
        self.asked.append((figure, back))
        values = self.figures.get(figure, [])
        return values[back] if back < len(values) else None


def met(node: Node, **figures: Any) -> Outcome:
    return judge_of(node)(Facts(Table(**figures)))


# --- leaves -------------------------------------------------------------------------------------------------------

DAYS, MINUTES = "usage.active_days", "usage.voice_minutes"


@pytest.mark.parametrize(
    ("op", "limit", "of"),
    [
        ("<", 3, {2: True, 3: False, 4: False}),
        ("<=", 3, {2: True, 3: True, 4: False}),
        ("=", 3, {2: False, 3: True, 4: False}),
        ("!=", 3, {2: True, 3: False, 4: True}),
        (">=", 3, {2: False, 3: True, 4: True}),
        (">", 3, {2: False, 3: False, 4: True}),
        ("in", (2, 4), {2: True, 3: False, 4: True}),
    ],
)
def test_operators(op: Any, limit: Any, of: dict[int, bool]) -> None:
    leaf = Compare(DAYS, op, limit)
    assert {value: met(leaf, usage__active_days=[value]) for value in of} == of
    assert met(leaf) is None and met(leaf, usage__active_days=[None]) is None


def test_texts_and_truths() -> None:
    assert met(Compare("customer.city", "=", "440100"), customer__city="440100") is True
    assert met(Compare("customer.city", "!=", "440100")) is None
    assert met(Compare("arrears.suspended", "=", False), arrears__suspended=False) is True
    assert met(Known("arrears.suspended"), arrears__suspended=False) is True
    assert met(Known("arrears.suspended")) is False
    assert met(Known(DAYS), usage__active_days=[0]) is True


@pytest.mark.parametrize(
    ("minutes", "falls", "rises"),
    [
        ([70, 100, 100, 100], True, False),  # exactly at the line, as drop-30
        ([71, 100, 100, 100], False, False),
        ([130, 100, 100, 100], False, True),
        ([129, 100, 100, 100], False, False),
        ([0, 100, 100, 100], True, False),
        ([0, 0, 0, 0], False, False),  # no mean
        ([-5, -10, -10, -10], False, False),
        ([-5, 10, 0, -5], True, False),
        ([None, 100, 100, 100], None, None),
        ([70, 100, None, 100], None, None),
        ([70, 100, 100], None, None),
    ],
)
def test_moves(minutes: list[int | None], falls: Outcome, rises: Outcome) -> None:
    assert met(Moves(MINUTES, "falls", 30, 3), usage__voice_minutes=minutes) is falls
    assert met(Moves(MINUTES, "rises", 30, 3), usage__voice_minutes=minutes) is rises


@pytest.mark.parametrize(
    ("days", "held"),
    [
        ([3, 3, 3], True),
        ([3, 4, 3], False),
        ([3, 3, None], None),
        ([3, 4, None], False),
        ([None, 3, 3], None),
        ([3, 3], None),
    ],
)
def test_holds_for_months(days: list[int | None], held: Outcome) -> None:
    assert met(Compare(DAYS, "<=", 3, 3), usage__active_days=days) is held


# --- three values -------------------------------------------------------------------------------------------------

#: a leaf for each outcome
T, F, U = (
    Compare("customer.brand", "=", "A"),
    Compare("customer.brand", "=", "B"),
    Compare("customer.role", "=", "member"),
)


@pytest.mark.parametrize(
    ("nodes", "every", "some"),
    [
        ((T, T), True, True),
        ((T, F), False, True),
        ((T, U), None, True),
        ((F, F), False, False),
        ((F, U), False, None),
        ((U, U), None, None),
        ((U, T, F), False, True),
        ((T,), True, True),
        ((U,), None, None),
    ],
)
def test_kleene(nodes: tuple[Node, ...], every: Outcome, some: Outcome) -> None:
    for each in (nodes, nodes[::-1]):
        assert met(All(each), customer__brand="A") is every
        assert met(Any_(each), customer__brand="A") is some


def test_not() -> None:
    assert [met(Not(leaf), customer__brand="A") for leaf in (T, F, U)] == [False, True, None]


def test_a_figure_is_asked_for_once() -> None:
    table = Table(usage__active_days=[9], usage__voice_minutes=[100, 100, 100, 100])
    facts = Facts(table)
    node = Any_((Compare(DAYS, "<", 3), Compare(DAYS, "=", 5), Moves(MINUTES, "falls", 30, 3)))
    assert judge_of(node)(facts) is judge_of(Not(Not(node)))(facts) is False
    assert table.asked == [(DAYS, 0), (MINUTES, 0), (MINUTES, 1), (MINUTES, 2), (MINUTES, 3)]


# --- against the definition ---------------------------------------------------------------------------------------


def by_definition(node: Node, figures: Mapping[str, Any]) -> Outcome:
    """interfaces.md, word by word."""
    if isinstance(node, All):
        found = [by_definition(each, figures) for each in node.nodes]
        return False if False in found else None if None in found else True
    if isinstance(node, Any_):
        found = [by_definition(each, figures) for each in node.nodes]
        return True if True in found else None if None in found else False
    if isinstance(node, Not):
        inner = by_definition(node.node, figures)
        return None if inner is None else not inner
    window: Any = figures.get(node.figure)
    value = window[0] if isinstance(window, list) else window
    if isinstance(node, Known):
        return value is not None
    if isinstance(node, Moves):
        before = window[1 : node.months + 1]
        if value is None or None in before:
            return None
        if sum(before) <= 0:
            return False
        if node.direction == "falls":
            return bool(100 * node.months * value <= (100 - node.percent) * sum(before))
        return bool(100 * node.months * value >= (100 + node.percent) * sum(before))
    months = window[: node.for_months] if isinstance(window, list) else [value]
    each_month = [None if one is None else _holds(node.op, one, node.value) for one in months]
    return False if False in each_month else None if None in each_month else True


def _holds(op: str, value: Any, limit: Any) -> bool:
    if op == "in":
        return value in limit
    return bool(
        (op in ("<", "<=", "!=") and value < limit)
        or (op in (">", ">=", "!=") and value > limit)
        or (op in ("=", "<=", ">=") and value == limit)
    )


SMALL = st.integers(-4, 4)
MONTHLY = ("bill.amount_fen", "bill.data_fen")
FACTS = st.fixed_dictionaries(
    {
        **{name: st.lists(st.none() | SMALL, min_size=5, max_size=5) for name in MONTHLY},
        "balance.balance_fen": st.none() | SMALL,
        "customer.brand": st.none() | st.sampled_from("ABC"),
        "arrears.suspended": st.none() | st.booleans(),
    }
)
INT_OPS = st.sampled_from(["<", "<=", "=", "!=", ">=", ">"])
BRANDS = st.lists(st.sampled_from("ABCD"), min_size=1, max_size=3).map(tuple)
LEAVES: st.SearchStrategy[Leaf] = st.one_of(
    st.builds(Compare, st.sampled_from((*MONTHLY, "balance.balance_fen")), INT_OPS, SMALL),
    st.builds(Compare, st.sampled_from(MONTHLY), INT_OPS, SMALL, st.integers(1, 4)),
    st.builds(Compare, st.sampled_from(MONTHLY), st.just("in"), st.lists(SMALL, min_size=1, max_size=3).map(tuple)),
    st.builds(Compare, st.just("customer.brand"), st.sampled_from(["=", "!="]), st.sampled_from("ABD")),
    st.builds(Compare, st.just("customer.brand"), st.just("in"), BRANDS),
    st.builds(Compare, st.just("arrears.suspended"), st.sampled_from(["=", "!="]), st.booleans()),
    st.builds(Known, st.sampled_from((*MONTHLY, "balance.balance_fen", "customer.brand", "arrears.suspended"))),
    st.builds(
        Moves, st.sampled_from(MONTHLY), st.sampled_from(["falls", "rises"]), st.integers(1, 99), st.integers(1, 4)
    ),
)
NODES: st.SearchStrategy[Node] = st.recursive(
    LEAVES,
    lambda below: st.one_of(
        st.lists(below, min_size=1, max_size=4).map(lambda nodes: All(tuple(nodes))),
        st.lists(below, min_size=1, max_size=4).map(lambda nodes: Any_(tuple(nodes))),
        st.builds(Not, below),
    ),
    max_leaves=8,
)


def facts_of(figures: Mapping[str, Any]) -> Facts:
    table = Table()
    table.figures = dict(figures)
    return Facts(table)


@settings(deadline=None, max_examples=100)
@given(NODES, FACTS)
def test_comes_to_what_the_definition_says(node: Node, figures: dict[str, Any]) -> None:
    expected = by_definition(node, figures)
    assert judge_of(node)(facts_of(figures)) is expected
    assert compiled(node).is_met(facts_of(figures)) is (expected is True)
    told = compiled(node).trace(facts_of(figures))
    assert [each.met for each in told] == [by_definition(each.leaf, figures) for each in leaves(node)]
    # what is refused because of what it can come to is surely wrong
    assert expected in outcomes(node, may_be_unknown=True)


@settings(deadline=None, max_examples=60)
@given(NODES, st.lists(FACTS, min_size=6, max_size=6))
def test_what_is_refused_leaves_nobody_alone_or_warns_nobody(node: Node, of: list[dict[str, Any]]) -> None:
    faults = check(rule_of(node))
    said = faults[0].en if faults else ""
    for figures in of:
        outcome = by_definition(node, figures)
        everything = all(
            value is not None and None not in (value if isinstance(value, list) else ()) for value in figures.values()
        )
        assert not (said.startswith("holds for every") and everything and outcome is not True)
        assert not (said.startswith("can never hold") and outcome is True)


@settings(deadline=None, max_examples=60)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=9)
        | st.sampled_from(["all", "any", "not", "figure", "op", "value", "known", "<=", *FIGURES]),
        lambda below: (
            st.lists(below, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "id",
                        "type",
                        "on",
                        "when",
                        "all",
                        "any",
                        "not",
                        "figure",
                        "op",
                        "value",
                        "for_months",
                        "falls_percent",
                        "months",
                    ]
                ),
                below,
                max_size=5,
            )
        ),
        max_leaves=30,
    )
)
def test_anything_is_read_or_refused(value: Any) -> None:
    document = value if isinstance(value, dict) else {"when": value}
    rule, faults = read(document)
    assert (rule is None) == bool(faults)
    if rule is not None:
        check(rule)


# --- compiled -----------------------------------------------------------------------------------------------------


def rule_of(node: Node) -> Condition:
    return Condition(id="x", alert="attention", name_zh="测", name_en="x", severity="minor", on=("USAGE",), when=node)


def compiled(node: Node) -> Compiled:
    return compile_(rule_of(node))


SILENT = All(
    (
        Compare(DAYS, "<=", 3),
        Moves(MINUTES, "falls", 50, 3),
        Not(Compare("customer.plan_code", "in", ("FREE01",))),
    )
)


def test_a_compiled_rule_says_what_it_asks_for() -> None:
    silent = compiled(SILENT)
    assert silent.monthly == frozenset({DAYS, MINUTES}) and silent.reach == 3
    assert silent.of_now == frozenset({"customer.plan_code"}) and silent.windows == {"usage": 3}
    assert compiled(Compare(DAYS, "<=", 3, 4)).reach == 3
    assert compiled(Known("balance.balance_fen")).reach == 0


def test_trace_of_the_example() -> None:
    table = Table(usage__active_days=[2], usage__voice_minutes=[55, 100, 110, 90], customer__plan_code="FREE01")
    told = compiled(SILENT).trace(Facts(table))
    assert [
        (each.path, each.text_zh, each.text_en, each.value, each.limit, each.met, each.negated) for each in told
    ] == [
        ("when.all[0]", "活跃天数 ≤ 3 天", "active days ≤ 3", 2, 3, True, False),
        (
            "when.all[1]",
            "通话分钟较前 3 个月均值下降 50% 或更多",
            "voice minutes 50 % or more below the mean of 3 months before",
            55,
            50,
            False,
            False,
        ),
        ("when.all[2].not", "套餐属于：FREE01", "plan: one of FREE01", "FREE01", "FREE01", True, True),
    ]


def test_of_many_values_a_limit_names_the_first() -> None:
    """Every alert carries it."""
    leaf = Compare("customer.plan_code", "in", tuple(f"P{n:04}" for n in range(1000)))
    (told,) = compiled(leaf).trace(Facts(Table(customer__plan_code="P0999")))
    assert told.met and told.limit == "P0000, P0001, P0002, P0003, P0004, P0005, P0006, P0007, P0008, P0009 … (1000)"


def test_the_limit_is_the_last_number_that_meets() -> None:
    for percent, minutes in ((30, [1, 33, 34, 34]), (33, [1, 7, 0, 0]), (99, [1, 10, 11, 12]), (1, [1, 1, 0, 0])):
        for direction, beyond in (("falls", 1), ("rises", -1)):
            node = Moves(MINUTES, direction, percent, 3)  # type: ignore[arg-type]
            limit = compiled(node).trace(facts_of({MINUTES: minutes}))[0].limit
            assert isinstance(limit, int)
            assert met(node, usage__voice_minutes=[limit, *minutes[1:]]) is True
            assert met(node, usage__voice_minutes=[limit + beyond, *minutes[1:]]) is False
    none = compiled(Moves(MINUTES, "falls", 30, 3))
    assert [none.trace(facts_of({MINUTES: m}))[0].limit for m in ([1, 0, 0, 0], [1, 2, None, 2])] == [None, None]


@pytest.mark.parametrize(
    ("leaf", "zh", "en"),
    [
        (Compare("bill.amount_fen", ">", 12345), "账单金额 > ¥123.45", "bill > ¥123.45"),
        (Compare("balance.balance_fen", "<", -500), "账户余额 < ¥-5.00", "balance < ¥-5.00"),
        (Compare("usage.data_mb", "!=", 0), "流量 ≠ 0 MB", "data ≠ 0 MB"),
        (Compare("usage.care_calls", ">=", 3), "拨打客服次数 ≥ 3 次", "calls to customer care ≥ 3"),
        (Compare("customer.status", "=", "suspended"), "客户状态 = 已停机", "status = suspended"),
        (Compare("customer.city", "!=", "440100"), "地市 ≠ 440100", "city ≠ 440100"),
        (Compare("arrears.suspended", "=", True), "因欠费停机：是", "suspended for debt: yes"),
        (Compare("arrears.suspended", "!=", True), "因欠费停机：否", "suspended for debt: no"),
        (Compare("arrears.suspended", "!=", False), "因欠费停机：是", "suspended for debt: yes"),
        (Known("balance.balance_fen"), "账户余额已知", "balance: known"),
        (
            Compare("customer.kind", "in", ("person", "corporate")),
            "客户类型属于：个人、集团",
            "kind of customer: one of person, corporate",
        ),
        (
            Compare("customer.plan_code", "in", tuple("ABCDEFG")),
            "套餐属于：A、B、C、D、E 等 7 个",
            "plan: one of A, B, C, D, E and 2 more",
        ),
        (Compare(DAYS, "<=", 3, 2), "活跃天数 ≤ 3 天，连续 2 个月", "active days ≤ 3, 2 months in a row"),
        (
            Moves("usage.competitor_calls", "rises", 100, 1),
            "拨打竞争对手客服次数较上月上升 100% 或更多",
            "calls to competitors 100 % or more above the month before",
        ),
    ],
)
def test_words(leaf: Leaf, zh: str, en: str) -> None:
    assert say(leaf) == (zh, en)


# --- figures ------------------------------------------------------------------------------------------------------


def test_the_table_of_figures_is_whole() -> None:
    for name, figure in FIGURES.items():
        assert name == figure.name and name.startswith(f"{figure.family}.")
        assert all((figure.zh, figure.en, *figure.meaning)) and figure.family in RECORDS
        assert (figure.least, figure.most) == (-MOST, MOST) or figure.type == "int"


def test_figures_are_those_of_the_records() -> None:
    """bill.* and usage.* are columns of their records, customer.* of CUST."""
    from contracts import boss

    columns = {"bill": boss.Bill, "usage": boss.Usage, "customer": boss.Customer}
    for figure in FIGURES.values():
        if figure.family in columns and figure.name != "customer.tenure_months":
            assert figure.name.partition(".")[2] in columns[figure.family].__struct_fields__


# --- speed --------------------------------------------------------------------------------------------------------


def test_a_great_condition_is_checked_at_once() -> None:
    """Fifty leaves that share ten figures, each with many values: no search without end."""
    names = [name for name, figure in FIGURES.items() if figure.type == "int"][:10]
    groups = [
        Any_(tuple(Compare(names[(i * 5 + j) % 10], "in", tuple(range(j, 31, 2))) for j in range(5)))
        for i in range(MOST_LEAVES // 5)
    ]
    began = time.process_time()
    assert check(rule_of(All(tuple(groups)))) == []
    assert time.process_time() - began < 2
