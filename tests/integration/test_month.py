"""A full month of nightly files of two cities, ten kinds, two encodings; and an independent computation of what must
come of it (boss_month)."""

from collections import Counter
from pathlib import Path

import pytest

from harness.boss_files import write_pair
from integration.boss_month import BILLS_ON, City
from integration.house import House, Month, Row

pytestmark = [pytest.mark.embedded, pytest.mark.slow, pytest.mark.timeout(300)]

FORMATS = [("utf-8", "|"), ("gb18030", "\t")]
WEEKS = (range(1, 8), range(8, 15), range(15, 22), range(22, 29), range(29, 32))
CORRECTION = 15  # sequence of the corrected bills, after two weeks of daily files
WORK_KINDS = {
    "churn_warning": "retention",
    "arrears": "dunning",
    "complaint_opened": "complaint_follow_up",
    "contract_expiring": "renewal",
}


def write_day(folder: Path, month: Month, cities: list[City], day: int) -> None:
    """All pairs of a night; a file of additions without rows has only its header."""
    province = month.city(9)
    units = [{"unit_id": f"U{c.code}", "name": f"分公司{c.number}", "city": c.code} for c in cities]
    managers = [{"manager_id": f"M{month}{n}", "name": f"经理{n}", "unit_id": f"U{month.city()}"} for n in range(3)]
    write_pair(folder, "UNIT", province, month.day(day), day, units)
    write_pair(folder, "MGR", province, month.day(day), day, [{**m, "status": "active"} for m in managers])
    for city, (encoding, separator) in zip(cities, FORMATS, strict=True):
        for kind, rows in city.rows(day).items():
            sequence = day + (kind == "BILL" and day >= CORRECTION)
            write_pair(folder, kind, city.code, month.day(day), sequence, rows, encoding=encoding, separator=separator)


def test_a_month_of_nightly_files(house: House, month: Month) -> None:
    cities = [City(month, 0), City(month, 1)]
    for number, week in enumerate(WEEKS):
        folder = house.folder(month, f"week{number}")
        for day in week:
            if day <= month.length:
                write_day(folder, month, cities, day)
        receipts = house.deliver(folder)
        assert {r["result"] for r in receipts} <= {"accepted"}, [r for r in receipts if r["result"] != "accepted"]
        assert not any("gap" in note for r in receipts for note in r["notes"])
        assert not any(r["rejected"] or r["unknown_customer"] or r["stale"] for r in receipts)
        for receipt in receipts:
            assert receipt["rows_read"] == receipt["loaded"] + receipt["unchanged"], receipt
        if number == 0:
            its_receipts_add_up(receipts)
            again = house.deliver(folder)
            assert [(r["result"], r["loaded"]) for r in again] == [("duplicate", 0)] * len(receipts)
        if number == 1:
            correct_the_bills(house, month, cities)

    expected = [alert for city in cities for alert in city.expected()]
    ours = f"{month}"
    alerts = [a for a in house.kam("alerts") if a["customer_id"].startswith(ours)]
    seen = Counter(
        (a["customer_id"], a["kind"], a["stage"], a["state"], a["outcome"], a["period"], len(a["reasons"]))
        for a in alerts
    )
    wanted = Counter(alert.key() for alert in expected)
    assert (wanted - seen, seen - wanted) == (Counter(), Counter()), "missing, unexpected"
    assert not any(a["late"] for a in alerts)
    # A warning that a correction has withdrawn has no reason left, so no evidence either.
    assert all(a["evidence"] for a in alerts if a["reasons"])
    assert all(a["rule"]["version"] == 1 for a in alerts)
    one_work_item_each(house, alerts, cities)

    texts = Counter((a.customer_id, a.kind, text) for a in expected for text in a.texts)
    kind_of = {a["alert_id"]: a["kind"] for a in alerts}
    sms = [s for s in house.kam("sms") if s["customer_id"].startswith(ours)]
    said = Counter((s["customer_id"], kind_of[s["alert_id"]], s["step"]) for s in sms)
    assert (texts - said, said - texts) == (Counter(), Counter()), "missing, unexpected"
    for message in sms:
        undisturbed = int(message["customer_id"][-2:]) % 5 == 3
        assert message["state"] in (("suppressed",) if undisturbed else ("sent", "delivered")), message
    recount = house.get("recount")
    assert recount["agree"] and not recount["differences"] and recount["events"] > 0


def its_receipts_add_up(receipts: list[Row]) -> None:
    """Amounts are those of the rows read; the first snapshot is news, the second of the same is not."""
    of = {r["file"]: r for r in receipts}
    first, second = sorted(name for name in of if name.startswith("CONT_"))[:2]
    assert (of[first]["loaded"], of[second]["unchanged"]) == (6, 6)
    payments = [r["amount"] for name, r in of.items() if name.startswith("PAY_")]
    assert sorted(payments) == [-5] * 2 + [500] * 12


def correct_the_bills(house: House, month: Month, cities: list[City]) -> None:
    """Another pair of the same business date, next sequence: only the difference is news, absent rows stay."""
    folder = house.folder(month, "correction")
    for city, (encoding, separator) in zip(cities, FORMATS, strict=True):
        rows = city.correction()
        day = month.day(BILLS_ON)
        write_pair(folder, "BILL", city.code, day, CORRECTION, rows, encoding=encoding, separator=separator)
    for receipt in house.deliver(folder):
        assert (receipt["result"], receipt["loaded"], receipt["unchanged"]) == ("accepted", 4, 1), receipt


def one_work_item_each(house: House, alerts: list[Row], cities: list[City]) -> None:
    managers = {city.id(i): city.manager(i) for city in cities for i in range(30)}
    work = {w["alert_id"]: w for w in house.kam("work") if w["customer_id"] in managers}
    assert len(alerts) == len(work) == len({w["work_id"] for w in work.values()})
    for alert in alerts:
        item = work[alert["alert_id"]]
        assert (item["kind"], item["customer_id"]) == (WORK_KINDS[alert["kind"]], alert["customer_id"])
        assert item["manager_id"] == managers[alert["customer_id"]]
        assert (item["state"] == "closed") == (alert["state"] == "resolved"), item
        assert item["outcome"] == alert["outcome"] and item["due_at"]
