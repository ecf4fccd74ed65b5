"""What is around every page: navigation by role, keys, language and theme, addresses that lead nowhere."""

import re

import pytest
from playwright.sync_api import expect

from browser.places import address
from browser.workbench import View, Workbench

pytestmark = [pytest.mark.embedded, pytest.mark.browser, pytest.mark.timeout(180)]

ENTRIES = {
    "manager": ["今日", "预警", "工单", "客户"],
    "head": ["今日", "预警", "工单", "客户", "团队", "概览", "规则"],
    "city_head": ["今日", "预警", "工单", "客户", "团队", "概览", "规则"],
    "analyst": ["预警", "工单", "客户", "概览", "规则"],
    "operations": ["预警", "工单", "客户", "概览", "规则", "数据接入"],
    "administrator": ["预警", "工单", "客户", "团队", "概览", "规则", "数据接入", "管理"],
    "integrator": ["数据接入"],
}


@pytest.mark.parametrize("role", ENTRIES)
def test_no_right_no_entry(workbench: Workbench, role: str) -> None:
    page = workbench.open("/", role)
    links = page.get_by_role("navigation", name="主导航").get_by_role("link")
    expect(links).to_have_count(len(ENTRIES[role]))
    assert [re.sub(r"\s*\d+\+?$", "", text.strip()) for text in links.all_inner_texts()] == ENTRIES[role]
    for name in ENTRIES[role]:
        page.get_by_role("navigation", name="主导航").get_by_role("link", name=re.compile(f"^{name}")).click()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.get_by_text("你的角色没有这项权限").count() == 0
    # Live to who has live messages; of a connection that there is none of, nothing is said.
    live = page.get_by_role("banner").get_by_role("status")
    if role == "integrator":
        expect(live).to_have_count(0)
    else:
        expect(live).to_have_text("●实时", timeout=15_000)


@pytest.mark.parametrize("view", [View("zh"), View("en")], ids=["zh", "en"])
def test_a_place_that_is_not_there(workbench: Workbench, view: View) -> None:
    page = workbench.open("/nowhere", "manager", view)
    text = view.pick("没有找到，或不在你的客户范围内。", "Not found, or outside your customers.")
    expect(page.get_by_text(text)).to_be_visible()


def test_language_and_theme_change_at_once_and_stay(workbench: Workbench) -> None:
    page = workbench.open("/alerts", "manager")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("navigation", name="Main")).to_contain_text("Customers")
    page.get_by_role("button", name="Appearance").click()
    page.get_by_text("Dark", exact=True).click()
    page.wait_for_function("before => getComputedStyle(document.body).backgroundColor !== before", arg=before)
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before


def test_keys_lead_everywhere_and_tell_themselves(workbench: Workbench) -> None:
    page = workbench.open("/alerts", "head")
    for keys, path in (("gt", "/today"), ("gw", "/work"), ("gc", "/customers"), ("gm", "/team"), ("gr", "/rules")):
        for key in keys:
            page.keyboard.press(key)
        page.wait_for_url(lambda url, path=path: path in url)
    page.keyboard.press("?")
    help_ = page.get_by_role("dialog")
    expect(help_).to_contain_text("快捷键")
    expect(help_).to_contain_text("前往")
    page.keyboard.press("Escape")
    expect(help_).to_be_hidden()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox").first).to_be_focused()


def test_the_first_step_of_the_tab_key_skips_to_the_content(workbench: Workbench) -> None:
    page = workbench.open("/alerts", "manager")
    skip = page.get_by_role("link", name="跳到正文")
    assert page.locator("a, button, input").first.inner_text() == skip.inner_text()
    skip.focus()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()


@pytest.mark.parametrize("place", ["alert", "work-item"])
def test_on_a_phone_an_open_item_scrolls_with_the_page_and_its_bar_covers_nothing(
    workbench: Workbench, place: str
) -> None:
    role, path = address(workbench, place)
    page = workbench.open(path, role, View("en", 375))
    item = page.locator("[data-panel]")
    bar = item.locator("footer")
    expect(bar.get_by_role("button").first).to_be_visible()
    expect(page.get_by_role("radiogroup")).to_have_count(
        int(place == "alert")
    )  # of the chart: the list's are out of the way
    for control in item.locator("fieldset button").all():
        control.click(trial=True)
    main = page.get_by_role("main")
    main.evaluate("main => main.scrollTo(0, main.scrollHeight)")
    content, foot, end = item.locator("footer").evaluate(
        """bar => [bar.previousElementSibling.lastElementChild, bar, document.querySelector('main')]
             .map((one, at) => one.getBoundingClientRect()[at === 1 ? 'top' : 'bottom'])"""
    )
    assert content <= foot < end
