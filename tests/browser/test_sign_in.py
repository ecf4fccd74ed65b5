"""Signing in, and what holds wherever one is signed in."""

import pytest
from playwright.sync_api import expect

from browser.workbench import View, Workbench

pytestmark = [pytest.mark.embedded, pytest.mark.browser, pytest.mark.short, pytest.mark.timeout(180)]

LANGUAGES = pytest.mark.parametrize("view", [View("zh"), View("en")], ids=["zh", "en"])
LANDING = {
    "manager": r"/today",
    "head": r"/team/",
    "city_head": r"/overview",
    "analyst": r"/overview",
    "operations": r"/feeds",
    "administrator": r"/admin",
}


@LANGUAGES
def test_signs_in_by_the_labels(workbench: Workbench, view: View) -> None:
    page, account = workbench.open("/", view=view), workbench.account("manager")
    page.get_by_label(view.pick("工号", "Staff number"), exact=True).fill(account["staff_no"])
    page.get_by_label(view.pick("密码", "Password"), exact=True).fill(account["password"])
    page.get_by_role("button", name=view.pick("登录", "Sign in"), exact=True).click()
    page.wait_for_url("**/today")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    cookie = next(c for c in page.context.cookies() if c["name"] == "kam_session")
    assert cookie["httpOnly"] and cookie["sameSite"] == "Lax"


@LANGUAGES
def test_a_wrong_password_says_so_and_not_which(workbench: Workbench, view: View) -> None:
    page = workbench.open("/signin", view=view)
    for staff_no in (workbench.account("analyst")["staff_no"], "M9999"):
        page.get_by_label(view.pick("工号", "Staff number"), exact=True).fill(staff_no)
        page.get_by_label(view.pick("密码", "Password"), exact=True).fill("not-this-one")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text(
            view.pick("工号或密码不对。", "Wrong staff number or password.")
        )


@pytest.mark.parametrize("role", LANDING)
def test_a_demo_account_by_one_tap_lands_where_its_day_begins(workbench: Workbench, role: str) -> None:
    page = workbench.open("/signin")
    account = workbench.account(role)
    page.get_by_title(f"{account['staff_no']} {account['name']}").click()
    page.get_by_role("button", name="登录", exact=True).click()
    page.wait_for_url(lambda url: LANDING[role] in url)


@LANGUAGES
def test_signed_in_one_is_led_to_where_one_wanted_to_go(workbench: Workbench, view: View) -> None:
    page, account = workbench.open("/alerts?kind=arrears", view=view), workbench.account("manager")
    assert "/signin?next=" in page.url
    page.get_by_label(view.pick("工号", "Staff number"), exact=True).fill(account["staff_no"])
    page.get_by_label(view.pick("密码", "Password"), exact=True).fill(account["password"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/alerts?kind=arrears")


def test_signs_out_and_nothing_opens_any_more(workbench: Workbench) -> None:
    page = workbench.open("/rules", "analyst")
    page.get_by_title("我的账号").click()
    page.get_by_role("button", name="退出登录").click()
    page.wait_for_url("**/signin")
    workbench.forget("analyst")
    page.goto("/alerts")
    expect(page).to_have_url("/signin?next=%2Falerts")


@LANGUAGES
def test_an_ended_session_is_mended_over_the_page(workbench: Workbench, view: View) -> None:
    page, account = workbench.open("/alerts", "city_head", view), workbench.account("city_head")
    page.context.clear_cookies()
    search = page.get_by_role("combobox", name=view.pick("找客户、编号、页面", "Find a customer, an id, a page"))
    search.fill("1000")
    over = page.get_by_role("dialog")
    expect(over).to_contain_text(view.pick("登录已过期，草稿已保留。", "Session ended; your draft is kept."))
    over.get_by_label(view.pick("密码", "Password"), exact=True).fill(account["password"])
    page.keyboard.press("Enter")
    expect(over).to_be_hidden()
    assert page.url.endswith("/alerts")
    expect(search).to_have_value("1000")
    search.click()
    expect(page.get_by_role("listbox").get_by_role("option").first).to_be_visible()
