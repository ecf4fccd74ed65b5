"""Rules as analysts change them, and as others read them."""

import pytest
from playwright.sync_api import expect

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
    expect(page.get_by_text("规则由分析员和管理员修改。")).to_be_visible()
