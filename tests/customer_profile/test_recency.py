"""Older records never overwrite newer ones (relatives of defect 7), and moved records move (defects 14, 31)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from contracts import boss
from customer_profile import worker
from customer_profile.account import KEPT, KINDS, KindRecords, key
from harness.one_processor import NOON, OneProcessor

AT = datetime(2026, 6, 30, 1, tzinfo=UTC)
CUST = "kam.boss.customer.changed.v1"
LEFT = "kam.boss.customer.left.v1"
MOVED = "kam.boss.record.moved.v1"
RECORDS: dict[str, Any] = {
    "bill.issued": lambda n: boss.Bill(customer_id="c1", period="202606", amount_fen=n),
    "usage.summarised": lambda n: boss.Usage(customer_id="c1", period="202606", voice_minutes=n),
    "payment.received": lambda n: boss.Payment(payment_id="p1", customer_id="c1", paid_at=AT, amount_fen=n),
    "arrears.changed": lambda n: boss.Arrears(customer_id="c1", as_of=date(2026, 6, 30), amount_fen=n),
    "balance.changed": lambda n: boss.Balance(customer_id="c1", at=AT, balance_fen=n),
    "contract.changed": lambda n: boss.Contract(contract_id="k1", customer_id="c1", ends_on=date(2026, 9, n)),
    "complaint.changed": lambda n: boss.Complaint(
        complaint_id="q1", customer_id="c1", opened_at=AT, status="opened", text=str(n)
    ),
    "service.requested": lambda n: boss.ServiceRequest(
        request_id="r1", customer_id="c1", requested_at=AT, kind="stop", detail=str(n)
    ),
}
MOVABLE = {
    "CONT": ("contract.changed", "k1"),
    "COMP": ("complaint.changed", "q1"),
    "SERV": ("service.requested", "r1"),
    "PAY": ("payment.received", "p1"),
}


def of(unit: OneProcessor, type_: str, data: Any, revision: int, *, key: str = "c1", at: datetime | None = None) -> Any:
    """A record as billing-sync sends it: each revision an hour later."""
    name = type_ if type_.startswith("kam.") else f"kam.boss.{type_}.v1"
    return unit.record(
        "boss.events",
        name,
        data,
        key=key,
        id=f"{type_}-{key}-{revision}",
        time=at or NOON + timedelta(hours=revision),
        headers=[("ce_revision", b"%d" % revision)],
    )


def moved(unit: OneProcessor, kind: str, revision: int, old: str, new: str) -> Any:
    about = boss.RecordMoved(kind=kind, record_id=MOVABLE[kind][1], customer_id=old, moved_to=new, moved_at=AT)  # type: ignore[arg-type]
    return of(unit, MOVED, about, revision, key=old)


async def kept(unit: OneProcessor, type_: str, customer: str = "c1") -> list[str]:
    """Ids of the events whose records are kept."""
    name = key(customer, KINDS[f"kam.boss.{type_}.v1"].name)
    raw = (await unit.store.load([name])).get(name)
    records = KindRecords({}) if raw is None else msgspec.msgpack.decode(raw, type=KindRecords)
    return sorted(entry.event_id for entry in records.known.values())


@pytest.mark.parametrize("type_", RECORDS)
async def test_a_replayed_older_record_changes_nothing(type_: str) -> None:
    account = await OneProcessor(worker.account_app(1)).open()
    make = RECORDS[type_]
    await account.take(of(account, type_, make(2), 2))
    await account.take(of(account, type_, make(1), 1))
    assert await kept(account, type_) == [f"{type_}-c1-2"]
    await account.take(of(account, type_, make(3), 3))
    assert await kept(account, type_) == [f"{type_}-c1-3"]


async def test_revisions_that_begin_anew_are_newer_by_their_time() -> None:
    """billing-sync lost its store: everything comes again, from revision 1."""
    account = await OneProcessor(worker.account_app(1)).open()
    make = RECORDS["arrears.changed"]
    await account.take(of(account, "arrears.changed", make(1), 9, at=NOON))
    await account.take(of(account, "arrears.changed", make(2), 1, at=NOON + timedelta(days=1)))
    assert await kept(account, "arrears.changed") == ["arrears.changed-c1-1"]


@pytest.mark.parametrize("kind", MOVABLE)
async def test_a_moved_record_leaves_the_one_and_comes_to_the_other_and_back(kind: str) -> None:
    account = await OneProcessor(worker.account_app(1)).open()
    type_ = MOVABLE[kind][0]
    make = RECORDS[type_]

    def theirs(customer: str) -> Any:
        return msgspec.structs.replace(make(1), customer_id=customer)

    first = of(account, type_, theirs("c1"), 1)
    await account.take(first, moved(account, kind, 2, "c1", "c2"), of(account, type_, theirs("c2"), 2, key="c2"))
    assert (await kept(account, type_), await kept(account, type_, "c2")) == ([], [f"{type_}-c2-2"])

    await account.take(of(account, type_, theirs("c1"), 1))
    assert await kept(account, type_) == [], "an older record does not bring it back"

    await account.take(moved(account, kind, 3, "c2", "c1"), of(account, type_, theirs("c1"), 3))
    assert (await kept(account, type_), await kept(account, type_, "c2")) == ([f"{type_}-c1-3"], [])

    await account.take(moved(account, kind, 2, "c1", "c2"), of(account, type_, theirs("c2"), 2, key="c2"))
    assert (await kept(account, type_), await kept(account, type_, "c2")) == ([f"{type_}-c1-3"], [])


async def test_of_records_that_went_the_last_24_are_remembered() -> None:
    account = await OneProcessor(worker.account_app(1)).open()
    about = [
        boss.RecordMoved(kind="PAY", record_id=f"p{n}", customer_id="c1", moved_to="c2", moved_at=AT) for n in range(60)
    ]
    await account.take(*(of(account, MOVED, each, 2) for each in about))
    records = msgspec.msgpack.decode(account.store.states["c1/payments"], type=KindRecords)
    assert list(records.gone) == [f"p{n}" for n in range(60 - KEPT, 60)]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"kind":"NONE"}', b'{"kind":"PAY"}', b'{"kind":1}'])
async def test_a_move_of_the_wrong_shape_is_a_dead_letter(body: bytes) -> None:
    account = await OneProcessor(worker.account_app(1)).open()
    payment = RECORDS["payment.received"](1)
    await account.take(of(account, MOVED, body, 2), of(account, "payment.received", payment, 1))
    assert await kept(account, "payment.received") == ["payment.received-c1-1"]
    assert len(await account.outbox()) == 1


async def test_an_older_customer_record_or_leaving_changes_nothing() -> None:
    unit = await OneProcessor(worker.app(1)).open()
    new = boss.Customer(customer_id="c1", name="张三", status="active", plan_code="P299")
    old = boss.Customer(customer_id="c1", name="张三", status="active", plan_code="P199")
    left = boss.CustomerLeft(customer_id="c1", left_on=date(2026, 6, 30), reason="price")
    await unit.take(of(unit, CUST, new, 3))
    await unit.take(of(unit, CUST, old, 1), of(unit, LEFT, left, 2))
    assert [type_ for type_, _ in await unit.events()] == ["kam.customer.created.v1"]
    assert unit.store.documents["customers"]["c1"]["plan_code"] == "P299"

    await unit.take(of(unit, CUST, new, 4), of(unit, CUST, old, 3))
    assert [type_ for type_, _ in await unit.events()] == ["kam.customer.created.v1"], "revision 4 said nothing new"


@pytest.mark.parametrize(
    "type_, collection, make",
    [
        ("unit.changed", "units", lambda name: boss.Unit(unit_id="u1", name=name)),
        ("manager.changed", "managers", lambda name: boss.Manager(manager_id="u1", name=name)),
    ],
)
async def test_older_units_and_managers_change_nothing(type_: str, collection: str, make: Any) -> None:
    unit = await OneProcessor(worker.app(1)).open()
    await unit.take(of(unit, type_, make("new"), 2, key="u1"))
    await unit.take(of(unit, type_, make("old"), 1, key="u1"))
    assert unit.store.documents[collection]["u1"]["name"] == "new"
    await unit.take(of(unit, type_, make("newer"), 3, key="u1"))
    assert unit.store.documents[collection]["u1"]["name"] == "newer"
