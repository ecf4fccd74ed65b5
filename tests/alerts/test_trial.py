"""A trial against what the customer's months say, told one by one."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from alerts import rules
from alerts.trial.archive import Damaged
from alerts.trial.order import Failed, Found, Order, Ruled
from alerts.trial.run import run
from harness.archived import Archivist

SEEDS = {document.id: document for document in rules.load().documents}


def ruled(id: str, version: int = 1, **changes: Any) -> Ruled:
    document = msgspec.to_builtins(SEEDS[id])
    del document["version"]
    return Ruled(version, {**document, **changes})


@pytest.fixture
def archivist(tmp_path: Path) -> Iterator[Archivist]:
    made = Archivist(tmp_path / "archive")
    yield made
    made.close()


def tried(archivist: Archivist, rule: Ruled, against: Ruled | None = None, *, from_: str | None = "202601",
          to: str | None = "202606") -> Found:  # fmt: skip
    archivist.write()
    scratch = archivist.root.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    order = Order(str(archivist.root), str(scratch), rule, against, ruled("drop-30"), from_, to)
    found = run(order, lambda done, of: None)
    assert isinstance(found, Found), found
    assert not list(scratch.iterdir())
    return found


def customer(archivist: Archivist, id: str, when: str = "2026-01-01T10:00:00+08:00", **more: Any) -> None:
    archivist.tell("customer.changed", when, customer_id=id, **{"status": "active", "opened_on": "2020-01-01", **more})


def bills(archivist: Archivist, id: str, **amounts: int) -> None:
    """``m202601=100``: of each month an amount, told on the second day of the next one."""
    for name, amount in amounts.items():
        period = name[1:]
        year, month = divmod(int(period[:4]) * 12 + int(period[4:]), 12)
        archivist.tell(
            "bill.issued", f"{year}-{month + 1:02}-02T10:00:00+08:00",
            customer_id=id, period=period, amount_fen=amount,
        )  # fmt: skip


def test_counts_a_fall_in_its_month(archivist: Archivist) -> None:
    customer(archivist, "c1")
    bills(archivist, "c1", m202601=100, m202602=100, m202603=100, m202604=70, m202605=80)
    customer(archivist, "c2")
    bills(archivist, "c2", m202601=100, m202602=100, m202603=100, m202604=71, m202605=100)
    found = tried(archivist, ruled("drop-30"))
    assert (found.customers, found.alerts, found.against) == (2, 1, None)
    assert found.by_period == {"202601": 0, "202602": 0, "202603": 0, "202604": 1, "202605": 0, "202606": 0}
    assert [(w.customer_id, w.period, w.reasons) for w in found.added] == [("c1", "202604", ("bill_fall",))]


def test_says_who_is_added_and_gone(archivist: Archivist) -> None:
    for id, amount in (("c1", 55), ("c2", 65), ("c3", 75)):
        customer(archivist, id)
        bills(archivist, id, m202601=100, m202602=100, m202603=100, m202604=amount)
    stricter = tried(archivist, ruled("drop-30", 2, percent=60), ruled("drop-30"))
    assert (stricter.alerts, stricter.same, stricter.added) == (1, 1, ())
    assert [w.customer_id for w in stricter.gone] == ["c2"] and stricter.gone_count == 1
    wider = tried(archivist, ruled("drop-30", 3, percent=80), ruled("drop-30"))
    assert (wider.alerts, wider.same, [w.customer_id for w in wider.added]) == (3, 2, ["c3"])
    assert wider.months[3] == type(wider.months[3])("202604", 3, 2, 1, 0)


def test_takes_final_figures(archivist: Archivist) -> None:
    """Corrected later, told late, and an older revision behind a newer one."""
    customer(archivist, "c1")
    bills(archivist, "c1", m202604=10, m202603=100, m202601=100, m202602=100)
    archivist.tell("bill.issued", "2026-07-01T10:00:00+08:00", revision=3, customer_id="c1", period="202604",
                   amount_fen=100)  # fmt: skip
    archivist.tell("bill.issued", "2026-07-02T10:00:00+08:00", revision=2, customer_id="c1", period="202604",
                   amount_fen=10)  # fmt: skip
    assert tried(archivist, ruled("drop-30")).alerts == 0


def test_exclusions_as_with_the_last_record_of_the_month(archivist: Archivist) -> None:
    rule = ruled("drop-30", excluded_plan_codes=["FREE01"])
    before = {"m202601": 100, "m202602": 100, "m202603": 100}
    customer(archivist, "free-then")
    bills(archivist, "free-then", **before)
    customer(archivist, "free-then", "2026-05-01T10:00:00+08:00", plan_code="FREE01")
    bills(archivist, "free-then", m202604=10)
    customer(archivist, "free-later")
    bills(archivist, "free-later", **before, m202604=10)
    customer(archivist, "free-later", "2026-05-03T10:00:00+08:00", plan_code="FREE01")
    bills(archivist, "comes-late", **before, m202604=10)
    customer(archivist, "comes-late", "2026-05-04T10:00:00+08:00")
    bills(archivist, "unknown", **before, m202604=10)
    customer(archivist, "young", opened_on="2026-02-10")
    bills(archivist, "young", **before, m202604=10)
    customer(archivist, "left")
    bills(archivist, "left", **before)
    archivist.tell("customer.left", "2026-04-20T10:00:00+08:00", customer_id="left", left_on="2026-04-20")
    bills(archivist, "left", m202604=10)
    assert [w.customer_id for w in tried(archivist, rule).added] == ["comes-late", "free-later"]


def test_requests(archivist: Archivist) -> None:
    for n, (id, month) in enumerate((("c1", "04"), ("c1", "04"), ("c1", "06"), ("c2", "05"), ("c3", "05"))):
        customer(archivist, id)
        at = f"2026-{month}-10T10:00:00+08:00"
        archivist.tell("service.requested", at, customer_id=id, request_id=f"r{n}",
                       kind="stop" if id != "c3" else "change", requested_at=at)  # fmt: skip
    archivist.tell("record.moved", "2026-05-11T10:00:00+08:00", revision=2, customer_id="c2", kind="SERV",
                   record_id="r3")  # fmt: skip
    found = tried(archivist, ruled("stop-request"), ruled("stop-request"))
    assert (found.alerts, found.same) == (2, 2)
    assert {p: n for p, n in found.by_period.items() if n} == {"202604": 1, "202606": 1}


def test_who_left_was_caught_or_missed(archivist: Archivist) -> None:
    for id, amount in (("c1", 10), ("c2", 100), ("c3", 10)):
        customer(archivist, id)
        bills(archivist, id, m202601=100, m202602=100, m202603=100, m202604=amount)
    for id, day in (("c1", "2026-05-12"), ("c2", "2026-05-20")):
        archivist.tell("customer.left", f"{day}T09:00:00+08:00", customer_id=id, left_on=day)
    customer(archivist, "c3", "2026-12-01T00:00:00+08:00", status="left")  # told as of the end of 30 November
    outcome = tried(archivist, ruled("drop-30")).outcome
    assert (outcome.left, outcome.caught, outcome.missed, outcome.days_early) == (2, 1, 1, 10)
    assert outcome.by_month == {"202605": (2, 1)}


def test_the_newest_months_where_none_are_asked_for(archivist: Archivist) -> None:
    customer(archivist, "c1")
    bills(archivist, "c1", m202601=100)
    found = tried(archivist, ruled("drop-30"), from_=None, to=None)
    assert (found.from_, found.to) == ("202503", "202602")
    found = tried(archivist, ruled("drop-30"), from_="202401", to="202612")
    assert (found.from_, found.to, len(found.months)) == ("202401", "202512", 24)


def test_passes_over_what_cant_be_read(archivist: Archivist) -> None:
    customer(archivist, "c1")
    bills(archivist, "c1", m202601=100, m202602=100, m202603=100)
    archivist.tell("bill.issued", "2026-05-01T00:00:00+08:00", customer_id="c1", body=b'{"period": 3')
    archivist.tell("bill.issued", "2026-05-01T00:00:00+08:00", customer_id="c1", body=b'{"period": "2026xx"}')
    bills(archivist, "c1", m202604=10)
    found = tried(archivist, ruled("drop-30"))
    assert (found.alerts, found.unreadable) == (1, 2)


def _without_a_column(file: Path) -> None:
    table = pq.read_table(file, partitioning=None)
    pq.write_table(table.drop_columns(["businessclock"]), file)


def _within(file: Path) -> None:
    content = bytearray(file.read_bytes())
    for at in range(4, len(content) // 3):
        content[at] ^= 0x5A
    file.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("pattern", "harm", "why"),
    [
        ("topic=*/date=*/*.parquet", lambda file: file.write_bytes(b""), "0 bytes"),
        ("topic=*/date=*/*.parquet", lambda file: file.write_bytes(file.read_bytes()[:-100]), "not a parquet file"),
        ("topic=*/date=*/*.parquet", _within, ""),
        ("topic=*/date=*/*.parquet", _without_a_column, "businessclock"),
        ("_positions/*.json", lambda file: file.write_text("{"), ""),
        ("_positions/*.json", lambda file: file.write_text("[]"), ""),
    ],
)
def test_a_damaged_file_is_named(archivist: Archivist, pattern: str, harm: Callable[[Path], None], why: str) -> None:
    """Left out of a trial, it would make its result wrong, and nobody would see it."""
    customer(archivist, "c1")
    bills(archivist, "c1", **{f"m2026{month:02}": 100 for month in range(1, 7)})
    archivist.write()
    file = sorted(archivist.root.glob(pattern))[0]
    harm(file)
    order = Order(str(archivist.root), str(archivist.root.parent / "scratch"), ruled("drop-30"))
    with pytest.raises(Damaged) as damaged:
        run(order, lambda done, of: None)
    folder = file.relative_to(archivist.root).parent.as_posix()
    assert damaged.value.file.startswith(folder) and why in damaged.value.why


def test_an_empty_archive_is_said(tmp_path: Path) -> None:
    found = run(Order(str(tmp_path / "none"), str(tmp_path), ruled("drop-30")), lambda done, of: None)
    assert isinstance(found, Failed) and found.zh and found.en


SILENT: dict[str, Any] = {
    "id": "silent", "type": "condition", "alert": "attention", "name_zh": "静", "name_en": "Silent",
    "severity": "minor", "on": ["USAGE"],
    "when": {"all": [
        {"figure": "usage.active_days", "op": "<=", "value": 3},
        {"figure": "usage.voice_minutes", "falls_percent": 50, "months": 2},
    ]},
}  # fmt: skip


def condition(when: dict[str, Any] | None = None, on: str = "USAGE") -> Ruled:
    return Ruled(1, {**SILENT, "on": [on], **({} if when is None else {"when": when})})


def usage(archivist: Archivist, id: str, month: int, minutes: int | None = None, **more: int) -> None:
    archivist.tell(
        "usage.summarised", f"2026-{month + 1:02}-03T10:00:00+08:00",
        customer_id=id, period=f"2026{month:02}", voice_minutes=minutes, **more,
    )  # fmt: skip


def warned(found: Found) -> list[tuple[str, str]]:
    return [(each.customer_id, each.period) for each in found.added]


def test_a_condition_of_monthly_figures(archivist: Archivist) -> None:
    for id, minutes, days in (("c1", 50, 3), ("c2", 51, 3), ("c3", 50, 4), ("free", 50, 1)):
        customer(archivist, id, **({"status": "suspended"} if id == "free" else {}))
        usage(archivist, id, 3, 100)
        usage(archivist, id, 4, minutes, active_days=days)
        usage(archivist, id, 2, 100)  # late: it judges the months that look back on it
    found = tried(archivist, condition(), condition({"figure": "usage.active_days", "op": "<=", "value": 4}))
    assert (found.alerts, found.same, found.customers, found.gone_count) == (1, 1, 4, 2)
    assert warned(tried(archivist, condition())) == [("c1", "202604")]


def test_a_condition_asks_what_was_known_with_its_last_record(archivist: Archivist) -> None:
    rule = condition({"figure": "customer.plan_code", "op": "=", "value": "P1"}, on="BILL")
    for id in ("then", "later", "before-known"):
        if id != "before-known":
            customer(archivist, id, plan_code="P1" if id == "then" else None)
        bills(archivist, id, m202602=100)
        customer(archivist, id, "2026-04-01T10:00:00+08:00", plan_code="P2" if id == "then" else "P1")
    assert warned(tried(archivist, rule)) == [("before-known", "202602"), ("then", "202602")]


def test_a_condition_looks_in_the_month_of_the_clock(archivist: Archivist) -> None:
    rule = condition({"figure": "arrears.amount_fen", "op": ">=", "value": 100}, on="ARR")
    customer(archivist, "c1")
    told = (("2026-03-01", 500, 1), ("2026-04-01", 50, 2), ("2026-05-02", 700, 3), ("2026-05-01", 10, 2))
    for day, amount, revision in told:
        archivist.tell("arrears.changed", f"{day}T10:00:00+08:00", revision=revision, customer_id="c1",
                       amount_fen=amount, clock="2026-05-03T10:00:00+08:00" if day > "2026-05" else None)  # fmt: skip
    archivist.tell("arrears.changed", "2026-02-01T10:00:00+08:00", customer_id="early", amount_fen=900)
    customer(archivist, "early", "2026-06-01T10:00:00+08:00")
    assert warned(tried(archivist, rule)) == [("c1", "202603"), ("c1", "202605"), ("early", "202606")]


def test_a_condition_of_requests_and_payments(archivist: Archivist) -> None:
    rule = condition({"figure": "requests.count_90_days", "op": ">=", "value": 2}, on="PAY")
    customer(archivist, "c1")
    for n, day in enumerate(("01-05", "02-01", "02-05", "03-01", "06-01")):
        at = f"2026-{day}T10:00:00+08:00"
        if day.endswith("05"):
            archivist.tell("service.requested", at, customer_id="c1", request_id=f"r{n}", kind="change",
                           requested_at=at)  # fmt: skip
        else:
            archivist.tell("payment.received", at, customer_id="c1", payment_id=f"p{n}", paid_at=at, amount_fen=1)
    assert warned(tried(archivist, rule)) == [("c1", "202603")]


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_a_naive_recount(archivist: Archivist, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random histories (late, corrected, repeated, excluded, left and back), in several piles."""
    monkeypatch.setattr("alerts.trial.archive.PILE_ROWS", 50)
    monkeypatch.setattr("alerts.trial.archive._BATCH_ROWS", 64)
    dice = random.Random(seed)
    final: dict[tuple[str, str, int], tuple[int, int | None]] = {}
    last: dict[tuple[str, int], tuple[int, str | None]] = {}  # of a month: when its last record came, and the status
    told: list[tuple[str, dict[str, Any]]] = []
    status: dict[str, str | None] = {}
    first: dict[str, str] = {}
    for step in range(1500):
        id = f"c{dice.randrange(40)}"
        stamp = f"2026-07-{1 + step // 60:02}T10:{step % 60:02}:00+08:00"
        if dice.random() < 0.1:
            status[id] = dice.choice(["active", "active", "suspended", "left"])
            first.setdefault(id, status[id] or "")
            told.append((stamp, {"type": "customer.changed", "customer_id": id, "status": status[id]}))
            continue
        kind, field = dice.choice([("bill.issued", "amount_fen"), ("usage.summarised", "voice_minutes")])
        month, value = dice.randrange(1, 13), dice.choice([None, 0, 10, 40, 70, 70, 100, 100])
        before, revision = final.get((id, field, month)), dice.choice([1, 1, 1, 2, 3])
        told.append((stamp, {"type": kind, "customer_id": id, "period": f"2025{month:02}", field: value,
                             "revision": revision}))  # fmt: skip
        if before is None or not (revision < before[0] or (revision, value) == before):
            final[id, field, month] = (revision, value)
            last[id, month] = (step, status.get(id))
    for n, (stamp, record) in enumerate(told):
        archivist.tell(record.pop("type"), stamp, **{"revision": 1, **record})
        if n % 400 == 0:
            archivist.write()
    expected = set()
    for (id, month), (_, then) in last.items():
        falls = False
        for field in ("amount_fen", "voice_minutes"):
            x, *base = (final.get((id, field, m), (0, None))[1] for m in range(month, month - 4, -1))
            if x is not None and None not in base:
                total = sum(base)  # type: ignore[arg-type]
                falls |= total > 0 and 30 * x <= 7 * total
        if falls and (then or first.get(id)) == "active":
            expected.add((id, f"2025{month:02}"))
    found = tried(archivist, ruled("drop-30"), from_="202501", to="202512")
    assert {(w.customer_id, w.period) for w in found.added} == expected and len(expected) >= 10
    assert sum(found.by_period.values()) == found.alerts == found.added_count == len(expected)
