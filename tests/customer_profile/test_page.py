"""From records on boss.events to customer.events and the customer's page."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts import boss
from customer_profile import handlers, worker
from customer_profile.bootstrap import build
from customer_profile.settings import Settings
from harness.one_processor import NOON, OneProcessor
from harness.typed_answers import TypedAnswers
from servicekit.auth import issue_token
from servicekit.clock import end_of

CUST = "kam.boss.customer.changed.v1"
SECRET = "a secret that is long enough for HS256"


@pytest.fixture
async def unit() -> OneProcessor:
    return await OneProcessor(worker.app(1)).open()


@pytest.fixture
async def account() -> OneProcessor:
    return await OneProcessor(worker.account_app(1)).open()


def customer(**fields: Any) -> boss.Customer:
    known = {"name": "张三", "phone": "13900000001", "status": "active", "city": "320100", "manager_id": "m1"}
    return boss.Customer(customer_id="c1", **{**known, **fields})


async def page(
    unit: OneProcessor, account: OneProcessor, tmp_path: Path, role: str = "service", **query: Any
) -> httpx.Response:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    settings = Settings(service_data=tmp_path, kafka="-", secret_file=secret, partitions=1)
    service = build(settings, stores=lambda app, ordinal: unit.store, rows=unit.rows)
    service.processors += [unit.processor, account.processor]
    token = issue_token(SECRET, "someone", role)
    async with httpx.AsyncClient(transport=TypedAnswers(service.asgi()), base_url="http://kam") as client:
        headers = {"authorization": f"Bearer {token}"}
        id_ = query.pop("id", "c1")
        return await client.get(f"/v1/customers/{id_}", headers=headers, params=query)


async def take_both(unit: OneProcessor, account: OneProcessor, *records: Any) -> None:
    """Both apps read the same topic, each takes what is its own."""
    await unit.take(*records)
    await account.take(*records)


async def test_every_change_is_an_event_with_personal_values_masked(unit: OneProcessor) -> None:
    await unit.take(
        unit.record("boss.events", CUST, customer()),
        unit.record("boss.events", CUST, customer()),
        unit.record("boss.events", CUST, customer(phone="13900000002", plan_code="P299")),
    )
    events = await unit.events("customer.events")
    assert [(type_, e.revision) for type_, e in events] == [
        ("kam.customer.created.v1", 1),
        ("kam.customer.changed.v1", 2),
    ]
    assert [(c.field, c.old, c.new) for c in events[1][1].changes] == [
        ("phone", "139****0001", "139****0002"),
        ("plan_code", None, "P299"),
    ]
    assert "13900000" not in "".join(str(e) for e in events)


async def test_leaving_and_win_back_keep_the_history(unit: OneProcessor, account: OneProcessor, tmp_path: Path) -> None:
    await unit.take(
        unit.record("boss.events", CUST, customer()),
        unit.record("boss.events", CUST, customer(status="left"), time=end_of(date(2026, 6, 30))),
        unit.record(
            "boss.events",
            "kam.boss.customer.left.v1",
            boss.CustomerLeft(customer_id="c1", left_on=date(2026, 6, 30), reason="price", destination="CU"),
        ),
        unit.record("boss.events", CUST, customer(), time=NOON, id="back", correlation="file:CUST_320100#7"),
    )
    assert [type_.split(".")[2] for type_, _ in await unit.events()] == ["created", "left", "changed", "returned"]
    shown = (await page(unit, account, tmp_path)).json()
    assert (shown["customer"]["archive"], shown["customer"]["left_on"]) == ("active", None)
    assert {
        "customer_id": "c1",
        "revision": 4,
        "field": "left_on",
        "old": "2026-06-30",
        "new": None,
        "at": NOON.isoformat(),
        "recorded": NOON.isoformat(),
        "event_id": "back",
        "correlation": "file:CUST_320100#7",
    } in shown["history"]
    assert [h["new"] for h in shown["history"] if h["field"] == "archive"] == ["active", "retained", "active"]


async def test_the_page_shows_everything_from_this_service_alone(
    unit: OneProcessor, account: OneProcessor, tmp_path: Path
) -> None:
    def of(type_: str, data: Any, key: str = "c1") -> Any:
        return account.record("boss.events", f"kam.boss.{type_}.v1", data, key=key, id=type_)

    opened = datetime(2026, 6, 30, 1, tzinfo=UTC)
    stop = boss.ServiceRequest(request_id="r1", customer_id="c1", requested_at=opened, kind="stop")
    await take_both(
        unit,
        account,
        of("bill.issued", boss.Bill(customer_id="c1", period="202606", amount_fen=19900)),
        of("customer.changed", customer()),
        of("manager.changed", boss.Manager(manager_id="m1", name="李经理", unit_id="u1"), "m1"),
        of("unit.changed", boss.Unit(unit_id="u1", name="鼓楼"), "u1"),
        of("bill.issued", boss.Bill(customer_id="c1", period="202605", amount_fen=18000)),
        of("usage.summarised", boss.Usage(customer_id="c1", period="202606", voice_minutes=70)),
        of("payment.received", boss.Payment(payment_id="p1", customer_id="c1", paid_at=opened, amount_fen=1)),
        of("arrears.changed", boss.Arrears(customer_id="c1", as_of=date(2026, 6, 29), amount_fen=5)),
        of("arrears.changed", boss.Arrears(customer_id="c1", as_of=date(2026, 6, 30), amount_fen=12345)),
        of("balance.changed", boss.Balance(customer_id="c1", at=opened, balance_fen=7)),
        of("contract.changed", boss.Contract(contract_id="k1", customer_id="c1", ends_on=date(2026, 9, 1))),
        of("complaint.changed", boss.Complaint(complaint_id="q1", customer_id="c1", opened_at=opened, status="opened")),
        of("service.requested", stop),
        of("bill.issued", boss.Bill(customer_id="c2", period="202606", amount_fen=1), "c2"),
    )
    shown = (await page(unit, account, tmp_path)).json()
    assert (shown["manager"]["name"], shown["unit"]["name"]) == ("李经理", "鼓楼")
    assert [(b["period"], b["amount_fen"]) for b in shown["bills"]] == [("202606", 19900), ("202605", 18000)]
    assert shown["bills"][0]["event_id"] == "bill.issued"
    assert (shown["arrears"]["amount_fen"], shown["balance"]["balance_fen"]) == (12345, 7)
    counts = {kind: len(shown[kind]) for kind in ("usages", "payments", "contracts", "complaints", "requests")}
    assert counts == {"usages": 1, "payments": 1, "contracts": 1, "complaints": 1, "requests": 1}


async def test_of_each_kind_the_newest_24_stay(unit: OneProcessor, account: OneProcessor, tmp_path: Path) -> None:
    periods = [f"{year}{month:02d}" for year in (2024, 2025, 2026) for month in range(1, 13)]
    bills = [boss.Bill(customer_id="c1", period=p, amount_fen=1) for p in (*periods, periods[0])]
    corrected = boss.Bill(customer_id="c1", period=periods[-1], amount_fen=2)
    await account.take(
        *(account.record("boss.events", "kam.boss.bill.issued.v1", bill) for bill in (*bills, corrected))
    )
    shown = (await page(unit, account, tmp_path)).json()["bills"]
    assert [b["period"] for b in shown] == periods[:-25:-1]
    assert [b["amount_fen"] for b in shown[:2]] == [2, 1]


async def test_a_creation_is_one_line_of_history(unit: OneProcessor, account: OneProcessor, tmp_path: Path) -> None:
    await unit.take(
        unit.record("boss.events", CUST, customer(), id="first"),
        unit.record("boss.events", CUST, customer(plan_code="P299"), id="second"),
    )
    history = (await page(unit, account, tmp_path)).json()["history"]
    assert [(h["field"], h["old"], h["new"], h["event_id"]) for h in history] == [
        ("plan_code", None, "P299", "second"),
        ("archive", None, "active", "first"),
    ]


async def test_an_id_may_name_a_customer_a_manager_and_a_unit(unit: OneProcessor) -> None:
    await unit.take(
        unit.record("boss.events", CUST, customer(), key="c1"),
        unit.record("boss.events", "kam.boss.manager.changed.v1", boss.Manager(manager_id="c1"), key="c1"),
        unit.record("boss.events", "kam.boss.unit.changed.v1", boss.Unit(unit_id="c1"), key="c1"),
        unit.record("boss.events", CUST, customer(name="李四"), key="c1"),
    )
    assert [type_ for type_, _ in await unit.events()] == ["kam.customer.created.v1", "kam.customer.changed.v1"]
    assert sorted(unit.store.states) == ["c1", "manager|c1", "unit|c1"]


async def test_personal_data_is_masked_unless_the_gateway_asks(
    unit: OneProcessor, account: OneProcessor, tmp_path: Path
) -> None:
    await unit.take(unit.record("boss.events", CUST, customer(id_number="320100197001010023")))
    masked = await page(unit, account, tmp_path)
    assert "13900000001" not in masked.text and "张三" not in masked.text and "320100197001010023" not in masked.text
    assert masked.json()["customer"]["phone"] == "139****0001"
    assert (await page(unit, account, tmp_path, unmask=1)).json()["customer"]["phone"] == "13900000001"
    for role in ("manager", "head", "administrator", "integrator"):
        assert (await page(unit, account, tmp_path, role, unmask=1)).status_code == 403


async def test_an_unknown_customer_is_404_in_two_languages(
    unit: OneProcessor, account: OneProcessor, tmp_path: Path
) -> None:
    answer = await page(unit, account, tmp_path, id="nobody")
    assert answer.status_code == 404 and answer.json()["error"] == "unknown_customer"
    assert "没有客户 nobody" in answer.json()["zh"] and "no customer nobody" in answer.json()["en"]


async def test_bills_before_the_customer_are_kept(unit: OneProcessor, account: OneProcessor, tmp_path: Path) -> None:
    bill = boss.Bill(customer_id="c1", period="202606")
    await take_both(unit, account, account.record("boss.events", "kam.boss.bill.issued.v1", bill))
    shown = (await page(unit, account, tmp_path)).json()
    assert shown["customer"] == {"customer_id": "c1"} and len(shown["bills"]) == 1


async def test_a_row_of_empty_columns_clears_what_was_known_and_says_so(
    unit: OneProcessor, account: OneProcessor, tmp_path: Path
) -> None:
    """A file is a full snapshot and empty means not known; the city is what billing-sync fills in (defect 26)."""
    await unit.take(
        unit.record("boss.events", CUST, customer(birth_date=date(1980, 1, 1))),
        unit.record("boss.events", CUST, boss.Customer(customer_id="c1", city="320100"), id="empty"),
    )
    shown = (await page(unit, account, tmp_path, unmask=1)).json()
    assert (shown["customer"]["archive"], shown["customer"]["city"]) == ("active", "320100")
    gone = {h["field"]: (h["old"], h["new"]) for h in shown["history"] if h["event_id"] == "empty"}
    assert gone == {
        "name": ("张三", None),
        "phone": ("13900000001", None),
        "birth_date": ("1980-01-01", None),
        "status": ("active", None),
        "manager_id": ("m1", None),
    }
    assert [type_ for type_, _ in await unit.events()] == ["kam.customer.created.v1", "kam.customer.changed.v1"]


async def test_of_a_customer_the_newest_changes_stay(
    unit: OneProcessor, account: OneProcessor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "KEPT_CHANGES", 10)
    plans = [unit.record("boss.events", CUST, customer(plan_code=f"P{n}", brand=f"B{n}")) for n in range(50)]
    await unit.take(*plans)
    history = (await page(unit, account, tmp_path)).json()["history"]
    assert sorted({h["revision"] for h in history}) == list(range(41, 51)) and len(history) == 20
    assert len(unit.store.documents["history"]) == 20
