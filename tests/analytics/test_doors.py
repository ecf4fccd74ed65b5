"""Whatever stands on a topic: analytics goes on, says why, and both ways of counting agree (relatives of defect 12)."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher

from analytics.archive import Archive, row_of
from analytics.domain import Counts, problem_of
from analytics.raised import read
from analytics.rates import Rates, windows
from analytics.recount import differences, recount
from analytics.settings import Settings
from analytics.store import LineageStore
from analytics.worker import Archiver
from contracts.registry import TICK
from harness.read_model import Log, unit
from harness.waiting import eventually
from servicekit.record_batches import PatientRecords

GOOD = {"ce_id": "x", "ce_type": "kam.alert.raised.v1", "ce_time": "2026-06-30T00:00:00Z"}
DEEP = b'{"x":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
#: header -> value; None: the header is there and null
HEADERS: list[dict[str, bytes | None]] = [
    {"ce_id": None},
    {"ce_id": b""},
    {"ce_id": b"\xff\xfe"},
    {"ce_id": b"i" * 100_000},
    {"ce_type": None},
    {"ce_type": b"\xff"},
    {"ce_type": b"kam.alert.invented.v1"},
    {"ce_type": b"t" * 100_000},
    {"ce_time": b"2026-06-30T00:00:00"},
    {"ce_time": b"10000-01-01T00:00:00Z"},
    {"ce_time": b"\xff"},
    {"ce_time": b"t" * 100_000},
    {"ce_correlationid": b"\xff"},
    {"ce_id": b"e\xe4", "ce_correlationid": b"\xbd\xa0"},  # a character in halves
    {"ce_sequence": b"a:b"},
    {"ce_sequence": b"\xff:1"},
    {"ce_sequence": b"a:" + b"9" * 5000},
    {"ce_revision": b"one"},
    {"ce_revision": b"-5"},
    {"ce_revision": b"99999999999"},
    {"ce_revision": b"9" * 5000},
    {"ce_revision": None},
    {"ce_ownerrevision": b"\xff"},
    {"ce_businessclock": b"soon"},
    {"ce_businessclock": None},
    {"ce_businessclock": b"2026-06-30T00:00:00"},
    {"ce_businessclock": b"9999-12-31T23:59:59-14:00"},
]
BODIES = [None, b"", b"null", b"[]", b"{}", b"1", b"not json", b"\xff", DEEP, b'{"alert_id":"\\ud800"}']


def alert(log: Any, id_: str, headers: dict[str, bytes | None], **data: Any) -> None:
    """A good alert with these headers."""
    log.add("alert.raised", id_, **data)
    last = log.records["alert.events"].pop()
    wrong = {**dict(last.headers), "ce_sequence": None, **headers}
    wrong = {name: value for name, value in wrong.items() if name in headers or value is not None}
    log.records["alert.events"].append(last._replace(headers=tuple(wrong.items())))


async def agreed(log: Any) -> Counts:
    """The live counts, once the archive gives the same."""
    live: Counts
    live, positions = (await log.read()).counts()
    log.archive()
    log.settings.service_data.mkdir(exist_ok=True)
    assert differences(live, recount(log.settings.archive_dir, positions, log.settings.service_data)) == []
    return live


async def counted(log: Any) -> dict[str, int]:
    """Events per kind."""
    kinds: Counter[str] = Counter()
    for cell, n in (await agreed(log)).items():
        kinds[cell.kind] += n
    return dict(kinds)


async def test_strange_headers_are_dead_letters_however_many_and_the_rest_goes_on(log: Any) -> None:
    for number in range(150):
        alert(log, f"strange{number}", HEADERS[number % len(HEADERS)])
    log.add("alert.raised", "after")

    assert await counted(log) == {"alert.raised:arrears": 1}
    assert all(problem_of(message) for message in log.messages()[:-1])


async def test_bodies_of_the_wrong_shape_are_dead_letters(log: Any) -> None:
    for body in BODIES:
        log.put("alert.events", GOOD, body)
        log.put("boss.events", {**GOOD, "ce_type": "kam.boss.bill.issued.v1"}, body)
    log.add("alert.raised", "after")

    assert await counted(log) == {"alert.raised:arrears": 1}


@pytest.mark.parametrize(
    "body",
    [*BODIES, b'[{"since":1e400,"city":null,"alerts":1}]', b'[{"since":0,"city":"%s","alerts":1}]' % (b"x" * 65)],
)
def test_live_counts_that_are_none_count_nothing(body: bytes | None) -> None:
    assert read(body) == []


async def test_octets_that_are_no_text_do_not_break_the_recount_for_ever(log: Any) -> None:
    """In a field that the contract does not name, nobody looked at them."""
    log.add("alert.raised", "odd")
    last = log.records["alert.events"].pop()
    log.records["alert.events"].append(last._replace(value=b'{"unknown":"\xff",' + last.value[1:]))

    assert await counted(log) == {}


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+14:00"])
async def test_the_ends_of_the_calendar_are_counted(log: Any, time: str) -> None:
    log.add("alert.raised", "strange", time=time)

    assert await counted(log) == {"alert.raised:arrears": 1}


async def test_huge_amounts_stop_nothing(log: Any) -> None:
    for number, amount in enumerate((2**53, 2**63 - 1, 2**64, 10**400, -(10**400))):
        log.add("boss.payment.received", f"p{number}", amount_fen=amount)
        log.add("alert.raised", f"a{number}", values={"amount_fen": amount})

    assert await counted(log) == {"boss.payment.received": 1, "alert.raised:arrears": 5}


async def test_names_under_which_things_are_counted_are_cut(log: Any) -> None:
    log.add("alert.raised", "one", city="南" * 10_000)
    log.add("alert.raised", "two", city="a\u0000b/'\"")

    assert max(len(cell.city or "") for cell in await agreed(log)) == 64


async def test_malformed_ticks_are_dead_letters(log: Any) -> None:
    for topic in ("boss.events", "alert.events", "sms.receipts"):
        for body in (None, b"", b"[]", b'{"clock":"soon"}', b'{"clock":"9999-12-31T23:59:59-14:00"}'):
            log.put(topic, {"ce_type": TICK, "ce_id": "t"}, body)
    log.add("alert.raised", "after")

    assert await counted(log) == {"alert.raised:arrears": 1}


@pytest.mark.parametrize("stamp", [-1, 0, 2**63 - 1, -(2**63)])
async def test_a_strange_time_in_the_log_is_archived(log: Any, stamp: int, tmp_path: Path) -> None:
    log.add("alert.raised", "one")
    log.add("alert.raised", "no time of its own")
    records = log.records["alert.events"]
    bare = tuple((name, value) for name, value in records[1].headers if name != "ce_time")
    log.records["alert.events"] = [
        records[0]._replace(timestamp=stamp),
        records[1]._replace(timestamp=stamp, headers=bare),
    ]

    kinds = await counted(log)

    assert kinds["alert.raised:arrears"] == (2 if stamp in (-1, 0) else 1)
    assert [row_of(message).offset for message in log.messages()] == [0, 1]


async def test_keys_without_a_city_leave_no_state(log: Any, tmp_path: Path) -> None:
    """File names and phone numbers are keys too: they would gather for ever."""
    store = LineageStore(tmp_path / "states")
    log.add("boss.customer.changed", "cust")
    log.add("alert.raised", "raised")
    log.add("sms.receipt.received", "receipt")
    log.records["sms.receipts"][0] = log.records["sms.receipts"][0]._replace(key=b"13900000001")
    await log.read(store)

    assert await store.keys("", "", 100) == ["1000123"]


def test_live_rates_leave_out_windows_of_no_year() -> None:
    wide = {(f"320100/{n}", (start, start + 60)): 1 for n, start in enumerate((60.0, -60.0, 1e18, 9.3e15))}
    assert [window["alerts"] for window in windows(wide)] == [1]


async def test_a_full_disk_is_waited_out(log: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    log.add("alert.raised", "one")
    archiver = Archiver(log.settings, Archive(log.settings.archive_dir, [0]))
    archiver.archive.open()
    archiver._take(TopicPartition("alert.events", 0), [r.message() for r in log.records["alert.events"]])
    write, full = archiver.archive.write, [1, 1]

    def fill(*args: Any) -> None:
        if full:
            full.pop()
            raise OSError(28, "No space left on device")
        write(*args)

    monkeypatch.setattr(archiver.archive, "write", fill)
    monkeypatch.setattr("analytics.worker._RETRY_SECONDS", 0)
    await archiver._flush_patiently()

    assert not full and archiver.archive.positions == {"alert.events/0": 1}


async def test_what_the_log_drops_beneath_the_archive_is_told(log: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = Log()

    async def connect(bootstrap: str, name: str, inputs: list[TopicPartition], pace: float) -> Any:
        return await topic.connect(inputs)

    monkeypatch.setattr("analytics.worker.start_consumer", connect)
    archiver = Archiver(log.settings, Archive(log.settings.archive_dir, [0]))
    await archiver.open()
    job = asyncio.create_task(archiver.run())
    topic.put("boss.events", unit("u1"))
    await eventually(lambda: archiver._read.get("boss.events/0") == 1)
    assert archiver.freshness()["archive_gaps"] == {}
    topic.records[TopicPartition("boss.events", 0)] += [None] * 3  # type: ignore[list-item]  # never seen
    topic.begins = {TopicPartition("boss.events", 0): 4}
    topic.put("boss.events", unit("u2"))
    await eventually(lambda: archiver._read.get("boss.events/0") == 5)
    assert archiver.freshness()["archive_gaps"] == {"boss.events/0": 3}
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)


def test_large_bodies_do_not_wait_for_20000_others(log: Any) -> None:
    archiver = Archiver(log.settings, Archive(log.settings.archive_dir, [0]))
    log.put("alert.events", GOOD, b"x" * (33 << 20))
    for _ in range(2):
        assert not archiver._is_due()
        archiver._take(TopicPartition("alert.events", 0), [r.message() for r in log.records["alert.events"]])

    assert archiver._is_due()


async def test_live_rates_read_batches_nobody_can_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faust's consumer is aiokafka's: without our reading of batches, one of them ends the agent at every start."""
    monkeypatch.setattr(fetcher, "PartitionRecords", None)
    Rates(Settings(service_data=Path("-"), archive_dir=Path("-"), kafka="unused:1")).app()
    assert fetcher.PartitionRecords is PatientRecords
