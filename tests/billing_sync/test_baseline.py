"""A control file that says that its pair is a part of a first load."""

import pytest

from harness.nightly import Night, bill, customer, debt


async def test_what_a_first_load_brings_says_so(boss: Night) -> None:
    receipt = await boss.put("ARR", [debt("1", 500)], control={"baseline": "2026-06-30"})
    assert receipt["result"] == "accepted"
    assert receipt["notes"] == [
        "基线装载（至 2026-06-30）：预警与工单照常，不发短信 / "
        "baseline load (up to 2026-06-30): alerts and work items as ever, no SMS comes of it"
    ]
    (event,) = boss.events()
    assert event["baseline"] == "2026-06-30"


async def test_a_debt_that_the_first_load_no_longer_names_is_cleared_by_it(boss: Night) -> None:
    await boss.put("ARR", [debt("1", 500)])
    await boss.put("ARR", [], "2026-06-01", 2, control={"baseline": "2026-06-01"})
    assert [event.get("baseline") for event in boss.events()] == [None, "2026-06-01"]


async def test_files_before_and_after_say_nothing_of_it(boss: Night) -> None:
    await boss.put("CUST", [customer("1")])
    await boss.put("BILL", [bill("1")], control={"baseline": "2026-05-31"})
    await boss.put("BILL", [bill("1", 300)], "2026-06-01", 2)
    assert [event.get("baseline") for event in boss.events()] == [None, "2026-05-31", None]


@pytest.mark.parametrize("said", ["1", "yes", "2026-5-31", "2026-02-30", "20260531", "2026-05-30"])
async def test_a_baseline_that_is_no_last_date_is_turned_away(boss: Night, said: str) -> None:
    receipt = await boss.put("ARR", [debt("1", 500)], control={"baseline": said})
    assert receipt["result"] == "rejected"
    assert "baseline" in receipt["reason_zh"] and "last business date" in receipt["reason_en"]
    assert boss.events() == []


async def test_a_slip_of_the_year_does_not_silence_a_year(boss: Night) -> None:
    receipt = await boss.put("ARR", [debt("1", 500)], control={"baseline": "2099-06-30"})
    assert receipt["result"] == "rejected"
    assert "晚一天以上" in receipt["reason_zh"] and "more than a day after the system's" in receipt["reason_en"]
    assert boss.events() == []
