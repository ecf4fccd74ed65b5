"""`kam` as a door: whatever is asked of it, it ends with a status and, when it failed, one clear message.

A table of what people do, then a fuzzer over every command; ``KAM_FUZZ_SECONDS=600`` lets it run as long as one likes.
"""

from __future__ import annotations

import errno
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from cli.conftest import FakeInstance, Outcome
from harness.waiting import until
from kam import cli, client, door
from kam.embedded import detached, mongodb, run

pytestmark = pytest.mark.long

SECONDS = float(os.environ.get("KAM_FUZZ_SECONDS", "2"))
KAM = [sys.executable, "-m", "kam"]
Ask = Callable[..., Outcome]

#: every command that takes no word, or words that make sense; `up` and `watch` run until stopped
PLAIN = (
    "status", "alerts", "sms", "work", "clock", "clock show", "wait", "topics", "dlq list", "dlq replay",
    "token manager",
    "customer 1000123", "why 1000123", "work accept x", "work act x", "work close x --outcome paid",
    "clock set 2026-06-30", "sim arrears 1000123", "dlq show a/0/1",
)  # fmt: skip
MISUSES = (
    "nonsense", "feed", "feed /nowhere", "feed /", "feed /dev/null --via pigeon", "file", "file deliver",
    "file deliver /nowhere", "file deliver /nowhere.dat.gz", "wait --timeout nan", "wait --timeout -1", "clock set x",
    "clock set 2026-13-45", "token", "token king", "token manager --hours 0", "token manager --hours 9999999999999999",
    "sim", "sim x y", "work accept", "work close x", "work close x --outcome won", "dlq", "dlq show", "why",
    "dlq replay --max 0", "customer", "doctor --port-base -5", "doctor --port-base 99999", "up --port-base x",
    "up --clock sundial", "up --customers 0", "alerts --since yesterday", "alerts --nonsense",
)  # fmt: skip


@pytest.fixture
def ask(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Ask]:
    """Runs ``kam WORDS…`` in this process where no instance runs; nothing starts, whatever is asked."""
    monkeypatch.setenv("KAM_DATA", str(tmp_path / "none"))
    monkeypatch.delenv("KAM_DEBUG", raising=False)
    monkeypatch.setattr(detached, "start", lambda *_: 1)
    monkeypatch.setattr(run.Run, "main", lambda *_: 1)

    app = cli.build()
    monkeypatch.setattr(cli, "build", lambda: app)

    def call(*words: str) -> Outcome:
        monkeypatch.setattr("sys.argv", ["kam", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capfd.readouterr()
        assert isinstance(end.value.code, int)
        return Outcome(end.value.code, out, err)

    yield call


def _explained(done: Outcome, words: object) -> None:
    """It failed, and people are told why in two languages."""
    assert done.status in (1, 2), words
    assert "Traceback" not in done.err and "内部错误" not in done.err, (words, done.err)
    assert any(" / " in line or "；" in line for line in done.err.splitlines()), (words, done.err)


def _explained_as_json(done: Outcome, words: object) -> None:
    said = json.loads(done.out)
    assert said["error"] and said["zh"] and said["en"], (words, done.out)


@pytest.mark.parametrize("line", PLAIN)
def test_without_an_instance_every_command_says_how_to_start_one(line: str, ask: Ask) -> None:
    words = line.split()
    done = ask(*words)
    _explained(done, line)
    assert done.status == 1 and "kam up" in done.err and not done.out
    if line != "status":  # its answer says that nothing runs
        _explained_as_json(ask(*words, "--json"), line)


@pytest.mark.parametrize("line", MISUSES)
def test_misuse_is_status_2_with_what_is_wrong(line: str, ask: Ask) -> None:
    words = line.split()
    done = ask(*words)
    _explained(done, line)
    assert done.status == 2
    _explained_as_json(ask(*words, "--json"), line)


@pytest.mark.parametrize("line", [*PLAIN, "up", "up --detach", "down", "watch"])
def test_a_data_directory_that_is_none_is_said(line: str, ask: Ask) -> None:
    for place in (__file__, "/" + "x" * 300):
        _explained(ask(*line.split(), "--data", place), (line, place))


def test_looking_leaves_nothing_behind(ask: Ask, tmp_path: Path) -> None:
    for words in ("status", "alerts", "down"):
        ask(words, "--data", str(tmp_path))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.EMFILE, errno.EIO])
def test_an_error_of_the_system_says_where_and_what_helps(number: int, ask: Ask, monkeypatch: Any) -> None:
    def broken(*_: object) -> None:
        raise OSError(number, os.strerror(number), "/data/supervisor.lock")

    monkeypatch.setattr(client, "require", broken)
    for words in (("alerts",), ("alerts", "--json")):
        done = ask(*words)
        _explained(done, words)
        assert "/data/supervisor.lock" in done.err and os.strerror(number) in done.err
    _explained_as_json(done, number)


def test_a_start_that_failed_is_json_too(ask: Ask, monkeypatch: Any, tmp_path: Path) -> None:
    from kam.embedded.progress import Event, Reporter

    def start(_: object, reporter: Reporter) -> int:
        reporter.emit(Event("failed", "kafka", "端口被占用", "the port is taken"))
        return 1

    monkeypatch.setattr(detached, "start", start)
    done = ask("up", "--detach", "--json", "--data", str(tmp_path))
    assert done.status == 1 and done.json["en"] == "the port is taken" and "端口被占用" in done.err


def test_a_user_without_a_name_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.13 raises another error than 3.11 here; containers run as such users."""
    for error in (KeyError("uid not found"), OSError("No username set in the environment")):

        def nobody(error: Exception = error) -> str:
            raise error

        monkeypatch.setattr("getpass.getuser", nobody)
        assert client._user() == str(os.getuid())


def test_a_database_that_nobody_knows_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KAM_MONGODB_SERVER", "oracle")
    with pytest.raises(mongodb.MongoError, match=r"KAM_MONGODB_SERVER='oracle'.*mongod.*secantusd-rs"):
        mongodb.choose(tmp_path)


def _process(words: list[str], tmp_path: Path, **more: Any) -> subprocess.CompletedProcess[bytes]:
    environment = {
        **os.environ, "KAM_DATA": str(tmp_path / "none"), "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        **more.pop("env", {}),
    }  # fmt: skip
    return subprocess.run([*KAM, *words], env=environment, check=False, timeout=60, **more)


@pytest.mark.parametrize("words", [["--help"], ["status", "--json"]])
def test_a_reader_that_has_gone(words: list[str], tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = _process(words, tmp_path, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert done.returncode not in (0, 120) and b"Traceback" not in done.stderr and b"Exception" not in done.stderr


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = _process(["status", "--json"], tmp_path, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1 and b"Traceback" not in done.stderr and b"Exception" not in done.stderr
    assert "磁盘已满".encode() in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "gbk"])
def test_a_terminal_that_lacks_our_characters(encoding: str, tmp_path: Path) -> None:
    for words in (["--help"], ["alerts", "--json"]):
        done = _process(words, tmp_path, env={"PYTHONIOENCODING": encoding, "LC_ALL": "C"}, capture_output=True)
        assert b"Traceback" not in done.stderr
        assert done.returncode == (0 if words == ["--help"] else 1)
    json.loads(done.stdout.decode(encoding))


def test_streams_that_are_closed(tmp_path: Path) -> None:
    for closed in ("2>&-", ">&- 2>&- <&-"):
        line = f"{sys.executable} -m kam status {closed}"
        environment = {**os.environ, "KAM_DATA": str(tmp_path), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        done = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, check=False, timeout=60)
        assert done.returncode == 1 and b"Traceback" not in done.stderr, closed


def test_ctrl_c_ends_it_with_130_wherever_it_is(tmp_path: Path) -> None:
    """While it reads its standard input; and while it is still loading."""
    environment = {**os.environ, "KAM_DATA": str(tmp_path), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    for moment in (0.05, 0.15, None):
        child = subprocess.Popen(
            [*KAM, "feed", "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, start_new_session=True,
            # a job in the background ignores SIGINT, and so does what it starts, unless told otherwise
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        if moment is not None:
            time.sleep(moment)
        else:
            until(partial(_reads_a_pipe, child.pid))
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=30)
        if moment is None:
            assert (child.returncode, "已中断".encode() in said, b"Traceback" in said) == (130, True, False), said


def _reads_a_pipe(pid: int) -> bool:
    return "pipe" in Path(f"/proc/{pid}/wchan").read_text()


def test_what_is_not_foreseen_is_said_in_one_line(ask: Ask, monkeypatch: Any) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by hand")

    monkeypatch.setattr(client, "require", broken)
    done = ask("alerts", "--json")
    assert done.status == 1 and done.err.count("\n") == 1 and "KAM_DEBUG=1" in done.err
    _explained_as_json(done, "alerts")
    monkeypatch.setenv("KAM_DEBUG", "1")
    monkeypatch.setattr("sys.argv", ["kam", "alerts"])
    with pytest.raises(ZeroDivisionError):
        cli.main()


STRANGE = (
    "", " ", "-", "--", "..", "a/b", "%2e", "\n", "\t", "'", '"', "{}", "[]", "null", "nan", "inf", "-1", "0", "1e999",
    "9" * 40, "x" * 5000, "欠费", "客户\u202e", "😀", "\udcff\udcfe", "0001-01-01", "9999-12-31T23:59:59Z", "arrears",
    "2026-06-30", "/dev/null", "/", "--json", "--help", "*", "$(id)", "1000123", "a1b2c3d4", "manager", "paid",
)  # fmt: skip
#: what services may answer when they are not themselves
REPLIES: tuple[Any, ...] = (
    (200, []), (200, {}), (200, None), (200, "text"), (200, [{}]), (200, [None]), (200, {"clock": "9999-12-31T23:59Z"}),
    (404, {"error": "not_found", "zh": "没有", "en": "nothing"}), (422, {"detail": [1]}), (500, "oops"), (401, None),
)  # fmt: skip


def _commands() -> list[tuple[list[str], Any]]:
    def below(path: list[str], command: Any) -> Iterator[tuple[list[str], Any]]:
        subs = getattr(command, "commands", None)
        if subs is not None:
            for name, sub in subs.items():
                yield from below([*path, name], sub)
        yield path, command

    return [(path, command) for path, command in below([], get_command(cli.build())) if path not in (["watch"], [])]


def test_fuzz_every_command(ask: Ask, fake: FakeInstance, monkeypatch: Any) -> None:
    """Random words for every command, beside an instance whose services answer strange things: never a traceback."""
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    commands = _commands()
    monkeypatch.setattr("kam.commands.sim._LOOK_SECONDS", 0.0)
    monkeypatch.setattr("kam.settle.PATIENCE", 0.0)
    monkeypatch.setattr("kam.embedded.detached.stop", lambda place: None)
    monkeypatch.setattr("kam.commands.dlq._letters", lambda *_: ("127.0.0.1:1", []))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
    fake.routes.clear()
    monkeypatch.setattr(fake, "answer", lambda request: chance.choice(REPLIES))
    until, done = time.monotonic() + SECONDS, 0
    while time.monotonic() < until or done < 20:
        path, command = chance.choice(commands)
        words = list(path)
        for parameter in command.params:
            if chance.random() < 0.5:
                name = [chance.choice(parameter.opts)] if parameter.param_type_name == "option" else []
                flag = bool(name) and getattr(parameter, "is_flag", False)
                words += name if flag else [*name, chance.choice(STRANGE)]
        if "--data" not in words and chance.random() < 0.8:
            words += ["--data", str(fake.data)]
        if "--timeout" not in words and {"wait", "feed", "deliver"} & set(path):
            words += ["--timeout", "0"]
        if path == ["topics"]:
            continue  # asks the broker: the table above has it
        about = (seed, words)
        outcome = ask(*words)
        assert "Traceback" not in outcome.err, about
        assert outcome.status in (0, 1, 2), about
        if outcome.status and path != ["up"]:  # whose failure its supervisor tells
            assert outcome.err or outcome.out, about
            if "--json" in words and outcome.out and outcome.out.startswith("{"):
                json.loads(outcome.out)
        done += 1
    assert door.explained(ValueError("x")).status == 1
