"""A local instance: where its files are, which ports it has, whether it runs, how to reach it.

Other commands need only ``require(data)``: the running instance's addresses, or a clear NotRunning.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts import DEFAULT_PARTITIONS, worker_name
from kam.failure import NotRunning

HOST = "127.0.0.1"
DEFAULT_PORT_BASE = 22000
SERVICES = ("gateway", "billing-sync", "customer-profile", "alerts", "manager-work", "analytics")
#: offset of every port from the port base, by the name used in messages
PORTS: Mapping[str, int] = {
    **{name: offset for offset, name in enumerate(SERVICES)},
    "boss": 6,
    "smsc-control": 7,
    "analytics-rates": 8,
    "sms-http": 9,
    "kafka": 10,
    "kafka-controller": 11,
    "mongodb": 12,
    "smsc": 13,
}
#: services whose partitions several processes may share: their workers (ADR 0013)
PARTITIONED = ("customer-profile", "alerts", "analytics")
#: offset of the first port of second and further workers
_WORKER_PORTS = 20


def ports(workers: int = 1) -> dict[str, int]:
    """Offset of every port of an instance with so many workers; those of the first workers are always the same."""
    further = (worker_name(service, number) for number in range(2, workers + 1) for service in PARTITIONED)
    return {**PORTS, **{name: _WORKER_PORTS + place for place, name in enumerate(further)}}


@dataclass(frozen=True)
class Layout:
    """The files of one instance under its data directory."""

    data: Path

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def boss(self) -> Path:
        return self.data / "boss"

    @property
    def inbox(self) -> Path:
        return self.boss / "inbox"

    @property
    def checkpoints(self) -> Path:
        return self.data / "checkpoints"

    @property
    def archive(self) -> Path:
        return self.data / "archive"

    @property
    def secret(self) -> Path:
        """32 random bytes in hex, mode 0600; bearer tokens are HS256 JWTs signed with it."""
        return self.data / "secret"

    @property
    def secret_smsc(self) -> Path:
        """``{"system_id", "password"}`` of the SMPP bind, mode 0600."""
        return self.data / "secret-smsc.json"

    @property
    def secret_sms_http(self) -> Path:
        """What signs orders to the SMS provider over HTTP, mode 0600."""
        return self.data / "secret-sms-http"

    @property
    def secret_sms_callback(self) -> Path:
        """What signs the callbacks of that provider, mode 0600."""
        return self.data / "secret-sms-callback"

    @property
    def accounts(self) -> Path:
        """Accounts of the demo with their passwords, mode 0600."""
        return self.data / "accounts.json"

    @property
    def smsc_log(self) -> Path:
        return self.data / "smsc" / "accepted.jsonl"

    @property
    def sms_http_log(self) -> Path:
        return self.data / "sms-http" / "accepted.jsonl"

    @property
    def creation(self) -> Path:
        """``{"partitions"}``: what can't be chosen anew once there is data."""
        return self.data / "creation.json"

    @property
    def partitions(self) -> int | None:
        """How many partitions the instance's topics have; None before there are any."""
        if self.creation.exists():
            return int(json.loads(self.creation.read_text(encoding="utf-8"))["partitions"])
        # Data from before the number could be chosen.
        return DEFAULT_PARTITIONS if (self.data / "kafka").exists() else None

    def remember(self, partitions: int) -> None:
        """Write down what the topics are about to be made with."""
        write_once(self.creation, json.dumps({"partitions": partitions}))

    @property
    def description(self) -> Path:
        return self.data / "instance.json"

    @property
    def lock(self) -> Path:
        return self.data / "supervisor.lock"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def service(self, name: str) -> Path:
        return self.data / "services" / name

    def create(self) -> None:
        """Make the directories and the secrets that are not there yet."""
        for path in (self.logs, self.archive, self.checkpoints, self.smsc_log.parent, self.inbox):
            path.mkdir(parents=True, exist_ok=True)
        for name in ("accepted", "rejected", "partial"):
            (self.boss / name).mkdir(exist_ok=True)
        self.data.chmod(0o700)
        write_once(self.secret, secrets.token_hex(32))
        # SMPP allows 15 and 8 characters
        bind = {"system_id": "kam" + secrets.token_hex(4), "password": secrets.token_hex(4)}
        write_once(self.secret_smsc, json.dumps(bind))
        for path in (self.secret_sms_http, self.secret_sms_callback):
            write_once(path, secrets.token_hex(32))


def write_once(path: Path, content: str) -> None:
    """Make this file, for its owner alone, unless it is there."""
    if path.exists():
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    temporary.replace(path)


def write_atomically(path: Path, content: str) -> None:
    """Replace *path* as a whole, so that a reader never sees half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(content, encoding="utf-8")
    temporary.replace(path)


def layout(data: Path | None = None) -> Layout:
    """The instance that ``--data``, else KAM_DATA, else ``./.kam`` names."""
    return Layout(Path(data or os.environ.get("KAM_DATA") or ".kam").resolve())


@contextmanager
def locked(place: Layout) -> Iterator[bool]:
    """Hold the instance's lock; yields False when a supervisor has it. The kernel frees it when its holder dies."""
    place.data.mkdir(parents=True, exist_ok=True)
    with place.lock.open("a") as file:
        held = _flock(file.fileno(), fcntl.LOCK_EX)
        if not held and not _flock(file.fileno(), fcntl.LOCK_SH):
            yield False
            return
        # Someone who only looked (supervised() below) had it shared for a moment: wait for the lock itself.
        if not held:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield True


def _flock(descriptor: int, mode: int) -> bool:
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def supervised(place: Layout) -> bool:
    """True while a supervisor runs on this data directory. Looking leaves nothing there."""
    try:
        with place.lock.open() as file:
            return not _flock(file.fileno(), fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def describe(place: Layout) -> dict[str, Any] | None:
    """What DATA/instance.json says, running or not; None when there is none or it cannot be read."""
    try:
        found = json.loads(place.description.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def require(data: Path | None = None) -> dict[str, Any]:
    """Description of the running instance: ``gateway``, ``billing_sync``, ``kafka``, ``mongodb``, ``smsc``, ``inbox``,
    ``pids``, ``peers`` {service: url}, ``secret_file``, ``smsc_control``, ``boss_control``, ``processes``, ….

    Raises NotRunning when no supervisor runs there.
    """
    place = layout(data)
    found = describe(place) if supervised(place) else None
    if found is None:
        raise NotRunning(
            f"没有在运行的实例：{place.data}（先运行 kam up，或用 --data 指明）",
            f"no instance is running on {place.data}: start it with kam up, or name it with --data",
        )
    return found


def busy_ports(base: int, offsets: Mapping[str, int]) -> list[tuple[str, int]]:
    """(name, port) of every port of the instance which something listens on already."""
    busy = []
    for name, offset in offsets.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, base + offset))
            except OSError:
                busy.append((name, base + offset))
    return busy
