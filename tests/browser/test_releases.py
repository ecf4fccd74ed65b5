"""What the brake holds, as whoever may decide meets it: told of in the bar, listed with its numbers, let go or not."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser import checks
from browser.workbench import View, Workbench
from harness.waiting import until

pytestmark = [pytest.mark.embedded, pytest.mark.browser, pytest.mark.timeout(240)]
PEOPLE = 40


@pytest.fixture
def braked(workbench: Workbench) -> Iterator[Workbench]:
    """An analyst has put a brake in force for small cities too; afterwards it is as it was."""
    before = workbench.get("/v1/brakes/brake", "analyst")
    document = {**before["document"], "enabled": True, "percent": 20, "min_customers": PEOPLE}
    saved = workbench.put("/v1/brakes/brake", {"document": document, "why": "试一试"}, "analyst", before["version"])
    in_force = f"/v1/brakes/brake/versions/{saved['version']}/activate"
    assert workbench.post(in_force, {"why": "试一试"}, "analyst")["state"] == "active"
    yield workbench
    workbench.post("/v1/brakes/brake/rollback", {"why": "as it was"}, "analyst")


@pytest.mark.parametrize(
    ("view", "city"),
    [(View("zh"), "321000"), (View("en"), "321100"), (View("zh", 375), "321200"), (View("en", 375, "dark"), "321300")],
    ids=lambda value: str(value),
)
def test_a_file_over_the_brake_is_seen_released_and_loaded(braked: Workbench, view: View, city: str) -> None:
    day = braked.get("/v1/feeds", "operations")["date"]
    people = [
        {"customer_id": f"b{city}{n}", "name": f"客户{n}", "city": city, "status": "active"} for n in range(PEOPLE)
    ]
    assert braked.deliver("CUST", city, day, 1, people)["result"] == "accepted"
    gone = [{**row, "status": "left"} if n < PEOPLE // 2 else row for n, row in enumerate(people)]
    assert braked.deliver("CUST", city, day, 2, gone)["result"] == "held"
    file = f"CUST_{city}_{day.replace('-', '')}_0002.dat.gz"

    page = braked.open("/overview", "analyst", view)
    page.get_by_role("button", name=view.pick("1 项等人放行", "1 waits for release")).click()
    card = waiting(page, view).filter(has_text=file)
    expect(card.get_by_text(view.pick("20 户将离网", "20 customers would leave"))).to_be_visible()
    share = view.pick("全市 40 户，占 50%，界限 20%", "50% of the city's 40 customers, the limit is 20%")
    expect(card.get_by_text(share)).to_be_visible()
    look(page, f"{view}/releases-waiting")
    go = card.get_by_role("button", name=view.pick("放行", "Let it go"), exact=True)
    expect(go).to_be_disabled()
    card.get_by_label(view.pick("理由", "Reason")).fill("BOSS 已核对：这些客户确已离网")
    go.click()
    decided = page.get_by_role("region", name=view.pick("已决定", "Decided")).get_by_role("listitem")
    expect(decided.filter(has_text=file).get_by_text("BOSS 已核对")).to_be_visible()
    expect(waiting(page, view)).to_have_count(0)
    look(page, f"{view}/releases-decided")
    until(lambda: how_it_ended(braked, file) == ["held", "accepted"], timeout=30)
    expect(page.get_by_role("button", name=view.pick("项等人放行", "for release"))).to_have_count(0)


def test_what_a_file_would_raise_is_seen_and_turned_away(braked: Workbench) -> None:
    city, view = "320800", View()
    day = braked.get("/v1/feeds", "operations")["date"]
    people = [
        {"customer_id": f"b{city}{n}", "name": f"客户{n}", "city": city, "status": "active"} for n in range(PEOPLE)
    ]
    braked.deliver("CUST", city, day, 1, people)
    debts = [
        {"customer_id": row["customer_id"], "as_of": day, "amount_fen": 900, "oldest_due_on": day} for row in people
    ]
    assert braked.deliver("ARR", city, day, 1, debts)["result"] == "accepted"
    # Nobody is told but who is alone in a partition: one is no wave.
    until(lambda: sum(row["count"] for row in waiting_of(braked, city)) + raised(braked, city) == PEOPLE)
    (row,) = waiting_of(braked, city)
    told = raised(braked, city)
    assert (row["kind"], row["customers"]) == ("arrears", PEOPLE) and told <= 2
    page = braked.open("/documents/releases", "analyst", view)
    card = waiting(page, view).filter(has_text=f"ARR_{city}")
    expect(card.get_by_text(f"将对 {row['count']} 户发出欠费预警")).to_be_visible()
    look(page, f"{view}/releases-step")
    card.get_by_label("理由").fill("文件有误")
    card.get_by_role("button", name="不放行").click()
    decided = page.get_by_role("region", name="已决定").get_by_role("listitem")
    expect(decided.filter(has_text=f"ARR_{city}").get_by_text("文件有误")).to_be_visible()
    assert raised(braked, city) == told and waiting_of(braked, city) == []


def test_who_may_not_decide_is_told_of_nothing(braked: Workbench) -> None:
    page = braked.open("/today", "manager")
    checks.complete(page)
    expect(page.get_by_role("button", name="项等人放行")).to_have_count(0)


def people_of(city: str) -> list[dict[str, Any]]:
    """So many customers, as the city's file names them."""
    same = {"city": city, "status": "active"}
    return [{"customer_id": f"b{city}{n}", "name": f"客户{n}", **same} for n in range(PEOPLE)]


def raised(workbench: Workbench, city: str) -> int:
    """Alerts of customers of this city."""
    return int(workbench.get(f"/v1/lists/alerts?city={city}&limit=1", "analyst")["total"])


def waiting(page: Page, view: View) -> Any:
    return page.get_by_role("region", name=view.pick("等人决定", "Waiting for a word")).get_by_role("listitem")


def waiting_of(workbench: Workbench, city: str) -> list[Any]:
    rows = workbench.get("/v1/releases", "analyst")
    return [row for row in rows if row["city"] == city and row["state"] == "waiting"]


def how_it_ended(workbench: Workbench, file: str) -> list[str]:
    """Each time, the newest last."""
    receipts = workbench.get(f"/v1/feeds/files/{file}", "operations")["receipts"]
    return [receipt["result"] for receipt in receipts if receipt.get("ended")]


def look(page: Page, name: str) -> None:
    checks.complete(page)
    checks.picture(page, name)
    assert checks.sideways(page) == [] and checks.axe(page) == []
