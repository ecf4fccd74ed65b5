"""What the province goes through while traffic flows: kills, a leader away, paused processes, a database away, folders
deleted, a customer who wants no more SMS; and, once all is quiet, every processor rebuilt from nothing."""

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiokafka.partitioner import murmur2
from province import PARTITIONS, SERVICES, WORKERS, Province, say, wait_for
from scenarios import Story, cloud_event, stories

POINTS = [
    *((service, point) for service in SERVICES for point in ("before_commit", "after_commit", "after_send")),
    *((service, "after_follow") for service in ("customer-profile", "manager-work", "alerts")),
    *(("alerts", point) for point in ("sms_after_intent", "sms_after_submit") for _ in range(3)),
]
SERVER_KILLS = 3
LEADER_AWAY, DATABASE_AWAY, PAUSED, HEARD = 40.0, 60.0, 12.0, 5.0
#: processes that another one takes over while they are paused. A second archiver is kept out by the files it writes.
TAKEN_OVER = ("billing-sync", "customer-profile", "manager-work", "alerts-2")
KEPT_OUT = "analytics"
#: customers of trials that need some of their own
OPTING_OUT = 700_000


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
        elif choice > 0.95:
            for name in ("alerts", "alerts-2"):
                province.kill(name)
        else:
            province.kill(province.rng.choice(province.processes))
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
            before, sent = province.sms_taken(), province.sent
            time.sleep(DATABASE_AWAY)
            if province.sent > sent and province.sms_taken() == before:
                raise RuntimeError("no SMS left while the database was away")
            say(f"database away: {province.sent - sent} events in, {province.sms_taken() - before} SMS parts out")
        province.wait_ready()
        until = time.monotonic() + DATABASE_AWAY
        while time.monotonic() < until:
            if "mongodb" in province.pids():
                province.kill("mongodb")
            time.sleep(0.2)
        province.wait_up()
        province.wait_ready()


def folders(province: Province) -> None:
    """Every process loses its data folder, one after the other, and comes back."""
    for name in province.processes:
        province.lose_folder(name)
        province.wait_ready()


def rebuilt(province: Province) -> int:
    """Once all is quiet: how many processors hold something else after their folder was lost."""
    different = 0
    for name in province.processes:
        before = province.digests(name)
        province.lose_folder(name)
        province.wait_ready()
        province.run("wait", timeout=300)
        after = province.digests(name)
        for processor in sorted(before.keys() | after.keys()):
            if before.get(processor) != after.get(processor):
                different += 1
                say(f"rebuilt differently: {processor} of {name}")
    say(f"every folder of {len(province.processes)} processes lost and rebuilt, {different} processors different")
    return different


def opted_out(province: Province) -> list[Story]:
    """TD by SMS stops both customers of a number, whichever worker has them, with the database away; a third one's SMS
    leaves. Their stories."""
    owing = [s for s in stories(400, 1, OPTING_OUT) if s.expected.sms == ["reminder"]]
    first, third = (next(s for s in owing if _worker_of(s) == 0), next(s for s in owing[::-1] if _worker_of(s) == 1))
    second = next(s for s in owing if _worker_of(s) == 1)
    second.phone = second.events[0][1]["phone"] = first.phone
    for story in (first, second):
        story.expected.sms = []
    told = [first, second, third]
    _send(province, told, 0)
    wait_for(lambda: _are_known(province, told), 120, "customers did not become known")
    with province.stopped("mongodb"):
        wait_for(lambda: _texted(province, first.phone, "TD"), 60, "the SMSC had nobody to give TD to")
        time.sleep(HEARD)
        _send(province, told, 1)
        wait_for(lambda: province.sms_taken(third.phone) > 0, 60, "no SMS left while the database was away")
        time.sleep(HEARD)
        if province.sms_taken(first.phone):
            raise RuntimeError("an SMS left for a number that had answered TD")
    province.wait_ready()
    say("TD on one worker stopped both, with the database away")
    return told


def _worker_of(story: Story) -> int:
    partition = (murmur2(story.customer.encode()) & 0x7FFFFFFF) % PARTITIONS
    return int(partition) % WORKERS


def _send(province: Province, told: list[Story], number: int) -> None:
    """Event ``number`` of each story."""
    events = [cloud_event(f"{s.customer}-{number}", s.customer, *s.events[number]) for s in told]
    province.post(events)


def _are_known(province: Province, told: list[Story]) -> bool:
    """They have a page, so alerts has read their profile too, or does within moments."""
    try:
        return all(province.run("customer", s.customer)["customer"] for s in told)
    except RuntimeError:
        return False


def _texted(province: Province, phone: str, text: str) -> bool:
    body = json.dumps({"source": f"86{phone}", "text": text}).encode()
    url, headers = f"{province.urls['smsc_control']}/inbound", {"Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
            return json.loads(answer.read()) == {"command_status": 0}
    except (OSError, ValueError):
        return False


def paused(province: Province) -> None:
    """Every process is stopped for a while; another one takes some of them over, and is taken over again by the first
    one's successor."""
    for name in province.processes:
        with province.stopped(name) as pid:
            time.sleep(PAUSED)
        province.wait_ready()
        if province.pids()[name] != pid:
            raise RuntimeError(f"{name} did not outlive a pause")
    for name in (*TAKEN_OVER, KEPT_OUT):
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
        if name == "billing-sync":  # nobody sends it anything, so it can't notice
            second.kill()
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
