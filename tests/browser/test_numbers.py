"""Each number opens exactly the rows it counts: every one on *Team* and *Overview*, those of the charts too."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from browser import checks
from browser.workbench import View, Workbench
from harness.waiting import until

pytestmark = [pytest.mark.embedded, pytest.mark.browser, pytest.mark.timeout(180)]

#: what a number that opens its rows tells: what it counts, the share, amount or time in its place, how many rows
OPENS = re.compile(r"^(.+?)(?: (?:¥[0-9,.]+|[0-9]+%|! [0-9,]+|\d[\d :天小时分钟]*))?：([0-9,]+)，打开这些记录$")
#: of the numbers of a table that has one for each day
MOST_OF_A_TABLE = 3
#: a place of a chart where a click does something: there the pointer is a hand. Not its legend, which is at the top
HAND = """
element => {
  const box = element.getBoundingClientRect();
  for (let y = 40; y < box.height; y += 4) {
    for (let x = box.width - 4; x > 0; x -= 4) {
      const at = {clientX: box.left + x, clientY: box.top + y, bubbles: true};
      element.dispatchEvent(new MouseEvent('mousemove', at));
      if (getComputedStyle(element.parentElement).cursor === 'pointer') {
        return [at.clientX, at.clientY];
      }
    }
  }
  return null;
}
"""
#: readings of a number until no row came or went between it and its list: the province is alive
TRIES = 4


def numbers_in(place: Locator, most: int | None = None) -> list[str]:
    """What is counted by numbers that open rows; of more than ``most`` some from all over the place."""
    labels = [number.get_attribute("aria-label") or "" for number in place.get_by_role("button", name=OPENS).all()]
    found = [told[1] for label in labels if (told := OPENS.match(label)) and told[2] != "0"]
    return found if most is None else found[:: max(1, len(found) // most)][:most]


def check(page: Page, place: Locator, names: list[str], again: Callable[[], None]) -> int:
    """Open each number and compare it with its list; of how many that was done. ``again``: read the page anew."""
    left = names
    for _ in range(TRIES):
        left = [name for name in left if not _agrees(page, place, name)]
        if not left:
            return len(names)
        again()
    raise AssertionError(f"these numbers are not those of their lists: {left}")


def _agrees(page: Page, place: Locator, name: str) -> bool:
    number = place.get_by_role("button", name=re.compile(f"^{re.escape(name)}(?: [!¥0-9][^：]*)?：")).first
    if number.is_disabled():
        return True  # none are left
    number.click()
    return opened(page)


def opened(page: Page) -> bool:
    """Whether the list that a number opened says that it has as many rows. It is read, and closed again."""
    drawer = page.get_by_role("dialog")
    told = drawer.locator("output", has_text="共").inner_text()
    total = int(re.findall("[0-9,]+", told)[0].replace(",", ""))
    expect(drawer.get_by_role("list").last.locator("> li")).to_have_count(min(total, 100))
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    return "又新增" not in told and "少了" not in told


def something_kept_and_something_overdue(workbench: Workbench) -> None:
    """A manager closes a retention item, and a complaint is past its limit when it comes."""
    customer = workbench.get("/v1/lists/customers?limit=1")["rows"][0]["customer_id"]
    if not workbench.get("/v1/lists/work?type=retention&state=closed")["rows"]:
        item = workbench.get("/v1/lists/work?type=retention&open=true&limit=1")["rows"][0]
        for step, body in (("accept", {}), ("close", {"outcome": "retained"})):
            workbench.post(f"/v1/work/{item['work_id']}/{step}", body)
    opened = datetime.fromisoformat(workbench.get("/v1/clock")["clock"]) - timedelta(days=5)
    workbench.feed("complaint.changed", {
        "complaint_id": f"late-{time.time_ns()}", "customer_id": customer, "opened_at": opened.isoformat(),
        "category": "network", "channel": "hotline", "severity": 2, "status": "opened",
    })  # fmt: skip
    until(lambda: workbench.get("/v1/lists/work/facets?unattended=true", "head")["total"])
    until(lambda: workbench.get("/v1/lists/work/facets?type=retention&state=closed", "head")["total"])


@pytest.mark.parametrize("view", [pytest.param(View(), marks=pytest.mark.short), View(width=375)], ids=str)
def test_of_the_team(workbench: Workbench, view: View) -> None:
    something_kept_and_something_overdue(workbench)
    page = workbench.open(f"/team/{workbench.account('head')['unit_id']}", "head", view)
    checks.complete(page)
    main = page.get_by_role("main")

    def again() -> None:
        page.reload()
        checks.complete(page)

    found = numbers_in(main)
    assert any("超时或无人认领" in name for name in found) == (view.width > 375), "a tree of units is not on a phone"
    assert any("本月保住" in name for name in found)
    one_of_each = {name.split()[-1]: name for name in found}
    assert check(page, main, list(one_of_each.values()), again) >= 5


@pytest.mark.parametrize("role", [pytest.param("head", marks=pytest.mark.short), "analyst"])
def test_of_the_overview(workbench: Workbench, role: str) -> None:
    page = workbench.open("/overview", role)
    main = page.get_by_role("main")

    def again() -> None:
        page.reload()
        checks.complete(page)

    def as_tables() -> None:
        again()
        page.keyboard.press("v")
        expect(main.locator("canvas")).to_have_count(0)

    again()
    assert check(page, main, numbers_in(main), again) >= 5  # those above the charts
    charts = main.locator("canvas").count()
    assert sum(_pick(page, main.locator("canvas").nth(at), again) for at in range(charts)) >= 4, "of a bar or cell"
    as_tables()
    for table in main.get_by_role("table").all():
        check(page, table, numbers_in(table, MOST_OF_A_TABLE), as_tables)


def _pick(page: Page, canvas: Locator, again: Callable[[], None]) -> bool:
    """Click a bar, point or cell of a chart, which opens its rows; False: there is none, or none that counts any."""
    canvas.scroll_into_view_if_needed()
    for _ in range(TRIES):
        place = canvas.evaluate(HAND)
        if place is None:
            return False
        page.mouse.click(*place)
        with contextlib.suppress(PlaywrightTimeout):
            page.wait_for_url("**at=*", timeout=1500)
        if "at=" not in page.url:
            return False  # a point at 0
        url = page.url
        if opened(page):
            return True
        again()
        canvas.scroll_into_view_if_needed()
    raise AssertionError(f"this bar or cell is not as many as its list: {url}")
