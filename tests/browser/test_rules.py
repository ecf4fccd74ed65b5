"""Rules as analysts change them, and as others read them."""

import uuid

import pytest
from playwright.sync_api import Page, expect

from browser import checks
from browser.workbench import View, Workbench

pytestmark = [pytest.mark.embedded, pytest.mark.browser, pytest.mark.timeout(180)]


def states(workbench: Workbench, id: str) -> list[str]:
    return [rule["state"] for rule in workbench.get("/v1/rules", "analyst") if rule["id"] == id]


@pytest.mark.parametrize("view", [View("zh"), View("en")], ids=["zh", "en"])
def test_a_rule_is_stopped_with_a_reason_and_its_history_says_so(workbench: Workbench, view: View) -> None:
    page = workbench.open("/rules/port-query", "analyst", view)
    panel = page.get_by_role("region", name=view.pick("改动", "Change"), exact=True)
    stop = panel.get_by_role("button", name=view.pick("停用", "Stop"))
    stop.click()
    expect(panel.get_by_text(view.pick("请写明理由", "Say why"))).to_be_visible()
    panel.get_by_label(view.pick("理由", "Reason")).fill("误报偏多")
    stop.click()
    try:
        told = view.pick("v1 已停用", "v1 stopped")
        expect(page.get_by_role("region", name=view.pick("历史", "History")).get_by_text(told)).to_be_visible()
        assert states(workbench, "port-query") == ["stopped"]
        expect(stop).to_have_count(0)
    finally:
        workbench.post("/v1/rules/port-query/versions/1/activate", {"why": "as it was"}, "analyst")
    assert states(workbench, "port-query") == ["active"]


def test_who_only_reads_sees_the_history_and_changes_nothing(workbench: Workbench) -> None:
    page = workbench.open("/rules/drop-30", "head")
    expect(page.get_by_role("region", name="历史").get_by_text("随产品交付")).to_be_visible()
    expect(page.get_by_role("region", name="改动")).to_have_count(0)
    expect(page.get_by_text("修改须有全省范围")).to_be_visible()
    expect(page.get_by_role("link", name="由 v1 改")).to_have_count(0)


@pytest.mark.short
@pytest.mark.parametrize("view", [View("zh"), View("en", 375, "dark")], ids=str)
def test_a_threshold_is_changed_tried_and_activated(workbench: Workbench, view: View) -> None:
    before = len(states(workbench, "drop-30"))
    n = before + 1
    page = workbench.open("/rules/drop-30", "analyst", view)
    page.get_by_role("link", name=view.pick("由 v", "Change v")).click()
    page.get_by_label(view.pick("百分比", "percent"), exact=True).fill("60")
    page.get_by_label(view.pick("理由", "Reason")).fill("误报偏多")
    page.get_by_role("button", name=view.pick("存为草稿", "Save as a draft")).click()
    activate = page.get_by_role("button", name=view.pick(f"现在启用 v{n}", f"Activate v{n} now"))
    expect(activate).to_be_disabled()
    differences = page.get_by_role("region", name=view.pick("差别", "Differences"))
    expect(differences.get_by_text(view.pick("百分比由 70 改为 60", "percent: 70 → 60"))).to_be_visible()
    try:
        begin_trial(page, view, n)
        page.get_by_role("link", name=view.pick("看图和客户", "Chart and customers")).click(timeout=90_000)
        expect(page.get_by_text(view.pick("按月预警", "Alerts by month"))).to_be_visible()
        checks.complete(page)
        checks.picture(page, f"{view}/trial")
        assert checks.sideways(page) == [] and checks.axe(page) == []
        page.get_by_label(view.pick("理由", "Reason")).fill("误报偏多")
        activate.click()
        expect(page.get_by_text(view.pick(f"v{n} 已启用", f"v{n} is in force"))).to_be_visible()
        assert states(workbench, "drop-30")[-1] == "active"
    finally:
        workbench.post("/v1/rules/drop-30/rollback", {"why": "as it was"}, "analyst")
    assert states(workbench, "drop-30")[-1] == "active"


@pytest.mark.short
def test_nearly_silent_is_written_on_the_screen(workbench: Workbench) -> None:
    name = f"almost-silent-{uuid.uuid4().hex[:8]}"
    page = workbench.open("/rules", "analyst")
    page.get_by_role("button", name="新建").click()
    page.get_by_role("menuitem", name="空白").click()
    page.get_by_label("编号", exact=True).fill(name)
    page.get_by_label("中文名称").fill("几乎静默")
    page.get_by_label("英文名称").fill("Almost silent")
    for _ in range(2):
        page.get_by_role("button", name="加条件").click()
    choose(page, "指标", 0, "活跃天数")
    page.get_by_label("值", exact=True).nth(0).fill("40")
    choose(page, "指标", 1, "通话分钟")
    choose(page, "比较", 1, "下降")
    page.get_by_label("百分比", exact=True).fill("50")
    page.get_by_role("button", name="补上所用指标的记录").click()
    page.get_by_label("理由").fill("近乎静默客户")
    save = page.get_by_role("button", name="存为草稿")
    save.click()
    # a month has no forty days: said at the very field, and nothing is lost
    value = page.locator('[data-field="when.all[0].value"]')
    expect(value.get_by_text("在 0 至 31 之间")).to_be_visible()
    page.get_by_label("值", exact=True).nth(0).fill("3")
    save.click()
    expect(page.get_by_text("活跃天数 ≤ 3 天").first).to_be_visible()
    (made,) = [rule for rule in workbench.get("/v1/rules", "analyst") if rule["id"] == name]
    assert made["document"]["when"]["all"] == [
        {"figure": "usage.active_days", "op": "<=", "value": 3},
        {"figure": "usage.voice_minutes", "falls_percent": 50, "months": 3},
    ]
    assert (made["state"], made["document"]["on"]) == ("draft", ["USAGE"])
    begin_trial(page, View(), 1)
    expect(page.get_by_role("link", name="看图和客户")).to_be_visible(timeout=90_000)
    expect(page.get_by_role("button", name="现在启用 v1")).to_be_enabled()


def begin_trial(page: Page, view: View, version: int) -> None:
    region = page.get_by_role("region", name=view.pick("试算", "Trial"), exact=True)
    region.get_by_role("button", name=view.pick(f"试算 v{version}", f"Try v{version}")).click()


def choose(page: Page, label: str, nth: int, option: str) -> None:
    """Of a field to choose from, as people do: type, then take what is found."""
    page.get_by_label(label, exact=True).nth(nth).click()
    page.locator(".ant-select-dropdown:visible .ant-select-item-option").filter(has_text=option).first.click()
