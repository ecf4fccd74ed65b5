"""Writes what follows from the Python contracts, and checks that nothing contradicts them.

``python -m contracts.generate`` writes ``schemas/events/<type>.schema.json`` (JSON Schema 2020-12, closed, one file
needs no other) and ``schemas/asyncapi.yaml``; it refuses to change a published type in a way that breaks its readers.
``--check`` writes nothing: it prints what differs and everything that is wrong, and exits with 1 (continuous
integration). ``--force`` writes breaking changes too: only for types that nobody uses yet.
"""

from __future__ import annotations

import argparse
import difflib
import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from contracts.apps import APPS, READERS, WRITERS
from contracts.compatibility import breaks
from contracts.registry import EVENTS, FEED, EventType

SCHEMAS = Path(__file__).resolve().parent.parent
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TOPIC_FIELDS = {"name", "description", "owner", "key", "producers", "consumers", "retention_hours"}
Json = dict[str, Any]


def event_schema(event: EventType) -> Json:
    """Closed JSON Schema of a type's ``data``; the definitions it needs lie within."""
    (reference,), components = msgspec.json.schema_components([event.payload], ref_template="#/$defs/{name}")
    name = str(reference["$ref"]).rpartition("/")[2]
    own = components.pop(name)
    schema = {"$schema": _DIALECT, "$id": f"urn:{event.name.replace('.', ':')}", **_tidy(own)}
    return {**schema, "$defs": _tidy(components)} if components else schema


def _tidy(schema: Any) -> Any:
    """Descriptions without the indentation of their docstrings, which differs between versions of Python."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: inspect.cleandoc(item) if name == "description" and isinstance(item, str) else _tidy(item)
        for name, item in schema.items()
    }


def topics(schemas: Path = SCHEMAS) -> dict[str, Json]:
    """The topic contracts by name. Raises ``ValueError`` naming the file that can't be read."""
    import yaml

    found: dict[str, Json] = {}
    for path in sorted((schemas / "topics").glob("*.yaml")):
        try:
            found[path.stem] = yaml.safe_load(path.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            raise ValueError(f"topics/{path.name}: {error}") from error
    return found


def _types_of(topic: str, contract: Json) -> list[str]:
    """Types that travel on a topic: those at home there, what BOSS may feed, and guests (``also``)."""
    home = list(FEED) if topic == "boss.feed" else [name for name, event in EVENTS.items() if event.topic == topic]
    return [*home, *contract.get("also", ())]


def asyncapi(contracts: dict[str, Json]) -> Json:
    """AsyncAPI 3.0 document of all topics and types."""
    operations: Json = {}
    for topic, contract in contracts.items():
        channel = {"$ref": f"#/channels/{_name(topic)}"}
        for service in contract["producers"]:
            operations[f"{_name(service)}.send.{_name(topic)}"] = {"action": "send", "channel": channel}
        for service in contract["consumers"]:
            operations[f"{_name(service)}.receive.{_name(topic)}"] = {"action": "receive", "channel": channel}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "kam",
            "version": "1.0.0",
            "description": "Events of the key-account platform: CloudEvents 1.0, Kafka binary content mode, JSON data.",
        },
        "defaultContentType": "application/json",
        "channels": {_name(topic): _channel(topic, contract) for topic, contract in contracts.items()},
        "operations": operations,
        "components": {"messages": {_name(name): _message(event) for name, event in EVENTS.items()}},
    }


def _name(text: str) -> str:
    # AsyncAPI keys hold no dots where runtime expressions and references use them.
    return text.replace(".", "_")


def _channel(topic: str, contract: Json) -> Json:
    return {
        "address": topic,
        "description": contract["description"],
        "messages": {
            _name(name): {"$ref": f"#/components/messages/{_name(name)}"} for name in _types_of(topic, contract)
        },
        "bindings": {"kafka": {"topic": topic, "replicas": 1}},
    }


def _message(event: EventType) -> Json:
    return {
        "name": event.name,
        "title": (event.payload.__doc__ or event.name).strip().partition("\n")[0],
        "contentType": "application/json",
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"./events/{event.name}.schema.json"},
        },
    }


def generated(schemas: Path = SCHEMAS) -> dict[str, str]:
    """Every generated file: path under ``schemas/`` -> content."""
    import yaml

    files = {
        f"events/{name}.schema.json": json.dumps(event_schema(event), ensure_ascii=False, indent=2) + "\n"
        for name, event in EVENTS.items()
    }
    document = yaml.safe_dump(asyncapi(topics(schemas)), sort_keys=False, allow_unicode=True, width=120)
    files["asyncapi.yaml"] = "# Generated from schemas/contracts and schemas/topics: make schemas\n" + document
    return files


def problems(schemas: Path = SCHEMAS) -> Iterator[str]:
    """Everything that contradicts the registry: topics, golden examples, files that nothing refers to."""
    contracts = topics(schemas)
    for topic, contract in contracts.items():
        if contract.get("name") != topic:
            yield f"topics/{topic}.yaml: name is {contract.get('name')!r}"
        if missing := _TOPIC_FIELDS - contract.keys():
            yield f"topics/{topic}.yaml: lacks {', '.join(sorted(missing))}"
        yield from _app_problems(topic, contract)
        if not _types_of(topic, contract) and not contract.get("reserved"):
            yield f"topics/{topic}.yaml: no event type is published there; remove it, or say `reserved: true`"
    for event in EVENTS.values():
        if event.topic not in contracts:
            yield f"{event.name}: its topic {event.topic} has no topics/{event.topic}.yaml"
        yield from _example_problems(schemas, event)
    for folder, suffix in (("events", ".schema.json"), ("examples", ".json")):
        for path in sorted((schemas / folder).iterdir()) if (schemas / folder).is_dir() else ():
            if path.name.removesuffix(suffix) not in EVENTS or not path.name.endswith(suffix):
                yield f"{folder}/{path.name}: no such event type in the registry; remove it"


def _app_problems(topic: str, contract: Json) -> Iterator[str]:
    """What a topic contract says of its apps, and contracts.apps doesn't."""
    if contract.get("reserved"):
        return
    readers = [app for app in APPS.values() if topic in app.reads]
    writers = {app.service for app in APPS.values() if topic in app.writes} or {WRITERS.get(topic, "BOSS")}
    for field, wanted in (
        ("dead_letter_for", {app.name for app in readers}),
        ("consumers", {app.service for app in readers} | {name for name, topics in READERS.items() if topic in topics}),
        ("producers", writers),
    ):
        if set(contract.get(field, ())) != wanted:
            yield f"topics/{topic}.yaml: {field} is not {', '.join(sorted(wanted))}, as contracts.apps says"


def _example_problems(schemas: Path, event: EventType) -> Iterator[str]:
    import jsonschema_rs

    where = f"examples/{event.name}.json"
    try:
        example = json.loads((schemas / where).read_text(encoding="utf-8"))
        headers, data = example["headers"], example["data"]
    except FileNotFoundError:
        yield f"{where}: missing; every type has a golden example"
        return
    except (ValueError, KeyError, TypeError) as error:
        yield f"{where}: {error!r}; it needs key, headers and data"
        return
    if headers.get("ce_type") != event.name:
        yield f"{where}: ce_type is {headers.get('ce_type')!r}"
    for name in ("ce_specversion", "ce_id", "ce_source", "ce_subject", "ce_time", "ce_correlationid", "content-type"):
        if not headers.get(name):
            yield f"{where}: header {name} is missing"
    validator = jsonschema_rs.Draft202012Validator(event_schema(event), validate_formats=True)
    for fault in validator.iter_errors(data):
        yield f"{where}: {fault.message} at /{'/'.join(map(str, fault.instance_path))}"
    try:
        msgspec.convert(data, event.payload)
    except msgspec.ValidationError as error:
        yield f"{where}: {error}"


def incompatible(files: dict[str, str], schemas: Path = SCHEMAS) -> Iterator[str]:
    """What the new schemas would break for readers and writers of those on disk."""
    for name, content in files.items():
        path = schemas / name
        if name.startswith("events/") and path.exists():
            for fault in breaks(json.loads(path.read_text(encoding="utf-8")), json.loads(content)):
                yield f"{name}: {fault}; publish it as the type's next version"


def differences(files: dict[str, str], schemas: Path = SCHEMAS) -> Iterator[str]:
    """Unified diffs from the files on disk to what they should be."""
    for name, content in files.items():
        path = schemas / name
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        if old != content:
            lines = difflib.unified_diff(
                old.splitlines(), content.splitlines(), f"schemas/{name}", "generated", lineterm=""
            )
            yield "\n".join(lines)


def main() -> int:
    """Entry point; exit status 0 when all is right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when anything differs or is wrong")
    parser.add_argument("--force", action="store_true", help="write breaking changes too")
    options = parser.parse_args()
    try:
        files = generated()
        faults = [] if options.force else list(incompatible(files))
        if options.check:
            faults += differences(files)
        elif not faults:
            for name, content in files.items():
                (SCHEMAS / name).parent.mkdir(exist_ok=True)
                (SCHEMAS / name).write_text(content, encoding="utf-8")
        faults += problems()
    except ValueError as error:
        faults = [str(error)]
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        print(f"{len(faults)} 处不对 / {len(faults)} faults; run make schemas", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
