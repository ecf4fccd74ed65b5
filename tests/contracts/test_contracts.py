"""The contracts hold together: generated files, golden examples, and what may change in a published type."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cloudevents.v1.kafka import KafkaMessage, from_binary

from contracts import generate
from contracts.compatibility import breaks
from contracts.registry import EVENTS

OLD: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "maxLength": 64},
        "amount": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]},
        "kind": {"enum": ["a", "b"]},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}},
        "values": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
    "required": ["id", "kind"],
    "additionalProperties": False,
    "$defs": {"Part": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}},
}


def changed(*path: str, to: Any = None, drop: bool = False) -> dict[str, Any]:
    new = copy.deepcopy(OLD)
    at = new
    for step in path[:-1]:
        at = at[step]
    if drop:
        del at[path[-1]]
    else:
        at[path[-1]] = to
    return new


@pytest.mark.parametrize(
    ("why", "new"),
    [
        ("the same", OLD),
        ("an optional field more", changed("properties", "note", to={"type": "string"})),
        ("a wider type", changed("properties", "id", to={"anyOf": [{"type": "string"}, {"type": "null"}]})),
        ("a looser limit", changed("properties", "id", "maxLength", to=128)),
        ("no limit", changed("properties", "id", to={"type": "string"})),
        ("one more value", changed("properties", "kind", "enum", to=["a", "b", "c"])),
        ("numbers beside whole numbers", changed("$defs", "Part", "properties", "n", to={"type": "number"})),
        ("another description", changed("description", to="new words")),
    ],
)
def test_may_replace_the_published(why: str, new: dict[str, Any]) -> None:
    assert breaks(OLD, new) == [], why


@pytest.mark.parametrize(
    ("why", "new", "where"),
    [
        ("a field gone", changed("properties", "amount", drop=True), "/amount"),
        ("a required field more", changed("required", to=["id", "kind", "parts"]), "/parts"),
        ("no longer sure to be there", changed("required", to=["id"]), "/kind"),
        ("another type", changed("properties", "id", to={"type": "integer"}), "/id"),
        ("null no longer", changed("properties", "amount", to={"type": "integer", "minimum": 0}), "/amount"),
        ("a tighter limit", changed("properties", "id", "maxLength", to=32), "/id"),
        ("a limit where there was none", changed("properties", "kind", to={"enum": ["a"]}), "/kind"),
        ("deep inside", changed("$defs", "Part", "properties", "n", to={"type": "string"}), "/parts/items/n"),
        ("a pattern", changed("properties", "id", "pattern", to="^x"), "/id"),
        ("values of another type", changed("properties", "values", "additionalProperties", to=False), "/values"),
    ],
)
def test_needs_a_new_version(why: str, new: dict[str, Any], where: str) -> None:
    found = breaks(OLD, new)
    assert found, why
    assert all(fault.startswith(where) for fault in found), found


def test_generated_files_are_what_the_contracts_say() -> None:
    assert list(generate.differences(generate.generated())) == []


def test_nothing_contradicts_the_registry() -> None:
    assert list(generate.problems()) == []


def test_nothing_published_breaks() -> None:
    assert list(generate.incompatible(generate.generated())) == []


@pytest.mark.parametrize("name", EVENTS)
def test_golden_example_survives_a_round_trip(name: str) -> None:
    example = json.loads((generate.SCHEMAS / "examples" / f"{name}.json").read_text("utf-8"))
    payload = EVENTS[name].payload
    decoded = msgspec.json.decode(json.dumps(example["data"]).encode(), type=payload)
    assert msgspec.json.decode(msgspec.json.encode(decoded), type=payload) == decoded
    assert example["topic"] == EVENTS[name].topic


def test_the_public_sdk_reads_our_messages() -> None:
    example = json.loads((generate.SCHEMAS / "examples" / "kam.alert.raised.v1.json").read_text("utf-8"))
    headers = {name: value.encode() for name, value in example["headers"].items()}
    event = from_binary(KafkaMessage(headers, example["key"].encode(), json.dumps(example["data"]).encode()))
    assert event["type"] == "kam.alert.raised.v1"
    assert event["correlationid"].startswith("file:ARR_320100")
    assert event.data["customer_id"] == "1000123"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for folder in ("topics", "events", "examples"):
        shutil.copytree(generate.SCHEMAS / folder, tmp_path / folder)
    return tmp_path


def test_what_nobody_refers_to_fails(copied: Path) -> None:
    (copied / "events" / "kam.old.gone.v1.schema.json").write_text("{}")
    (copied / "examples" / "kam.old.gone.v1.json").write_text("{}")
    found = list(generate.problems(copied))
    assert [fault.partition(":")[0] for fault in found] == [
        "events/kam.old.gone.v1.schema.json",
        "examples/kam.old.gone.v1.json",
    ]


def test_a_topic_without_contract_and_a_wrong_example_fail(copied: Path) -> None:
    (copied / "topics" / "audit.log.yaml").unlink()
    example = copied / "examples" / "kam.boss.bill.issued.v1.json"
    example.write_text(example.read_text("utf-8").replace("19900", '"199.00"'), "utf-8")
    found = "\n".join(generate.problems(copied))
    assert "kam.audit.recorded.v1: its topic audit.log has no topics/audit.log.yaml" in found
    assert '"199.00" is not of type' in found or '"199.00" is not valid' in found


def test_a_breaking_change_on_disk_is_named(copied: Path) -> None:
    path = copied / "events" / "kam.boss.bill.issued.v1.schema.json"
    published = json.loads(path.read_text("utf-8"))
    published["properties"]["tax_fen"] = {"type": "integer"}
    path.write_text(json.dumps(published), "utf-8")
    assert list(generate.incompatible(generate.generated(), copied)) == [
        "events/kam.boss.bill.issued.v1.schema.json: /tax_fen: is gone; publish it as the type's next version"
    ]
