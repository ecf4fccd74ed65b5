"""Every bad request to the HTTP feed gets a clear answer in two languages, and never spoils its neighbours."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integration.house import BATCH, House, Month, Row

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(180)]


def without(data: Row, *names: str) -> Row:
    return {name: value for name, value in data.items() if name not in names}


def test_one_bad_event_never_spoils_its_batch(house: House, month: Month) -> None:
    bill = month.bill(1, 1000)
    ahead = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    first = month.event("bill.issued", bill)
    # event, field that the receipt names, and what it says
    bad: list[tuple[Any, str | None, str]] = [
        (month.event("bill.forgotten", bill), "type", "unknown event type"),
        (month.event("bill.issued", without(bill, "period")), "period", "is missing"),
        (without(month.event("bill.issued", bill, 2), "id"), "id", "is missing"),
        (month.event("bill.issued", {**bill, "amount_fen": 12.5}), "amount_fen", "12.5"),
        (month.event("bill.issued", {**bill, "amount_fen": "1000"}), "amount_fen", "must be"),
        (month.event("bill.issued", {**bill, "amount_yuan": 10}), "amount_yuan", "unknown field"),
        (month.event("bill.issued", bill) | {"time": ahead, "id": f"{month}-ahead"}, "time", "after system time"),
        (month.event("bill.issued", {**bill, "issued_on": str(month.day(20))}), "issued_on", "more than a day after"),
        ({**first, "data": {**bill, "amount_fen": 2000}}, "id", "other content"),
        ("no event", None, "must be a CloudEvents object"),
    ]
    second = month.event("bill.issued", month.bill(1, 900, back=1))
    body = [month.newcomer(), first, *(event for event, _, _ in bad), second, first]
    answer = house.post_events(body, BATCH)
    assert answer.status_code == 202
    receipts: list[Row] = answer.json()
    assert [r["status"] for r in receipts] == ["accepted"] * 2 + ["rejected"] * len(bad) + ["accepted", "duplicate"]
    for receipt, (event, field, says) in zip(receipts[2:], bad, strict=False):
        assert receipt["field"] == field, (event, receipt)
        zh, _, en = receipt["reason"].partition(" / ")
        assert says in en and re.search("[一-鿿]", zh), receipt
    house.settle()
    (cell,) = house.get("counts", kind="boss.bill.issued", city=month.city())
    assert cell["count"] == 2


def test_a_body_of_6_mib(house: House) -> None:
    answer = house.post_events(b'{"data":"' + b"x" * (6 << 20) + b'"}')
    assert answer.status_code == 413
    assert "请分批发送" in answer.text and "send smaller pieces" in answer.text


def test_broken_json(house: House, month: Month) -> None:
    for body, media in ((b'{"specversion": "1.0"', "application/cloudevents+json"), (b"[1,", BATCH)):
        answer = house.post_events(body, media)
        assert answer.status_code == 400, answer.text
        assert "JSON" in answer.json()["zh"] and "JSON" in answer.json()["en"]
    answer = house.post_events(json.dumps(month.newcomer()).encode(), "text/plain")
    assert answer.status_code == 415 and "Content-Type" in answer.text


def test_who_may_feed(house: House, month: Month) -> None:
    for role, status in ((None, 401), ("analyst", 403), ("manager", 403)):
        answer = house.post_events(month.newcomer(), role=role)
        assert answer.status_code == status
        refusal = answer.json()
        assert re.search("[一-鿿]", refusal["zh"]) and re.search("[a-z]", refusal["en"]), refusal
    assert house.post_events(month.newcomer(), role="integrator").status_code == 202
    house.settle()


def test_the_reader_is_told_what_is_wrong_too(house: House) -> None:
    for words, says in ((("why", "nobody-knows"), "没有找到"), (("customer", "99999999999"), "99999999999")):
        done = house.run(*words)
        assert done.returncode == 1 and says in done.stderr, done
