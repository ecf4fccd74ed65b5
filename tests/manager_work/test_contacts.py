"""Contacts that belong to no work item: written down once, newest first, bounded."""

from typing import Any

import pytest

from harness.one_processor import OneProcessor
from manager_work import contacts, rules, worker
from manager_work.contacts import Log, contacts_key
from manager_work.settings import Settings
from manager_work.store import find_contacts
from servicekit.decision import Refused


@pytest.fixture
async def unit(tmp_path: Any) -> OneProcessor:
    settings = Settings(service_data=tmp_path, kafka="-")
    return await OneProcessor(worker.app(rules.load(settings.work_rules), 4), *worker.TOPICS).open()


async def log(unit: OneProcessor, *asked: Log) -> list[Any]:
    return await unit.take(commands=[("log_contact", contacts_key(each.customer_id), each) for each in asked])


async def test_a_contact_is_kept_and_told(unit: OneProcessor) -> None:
    (contact,) = await log(unit, Log("c1", "m1", "visit", "reached", "看机房"))
    (found,) = await find_contacts(unit.rows, "c1", 10)
    assert (found["contact_id"], found["kind"], found["note"], found["by"]) == (
        contact.contact_id,
        "visit",
        "看机房",
        "m1",
    )
    assert await find_contacts(unit.rows, "c2", 10) == []


async def test_under_the_same_key_it_is_kept_once(unit: OneProcessor) -> None:
    first, again, other = await log(
        unit, *[Log("c1", "m1", "call", key="k")] * 2, Log("c1", "m1", "visit", key="k")
    )  # fmt: skip
    assert first == again
    assert isinstance(other, Refused) and other.code == "idempotency_key_used"
    assert len(await find_contacts(unit.rows, "c1", 10)) == 1


async def test_the_oldest_go(unit: OneProcessor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contacts, "KEPT", 3)
    for note in "abcde":
        await log(unit, Log("c1", "m1", "call", note=note))
    assert {found["note"] for found in await find_contacts(unit.rows, "c1", 10)} == {"c", "d", "e"}
