"""Poison on every topic: nobody stops, every app that reads it keeps it, and good messages after it are handled."""

import json
import uuid

import pytest
import yaml

from integration.house import House, Month, Row
from kam.embedded.topics import CONTRACTS

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(180)]

#: every topic of the contracts, with ``dead_letter_for``: the apps that must keep what they can't handle
TOPICS = [yaml.safe_load(path.read_text()) for path in sorted(CONTRACTS.glob("*.yaml"))]
READ = [topic for topic in TOPICS if not topic.get("reserved")]
#: a type that belongs on the topic
TYPES = {
    "alert.events": "alert.raised",
    "audit.log": "audit.recorded",
    "boss.events": "boss.arrears.changed",
    "boss.feed": "boss.bill.issued",
    "customer.events": "customer.changed",
    "feed.events": "feed.file.accepted",
    "sms.outbound": "sms.intended",
    "sms.receipts": "sms.receipt.received",
    "work.events": "work.closed",
}


def envelope(noun: str, month: Month, **more: str) -> dict[str, str]:
    """Headers of a CloudEvent in binary mode."""
    attributes = {"specversion": "1.0", "id": str(uuid.uuid4()), "source": "integration/poison"}
    attributes |= {"type": f"kam.{noun}.v1", "subject": month.customer(1), "time": month.at(2), **more}
    return {f"ce_{name}": value for name, value in attributes.items()} | {"content-type": "application/json"}


async def test_poison_in_every_topic(house: House, month: Month) -> None:
    known = {letter["id"] for letter in house.kam("dlq", "list")}
    key, unknown = month.customer(1).encode(), {}
    records: list[tuple[str, bytes | None, bytes | None, dict[str, str]]] = []
    for topic in TOPICS:
        name = topic["name"]
        headers = envelope("nobody.knows", month)
        unknown[name] = headers["ce_id"]
        records += [
            (name, key, b"\x00\xff\xfe garbage", {}),
            (name, key, None, {}),
            (name, key, b"{}", headers),
        ]
        if name in TYPES:
            for body in (b'{"customer_id": 7', b'{"customer_id": 7}', b"\xff"):
                records.append((name, key, body, envelope(TYPES[name], month)))
    await house.produce(records)
    house.settle()
    services = house.get("status", role="operations")["services"]
    assert all(service["ready"] and not service.get("lag") for service in services.values()), services

    new = [letter for letter in house.kam("dlq", "list") if letter["id"] not in known]
    for topic in READ:
        for app in topic["dead_letter_for"]:
            kept = [letter for letter in new if (letter["topic"], letter["service"]) == (topic["name"], app)]
            ids = [letter["event_id"] for letter in kept]
            # The two without headers, and the one of an unknown type; broken bodies where the app reads that type.
            assert ids.count(unknown[topic["name"]]) == 1 and len(kept) >= 3, (topic["name"], app, kept)
            assert len(kept) == 6 or app not in ("billing-sync", "analytics"), (topic["name"], app, kept)
            assert all(letter["reason"] and letter["error"] for letter in kept)
    # Good messages behind it all are handled as ever.
    house.accept(month.newcomer(), month.event("arrears.changed", month.debt(1, 1000, 2), 2), via="kafka")
    assert house.alert(month.customer(1))["kind"] == "arrears"
    assert len(house.work(month.customer(1))) == 1
    recount = house.get("recount")
    assert recount["agree"], recount


async def test_a_hopeless_letter_ends_in_quarantine_and_a_mended_one_is_taken(house: House, month: Month) -> None:
    one = month.customer(1)
    house.accept(month.newcomer())
    known = {letter["id"] for letter in house.kam("dlq", "list")}

    def mine() -> list[Row]:
        found = house.kam("dlq", "list", "--service", "billing-sync")
        return [letter for letter in found if letter["id"] not in known]

    headers = envelope("boss.bill.issued", month)
    await house.produce([("boss.feed", one.encode(), b'{"customer_id": ""}', headers)])
    house.settle()
    (letter,) = mine()
    shown = house.kam("dlq", "show", letter["id"])
    assert shown["body"] == {"customer_id": ""} and shown["headers"]["ce_id"] == headers["ce_id"]
    assert "缺少必填项 customer_id" in letter["reason"] and "customer_id is missing" in letter["reason"]

    # As an operator mends it: the same letter with a right body, put beside the bad one and replayed.
    bill = json.dumps(month.bill(1, 1000)).encode()
    await house.produce([("boss.feed.billing-sync.dlq", one.encode(), bill, shown["headers"])])
    (mended,) = [found for found in mine() if found["id"] != letter["id"]]
    assert house.kam("dlq", "replay", mended["id"])["replayed"] == [mended["id"]]
    house.settle()
    assert [found["id"] for found in mine()] == [letter["id"]]
    assert [b["amount_fen"] for b in house.get(f"customers/{one}")["bills"]] == [1000]

    for replays in range(1, 6):
        assert house.kam("dlq", "replay", letter["id"])["replayed"] == [letter["id"]]
        house.settle()
        (letter,) = mine()
        assert letter["replays"] == replays
    assert letter["quarantined"]
    answer = house.kam("dlq", "replay", letter["id"])
    assert (answer["replayed"], answer["quarantined"]) == ([], [letter["id"]])
