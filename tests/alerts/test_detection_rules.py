"""Rule documents: versions, and what is wrong with them said clearly; and the detector as a unit runs it."""

from pathlib import Path

import msgspec
import pytest
from aiokafka import TopicPartition
from msgspec.structs import replace

from alerts.detection import app
from alerts.rules import Rules, load
from contracts.boss import Bill, ClockTicked, Customer
from contracts.registry import TICK
from harness.detection_feed import Feed
from servicekit.clock import iso
from servicekit.envelope import Message, encode_data, parse_time, write_headers
from servicekit.ids import boss_event_id
from servicekit.memory_store import MemoryStore
from servicekit.pipeline import StreamProcessor


def test_seeds_start_at_version_one() -> None:
    rules = load()
    assert {(d.id, d.version) for d in rules.documents} == {
        (id, 1) for id in ("drop-30", "stop-request", "port-query", "arrears", "complaint-opened", "contract-expiring")
    }


@pytest.mark.parametrize("text", ["[]", "- {type: fall, id: x}", "- {type: unheard-of, id: x, version: 1}"])
def test_a_wrong_document_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    with pytest.raises((ValueError, msgspec.ValidationError)):
        load(path)


def test_two_documents_of_one_version_are_refused() -> None:
    rules = load()
    with pytest.raises(ValueError, match="same id and version"):
        Rules([*rules.documents, rules.fall])


def test_an_open_alert_keeps_its_version_and_new_ones_get_the_latest() -> None:
    seeds = load()
    stricter = replace(
        seeds.arrears, version=2, stages=tuple(replace(s, after_days=s.after_days * 2) for s in seeds.arrears.stages)
    )
    feed = Feed()
    feed.boss("customer.changed", "2026-06-01", status="active")
    feed.boss("arrears.changed", "2026-06-30", amount_fen=1, oldest_due_on="2026-06-30")
    feed.app = app(Rules([*seeds.documents, stricter]))
    assert feed.tick("2026-07-01") == ["arrears changed reminder"]
    feed.boss("arrears.changed", "2026-07-02", amount_fen=0)
    feed.boss("arrears.changed", "2026-07-03", amount_fen=1, oldest_due_on="2026-07-03")
    assert feed.alerts()[-1].rule.version == 2
    assert feed.tick("2026-07-04") == []


def test_a_version_that_can_t_be_read_any_more_ends_nobody() -> None:
    """A slip in a document leaves it out (store.py): alerts that it raised go on by the version in force."""
    seeds = load()
    second = Rules([replace(d, version=2) for d in seeds.documents])
    feed = Feed(rules=second)
    feed.boss("customer.changed", "2026-01-01", status="active")
    for period, amount in (("202602", 100), ("202603", 100), ("202604", 100), ("202605", 60)):
        feed.boss("bill.issued", "2026-06-01", period=period, amount_fen=amount)
    asked = {"request_id": "s", "kind": "stop", "requested_at": "2026-06-05T09:00:00+08:00"}
    feed.boss("service.requested", "2026-06-05", **asked)
    feed.boss("arrears.changed", "2026-06-30", amount_fen=1, oldest_due_on="2026-06-30")
    opened = {"complaint_id": "k", "opened_at": "2026-06-30T09:00:00+08:00"}
    feed.boss("complaint.changed", "2026-06-30", **opened, status="opened")
    feed.boss("contract.changed", "2026-06-30", contract_id="ct", ends_on="2026-09-01")
    feed.app = app(seeds)
    assert "arrears changed reminder" in feed.tick("2026-07-01")
    assert feed.tick("2026-08-20")
    assert feed.boss("bill.issued", "2026-08-20", period="202606", amount_fen=100)
    feed.boss("complaint.changed", "2026-08-21", **opened, status="closed")
    assert {alert.rule.version for alert in feed.alerts()} == {2}


class _Records:
    """boss.events of one partition, as billing-sync writes them."""

    def __init__(self) -> None:
        self.records: list[Message] = []

    def add(
        self, type_: str, data: msgspec.Struct, clock: str, *, kind: str = "", key: str = "", revision: int = 1
    ) -> None:
        number = len(self.records)
        headers = write_headers(
            id=boss_event_id(kind, key, revision) if kind else f"tick-{number}",
            type=type_,
            source="kam/billing-sync",
            subject="c1",
            time=clock,
            correlation_id=f"file:X#{number}",
            sequence=f"intake.0.abc:{number + 1}",
            clock=clock,
            revision=revision if kind else None,
        )
        self.records.append(Message("boss.events", 0, number, b"c1", dict(headers), encode_data(data)))


async def test_unit_raises_and_passes_the_tick_on_behind() -> None:
    log, clock = _Records(), "2026-04-30T02:00:00+00:00"
    log.add("kam.boss.customer.changed.v1", Customer(customer_id="c1", status="active"), clock, kind="CUST", key="c1")
    for period, amount in (("202601", 100), ("202602", 100), ("202603", 100), ("202604", 70)):
        bill = Bill(customer_id="c1", period=period, amount_fen=amount)
        log.add("kam.boss.bill.issued.v1", bill, clock, kind="BILL", key=f"c1/{period}")
    tick = ClockTicked(clock=parse_time(clock), number=1)
    log.add(TICK, tick, clock)
    store = MemoryStore()
    tp = TopicPartition("boss.events", 0)
    unit = StreamProcessor(app(load()), 0, [tp], store, None)
    await unit.open()
    await unit.process({tp: log.records})
    await unit.process({tp: log.records})  # the wire repeats itself
    sent = [m for _, m in sorted(store.pending.items())]
    assert [dict(m.headers)["ce_type"] for m in sent] == [b"kam.alert.raised.v1", b"kam.clock.ticked.v1"]
    alert = msgspec.json.decode(sent[0].value or b"")
    assert alert["evidence"] == [boss_event_id("BILL", f"c1/{p}", 1) for p in ("202604", "202603", "202602", "202601")]
    assert dict(sent[0].headers)["ce_correlationid"] == b"file:X#4"
    assert iso(unit.now) == clock
