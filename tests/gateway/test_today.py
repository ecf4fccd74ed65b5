"""The day as somebody sees it: numbers, reminders, and what happened since the beginning of yesterday."""

from pathlib import Path
from typing import Any

from contracts.registry import TICK
from harness.people import gateway
from harness.read_model import alert, at, customer, manager, message, work

TEN_O_CLOCK = message(TICK, {"clock": at(), "number": 1, "epoch": 0})
DAY = 24 * 60
CHURN = {"kind": "churn_warning"}
TOLD = {
    "boss.events": [
        TEN_O_CLOCK, manager("M0001", unit_id="u1"), manager("M0002", unit_id="u2"),
        customer("c1", manager_id="M0001", monthly_fee_fen=9900),
        customer("c2", manager_id="M0002", monthly_fee_fen=100),
    ],
    "alert.events": [
        alert("raised", "a1", **CHURN),
        alert("raised", "a2", **CHURN),
        alert("raised", "a3", customer_id="c2", **CHURN),
        alert("raised", "old", raised_at=at(-3 * DAY), at=at(-3 * DAY)),
        alert("resolved", "old", 2, "resolved", raised_at=at(-3 * DAY), at=at(-DAY), outcome="cleared"),
        alert("raised", "older", raised_at=at(-9 * DAY), at=at(-9 * DAY)),
        alert("resolved", "older", 2, "resolved", raised_at=at(-9 * DAY), at=at(-3 * DAY), outcome="cleared"),
        alert("escalated", "a1", 1, "raised", **CHURN),
        alert("raised", "a4", kind="contract_expiring", stage="7"),
    ],
    "work.events": [
        work("opened", "w1", alert_id="old"), work("closed", "w1", 2, "closed", alert_id="old", at=at(5)),
        work("opened", "w2", alert_id="a1", due_at=at(-5)),
        work("opened", "w3", alert_id="a3", customer_id="c2", due_at=at(60)),
        work("opened", "w4", alert_id="a4", due_at=at(5 * DAY), kind="renewal"),
    ],
}  # fmt: skip


async def day(tmp_path: Path, staff_no: str, path: str = "/v1/today", told: dict[str, Any] = TOLD) -> dict[str, Any]:
    async with gateway(tmp_path / staff_no, told=told) as made:
        answer = await (await made.signed_in(staff_no)).get(path)
        assert answer.status_code == 200, answer.text
        assert any(entry[:2] == (staff_no, "today") for entry in made.audited)
        found: dict[str, Any] = answer.json()
        return found


async def test_the_numbers_are_of_what_one_sees(tmp_path: Path) -> None:
    mine, all_ = await day(tmp_path, "M0001"), await day(tmp_path, "A0001")
    names = ("open", "unacknowledged", "due_today", "overdue", "at_risk_alerts", "at_risk_fen", "contracts_ending")
    assert [mine["numbers"][name] for name in names] == [3, 3, 0, 1, 2, 9900, 1]
    assert [all_["numbers"][name] for name in names] == [4, 4, 1, 1, 3, 10000, 1]
    assert mine["has_customers"] and mine["as_of"] is not None and not mine["rebuilding"]


async def test_what_happened_since_yesterday(tmp_path: Path) -> None:
    changes = (await day(tmp_path, "M0001"))["changes"]
    assert changes == {
        "raised": 3, "resolved": 1, "escalated": 1, "recovered": 1, "recovered_fen": 12900, "kept": 0, "assigned": 3,
        "closed": 1,
    }  # fmt: skip


async def test_of_a_unit_or_a_manager_among_them(tmp_path: Path) -> None:
    assert (await day(tmp_path, "A0001", "/v1/today?unit=u2"))["numbers"]["open"] == 1
    assert (await day(tmp_path, "C0001", "/v1/today?manager=M0001"))["numbers"]["open"] == 3
    assert (await day(tmp_path, "M0001", "/v1/today?manager=M0002"))["numbers"]["open"] == 0, "out of scope"


async def test_every_number_opens_as_many_rows(tmp_path: Path) -> None:
    async with gateway(tmp_path, told=TOLD) as made:
        browser = await made.signed_in("A0001")
        found = (await browser.get("/v1/today")).json()
        since = found["since"].replace("+", "%2B")
        for number, query in (
            (found["numbers"]["open"], "alerts?open=true"),
            (found["numbers"]["due_today"], "alerts?open=true&due=today"),
            (found["numbers"]["overdue"], "alerts?open=true&due=overdue"),
            (found["numbers"]["at_risk_alerts"], "alerts?open=true&kind=churn_warning"),
            (found["changes"]["raised"], f"alerts?since={since}"),
            (found["changes"]["resolved"], f"alerts?state=resolved&changed_since={since}"),
            (found["changes"]["escalated"], f"alerts?open=true&escalated=true&changed_since={since}"),
            (found["changes"]["recovered"], f"alerts?kind=arrears&outcome=cleared&changed_since={since}"),
            (found["changes"]["assigned"], f"work?since={since}"),
            (found["changes"]["closed"], f"work?state=closed&changed_since={since}"),
        ):
            assert (await browser.get(f"/v1/lists/{query}")).json()["total"] == number, query


async def test_reminders_say_why_and_when(tmp_path: Path) -> None:
    def acted(id_: str, due: float = 3 * DAY, **action: Any) -> Any:
        done = {"at": at(-DAY), "kind": "call", "by": "M0001", "result": "promised", **action}
        return work("acted", id_, 2, "acted", alert_id=f"of-{id_}", due_at=at(due), action=done)

    told = {
        "boss.events": [
            TEN_O_CLOCK,
            manager("M0001"),
            customer("c1", manager_id="M0001"),
            customer("c2", manager_id="M0002"),
        ],
        "alert.events": [
            alert("raised", "of-ends", kind="contract_expiring", stage="7"),
            alert("raised", "of-later", kind="contract_expiring", stage="60"),
        ],
        "work.events": [
            acted("promise", promised_on="2026-06-29", follow_up_on="2026-06-30"),
            acted("call", follow_up_on="2026-06-30"),
            acted("not-yet", follow_up_on="2026-07-01"),
            acted("begun", due=60),
            work("opened", "new", alert_id="of-new", due_at=at(60)),
            work("opened", "complaint", alert_id="of-complaint", kind="complaint_follow_up", due_at=at(30)),
            work("opened", "ends", alert_id="of-ends", kind="renewal", due_at=at(6 * DAY)),
            work("opened", "later", alert_id="of-later", kind="renewal", due_at=at(60 * DAY)),
            work("opened", "theirs", alert_id="of-theirs", customer_id="c2", kind="complaint_follow_up"),
            acted("done", follow_up_on="2026-06-30"),
            work("closed", "done", 3, "closed", alert_id="of-done"),
        ],
    }
    found = await day(tmp_path, "M0001", told=told)
    assert [(each["reason"], each["item"]["work_id"]) for each in found["reminders"]] == [
        ("promise", "promise"), ("follow_up", "call"), ("complaint", "complaint"), ("due", "begun"),
        ("contract", "ends"),
    ]  # fmt: skip
    assert found["reminders"][0]["at"] == "2026-06-29" and found["reminders"][2]["at"] == at(30)
    assert found["reminders_total"] == 5 and found["reminders"][0]["item"]["customer_name"] == "王小明"


async def test_nobody_looked_after_yet_and_integrators_have_no_day(tmp_path: Path) -> None:
    assert not (await day(tmp_path, "M0001", told={}))["has_customers"]
    async with gateway(tmp_path / "machine", told=TOLD) as made:
        assert (await made.machine("integrator").get("/v1/today")).status_code == 403
