"""Defects 4 and 32: any date of the years 1 to 9999, in every column of every kind, by every road: nothing is lost and
nothing stops."""

from datetime import date
from typing import Any

import pytest

from billing_sync.domain.kinds import KINDS, PLANNED, Kind
from billing_sync.domain.reasons import Bad
from billing_sync.domain.rows import FactMaker, RowReader
from billing_sync.handlers import keys_of, take
from billing_sync.intake import Draft
from harness.intake import feed, running, until
from servicekit.clock import iso

FED = [kind for kind in KINDS.values() if kind.name not in ("UNIT", "MGR")]
EDGES = {
    "date": ["0001-01-01", "9999-12-31"],
    # The first and the last local midnights, as programs without a date send them, and what lies beyond in UTC.
    "instant": [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+08:00",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59.999999-12:00",
    ],
}
CASES = [
    (kind, field.name, value) for kind in FED for field in kind.fields for value in EDGES.get(field.dated or "", [])
]
GOOD: dict[str, Any] = {
    "period": "202605", "as_of": "2026-05-31", "amount_fen": 100, "paid_at": "2026-05-31T09:00:00+08:00",
    "opened_at": "2026-05-31T09:00:00+08:00", "requested_at": "2026-05-31T09:00:00+08:00", "left_on": "2026-05-31",
    "at": "2026-05-31T09:00:00+08:00", "balance_fen": 1, "contract_id": "r", "payment_id": "r", "complaint_id": "r",
    "request_id": "r", "customer_id": "c",
}  # fmt: skip
CHOICES = {"COMP": {"status": "opened"}, "SERV": {"kind": "stop"}}


def whole(kind: Kind, **more: Any) -> dict[str, Any]:
    required = {f.name: GOOD[f.name] for f in kind.fields if f.required and f.name in GOOD}
    return {**required, **CHOICES.get(kind.name, {}), **more}


def is_future(name: str, value: str) -> bool:
    return value > "9" and name not in PLANNED


def test_every_dated_column_is_looked_at() -> None:
    looked_at = {f"{kind.name} {name}" for kind, name, _ in CASES}
    assert looked_at == {
        "CUST birth_date", "CUST opened_on", "CONT starts_on", "CONT ends_on", "BILL issued_on", "BILL due_on",
        "PAY paid_at", "ARR as_of", "ARR oldest_due_on", "COMP opened_at", "COMP closed_at", "SERV requested_at",
        "LEFT left_on", "BAL at",
    }  # fmt: skip


@pytest.mark.parametrize(("kind", "name", "value"), CASES, ids=lambda v: str(getattr(v, "name", v)))
async def test_by_the_feed(kind: Kind, name: str, value: str) -> None:
    type_ = kind.type.removeprefix("kam.boss.").removesuffix(".v1")
    async with running() as (intake, producer):
        receipt = await feed(intake, type_, whole(kind, **{name: value}))
        assert receipt.status == ("rejected" if is_future(name, value) else "accepted"), receipt
        if receipt.status == "rejected":
            assert receipt.field == name and "is more than a day after" in str(receipt.reason)
        other = await feed(intake, "customer.changed", {"customer_id": "ordinary"})
        assert other.status == "accepted"
        await until(lambda: not intake.settle()["outbox"])
        told = {e["subject"]: e["data"] for e in producer.of("boss.events")}
        assert "ordinary" in told
        if receipt.status == "accepted":
            assert str(told["c"][name])[:10] == value[:10]


class Load:
    """A row of a nightly file, loaded."""

    def __init__(self, kind: Kind, row: dict[str, Any], day: date) -> None:
        values = RowReader(kind, list(kind.columns), "|", day).read(
            "|".join(str(row.get(column, "")) for column in kind.columns)
        )
        self._fact = FactMaker(kind, "f", "320100", day, 1).make(values, 2)

    async def carry_out(self, draft: Draft) -> str:
        await draft.need(keys_of(self._fact))
        return take(draft, self._fact)


@pytest.mark.parametrize("day", ["0001-01-01", "2026-05-31", "9999-12-31"])
@pytest.mark.parametrize("kind", [kind for kind in FED if kind.name not in ("BAL", "LEFT")], ids=lambda k: k.name)
async def test_by_files_of_any_day(kind: Kind, day: str) -> None:
    dated = [(f.name, value) for f in kind.fields for value in EDGES.get(f.dated or "", [])]
    business_date = date.fromisoformat(day)
    early = {n: v for n, v in dated if v < "1"} if kind.name != "USAGE" else {}
    period = {"period": "100001"} if "period" in kind.columns else {}
    async with running() as (intake, producer):
        taken = 0
        for name, value in [*early.items(), *dated]:
            try:
                job = Load(kind, {**whole(kind), **period, **early, name: value}, business_date)
            except Bad as bad:
                assert is_future(bad.field or "", value) or period
                continue
            taken += await intake.submit(job) == "changed"
        await until(lambda: not intake.settle()["outbox"])
        assert len(producer.of("boss.events")) == taken


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+08:00", "0001-01-01T00:00:00-12:00"])
async def test_events_of_the_first_day_there_is(time: str) -> None:
    async with running() as (intake, producer):
        for kind in FED:
            early = {f.name: time if f.dated == "instant" else "0001-01-01" for f in kind.fields if f.dated != "period"
                     and f.dated and f.required}  # fmt: skip
            type_ = kind.type.removeprefix("kam.boss.").removesuffix(".v1")
            receipt = await feed(intake, type_, whole(kind, **early), time=time)
            # No period can be so early.
            assert receipt.status == ("rejected" if "period" in kind.columns else "accepted"), (kind, receipt)
        assert iso(intake.reading() or intake.system_clock()).startswith("0001-01-01T")
        assert (await feed(intake, "customer.changed", {"customer_id": "ordinary"})).status == "accepted"
        await until(lambda: not intake.settle()["busy"] and not intake.settle()["outbox"])
        assert producer.ticks


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999-12:00"])
async def test_events_of_the_last_day_there_is(time: str) -> None:
    async with running() as (intake, _):
        receipt = await feed(intake, "customer.changed", {"customer_id": "c"}, time=time)
        assert (receipt.status, receipt.field) == ("rejected", "time")
        assert "sender's clock" in str(receipt.reason)
