"""Conditions that come with the product, inactive at first: right, spoken of in the docs, and quick to judge."""

import time
import timeit
from pathlib import Path

import pytest

from alerts.conditions.check import check
from alerts.conditions.compile import compile_
from alerts.conditions.facts import Facts
from alerts.conditions.figures import FIGURES, Value
from alerts.conditions.nodes import Condition
from alerts.conditions.read import read
from alerts.conditions.vocabulary import page, vocabulary
from servicekit.documents.document_text import read_text

ROOT = Path(__file__).parents[2]
SEEDS = sorted((ROOT / "services/alerts/alerts/seeds/conditions").glob("*.yaml"))


def seed(path: Path) -> Condition:
    document, faults = read_text(path.read_text())
    assert document is not None, faults
    rule, faults = read(document)
    assert rule is not None, faults
    return rule


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem)
def test_a_seed_has_no_fault(path: Path) -> None:
    assert check(seed(path)) == [] and seed(path).id == path.stem


def test_the_page_of_figures_is_what_the_table_says() -> None:
    """After a change of the table: ``make schemas``."""
    assert (ROOT / "docs/figures.md").read_text() == page()


def test_an_editor_gets_all_figures() -> None:
    told = {each["name"]: each for each in vocabulary()}
    assert told.keys() == FIGURES.keys()
    days = told["usage.active_days"]
    assert (days["record"], days["least"], days["most"], days["monthly"]) == ("USAGE", 0, 31, True)
    assert [each["code"] for each in told["customer.area"]["values"]] == ["urban", "rural"]
    assert told["arrears.suspended"]["ops"] == ["=", "!=", "known"]
    assert told["bill.amount_fen"]["least"] is told["bill.amount_fen"]["most"] is None


class Ordinary:
    """A customer whom nothing is wrong with."""

    def now(self, figure: str) -> Value:
        return {"balance.balance_fen": 8800, "clock.days_to_month_end": 12, "contract.days_left": 200}.get(figure)

    def month(self, figure: str, back: int) -> int | None:
        return 1 if figure == "usage.competitor_calls" else 20


def test_twenty_rules_are_judged_in_a_moment() -> None:
    """4 µs a customer and month on a quiet machine, their figures fetched; ten times that is a mistake."""
    judges = [compile_(seed(path)).is_met for path in SEEDS] * 4
    source = Ordinary()

    def judge_all() -> None:
        facts = Facts(source)
        for judge in judges:
            judge(facts)

    taken = min(timeit.repeat(judge_all, number=1000, repeat=15, timer=time.process_time)) * 1000
    assert taken < 40, f"{taken:.1f} µs"
