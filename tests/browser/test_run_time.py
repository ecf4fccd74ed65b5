"""What staff change while it runs, as they click it: a version in shadow, a text sent to oneself, a stop while messages
wait."""

from __future__ import annotations

import re
import secrets

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from browser.test_live import quiet_customers
from browser.test_rules import begin_trial, states
from browser.workbench import Row, View, Workbench
from harness.waiting import until

pytestmark = [pytest.mark.embedded, pytest.mark.browser, pytest.mark.timeout(180)]

TEMPLATE = "arrears-reminder"


def test_a_version_in_shadow_warns_nobody_but_those_who_change_rules(workbench: Workbench) -> None:
    n = len(states(workbench, "drop-30")) + 1
    (customer,) = quiet_customers(workbench, 1)
    page = workbench.open("/rules/drop-30", "analyst")
    page.get_by_role("link", name="由 v").click()
    page.get_by_label("百分比", exact=True).fill("75")
    page.get_by_label("理由", exact=True).fill("想早一点知道")
    page.get_by_role("button", name="存为草稿").click()
    begin_trial(page, View(), n)
    expect(page.get_by_role("link", name="看图和客户")).to_be_visible(timeout=90_000)
    change = page.get_by_role("region", name="改动", exact=True)
    change.get_by_label("理由").fill("先看一周")
    change.get_by_role("checkbox", name=re.compile("^影子运行")).check()
    change.get_by_role("button", name=f"现在启用 v{n}").click()
    expect(page.get_by_text(f"v{n} 已开始影子运行")).to_be_visible()
    now = states(workbench, "drop-30")
    assert (now.count("active"), now.count("shadow")) == (1, 1)
    try:
        workbench.happen("churn", customer)
        raised = f"/v1/shadow-alerts?customer={customer}"
        until(lambda: workbench.get(raised, "analyst"), 30)
        (alert,) = workbench.get(raised, "analyst")
        page.goto("/alerts")
        page.get_by_text("影子", exact=True).click()
        expect(page).to_have_url(re.compile("shadow=1"))
        row = page.get_by_role("grid", name="影子预警").get_by_role("row").filter(has_text=customer)
        expect(row).to_contain_text(f"drop-30 v{n}")
        row.click()
        page.wait_for_url(f"**/why/{alert['alert_id']}")
        expect(page.get_by_role("main").get_by_role("list").get_by_role("button").first).to_be_visible()

        theirs = workbench.open(f"/alerts?customer={customer}&shadow=1", "manager")
        expect(theirs.get_by_role("grid", name="预警列表").get_by_role("row")).to_have_count(2)  # with its heading
        expect(theirs.get_by_text("影子", exact=True)).to_have_count(0)
        theirs.goto(f"/why/{alert['alert_id']}")
        expect(theirs.get_by_text("没有找到，或不在你的客户范围内。")).to_be_visible()
    finally:
        page.goto(f"/rules/drop-30?version={n}")
        change.get_by_label("理由").fill("看够了")
        change.get_by_role("button", name="停用").click()
        expect(change.get_by_role("button", name="停用")).to_have_count(0)
    left = states(workbench, "drop-30")
    assert left.count("active") == 1 and "shadow" not in left


def test_a_text_is_sent_to_oneself_and_to_no_other(workbench: Workbench) -> None:
    own = "139" + "".join(secrets.choice("0123456789") for _ in range(8))
    analyst = workbench.account("analyst")
    admin = workbench.open(f"/admin/users/{analyst['staff_no']}", "administrator")
    form = admin.get_by_role("region", name=analyst["staff_no"])
    form.get_by_label("手机号").fill(own)
    form.get_by_label("理由").fill("试发短信")
    form.get_by_role("button", name="保存").click()
    expect(admin.get_by_text("已保存，对方下次点击生效")).to_be_visible()

    page = workbench.open(f"/documents/templates/{TEMPLATE}", "analyst")
    test = page.get_by_role("region", name="发给自己试试")
    to = test.get_by_label(re.compile("手机号"))
    send = test.get_by_role("button", name="试发")
    to.fill("13800000000")
    send.click()
    expect(test.get_by_role("alert")).to_contain_text("只能发到自己账号的号码")
    to.fill(own)
    send.click()
    sent = test.get_by_role("status")
    expect(sent).to_contain_text("【大客户中心】")
    taken = f"{workbench.about['smsc_control']}/messages"

    def at_the_smsc() -> list[Row]:
        found: list[Row] = httpx.get(taken, params={"destination": f"86{own}"}, trust_env=False).json()
        return found

    if "已交给通道" in sent.inner_text():  # by night it waits, and says until when
        until(at_the_smsc)
        (message,) = at_the_smsc()
        assert message["text"] in sent.inner_text()
    else:
        expect(sent).to_contain_text("08:00")
        assert at_the_smsc() == []


def test_a_template_is_stopped_while_messages_wait(workbench: Workbench) -> None:
    (customer,) = quiet_customers(workbench, 1)
    who = workbench.account("analyst")["staff_no"]
    page = workbench.open("/documents/stops", "analyst")
    stop(page, "通道", "smpp", "演练")
    try:
        workbench.happen("arrears", customer)
        messages = f"/v1/sms?customer={customer}"
        until(lambda: [sms["state"] for sms in workbench.get(messages)] == ["held"], 30)
        (sms,) = workbench.get(messages)
        theirs = workbench.open(f"/alerts?item={sms['alert_id']}", "manager")
        panel = theirs.get_by_role("region", name=re.compile("欠费预警"))
        expect(panel).to_contain_text(f"{who} 停发：演练")

        # While it waits its template is stopped; the channel goes on, and the message stays.
        stop(page, "模板", sms["template"], "金额写错")
        release(page, "通道 smpp")
        expect(panel).to_contain_text(f"{who} 停发：金额写错", timeout=15_000)
        (waiting,) = workbench.get(messages)
        assert waiting["state"] == "held"
        theirs.goto(f"/customers/{customer}")
        timeline = theirs.get_by_role("region", name="往来")
        expect(timeline).to_contain_text(f"{who} 停发：金额写错")

        release(page, f"模板 {sms['template']}")
        until(lambda: workbench.get(messages)[0]["reason"] != "stopped", 30)
        theirs.reload()
        expect(timeline.get_by_text("短信").first).to_be_visible()
        expect(timeline).not_to_contain_text("停发")
    finally:
        for standing in workbench.get("/v1/stops", "analyst"):
            workbench.kam("sms", "go", standing["what"], "--why", "as it was")


def stop(page: Page, sort: str, name: str, why: str) -> None:
    """A new stop, on the board of them."""
    new = page.get_by_role("region", name="新的停发")
    for label, option in (("停发什么", sort), ("哪一个", name)):
        new.get_by_label(label).click()
        page.locator(".ant-select-dropdown:visible").get_by_title(option, exact=True).click()
    new.get_by_label("理由").fill(why)
    new.get_by_role("button", name="停发").click()
    expect(card(page, f"{sort} {name}")).to_contain_text(why)


def release(page: Page, what: str) -> None:
    """What stands on the board goes again."""
    page.get_by_label(f"理由 {what}").fill("已改好")
    card(page, what).get_by_role("button", name="恢复").click()
    expect(page.get_by_label(f"理由 {what}")).to_have_count(0)


def card(page: Page, what: str) -> Locator:
    """What stands on the board of this name."""
    return page.get_by_role("region", name="停发中的").get_by_role("listitem").filter(has_text=what)
