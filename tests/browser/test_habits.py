"""What the workbench does for hands that use it all day: two clicks to log a call, links that say the same to a
colleague, lists found again as they were left, keys alone, paper, text that is never lost, a phone."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
from playwright.sync_api import Page, expect

from browser import checks
from browser.test_live import quiet_customers
from browser.workbench import Row, View, Workbench
from harness.waiting import until

pytestmark = [pytest.mark.embedded, pytest.mark.browser, pytest.mark.timeout(180)]

#: the button, with its key where one is told; not the state 处理中
ACT = re.compile("^处理( e)?$")

#: each severity in the list: its text, colour, ground and border
_ON_PAPER = """
() => [...document.querySelectorAll('[data-row-key] span:has(> [aria-hidden])')]
  .filter(tag => /^[◆▲●]/.test(tag.innerText))
  .map(tag => {
    const {color, backgroundColor, borderTopWidth, borderTopStyle} = getComputedStyle(tag);
    return [tag.innerText.replace(/\\s/g, ''), color, backgroundColor, borderTopWidth, borderTopStyle].join(' ');
  })
"""


def churn(workbench: Workbench, count: int) -> list[Row]:
    """New alerts of customers of the manager, with their work items."""
    customers = quiet_customers(workbench, count)
    for customer in customers:
        workbench.happen("churn", customer)
    listed = "/v1/lists/alerts?kind=churn_warning&limit=200&customer=" + ",".join(customers)

    def found() -> dict[str, Row]:
        return {row["customer_id"]: row for row in workbench.get(listed)["rows"] if row["work_id"]}

    until(lambda: len(found()) == count, 30)
    return list(found().values())


def log_no_answer(page: Page) -> None:
    """The second click: a call is chosen already."""
    page.get_by_role("button", name=re.compile("^无人接听")).click()
    expect(page.get_by_text("已记下：打电话 · 无人接听")).to_be_visible()


@pytest.mark.short
def test_a_call_is_logged_in_two_clicks_wherever_one_is(workbench: Workbench) -> None:
    (alert,) = churn(workbench, 1)
    page = workbench.open("/today", "manager")
    page.locator(f"#alert-{alert['alert_id']}").get_by_role("button", name=ACT).click()
    log_no_answer(page)

    page.goto(f"/work?type=retention&customer={alert['customer_id']}")
    page.get_by_role("region", name="工单列表").get_by_role("button", name=ACT).click()
    log_no_answer(page)

    page.goto(f"/customers/{alert['customer_id']}")
    page.get_by_role("button", name="记一笔").first.click()
    log_no_answer(page)


def copied_link(page: Page) -> str:
    """What `y` puts into the clipboard."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.keyboard.press("y")
    expect(page.get_by_text("链接已复制")).to_be_visible()
    return str(page.evaluate("navigator.clipboard.readText()"))


@pytest.mark.short
def test_a_copied_link_shows_a_colleague_the_same_and_names_nobody(workbench: Workbench) -> None:
    (alert,) = churn(workbench, 1)
    name, item = str(alert["customer_name"]), alert["alert_id"]
    page = workbench.open(f"/alerts?kind=churn_warning&item={item}#q={quote(name)}", "manager")
    total = page.get_by_text(re.compile(r"^共 \d+ 条$"))
    expect(page.get_by_role("region", name=f"离网预警 · {name}")).to_be_visible()
    expect(page.locator("main").get_by_role("row")).not_to_have_count(0)
    link = copied_link(page)
    assert set(parse_qs(urlsplit(link).query)) == {"kind", "item", "customer"}, link
    assert alert["customer_id"] in parse_qs(urlsplit(link).query)["customer"][0].split(",")
    assert name not in unquote(link)
    theirs = workbench.open(link, "head")
    expect(theirs.get_by_role("region", name=f"离网预警 · {name}")).to_be_visible()
    expect(theirs.get_by_text(re.compile(r"^共 \d+ 条$"))).to_have_text(total.inner_text())


@pytest.mark.short
def test_mine_is_still_mine_in_a_colleagues_hands(workbench: Workbench) -> None:
    own = workbench.get("/v1/lists/work?open=true&limit=1&holder=" + workbench.account("manager")["manager_id"])
    page = workbench.open("/work", "manager")
    expect(page.get_by_text(f"共 {own['total']} 条")).to_be_visible()
    theirs = workbench.open(copied_link(page), "head")
    expect(theirs.get_by_text(f"共 {own['total']} 条")).to_be_visible()


@pytest.mark.parametrize(
    ("role", "path"),
    [
        ("manager", "/today?kind=arrears"),
        ("manager", "/work?whose=all&type=dunning"),
        ("analyst", "/customers?status=active&sort=-fee"),
        ("analyst", "/customers/{customer}?tab=billing"),
        ("analyst", "/overview?compare=yoy"),
        ("analyst", "/rules"),
        ("operations", "/feeds?tab=letters"),
    ],
)
def test_every_list_has_its_link(workbench: Workbench, role: str, path: str) -> None:
    customer = workbench.get("/v1/lists/customers?limit=1")["rows"][0]["customer_id"]
    page = workbench.open(path.format(customer=customer), role)
    link = urlsplit(copied_link(page))
    asked = urlsplit(path.format(customer=customer))
    assert (link.path, parse_qs(link.query)) == (asked.path, parse_qs(asked.query))
    expect(page.get_by_role("alert")).to_have_count(0)  # nothing in it that the page does not know


def in_sight(page: Page) -> str:
    """Id of the row the keys stand on; it is there and can be seen."""
    row = page.locator(f"[id='{page.get_by_role('grid').get_attribute('aria-activedescendant')}']")
    expect(row).to_be_in_viewport()
    return str(row.get_attribute("data-row-key"))


def at_the_end(page: Page) -> int:
    """Number of the last row that was read, with the keys on it; what is behind it is read then."""
    page.keyboard.press("End")
    row = page.get_by_role("grid").get_attribute("aria-activedescendant")
    return int(page.locator(f"[id='{row}']").get_attribute("aria-rowindex") or 0)


@pytest.mark.short
def test_a_row_at_any_depth_is_found_again(workbench: Workbench) -> None:
    page = workbench.open("/customers?sort=-fee", "analyst")
    grid = page.get_by_role("grid", name="客户列表")
    expect(grid.get_by_role("row").nth(1)).to_be_visible()
    grid.focus()
    until(lambda: at_the_end(page) > 350)
    row = in_sight(page)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/customers/{row}")
    page.go_back()
    expect(page.locator(f"[data-row-key='{row}']")).to_be_in_viewport()
    assert in_sight(page) == row
    page.reload()
    expect(page.locator(f"[data-row-key='{row}']")).to_be_in_viewport()
    tomorrow = page.context.new_page()
    page.close()
    tomorrow.goto("/")
    tomorrow.get_by_role("navigation", name="主导航").get_by_role("link", name="客户").click()
    expect(tomorrow).to_have_url("/customers?sort=-fee")
    expect(tomorrow.locator(f"[data-row-key='{row}']")).to_be_in_viewport()


@pytest.mark.short
def test_filter_selection_and_panel_are_found_again(workbench: Workbench) -> None:
    page = workbench.open("/alerts?severity=critical,major,minor", "city_head")
    grid = page.get_by_role("grid")
    expect(grid.get_by_role("row").nth(1)).to_be_visible()
    grid.focus()
    page.keyboard.press("End")
    row = in_sight(page)
    page.keyboard.press("x")
    page.keyboard.press("Enter")
    panel = page.get_by_role("region", name=re.compile("预警 · "))

    def away_and_back() -> None:
        page.keyboard.press("g")
        page.keyboard.press("c")
        page.wait_for_url("**/customers")
        page.go_back()

    for leave_and_return in (page.reload, away_and_back):
        expect(panel).to_be_visible()
        leave_and_return()
        expect(page).to_have_url(f"/alerts?severity=critical,major,minor&item={row}")
        expect(panel).to_be_visible()
        expect(page.get_by_role("toolbar", name="已选 1")).to_be_visible()
        expect(page.locator(f"[data-row-key='{row}']")).to_be_in_viewport()
    page.keyboard.press("Escape")
    tomorrow = page.context.new_page()
    tomorrow.goto("/alerts?severity=critical,major,minor")
    expect(tomorrow.get_by_role("toolbar", name="已选 1")).to_be_visible()
    expect(tomorrow.locator(f"[data-row-key='{row}']")).to_be_in_viewport()


@pytest.mark.short
def test_today_and_work_without_a_mouse(workbench: Workbench) -> None:
    first, second = churn(workbench, 2)
    page = workbench.open("/today", "manager")
    cards = page.get_by_role("list", name="实时预警")
    expect(cards.locator(f"#alert-{first['alert_id']}")).to_be_visible()
    cards.focus()
    for _ in range(40):
        page.keyboard.press("j")
        if cards.locator("[aria-current=true]").get_attribute("id") == f"alert-{first['alert_id']}":
            break
    page.keyboard.press("e")
    act = page.get_by_role("tooltip").filter(has=page.get_by_role("group", name=re.compile("做了什么")))
    expect(act.get_by_role("button", name="打电话")).to_be_focused()
    page.keyboard.press("Escape")
    expect(act).to_be_hidden()
    expect(cards).to_be_focused()

    page.keyboard.press("e")
    note = act.get_by_role("textbox", name="备注")
    note.focus()
    page.keyboard.insert_text("客户说再想想")
    for key in ("Escape", "Enter", "1"):  # the input method's, while it composes
        note.dispatch_event("keydown", {"key": key, "isComposing": True, "keyCode": 229, "bubbles": True})
    expect(act).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(act.get_by_role("button", name=re.compile("^已沟通"))).to_be_focused()
    page.keyboard.press("1")
    expect(page.get_by_text("已记下：打电话 · 已沟通")).to_be_visible()
    expect(cards).to_be_focused()
    work = workbench.get(f"/v1/work/{first['work_id']}")
    assert work["log"][-1]["note"] == "客户说再想想"

    page.goto(f"/work?type=retention&customer={second['customer_id']}")
    rows = page.get_by_role("region", name="工单列表")
    expect(rows.get_by_role("listitem")).to_have_count(1)
    rows.focus()
    page.keyboard.press("j")
    page.keyboard.press("a")
    expect(rows).to_contain_text("已接单")
    page.keyboard.press("e")
    expect(act.get_by_role("button", name="打电话")).to_be_focused()
    page.keyboard.press("3")
    page.keyboard.press("5")
    expect(page.get_by_text("已记下：上门 · 无人接听")).to_be_visible()
    expect(rows).to_be_focused()
    page.keyboard.press("c")
    box = page.get_by_role("dialog", name="办结工单")
    expect(box).to_be_visible()
    page.keyboard.press("1")
    expect(box.get_by_role("button", name=re.compile("^已保住"))).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("已办结 1 张：已保住")).to_be_visible()
    expect(box).to_be_hidden()


@pytest.mark.short
def test_a_note_is_kept_until_it_is_saved(workbench: Workbench) -> None:
    (alert,) = churn(workbench, 1)
    account = workbench.account("manager")
    page = workbench.open(f"/work?item={alert['work_id']}", "manager")
    panel = page.get_by_role("region", name=re.compile("^挽留工单"))
    panel.get_by_role("textbox", name="备注").fill("下周三再谈")
    again = page.context.new_page()
    page.close()  # closed by mistake

    again.goto(f"/work?item={alert['work_id']}")
    panel = again.get_by_role("region", name=re.compile("^挽留工单"))
    note = panel.get_by_role("textbox", name="备注")
    expect(note).to_have_value("下周三再谈")
    # a colleague was faster
    workbench.post(f"/v1/work/{alert['work_id']}/act", {"kind": "sms", "result": "reached"}, "head")
    again.context.clear_cookies()  # and the session ended
    panel.get_by_role("button", name=re.compile("^再考虑")).click()
    over = again.get_by_role("dialog")
    over.get_by_label("密码", exact=True).fill(account["password"])
    again.keyboard.press("Enter")
    expect(over).to_be_hidden()
    clash = panel.get_by_role("alert")
    expect(clash.get_by_role("button", name="用我的")).to_be_visible()
    expect(note).to_have_value("下周三再谈")
    clash.get_by_role("button", name="用我的").click()
    expect(again.get_by_text("已记下：打电话 · 再考虑")).to_be_visible()
    expect(note).to_have_value("")
    assert workbench.get(f"/v1/work/{alert['work_id']}")["log"][-1]["note"] == "下周三再谈"


def test_a_box_keeps_its_text_where_saving_failed(workbench: Workbench) -> None:
    (alert,) = churn(workbench, 1)
    page = workbench.open(f"/work?item={alert['work_id']}", "manager")
    expect(page.get_by_role("region", name=re.compile("^挽留工单"))).to_be_visible()
    page.keyboard.press("c")
    box = page.get_by_role("dialog", name="办结工单")
    box.get_by_role("button", name=re.compile("^已保住")).click()
    box.get_by_role("textbox").fill("续了两年")
    page.route("**/v1/work/bulk", lambda route: route.abort())
    page.keyboard.press("Control+Enter")
    expect(box.get_by_role("alert")).to_have_text("没保存上，内容还在。")
    expect(box.get_by_role("textbox")).to_have_value("续了两年")
    page.unroute("**/v1/work/bulk")
    page.keyboard.press("Control+Enter")
    expect(box).to_be_hidden()
    assert workbench.get(f"/v1/work/{alert['work_id']}")["log"][-1]["note"] == "续了两年"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_severity_is_clear_on_grey_paper_and_nothing_to_press_is_printed(workbench: Workbench, theme: str) -> None:
    page = workbench.open("/alerts?sort=severity", "city_head", View(theme=theme))
    rows = page.get_by_role("grid").get_by_role("row")
    expect(rows.nth(1)).to_be_visible()
    total = int(re.sub(r"\D", "", page.get_by_text(re.compile(r"^共 \d+ 条$")).inner_text()))
    page.emulate_media(media="print")
    # All that were read, a page of a hundred, and not those in sight alone.
    expect(page.locator("[data-row-key]")).to_have_count(min(total, 100))
    for name in ("navigation", "search", "toolbar", "banner"):
        expect(page.get_by_role(name)).to_have_count(0)
    expect(page.locator("button:visible, input:visible, kbd:visible")).to_have_count(0)
    looks = page.evaluate(_ON_PAPER)
    assert looks
    black = "rgb(0, 0, 0) rgba(0, 0, 0, 0)"
    assert set(looks) <= {f"◆紧急 {black} 2px solid", f"▲重要 {black} 1px solid", f"●一般 {black} 1px dotted"}
    page.emulate_media(media="screen")
    expect(page.get_by_role("navigation", name="主导航")).to_be_visible()


def one_thumb(page: Page) -> None:
    """Nothing sticks out sideways."""
    assert checks.sideways(page) == []


def select_both(page: Page) -> None:
    boxes = page.get_by_role("checkbox")
    expect(boxes).to_have_count(2)
    for box in boxes.all():
        box.check()


@pytest.mark.short
def test_several_at_once_on_a_phone(workbench: Workbench) -> None:
    alerts = churn(workbench, 2)
    only = "customer=" + ",".join(alert["customer_id"] for alert in alerts)
    page = workbench.open(f"/alerts?kind=churn_warning&{only}", "manager", View(width=375))
    page.get_by_role("button", name="选择").click()
    page.get_by_role("list", name="预警列表").get_by_role("button").first.tap()  # the card, beside its box
    expect(page.get_by_role("toolbar", name="已选 1")).to_be_visible()
    select_both(page)
    bar = page.get_by_role("toolbar", name="已选 2")
    one_thumb(page)
    heights = bar.get_by_role("button").evaluate_all("all => all.map(one => one.getBoundingClientRect().height)")
    assert min(heights) >= 44
    bar.get_by_role("button", name="知悉").click()
    expect(page.get_by_text("已知悉 2 条")).to_be_visible()
    one_thumb(page)
    page.get_by_role("button", name="撤销").click()
    expect(page.get_by_text("已撤销")).to_be_visible()

    page.goto(f"/work?type=retention&{only}")
    select_both(page)
    one_thumb(page)
    bar.get_by_role("button", name="接单").click()
    expect(page.get_by_text("已接单 2 张")).to_be_visible()
    page.get_by_role("button", name="撤销").click()
    expect(page.get_by_text("已撤销")).to_be_visible()

    select_both(page)
    bar.get_by_role("button", name="转派").click()
    dialog = page.get_by_role("dialog", name="转派")
    dialog.get_by_role("combobox").click()
    page.locator(".ant-select-item-option").filter(has_not_text="本人").first.click()
    one_thumb(page)
    dialog.get_by_role("button", name="转派 2 张").click()
    expect(page.get_by_text(re.compile("^已转派 2 条给"))).to_be_visible()
    one_thumb(page)
