"""What managers do with their work items, and what becomes of the alerts."""

from typing import Any

import pytest

from harness.boss_files import write_pair
from integration.house import House, Month

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(180)]


def test_accepting_acting_and_closing_tell_the_alert(house: House, month: Month) -> None:
    one = month.customer(1)
    stop = {"request_id": f"{one}-s", "customer_id": one, "requested_at": month.at(2), "kind": "stop"}
    house.accept(month.newcomer(), month.event("service.requested", stop, 2))
    (work,) = house.work(one)
    assert (work["kind"], work["state"], work["manager_id"]) == ("retention", "new", None)
    assert work["alert_id"] == house.alert(one)["alert_id"] and house.alert(one)["work_id"] == work["work_id"]
    for words, work_state, alert_state in (
        (("accept",), "accepted", "acknowledged"),
        (("act", "--kind", "call", "--note", "称资费太贵 / too dear"), "acted", "acted"),
        (("close", "--outcome", "retained"), "closed", "resolved"),
    ):
        action, *options = words
        house.kam("work", action, work["work_id"], *options)
        house.settle()
        assert [w["state"] for w in house.work(one)] == [work_state]
        assert house.alert(one)["state"] == alert_state
    assert house.alert(one)["outcome"] == house.work(one)[0]["outcome"] == "retained"
    # The cause raises nothing new, and what is closed stays closed.
    again = {**stop, "request_id": f"{one}-t", "requested_at": month.at(3)}
    house.accept(month.event("service.requested", again, 3))
    assert (house.alert(one)["state"], len(house.work(one))) == ("resolved", 1)
    refused = house.run("work", "accept", work["work_id"])
    assert refused.returncode == 1 and "已办结" in refused.stderr and "closed already" in refused.stderr


def test_a_manager_who_is_loaded_later_takes_his_queue_over(house: House, month: Month) -> None:
    manager = f"M{month}"
    debts = [month.event("arrears.changed", month.debt(n, 10000, 1), 1, "11:00") for n in (1, 2, 3)]
    people = [month.newcomer(n, manager_id=manager if n < 3 else None) for n in (1, 2, 3)]
    house.accept(*people, *debts)

    def who(number: int) -> Any:
        (work,) = house.work(month.customer(number))
        return work["manager_id"]

    assert [who(n) for n in (1, 2, 3)] == [None] * 3
    folder = house.folder(month)
    unit = {"unit_id": f"U{month}", "name": "南京分公司", "city": month.city()}
    write_pair(folder, "UNIT", month.city(9), month.day(2), 1, [unit])
    row = {"manager_id": manager, "name": "李经理", "unit_id": f"U{month}", "phone": "13900001111", "status": "active"}
    write_pair(folder, "MGR", month.city(9), month.day(2), 1, [row])
    assert [r["result"] for r in house.deliver(folder)] == ["accepted"] * 2
    assert [who(n) for n in (1, 2, 3)] == [manager, manager, None]
