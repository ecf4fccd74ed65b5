"""A day of each who is no manager: a unit's head, an analyst, operations, an administrator."""

from __future__ import annotations

import csv
import json
import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.workbench import Workbench
from harness.boss_files import write_pair
from harness.waiting import until

pytestmark = [pytest.mark.embedded, pytest.mark.browser, pytest.mark.short, pytest.mark.timeout(180)]


def number_in(text: str) -> int:
    """The first number of a text, as people write it."""
    found = re.search(r"[0-9][0-9,]*", text)
    assert found, text
    return int(found[0].replace(",", ""))


def saved(page: Page, link: Locator, folder: Path) -> Path:
    """What a link downloads."""
    with page.expect_download() as download:
        link.click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_a_head_sees_the_team_drills_to_the_rows_counted_and_exports_them(workbench: Workbench, tmp_path: Path) -> None:
    page = workbench.open("/", "head")
    page.wait_for_url("**/team/**")
    members = page.get_by_role("region", name="成员负荷").get_by_role("row")
    expect(members.nth(1)).to_be_visible()  # the first is the heading

    page.get_by_role("navigation", name="主导航").get_by_role("link", name="概览").click()
    tile = page.get_by_role("button", name=re.compile("^预警：[0-9,]+，打开这些记录$"))
    counted = number_in(tile.get_attribute("aria-label") or "")
    tile.click()
    drawer = page.get_by_role("dialog")
    told = drawer.locator("output", has_text="共").inner_text()
    since = number_in(told.split("又新增")[1]) if "又新增" in told else 0
    total = number_in(told)
    assert total - since == counted, told
    expect(drawer.get_by_role("list", name="预警").get_by_role("listitem")).to_have_count(min(total, 100))

    drawer.get_by_role("button", name="导出").click()
    page.get_by_role("menuitem", name="CSV 文件").click()
    expect(page.get_by_text(re.compile("正在导出 [0-9,]+ 条|导出完成"))).to_be_visible()
    page.goto("/jobs")
    path = saved(page, page.get_by_role("main").get_by_role("link", name="下载").first, tmp_path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= total, "alerts that came since are in it, too; none is missing"


def test_an_analyst_filters_walks_the_chain_and_reads_a_rule(workbench: Workbench) -> None:
    page = workbench.open("/alerts", "analyst")
    page.get_by_role("combobox", name="类别").click()
    with page.expect_response(lambda answer: "/lists/alerts" in answer.url and "kind=arrears" in answer.url):
        page.get_by_title("欠费", exact=True).click()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("kind=arrears"))
    page.get_by_role("heading", level=1).click()
    rows = page.get_by_role("row").filter(has=page.get_by_role("gridcell"))
    expect(rows.filter(has_text="欠费").first).to_be_visible()
    expect(rows.filter(has_not_text="欠费")).to_have_count(0)  # those of before are gone
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    panel = page.get_by_role("region", name="欠费预警")
    panel.get_by_role("link", name="溯源", exact=True).click()
    page.wait_for_url("**/why/**")
    chain = page.get_by_role("main").get_by_role("list").get_by_role("button")
    chain.first.click()
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile("node="))

    page.get_by_role("navigation", name="主导航").get_by_role("link", name="规则").click()
    page.get_by_role("grid", name="规则", exact=True).get_by_role("row").nth(1).click()
    expect(page.get_by_role("region", name="差别")).to_contain_text("第一版")
    expect(page.get_by_role("region", name="历史")).to_contain_text("随产品交付")


def test_operations_download_what_was_rejected_and_replay_a_dead_letter(workbench: Workbench, tmp_path: Path) -> None:
    page = workbench.open("/", "operations")
    page.wait_for_url("**/feeds")
    city = workbench.get("/v1/lists/customers?limit=1")["rows"][0]["city"]
    day = workbench.get("/v1/clock")["clock"][:10]
    bad = {"complaint_id": "TS-bad", "customer_id": "1", "opened_at": "yesterday", "category": "network"}
    name = write_pair(tmp_path / "bad", "COMP", city, day, 9000, [bad])
    workbench.kam("file", "deliver", str(tmp_path / "bad" / f"{name}.dat.gz"))
    page.goto(f"/feeds/files/{name}")
    expect(page.get_by_text("opened_at").first).to_be_visible()
    rejected = saved(page, page.get_by_role("link", name="下载 .rej"), tmp_path)
    assert "yesterday" in rejected.read_text(encoding="utf-8")

    event = {
        "specversion": "1.0", "id": "bad-1", "source": "browser-tests", "type": "kam.boss.complaint.changed.v1",
        "subject": "1", "time": f"{day}T00:00:00+08:00", "datacontenttype": "application/json",
        "data": {"customer_id": 1},
    }  # fmt: skip
    (tmp_path / "bad.jsonl").write_text(json.dumps(event))
    workbench.kam("feed", str(tmp_path / "bad.jsonl"), "--via", "kafka")
    until(lambda: workbench.get("/v1/dead-letters", "operations")["rows"])
    page.goto("/feeds?tab=letters")
    page.get_by_role("grid", name="死信").get_by_role("checkbox").nth(1).check()
    replay = page.get_by_role("button", name="重放 ")
    expect(replay).to_be_disabled()
    page.get_by_role("button", name="先演练").click()
    expect(page.get_by_text("→ 能重放 1")).to_be_visible()
    replay.click()
    expect(page.get_by_text("已重放 1 条")).to_be_visible()


def test_an_administrator_adds_somebody_changes_the_role_and_finds_both_in_the_audit(workbench: Workbench) -> None:
    page = workbench.open("/", "administrator")
    page.wait_for_url("**/admin")
    staff_no = f"T{time.time_ns()}"
    manager = workbench.account("manager")["manager_id"]
    page.get_by_role("button", name="新建用户").click()
    form = page.get_by_role("region", name="新建用户")
    form.get_by_label("工号").fill(staff_no)
    form.get_by_label("姓名").fill("田七")
    form.get_by_label("经理编号", exact=True).fill(manager)
    form.get_by_label("理由").fill("新到岗")
    form.get_by_role("button", name="保存").click()
    expect(page.get_by_text("已建用户 田七")).to_be_visible()

    form = page.get_by_role("region", name=staff_no)
    form.get_by_role("combobox", name="角色").click()
    page.get_by_title("分析员", exact=True).last.click()
    form.get_by_role("combobox", name="范围").click()
    page.get_by_title("全省", exact=True).last.click()
    form.get_by_label("理由").fill("转岗")
    form.get_by_role("button", name="保存").click()
    expect(page.get_by_text("已保存，对方下次点击生效")).to_be_visible()

    page.goto("/admin/audit")
    page.get_by_label("对象").fill(staff_no)
    page.keyboard.press("Enter")
    entries = page.get_by_role("grid", name="审计记录")
    expect(entries).to_contain_text("新建用户")
    expect(entries).to_contain_text("改用户")
    expect(entries).to_contain_text("转岗")
