"""Live rates are fed what the lineage processor counted: of a batch one message, in the minutes of the log."""

from itertools import count
from pathlib import Path
from typing import Any

import pytest

from analytics.raised import AlertsRaised, read
from analytics.store import LineageStore
from contracts.apps import LIVE_COUNTS
from servicekit.envelope import OutgoingMessage

MINUTE = 1_750_000_020


async def told(log: Any, store: LineageStore) -> list[OutgoingMessage]:
    """What its batch put into the outbox."""
    await log.read(store)
    found = [message for _, message in await store.outbox(0, 100) if not message.topic.endswith(".dlq")]
    await store.close()
    return found


@pytest.fixture
def store(tmp_path: Path) -> LineageStore:
    return LineageStore(tmp_path / "lineage")


def at(log: Any, *seconds: int) -> None:
    """The alerts' times in the log."""
    records = log.records["alert.events"]
    log.records["alert.events"] = [r._replace(timestamp=s * 1000 + 999) for r, s in zip(records, seconds, strict=True)]


async def test_a_batch_is_one_message_whatever_is_in_it(log: Any, store: LineageStore) -> None:
    for number, city in enumerate(("320100", "320100", "320200", "", "南" * 100)):
        log.add("alert.raised", f"a{number}", city=city)
    log.add("alert.changed", "changed", city="320100")
    log.add("boss.bill.issued", "bill")
    log.put("alert.events", {"ce_id": "x", "ce_type": "kam.alert.raised.v1"}, b"not json")
    at(log, MINUTE, MINUTE + 60, MINUTE, MINUTE + 59, MINUTE, MINUTE, MINUTE)

    [message] = await told(log, store)

    assert (message.topic, message.partition, message.key) == (LIVE_COUNTS, 0, None)
    assert read(message.value) == [
        AlertsRaised(MINUTE, "320100", 1),
        AlertsRaised(MINUTE + 60, "320100", 1),
        AlertsRaised(MINUTE, "320200", 1),
        AlertsRaised(MINUTE, None, 1),
        AlertsRaised(MINUTE, "南" * 64, 1),
    ]


async def test_repeats_of_the_wire_are_counted_once(log: Any, store: LineageStore) -> None:
    log.add("alert.raised", "one", city="320100")
    log.records["alert.events"] *= 2
    at(log, MINUTE, MINUTE)
    log.records["alert.events"] = [r._replace(offset=n) for n, r in zip(count(), log.records["alert.events"])]

    [message] = await told(log, store)

    assert read(message.value) == [AlertsRaised(MINUTE, "320100", 1)]


async def test_nothing_is_told_where_no_alert_was_raised(log: Any, store: LineageStore) -> None:
    log.add("alert.changed", "changed", city="320100")
    log.add("boss.bill.issued", "bill")

    assert await told(log, store) == []


@pytest.mark.parametrize("stamp", [-1, 0, 2**63 - 1, -(2**63)])
async def test_whatever_time_a_producer_writes_can_be_read_again(log: Any, store: LineageStore, stamp: int) -> None:
    log.add("alert.raised", "one", city="320100")
    log.records["alert.events"][0] = log.records["alert.events"][0]._replace(timestamp=stamp)

    [message] = await told(log, store)

    assert [(raised.since, raised.alerts) for raised in read(message.value)] == [(stamp // 60_000 * 60, 1)]
