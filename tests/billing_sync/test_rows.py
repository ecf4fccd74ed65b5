"""Rows of nightly files: what a fact says where the row is silent or out of date."""

import json
from datetime import date
from typing import Any

import pytest

from billing_sync.domain.kinds import KINDS
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
