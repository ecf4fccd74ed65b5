"""HTTP, Kafka and files are one road: what counts is what BOSS says and of when."""

import pytest

from harness.boss_files import write_pair
from integration.house import House, Month

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(180)]


def changes(house: House, month: Month, kind: str) -> int:
    return sum(cell["count"] for cell in house.get("counts", kind=f"boss.{kind}", city=month.city()))


def test_the_same_record_by_three_roads_is_one_change(house: House, month: Month) -> None:
    profile, debt = month.profile(), month.debt(1, 12_345, 2, days_overdue=3)
    house.accept(month.newcomer(), month.event("arrears.changed", debt, 2, "10:00"))
    house.accept(month.event("arrears.changed", debt, 2, "10:30"), via="kafka")
    folder = house.folder(month)
    write_pair(folder, "CUST", month.city(), month.day(2), 1, [profile])
    write_pair(folder, "ARR", month.city(), month.day(2), 1, [debt], encoding="gb18030", separator="\t")
    assert [(r["loaded"], r["unchanged"]) for r in house.deliver(folder)] == [(0, 1), (0, 1)]
    assert [changes(house, month, f"{noun}.changed") for noun in ("customer", "arrears")] == [1, 1]
    assert len(house.work(month.customer(1))) == len(house.sms(month.customer(1))) == 1
    assert house.alert(month.customer(1))["stage"] == "reminder"


def test_what_was_true_earlier_never_overwrites(house: House, month: Month) -> None:
    one = month.customer(1)
    house.accept(month.newcomer(), month.event("arrears.changed", month.debt(1, 20_000, 5), 5))
    house.accept(month.event("arrears.changed", month.debt(1, 10_000, 3), 3), via="kafka")
    house.accept(month.event("arrears.changed", {**month.debt(1, 0, 3), "oldest_due_on": None}, 3, "11:00"))
    folder = house.folder(month)
    write_pair(folder, "ARR", month.city(), month.day(4), 1, [month.debt(1, 15_000, 4)])
    (receipt,) = house.deliver(folder)
    assert (receipt["loaded"], receipt["stale"], receipt["cleared"]) == (0, 1, 0)
    assert house.alert(one)["values"]["amount_fen"] == 20_000
    assert changes(house, month, "arrears.changed") == 1
    assert house.get(f"customers/{one}")["arrears"]["amount_fen"] == 20_000


def test_a_customer_who_appears_in_another_city_has_moved(house: House, month: Month) -> None:
    here, there = month.city(), month.city(1)
    moved, stays = month.customer(1), month.customer(2)
    folder = house.folder(month)
    write_pair(folder, "CUST", here, month.day(2), 1, [month.profile(1), month.profile(2)])
    write_pair(folder, "ARR", here, month.day(2), 1, [month.debt(1, 1000, 2), month.debt(2, 1000, 2)])
    write_pair(folder, "CUST", there, month.day(3), 1, [month.profile(1, city=there)])
    write_pair(folder, "ARR", there, month.day(3), 1, [])
    write_pair(folder, "CUST", here, month.day(4), 2, [month.profile(2)])
    write_pair(folder, "ARR", here, month.day(4), 2, [])
    cleared = [r["cleared"] for r in house.deliver(folder) if r["file"].startswith("ARR")]
    # His debt came from the other city's file: absence here and there says nothing of it.
    assert cleared == [0, 0, 1]
    assert house.get(f"customers/{moved}")["customer"]["city"] == there
    assert (house.alert(moved)["state"], house.alert(moved)["outcome"]) == ("raised", None)
    assert (house.alert(stays)["state"], house.alert(stays)["outcome"]) == ("resolved", "cleared")
    assert house.work(stays)[0]["state"] == "closed"


def test_leaving_and_winning_back(house: House, month: Month) -> None:
    one = month.customer(1)
    gone = {"customer_id": one, "left_on": str(month.day(3)), "reason": "port_out", "destination": "other"}
    house.accept(month.newcomer(), month.event("arrears.changed", month.debt(1, 5000, 2), 2))
    house.accept(month.event("customer.left", gone, 3))
    assert (house.alert(one)["outcome"], house.work(one)[0]["outcome"]) == ("left", "left")
    house.accept(month.event("arrears.changed", month.debt(1, 6000, 4), 4))
    assert len(house.alerts(one)) == 1
    assert house.get(f"customers/{one}")["customer"]["archive"] != "active"
    # The old debt ended while the customer was away; the new one is another episode.
    house.accept(month.event("arrears.changed", {**month.debt(1, 0, 5), "oldest_due_on": None}, 5))
    house.accept(month.newcomer(day=6), month.event("arrears.changed", month.debt(1, 7000, 7), 7))
    page = house.get(f"customers/{one}")
    assert (page["customer"]["archive"], page["customer"]["status"]) == ("active", "active")
    states = sorted((a["state"], a["outcome"]) for a in page["alerts"])
    assert states == [("raised", None), ("resolved", "left")]
