"""Text that comes from outside stays text: in every page that shows it, and in what is exported."""

from __future__ import annotations

import csv
import io
import json
import time
import zipfile

import pytest
from playwright.sync_api import expect

from browser import checks
from browser.workbench import View, Workbench
from harness.waiting import until

pytestmark = [pytest.mark.embedded, pytest.mark.browser, pytest.mark.timeout(240)]

CUSTOMER = "9990001"
#: a formula to a spreadsheet, markup to a browser
NAME = '=HYPERLINK("http://x")<img src=x onerror=alert(1)>'
TEXT = "<script>window.kamHacked=1</script><svg onload=alert(2)>"
PAGES = (
    "/today",
    "/alerts",
    "/alerts?item={alert}",
    "/work",
    "/work?item={work}",
    "/customers",
    "/customers/{customer}",
    "/why/{alert}",
    "/pop?customer={customer}",
)


@pytest.fixture
def hostile(workbench: Workbench) -> dict[str, str]:
    """A customer of the manager whose name, and whose complaint, mean harm; with an alert and a work item."""
    now = workbench.get("/v1/clock")["clock"]
    own = workbench.get("/v1/lists/customers?limit=1")["rows"][0]
    workbench.feed("customer.changed", {
        "customer_id": CUSTOMER, "kind": "corporate", "name": NAME, "phone": "13900000001", "city": own["city"],
        "area": "urban", "status": "active", "language": "zh", "opened_on": "2015-01-01", "monthly_fee_fen": 19900,
        "manager_id": workbench.account("manager")["manager_id"],
    })  # fmt: skip
    workbench.feed("complaint.changed", {
        "complaint_id": f"TS-{time.time_ns()}", "customer_id": CUSTOMER, "opened_at": now,
        "category": "network", "channel": "hotline", "severity": 2, "status": "opened", "text": TEXT,
    })  # fmt: skip
    rows = "/v1/lists/alerts?customer=" + CUSTOMER
    until(lambda: (found := workbench.get(rows)["rows"]) and found[0]["work_id"])
    row = workbench.get(rows)["rows"][0]
    assert row["manager_id"] == workbench.account("manager")["manager_id"]
    return {"alert": row["alert_id"], "work": row["work_id"], "customer": CUSTOMER}


@pytest.mark.parametrize("view", [pytest.param(View("zh", 1440), marks=pytest.mark.short), View("en", 375)], ids=str)
def test_markup_in_names_and_notes_is_shown_and_not_run(
    workbench: Workbench, hostile: dict[str, str], view: View
) -> None:
    page = workbench.open("/alerts", "manager", view)
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for path in PAGES:
        page.goto(path.format(**hostile))
        checks.complete(page)
        assert page.evaluate("window.kamHacked") is None
        assert page.locator("main img, main svg[onload], main script").count() == 0, path
    assert dialogs == []


@pytest.mark.short
@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_an_export_holds_no_formula(workbench: Workbench, hostile: dict[str, str], format_: str) -> None:
    page = workbench.open("/alerts", "head")  # an analyst's file has the name behind a mask
    asked = {"list": "alerts", "format": format_, "language": "zh", "filter": {"customer": CUSTOMER}}
    headers = {"Kam-Request": "1", "Origin": workbench.url}
    job = page.request.post("/v1/exports", data=asked, headers=headers).json()
    until(lambda: page.request.get(f"/v1/jobs/{job['id']}").json()["state"] == "done")
    body = page.request.get(f"/v1/jobs/{job['id']}/file").body()
    if format_ == "csv":
        cells = [cell for row in csv.reader(io.StringIO(body.decode("utf-8-sig"))) for cell in row]
        assert any("HYPERLINK" in cell for cell in cells)
        assert not [
            cell for cell in cells if cell and cell[0] in "=+-@\t" and not cell.lstrip("-").replace(".", "").isdigit()
        ]
    else:
        with zipfile.ZipFile(io.BytesIO(body)) as book:
            sheets = [book.read(name).decode() for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
        assert sheets and not any("<f>" in sheet or "<f " in sheet for sheet in sheets), json.dumps(sheets)[:500]
    page.goto("/jobs")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
