"""What the province goes through while traffic flows: kills, a leader away, paused processes, a database away."""

import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from province import SERVICES, Province, say, wait_for

POINTS = [
    *((service, point) for service in SERVICES for point in ("before_commit", "after_commit", "after_send")),
    *(("alerts", point) for point in ("sms_after_intent", "sms_after_submit") for _ in range(3)),
]
SERVER_KILLS = 3
LEADER_AWAY, DATABASE_AWAY, PAUSED = 40.0, 60.0, 12.0
#: services that another process can take over from a paused one; the others' local stores keep it out
TAKEN_OVER = ("customer-profile", "manager-work", "alerts")


def kills(province: Province, wanted: int) -> None:
    """Kill at random and at fault points; a process is left time to come back before it is killed again."""
    servers = {"kafka": 0, "mongodb": 0}
    while province.kills < wanted:
        province.wait_up()
        choice = province.rng.random()
        if choice < 0.55 and not province.all_sent.is_set():
            _kill_at(province, *province.rng.choice(POINTS))
        elif choice < 0.72 and servers[name := "kafka" if choice < 0.65 else "mongodb"] < SERVER_KILLS:
            servers[name] += 1
            province.kill(name)
        else:
            province.kill(province.rng.choice(SERVICES))
        time.sleep(province.rng.uniform(0.3, 2.0))
    province.wait_up()


def _kill_at(province: Province, service: str, point: str) -> None:
    """Arm a fault point and wait until it has struck; a point not passed in time is disarmed again."""
    order = province.faults / f"{service}.{point}"
    order.touch()
    deadline = time.monotonic() + 8
    while order.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    try:
        order.unlink()
    except FileNotFoundError:
        province.killed(f"{service} at {point}")


def leader_away(province: Province) -> None:
    """The broker answers nothing for longer than a producer waits, and is fenced and elected again when it is back."""
    with _nobody_else_restarts(province, "kafka"), province.stopped("kafka"):
        time.sleep(LEADER_AWAY)
    province.wait_ready()


def database_away(province: Province) -> None:
    """MongoDB hangs for a minute; then it is gone for a minute, however often it is started."""
    with _nobody_else_restarts(province, "mongodb"):
        with province.stopped("mongodb"):
            time.sleep(DATABASE_AWAY)
        province.wait_ready()
        until = time.monotonic() + DATABASE_AWAY
        while time.monotonic() < until:
            if "mongodb" in province.pids():
                province.kill("mongodb")
            time.sleep(0.2)
        province.wait_up()
        province.wait_ready()


def paused(province: Province) -> None:
    """Every service is stopped for a while; where another process can take it over, it does, and is taken over again
    by the first one's successor. A second writer of a local store is kept out."""
    for name in SERVICES:
        with province.stopped(name) as pid:
            time.sleep(PAUSED)
        province.wait_ready()
        if province.pids()[name] != pid:
            raise RuntimeError(f"{name} did not outlive a pause")
    for name in SERVICES:
        _taken_over(province, name)


def _taken_over(province: Province, name: str) -> None:
    with province.stopped(name) as pid:
        second = _second(province, name, pid)
        if name in TAKEN_OVER:
            wait_for(lambda: _is_ready(province, second), 60, f"a second {name} did not take over")
            time.sleep(PAUSED)
        else:
            wait_for(lambda: second.poll() is not None, 60, f"a second {name} wrote beside the first")
    if name in TAKEN_OVER:
        wait_for(lambda: province.pids().get(name, pid) != pid, 120, f"a {name} that was taken over went on")
        wait_for(lambda: second.poll() is not None, 120, f"the second {name} went on beside the first's successor")
    if second.returncode == 0:
        raise RuntimeError(f"the second {name} ended as if all were well")
    say(f"{name}: taken over and taken back" if name in TAKEN_OVER else f"{name}: a second one was kept out")
    province.wait_ready()


def _second(province: Province, name: str, pid: int) -> "subprocess.Popen[bytes]":
    """Another process of a service, started as the first one was, with a port and a folder of its own."""
    command = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    env = dict(pair.split(b"=", 1) for pair in Path(f"/proc/{pid}/environ").read_bytes().rstrip(b"\0").split(b"\0"))
    env[b"KAM_HTTP_PORT"] = str(province.port_base + 15).encode()
    if name in TAKEN_OVER:
        folder = province.data / f"second-{name}"
        folder.mkdir(exist_ok=True)
        env[b"KAM_SERVICE_DATA"] = str(folder).encode()
    with (province.data / "logs" / f"second-{name}.log").open("wb") as log:
        second = subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT)
    province.guests.append(second)
    return second


def _is_ready(province: Province, second: "subprocess.Popen[bytes]") -> bool:
    if second.poll() is not None:
        raise RuntimeError(f"the second process ended with {second.returncode}")
    try:
        url = f"http://127.0.0.1:{province.port_base + 15}/health/ready"
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


@contextmanager
def _nobody_else_restarts(province: Province, *but: str) -> Iterator[None]:
    """An outage of a server is waited out by every other process."""
    before = province.restarts()
    yield
    again = {n: c - before[n] for n, c in province.restarts().items() if c != before[n] and n not in but}
    if again:
        raise RuntimeError(f"started again during an outage of {', '.join(but)}: {again}")
