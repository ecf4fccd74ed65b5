"""A whole instance of stand-in processes, as a process of its own: lock, ports, kill -9, down, two side by side."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from embedded import stub_instance
from harness.embedded_servers import free_port_base
from harness.waiting import until
from kam.cli import build
from kam.embedded import detached
from kam.embedded.process import Identity, guarded
from kam.embedded.progress import Event, Silent, decode
from kam.embedded.table import Options
from kam.instance import Layout, NotRunning, describe, require, supervised

pytestmark = pytest.mark.embedded


class Instance:
    """A running stub_instance.py."""

    def __init__(self, data: Path, port_base: int) -> None:
        self.place = Layout(data)
        options = Options(data=data, port_base=port_base)
        self.process = subprocess.Popen(
            guarded([sys.executable, stub_instance.__file__, options.to_json()]),
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            start_new_session=True,
        )

    def events(self) -> Iterator[Event]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            yield decode(line)

    def await_up(self) -> None:
        for event in self.events():
            if event.kind == "up":
                return
            assert event.kind != "failed", event
        raise AssertionError("the supervisor ended")

    def description(self) -> dict[str, Any]:
        found = describe(self.place)
        assert found is not None
        return found

    def children(self) -> list[Identity]:
        processes = self.description()["processes"].values()
        return [Identity(p["pid"], p["started"]) for p in processes if p["pid"]]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Any]:
    running: list[Instance] = []

    def start(name: str = "data", port_base: int | None = None, *, up: bool = True) -> Instance:
        instance = Instance(tmp_path / name, port_base or free_port_base())
        running.append(instance)
        if up:
            instance.await_up()
        return instance

    yield start
    for instance in running:
        if instance.process.poll() is None:
            instance.process.send_signal(signal.SIGTERM)
        instance.process.wait(20)


def test_kill_9_of_the_supervisor_leaves_no_orphan_and_the_data_starts_again(started: Any) -> None:
    instance = started()
    children = instance.children()
    assert len(children) == 3
    assert all(child.alive() for child in children)
    instance.process.kill()
    until(lambda: not any(child.alive() for child in children))
    assert not supervised(instance.place)
    with pytest.raises(NotRunning):
        require(instance.place.data)
    again = started(port_base=instance.description()["port_base"])
    assert len(again.children()) == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything(started: Any, number: int) -> None:
    instance = started()
    children = instance.children()
    instance.process.send_signal(number)
    assert instance.process.wait(20) == 0
    assert not any(child.alive() for child in children)
    assert instance.description()["state"] == "stopped"
    assert instance.description()["pids"] == {}


def test_down_waits_until_every_process_is_gone(started: Any) -> None:
    instance = started()
    children = instance.children()
    assert detached.stop(instance.place) == []
    assert not any(child.alive() for child in children)
    assert detached.stop(instance.place) is None


def test_detached_returns_when_all_is_ready_and_goes_on_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    options, reporter = Options(data=tmp_path / "data", port_base=free_port_base()), Silent()
    assert detached.start(options, reporter, "embedded.stub_instance") == 0
    assert next(event.name for event in reporter.events if event.kind == "ready") == "store"
    supervisor = Identity(**require(options.data)["supervisor"])
    assert os.getsid(supervisor.pid) == supervisor.pid
    shown = CliRunner().invoke(build(), ["down", "--json", "--data", str(options.data)])
    assert (shown.exit_code, json.loads(shown.stdout)) == (0, {"stopped": True, "left": []})
    assert not supervisor.alive()


def test_a_detached_start_that_fails_says_so(tmp_path: Path) -> None:
    options, reporter = Options(data=tmp_path / "data", port_base=free_port_base()), Silent()
    assert detached.start(options, reporter, "no.such.module") == 1
    assert "supervisor.stderr" in reporter.events[-1].en


def test_a_taken_port_is_named_in_both_languages_with_the_mend(started: Any) -> None:
    base = free_port_base()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", base + 1))
        taken.listen()
        instance = started(port_base=base, up=False)
        (failed,) = [event for event in instance.events() if event.kind == "failed"]
    assert instance.process.wait(20) == 1
    assert f"端口已被占用：{base + 1}（service）" in failed.zh
    assert f"ports already taken: {base + 1} (service)" in failed.en
    assert f"--port-base {base + 1000}" in failed.en
    assert f"--port-base {base + 1000}" in failed.zh


def test_two_instances_side_by_side(started: Any) -> None:
    first, second = started("one"), started("two")
    assert set(first.description()["pids"].values()).isdisjoint(second.description()["pids"].values())
    assert detached.stop(first.place) == []
    assert all(child.alive() for child in second.children())
    assert len(second.children()) == 3


def test_the_same_data_twice_is_refused_and_kam_up_shows_the_running_one(started: Any) -> None:
    instance = started()
    second = started(up=False)
    (failed,) = list(second.events())
    assert second.process.wait(20) == 1
    assert "already running" in failed.en
    shown = CliRunner().invoke(build(), ["up", "--json", "--data", str(instance.place.data)])
    assert shown.exit_code == 0
    printed = json.loads(shown.stdout)
    assert list(printed) == ["gateway", "web", "billing_sync", "kafka", "mongodb", "smsc", "inbox", "pids"]
    assert printed["pids"] == instance.description()["pids"]


def test_pids_are_kept_current_after_a_restart(started: Any) -> None:
    instance = started()
    before = instance.description()["pids"]["service"]
    os.kill(before, signal.SIGKILL)
    until(lambda: instance.description()["pids"].get("service") not in (None, before))
    until(lambda: instance.description()["processes"]["service"]["ready"])
    assert instance.description()["processes"]["service"]["restarts"] == 1


def test_status_shows_every_process(started: Any) -> None:
    instance = started()
    shown = CliRunner().invoke(build(), ["status", "--json", "--data", str(instance.place.data)])
    assert shown.exit_code == 0
    report = json.loads(shown.stdout)
    assert {name: row["ready"] for name, row in report["processes"].items()} == dict.fromkeys(
        ("store", "service", "other"), True
    )
    assert all(row["memory_mb"] > 0 for row in report["processes"].values())


def test_secrets_are_made_once_and_are_for_the_owner_only(tmp_path: Path) -> None:
    place = Layout(tmp_path / "data")
    place.create()
    first = place.secret.read_text(), place.secret_smsc.read_text()
    place.create()
    assert (place.secret.read_text(), place.secret_smsc.read_text()) == first
    assert len(bytes.fromhex(first[0])) == 32
    assert {stat.S_IMODE(path.stat().st_mode) for path in (place.secret, place.secret_smsc)} == {0o600}


def test_nothing_runs_is_said_clearly(tmp_path: Path) -> None:
    runner = CliRunner()
    down = runner.invoke(build(), ["down", "--data", str(tmp_path)])
    assert (down.exit_code, "nothing is running" in down.stderr) == (0, True)
    status = runner.invoke(build(), ["status", "--json", "--data", str(tmp_path)])
    assert (status.exit_code, json.loads(status.stdout)["running"]) == (1, False)
    assert runner.invoke(build(), ["up", "--clock", "sundial", "--data", str(tmp_path)]).exit_code == 2
