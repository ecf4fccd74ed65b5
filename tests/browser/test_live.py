"""A manager's day as it happens: an alert comes while one looks, is acted on, and is resolved; also where the
connection is lost in between."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.line import Line
from browser.workbench import Workbench
from harness.waiting import until

pytestmark = [pytest.mark.embedded, pytest.mark.browser, pytest.mark.timeout(180)]

PILL = "button:has(kbd:text-is('.'))"
#: notes when the pill first told of more than it did before
_WATCH = """
selector => {
  const told = () => parseInt(document.querySelector(selector)?.innerText.match(/\\d+/)?.[0] ?? '0');
  const before = told();
  window.kamTold = new Promise(resolve => {
    new MutationObserver(() => told() > before && resolve(Date.now()))
      .observe(document.body, {subtree: true, childList: true, characterData: true});
  });
}
"""


def quiet_customers(workbench: Workbench, count: int) -> list[str]:
    """Customers of the manager to whom nothing has happened yet; long with us, as the rule of churn asks for."""
    alerts = workbench.get("/v1/lists/alerts?limit=200")["rows"]
    busy = {row["customer_id"] for row in alerts}
    latest = date.fromisoformat(workbench.get("/v1/clock")["clock"][:10]) - timedelta(days=120)
    rows = workbench.get("/v1/lists/customers?limit=200")["rows"]
    own = [row["customer_id"] for row in rows if row["opened_on"] < latest.isoformat()]
    found = [customer for customer in own if customer not in busy][:count]
    assert len(found) == count, f"only {len(found)} of {len(own)} customers are without alerts"
    return found


def live(page: Page) -> None:
    """Return once the live connection stands."""
    expect(page.get_by_role("banner").get_by_role("status")).to_have_text("●实时", timeout=15_000)


def rows_of(page: Page, customer: str) -> Locator:
    """This customer's rows of the list."""
    return page.locator(f"main a[href='/customers/{customer}']")


def only(customers: list[str]) -> str:
    """The list of these customers' alerts: others' can't push theirs out of sight, where no row is in the page."""
    return "/alerts?customer=" + ",".join(customers)


def waiting(page: Page) -> int:
    """How many new ones the pill tells of."""
    pill = page.locator(PILL)
    return int("".join(filter(str.isdigit, pill.locator("b").inner_text()))) if pill.count() else 0


@pytest.mark.short
def test_a_churn_comes_live_within_a_second_and_moves_nothing(workbench: Workbench) -> None:
    customers = quiet_customers(workbench, 3)
    page = workbench.open(only(customers), "manager")
    live(page)
    delays = []
    for customer in customers:
        page.evaluate(_WATCH, "main button b")
        begun = workbench.happen("churn", customer)
        told = page.evaluate("window.kamTold")
        delays.append(told / 1000 - begun)
        assert rows_of(page, customer).count() == 0  # it waits until one asks for it
        page.keyboard.press(".")
        expect(rows_of(page, customer).first).to_be_visible()
    assert min(delays) <= 1.0, delays


@pytest.mark.short
def test_acted_on_in_two_clicks_and_seen_to_be_resolved(workbench: Workbench) -> None:
    (customer,) = quiet_customers(workbench, 1)
    workbench.happen("arrears", customer)
    until(lambda: workbench.get(f"/v1/lists/alerts?customer={customer}")["rows"])
    (alert,) = workbench.get(f"/v1/lists/alerts?customer={customer}")["rows"]
    page = workbench.open(f"/alerts?item={alert['alert_id']}", "manager")
    live(page)
    panel = page.get_by_role("region", name="欠费预警")
    panel.get_by_role("button", name="处理").click()
    page.get_by_role("button", name="打电话").click()
    page.get_by_role("button", name="无人接听").click()
    expect(page.get_by_text("已记下：打电话 · 无人接听")).to_be_visible()
    expect(panel).to_contain_text("处理中")
    today = workbench.get("/v1/clock")["clock"][:10]  # an earlier day's debt would be out of date, and change nothing
    paid = {"customer_id": customer, "as_of": today, "amount_fen": 0, "suspended": False}
    workbench.feed("arrears.changed", paid)
    until(lambda: workbench.get(f"/v1/lists/alerts?customer={customer}")["rows"][0]["state"] == "resolved")
    expect(panel).to_contain_text("已解除")


def test_after_a_lost_connection_nothing_is_missing_or_doubled(workbench: Workbench) -> None:
    customers = quiet_customers(workbench, 4)
    with Line(workbench.about["port_base"]) as line:
        page = workbench.open(only(customers), "manager", url=line.url)
        status = page.get_by_role("banner").get_by_role("status")
        live(page)
        workbench.happen("churn", customers[0])
        expect(page.locator(PILL).locator("b")).to_contain_text("1")
        line.cut()
        expect(status).to_contain_text("连接断开")
        for customer in customers[1:]:
            workbench.happen("churn", customer)
        until(lambda: len(workbench.get("/v1/lists/alerts?limit=200&customer=" + ",".join(customers))["rows"]) == 4)
        line.mend()
        expect(status).to_contain_text("已补上", timeout=20_000)
        until(lambda: waiting(page) >= 4)
        page.locator(PILL).click()
        for customer in customers:
            expect(rows_of(page, customer)).to_have_count(1)
