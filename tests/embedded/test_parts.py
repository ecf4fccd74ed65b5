"""Small parts of the embedded instance: lists, contracts, choices, logs."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kam.cli import build
from kam.embedded import jars, java, kafka, mongodb, topics
from kam.embedded.process import ProcessSpec, rotate, tail
from kam.embedded.progress import Event, Pipe, decode
from kam.embedded.run import all_ports
from kam.embedded.table import Options, common_env, table
from kam.failure import Misused
from kam.instance import PARTITIONED, PORTS, SERVICES, Layout, locked


def test_the_jar_list_is_whole_and_pinned() -> None:
    pinned = jars.pinned()
    assert len(pinned) == len({jar.filename for jar in pinned}) == 46
    assert {jar.version for jar in pinned if jar.group == "org.apache.kafka"} == {"4.3.1"}


def test_a_changed_jar_is_found_by_its_sum(tmp_path: Path) -> None:
    first, *others = jars.pinned()
    (tmp_path / first.filename).write_bytes(b"not a jar")
    assert jars.missing(tmp_path, [first], deep=False) == []
    assert jars.missing(tmp_path, [first]) == [first]
    assert jars.missing(tmp_path, others[:1], deep=False) == others[:1]


def test_a_bad_line_of_the_list_is_named(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("# fine\norg.apache.kafka:kafka-clients 123\n")
    with pytest.raises(jars.JarError, match=r"list.txt:2"):
        jars.pinned(path)


@pytest.mark.parametrize(
    ("line", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "25" 2025', 25),
        ('java version "1.8.0_4"', 8),
        ("", None),
    ],
)
def test_java_says_its_version(tmp_path: Path, line: str, major: int | None) -> None:
    fake = tmp_path / "java"
    fake.write_text(f"#!/bin/sh\necho '{line}' >&2\n")
    fake.chmod(0o755)
    assert java.version_of(str(fake)) == major
    assert java.version_of(str(tmp_path / "absent")) is None


def test_an_old_java_gives_way_to_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "java"
    fake.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + os.environ["PATH"])
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert java.find() == java.bundled()


def test_a_contract_gives_its_topic_and_dead_letters() -> None:
    contract = {
        "name": "boss.events",
        "retention_hours": 2,
        "cleanup": "delete",
        "dead_letter_for": ["alerts", "analytics"],
    }
    events, *dead = topics.from_contract(contract, 6)
    assert events == topics.Topic("boss.events", 6, 2)
    assert events.settings()["retention.ms"] == "7200000"
    assert [topic.name for topic in dead] == ["boss.events.alerts.dlq", "boss.events.analytics.dlq"]
    assert topics.Topic("forever", 1, -1).settings()["retention.ms"] == "-1"
    assert "segment.ms" in topics.Topic("journal", 1, -1).settings() and "segment.ms" not in events.settings()


def test_every_contract_of_the_project_can_be_read() -> None:
    names = {topic.name for topic in topics.declared()}
    assert {"boss.feed", "boss.events", "alert.events", "work.events", "audit.log"} <= names


def test_every_topic_of_customers_has_as_many_partitions_as_the_instance() -> None:
    by_name = {topic.name: topic.partitions for topic in topics.declared(6)}
    single = {name for name, partitions in by_name.items() if partitions == 1}
    assert set(by_name.values()) == {1, 6}
    assert {name for name in single if not name.endswith(".dlq")} == {
        "billing-sync.journal",
        "manager-work.journal",
        "control.stops",
    }


def test_an_unreadable_contract_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("name: x\nretention_hours: many\n")
    with pytest.raises(topics.TopicError, match=r"bad\.yaml"):
        topics.declared(directory=tmp_path)


def test_fresh_data_gets_the_best_database_and_old_data_keeps_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("mongod", "secantusd-rs"):
        (tmp_path / kind).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("KAM_MONGODB_SERVER", raising=False)
    data = tmp_path / "data"
    data.mkdir()
    assert mongodb.choose(data).kind == "mongod"
    (data / "server-kind").write_text("secantusd-rs\n")
    assert mongodb.choose(data).kind == "secantusd-rs"
    (data / "server-kind").write_text("oracle\n")
    with pytest.raises(mongodb.MongoError, match="written by oracle"):
        mongodb.choose(data)


def test_kafka_without_jars_says_make_setup(tmp_path: Path) -> None:
    with pytest.raises(kafka.KafkaError, match=r"46 Kafka jars missing.*make setup"):
        kafka.prepare(tmp_path / "kafka", 1, 2, tmp_path / "nothing")


def test_the_table_has_every_service_on_a_port_of_its_own(tmp_path: Path) -> None:
    options = Options(data=tmp_path, port_base=26000)
    nodes = table(options)
    besides = {"kafka", "mongodb", "topics", "smsc", "sms-http", "boss", "analytics-rates"}
    assert {node.name for node in nodes} == {*besides, *SERVICES}
    assert sorted(all_ports(nodes).values()) == sorted(PORTS.values())
    quiet = table(Options(data=tmp_path, sim=False, mongodb="mongodb://example.test/"))
    assert {node.name for node in nodes} - {node.name for node in quiet} == {"boss"}


def test_workers_share_partitions_by_ordinal_with_a_folder_and_a_port_each(tmp_path: Path) -> None:
    options = Options(data=tmp_path, port_base=26000, partitions=6, workers=3)
    nodes = {node.name: node for node in table(options) if isinstance(node, ProcessSpec)}
    alerts = [nodes[name] for name in ("alerts", "alerts-2", "alerts-3")]
    assert [worker.env["KAM_ORDINALS"] for worker in alerts] == ["0,3", "1,4", "2,5"]
    assert [Path(worker.env["KAM_SERVICE_DATA"]).name for worker in alerts] == ["alerts", "alerts-2", "alerts-3"]
    assert [worker.argv[-1] for worker in alerts] == ["alerts"] * 3
    used = list(all_ports(list(nodes.values())).values())
    assert len(used) == len(set(used)) == len(PORTS) + 2 * len(PARTITIONED)
    assert {name: nodes[name].ports["http"] for name in SERVICES} == {name: PORTS[name] for name in SERVICES}
    assert not any(f"{name}-2" in nodes for name in ("gateway", "billing-sync", "manager-work", "analytics-rates"))
    assert {"analytics-3", "customer-profile-2"} <= set(nodes["boss"].needs)
    options.place.create()
    env = common_env(options)
    assert env["KAM_PARTITIONS"] == "6"
    peers = json.loads(env["KAM_PEERS"])
    assert peers["alerts"] == [f"http://127.0.0.1:{26000 + worker.ports['http']}" for worker in alerts]
    assert peers["manager-work"] == "http://127.0.0.1:26004"


def test_the_number_of_partitions_is_chosen_once(tmp_path: Path) -> None:
    place, up = Layout(tmp_path), ["up", "--json", "--data", str(tmp_path)]
    assert place.partitions is None
    place.remember(6)
    assert place.partitions == 6
    shown = CliRunner().invoke(build(), [*up, "--partitions", "8"])
    assert isinstance(shown.exception, Misused)
    assert "6" in shown.exception.zh and "can't become 8" in shown.exception.en
    shown = CliRunner().invoke(build(), [*up, "--workers", "7"])
    assert (
        isinstance(shown.exception, Misused) and "7" in shown.exception.zh and "the 6 partitions" in shown.exception.en
    )


def test_data_from_before_the_choice_has_four_partitions(tmp_path: Path) -> None:
    (tmp_path / "kafka").mkdir()
    assert Layout(tmp_path).partitions == 4


def test_children_learn_the_instance_from_their_environment(tmp_path: Path) -> None:
    options = Options(data=tmp_path, port_base=26000, sim=False, clock="feed")
    options.place.create()
    env = common_env(options)
    assert env["KAM_KAFKA"] == "127.0.0.1:26010"
    assert env["KAM_CLOCK"] == "feed"
    assert json.loads(env["KAM_PEERS"])["alerts"] == "http://127.0.0.1:26003"
    assert len(env["KAM_SMSC_PASSWORD"]) <= 8
    assert Options(data=tmp_path).business_clock == "demo"
    assert Options.from_json(options.to_json()) == options


def test_a_large_log_is_set_aside(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    log.write_text("".join(f"line {n}\n" for n in range(100)))
    rotate(log)
    assert tail(log, 2) == ["line 98", "line 99"]
    rotate(log, limit=10)
    assert not log.exists()
    assert (tmp_path / "kafka.log.1").exists()
    assert tail(log) == []


def test_events_pass_through_a_pipe_and_a_closed_one_harms_nobody() -> None:
    reader, writer = os.pipe()
    event, pipe = Event("failed", "kafka", "停止了", "stopped", 1.5, ["a", "b"]), Pipe(writer)
    pipe.emit(event)
    with os.fdopen(reader, encoding="utf-8") as lines:
        assert decode(lines.readline()) == event
    pipe.emit(event)
    pipe.emit(event)
    pipe.close()


def test_one_lock_one_supervisor(tmp_path: Path) -> None:
    place = Options(data=tmp_path).place
    with locked(place) as first, locked(place) as second:
        assert (first, second) == (True, False)


def test_every_tool_looks_for_packages_in_the_same_roots() -> None:
    pyproject = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())["tool"]
    roots = pyproject["hatch"]["build"]["dev-mode-dirs"]
    assert pyproject["pytest"]["ini_options"]["pythonpath"] == [".", *roots, "tests"]  # bench/
    assert pyproject["ruff"]["src"] == [*roots, "tests"]
    assert pyproject["mypy"]["mypy_path"].split(":") == [*roots, "tests"]


def test_doctor_finds_this_machine_fit_and_speaks_json(tmp_path: Path) -> None:
    shown = CliRunner().invoke(build(), ["doctor", "--json", "--data", str(tmp_path), "--port-base", "31900"])
    found = {check["name"]: check for check in json.loads(shown.stdout)}
    assert set(found) == {"python", "platform", "java", "kafka", "mongodb", "disk", "memory", "ports", "web"}
    assert all(check["mend"] for check in found.values() if check["state"] == "missing")
