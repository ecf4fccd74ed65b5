"""A draft is tried on what was just fed: whom it would warn of, and nothing comes of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from integration.house import House, Month, Row, opened

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(400)]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with opened(tmp_path / "data", "--partitions", "4") as made:
        yield made


def bills(month: Month, number: int, *amounts: int) -> list[Row]:
    """Of as many months as there are amounts, the last one this month's."""
    return [
        month.event("bill.issued", month.bill(number, amount, back, 2), 2)
        for back, amount in zip(range(len(amounts) - 1, -1, -1), amounts, strict=True)
    ]


def test_a_draft_is_tried(house: House, tmp_path: Path) -> None:
    month = house.month()
    last = {1: 5500, 2: 6500, 3: 7500}
    house.accept(*(month.newcomer(n) for n in last))
    house.accept(*(bill for n, amount in last.items() for bill in bills(month, n, 10000, 10000, 10000, amount)))
    before = house.kam("alerts"), house.kam("work"), house.kam("sms")
    warned = {alert["customer_id"]: alert["period"] for alert in before[0]}
    assert set(warned) == {month.customer(1), month.customer(2)}
    period = warned[month.customer(1)]

    file = tmp_path / "drop-30.yaml"
    document = house.kam("rule", "show", "drop-30")["document"]
    file.write_text(yaml.safe_dump({**document, "percent": 60}, allow_unicode=True))
    house.kam("rule", "save", file, "--why", "误报偏多")
    tried = house.kam("rule", "try", "drop-30", "--version", "2", "--from", period, "--to", period)
    assert (tried["rule"], tried["version"], tried["against"]) == ("drop-30", 2, 1)
    assert (tried["customers"], tried["alerts"], tried["same"], tried["added"]) == (3, 1, 1, [])
    assert [row["customer_id"] for row in tried["gone"]] == [month.customer(2)]
    assert tried["by_period"] == {period: 1}
    shown = house.kam("rule", "show", "drop-30", "--version", "2")
    assert (shown["state"], shown["tried"]["alerts"], shown["tried"]["gone"]) == ("draft", 1, 1)

    file.write_text(yaml.safe_dump({
        "id": "low-bill", "type": "condition", "alert": "attention", "name_zh": "账单偏低", "name_en": "Low bill",
        "severity": "minor", "on": ["BILL"],
        "when": {"all": [{"figure": "bill.amount_fen", "op": "<=", "value": 7000},
                         {"figure": "bill.amount_fen", "falls_percent": 25, "months": 3}]},
    }, allow_unicode=True))  # fmt: skip
    house.kam("rule", "save", file, "--why", "试一试")
    tried = house.kam("rule", "try", "low-bill")
    assert (tried["against"], tried["alerts"], tried["added_count"]) == (None, 2, 2)
    assert {row["customer_id"] for row in tried["added"]} == {month.customer(1), month.customer(2)}
    assert (house.kam("alerts"), house.kam("work"), house.kam("sms")) == before
