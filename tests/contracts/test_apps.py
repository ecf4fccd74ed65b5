"""One table says app, topics, dead letters and store; services, topic contracts and documentation say the same."""

from pathlib import Path
from typing import Any

import pytest
import yaml

import analytics.bootstrap
import analytics.settings
import billing_sync.bootstrap
import billing_sync.settings
import customer_profile.bootstrap
import customer_profile.settings
import manager_work.bootstrap
import manager_work.settings
from alerts.detection import composition as detection
from alerts.notifications import composition as notifications
from contracts import generate
from contracts.apps import APPS
from kam.embedded.topics import declared
from servicekit.authored import AuthoredDocuments
from servicekit.service import Service

ROOT = Path(__file__).parents[2]
KINDS = {"LocalStore": "RocksDB", "LineageStore": "RocksDB", "MongoStore": "MongoDB"}


def table() -> str:
    """The apps as docs/architecture.md shows them."""
    lines = [
        "| app | service | reads | writes | state in | one writer for |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for app in APPS.values():
        reads = "every topic" if len(app.reads) > 5 else ", ".join(app.reads)
        writes = ", ".join(app.writes) or "–"
        lines.append(f"| {app.name} | {app.service} | {reads} | {writes} | {app.store} | {app.one_for} |")
    return "\n".join(lines)


def test_the_topic_contracts_say_the_same() -> None:
    assert not [fault for fault in generate.problems() if "contracts.apps" in fault]


def test_a_topic_contract_that_says_otherwise_is_found() -> None:
    contract = generate.topics()["work.events"]
    for field in ("dead_letter_for", "consumers", "producers"):
        faults = list(generate._app_problems("work.events", {**contract, field: ["gateway"]}))
        assert len(faults) == 1 and field in faults[0]


def test_every_dead_letter_topic_is_made() -> None:
    made = {topic.name for topic in declared() if topic.name.endswith(".dlq")}
    wanted = {letters for app in APPS.values() for letters in app.dead_letters()}
    reserved = {f"{t['name']}.{app}.dlq" for t in _contracts() if t.get("reserved") for app in t["dead_letter_for"]}
    assert made == wanted | reserved


def test_every_topic_of_an_app_is_made() -> None:
    made = {topic.name for topic in declared()}
    assert made >= {topic for app in APPS.values() for topic in (*app.reads, *app.writes, app.journal)}


def _contracts() -> list[dict[str, Any]]:
    return [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "schemas" / "topics").glob("*.yaml"))]


def test_the_architecture_shows_the_table() -> None:
    assert table() in (ROOT / "docs" / "architecture.md").read_text(), f"put this there:\n{table()}"


def _settings(kind: Any, tmp_path: Path) -> Any:
    known = {"service_data": tmp_path, "kafka": "127.0.0.1:1", "mongodb": "mongodb://127.0.0.1:1"}
    more = {"boss_dir": tmp_path, "archive_dir": tmp_path}
    return kind(**known, **{name: path for name, path in more.items() if name in kind.model_fields})


async def test_the_services_are_composed_as_the_table_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def none_is_asked(_: object, *collection: str) -> list[Any]:
        return []

    monkeypatch.setattr(AuthoredDocuments, "read", none_is_asked)
    monkeypatch.setattr(AuthoredDocuments, "find", none_is_asked)
    services: list[Service] = [
        module.bootstrap.build(_settings(module.settings.Settings, tmp_path / module.__name__))
        for module in (analytics, billing_sync, customer_profile, manager_work)
    ]
    await services[-1].prepare[-1]()
    composed = {
        app.name: (service.name, [tp.topic for tp in groups[0] if tp.partition == 0], len(groups), make_store(app, 0))
        for service in services
        for app, groups, make_store, *_ in service._apps
    }
    # The two of alerts need a database to be put together: their topics are the table's by construction.
    assert (APPS["alerts-detect"].reads, APPS["alerts-desk"].reads) == (detection.TOPICS, notifications.TOPICS)
    assert set(composed) == set(APPS) - {"alerts-detect", "alerts-desk"}
    for name, (service, topics, writers, store) in composed.items():
        app = APPS[name]
        assert (service, tuple(topics)) == (app.service, app.reads)
        assert (writers == 1) == (app.one_for == "everything")
        assert KINDS[type(store).__name__] == app.store, name
