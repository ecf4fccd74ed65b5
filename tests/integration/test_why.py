"""``kam why``: from the BOSS record to the outcome, in two languages, without personal data."""

import json
import re
from typing import Any

import pytest

from harness.boss_files import write_pair
from integration.house import House, Month, Row

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(180)]

ALERT = "kam.alert"


def check(chain: list[Row], month: Month, number: int = 1) -> None:
    """What holds of every chain: it begins with BOSS, everything is told in two languages, nobody is named."""
    assert chain[0]["type"] == "boss.record" and chain[0]["caused_by"] is None
    ids = {link["id"] for link in chain}
    for link in chain:
        assert re.search("[一-鿿]", link["summary_zh"]) and re.search("[a-z]", link["summary_en"]), link
        assert not re.search("[一-鿿]", link["summary_en"]), link
        assert link["at"] and link["service"]
        assert link["caused_by"] is None or link["caused_by"] in ids, link
    told = json.dumps(chain, ensure_ascii=False)
    person = month.profile(number)
    assert [person[field] for field in ("name", "phone", "id_number") if person[field] in told] == []


def types(chain: list[Row]) -> list[str]:
    return [re.sub(r"^kam\.|\.v1$", "", link["type"]) for link in chain]


def test_an_alert_of_files_leads_back_to_file_and_line(house: House, month: Month) -> None:
    one, folder = month.customer(1), house.folder(month)
    write_pair(folder, "CUST", month.city(), month.day(2), 1, [month.profile(2), month.profile(1)])
    bills = [month.bill(1, amount, back) for back, amount in ((4, 1000), (3, 1000), (2, 1000), (1, 650))]
    name = write_pair(folder, "BILL", month.city(), month.day(2), 1, [month.bill(2, 5), *bills])
    house.deliver(folder)
    alert, (work,) = house.alert(one), house.work(one)
    for words in (("accept",), ("act", "--kind", "visit", "--note", "上门拜访"), ("close", "--outcome", "retained")):
        house.kam("work", words[0], work["work_id"], *words[1:])
    house.settle()

    chain = house.why(alert["alert_id"])
    check(chain, month)
    records = [link["detail"] for link in chain if link["type"] == "boss.record"]
    lines = {(r["file"], r["line"]) for r in records if "line" in r}
    assert {(f"{name}.dat.gz", line) for line in (3, 4, 5, 6)} <= lines, lines
    found = {link["id"]: link for link in chain}
    assert len(alert["evidence"]) == 4 and set(alert["evidence"]) <= found.keys()
    raised = next(link for link in chain if link["type"] == f"{ALERT}.raised.v1")
    assert raised["detail"]["rule"] == {"id": "drop-30", "version": 1}
    assert "drop-30" in raised["summary_zh"] + raised["summary_en"]
    life = types(chain)
    order = ["boss.record", "alert.raised", "work.opened", "work.accepted", "work.acted", "work.closed"]
    assert [life.index(t) for t in order] == sorted(life.index(t) for t in order), life
    assert {"alert.acknowledged", "alert.acted", "alert.resolved"} <= set(life)
    assert "retained" in chain[-1]["summary_en"]
    # From any of its parts it is the same story.
    for start in (work["work_id"], alert["evidence"][-1], raised["id"]):
        assert {link["id"] for link in house.why(start)} >= {raised["id"], records_id(chain)}, start


def records_id(chain: list[Row]) -> Any:
    return next(link["id"] for link in reversed(chain) if link["type"] == "boss.record")


def test_an_sms_leads_back_to_the_event_and_forward_to_its_receipt(house: House, month: Month) -> None:
    one = month.customer(1)
    debt = month.event("arrears.changed", month.debt(1, 12_345, 2, days_overdue=40), 2)
    house.accept(month.newcomer(), debt)
    (sms,) = house.delivered(one)
    house.settle()
    chain = house.why(sms["sms_id"])
    check(chain, month)
    life = types(chain)
    assert life[0] == "boss.record"
    assert {"boss.arrears.changed", "alert.raised", "sms.intended", "sms.submitted", "sms.delivered"} <= set(life), life
    record = next(link for link in chain if link["detail"].get("event") == debt["id"])
    assert record["detail"]["source"] == debt["source"] and record["detail"]["amount_fen"] == 12_345
    raised = next(link for link in chain if link["type"] == f"{ALERT}.raised.v1")
    assert raised["detail"]["rule"]["id"] == "arrears"
    # BOSS's own id of the event is a start as good as any.
    assert {link["id"] for link in house.why(debt["id"])} >= {link["id"] for link in chain}
