"""Rows of nightly files: what a fact says where the row is silent or out of date."""

import json
import random
from datetime import date
from typing import Any

import pytest

from billing_sync.domain.kinds import FILE_ORDER, KINDS
from billing_sync.domain.reasons import Bad
from billing_sync.domain.rows import FactMaker, RowReader

CUST = KINDS["CUST"]


def body(kind: str, city: str, row: dict[str, Any]) -> dict[str, Any]:
    """What is published of a row of this city's file."""
    made, day = KINDS[kind], date(2026, 6, 30)
    line = "|".join(row.get(column, "") for column in made.columns)
    values = RowReader(made, list(made.columns), "|", day).read(line)
    fact = FactMaker(made, f"{kind}_{city}_20260630_0001.dat.gz", city, day, 1).make(values, 2)
    return dict(json.loads(made.body(fact.values)))


@pytest.mark.parametrize("column", ["", "320100", "320200"])
def test_defect_26_a_customer_is_of_the_city_whose_file_names_him(column: str) -> None:
    row = {"customer_id": "c1", "status": "active", "name": "张三", "city": column}
    assert body("CUST", "320200", row) == {**dict.fromkeys(CUST.columns), **row, "city": "320200"}


def test_a_unit_of_the_province_keeps_its_own_city() -> None:
    assert body("UNIT", "320000", {"unit_id": "u1", "city": "320100"})["city"] == "320100"
    assert body("UNIT", "320000", {"unit_id": "u1"})["city"] is None


CELLS = (
    "", "0", "1", "007", "-5", "- 5", " 5", "+5", "1_000", "12345678901234567890", "999999999999999999", "٣", "²",
    "x" * 70, "a b", "c1", "张三", "\u3000", "202605", "202613", "202608", "2026-05-28", "2026-07-02", "2026-02-30",
    "9999-12-31", "2026-05-28T10:00:00+08:00", "2026-07-09T10:00:00Z", "2026-05-28T10:00:00", "320100", "32010",
    "active", "left", "person", "zh", "stop", "opened", "member", "4", "\x00", "\r", "abc",
)  # fmt: skip


@pytest.mark.parametrize("kind", FILE_ORDER)
def test_rows_read_together_are_as_if_read_one_by_one(kind: str) -> None:
    made, dice = KINDS[kind], random.Random(kind)
    columns = [*made.columns, "more"]
    dice.shuffle(columns)
    reader = RowReader(made, columns, "|", date(2026, 6, 30))

    def read(line: str) -> Any:
        try:
            return reader.read(line)
        except Bad:
            return None

    good = {column: [cell for cell in CELLS if _takes(kind, column, cell)] for column in columns}
    all_good = 0
    for _ in range(2000):
        strange = dice.choice((0, 0, 0.005, 0.05))
        lines = [
            "|".join(dice.choice(CELLS if dice.random() < strange else good[column]) for column in columns)
            + "|" * (dice.random() < strange)
            for _ in range(dice.choice((1, 2, 5)))
        ]
        each = [read(line) for line in lines]
        expected = None if None in each else each
        all_good += expected is not None
        assert reader.read_all(lines) == expected
    assert 50 < all_good < 2000


def _takes(kind: str, column: str, cell: str) -> bool:
    field = next((field for field in KINDS[kind].fields if field.name == column), None)
    try:
        if field is not None:
            field.take_text(cell)
    except Bad:
        return False
    return True
