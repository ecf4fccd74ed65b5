"""A MongoDB-protocol server on loopback: given URI → ``mongod`` → ``secantusd-rs`` → ``secantusd-py``.

Both secantus servers are GPL-2 programs: run as processes, never imported.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kam.embedded.process import ProcessSpec, Started

HOST = "127.0.0.1"
REPLICA_SET = "kam"


class MongoError(RuntimeError):
    """No MongoDB-protocol server can be started; the message says what is lacking."""


KINDS = ("mongod", "secantusd-rs", "secantusd-py")


@dataclass(frozen=True, slots=True)
class Server:
    """A server program found on this machine: its kind (mongod | secantusd-rs | secantusd-py) and its path."""

    kind: str
    path: str


def find(kind: str | None = None) -> Server | None:
    """The first server program that this machine has, in the order of preference, or the first of one *kind*."""
    here = Path(sys.prefix)
    rust = [
        shutil.which("secantusd-rs"),
        here / "share/kam/bin/secantusd-rs",
        Path.home() / ".cache/kam/bin/secantusd-rs",
    ]
    candidates: list[tuple[str, str | Path | None]] = [("mongod", shutil.which("mongod"))]
    candidates += [("secantusd-rs", path) for path in rust]
    candidates += [("secantusd-py", here / "bin/secantusd-py"), ("secantusd-py", shutil.which("secantusd-py"))]
    for name, path in candidates:
        if path and Path(path).is_file() and kind in (None, name):
            return Server(name, str(path))
    return None


def choose(directory: Path) -> Server:
    """The server for the data in *directory*: the one that wrote it, since no kind reads another's files.

    KAM_MONGODB_SERVER (mongod | secantusd-rs | secantusd-py) says which kind fresh data gets. Raises MongoError when
    there is none, or when the kind that wrote the data is no longer on this machine.
    """
    note = directory / "server-kind"
    written_by = note.read_text(encoding="ascii").strip() if note.exists() else None
    wanted = os.environ.get("KAM_MONGODB_SERVER") or None
    if wanted not in (None, *KINDS):
        raise MongoError(
            f"KAM_MONGODB_SERVER={wanted!r}：只能是 {'、'.join(KINDS)} / must be one of {', '.join(KINDS)}"
        )
    server = find(written_by or wanted)
    if server is None and written_by:
        raise MongoError(
            f"{directory} 由 {written_by} 写成，本机现在没有它 / the data in {directory} was written by {written_by}, "
            "which this machine no longer has: install it again, or use another --data directory"
        )
    if server is None:
        raise MongoError(
            "没有 MongoDB 协议的服务器 / no MongoDB-protocol server: make setup (brings secantusd-py), "
            "or install mongod, or kam up --mongodb URI"
        )
    return server


def uri(port: int) -> str:
    """What services connect to: one node (no discovery), retried writes, every acknowledgement after the journal."""
    return f"mongodb://{HOST}:{port}/?directConnection=true&journal=true&retryWrites=true&w=1"


def command(server: Server, directory: Path, port: int) -> list[str]:
    """Command line of *server* with its durable state in *directory*."""
    if server.kind == "mongod":
        return [
            server.path, "--replSet", REPLICA_SET, "--bind_ip", HOST, "--port", str(port),
            "--dbpath", str(directory), "--wiredTigerCacheSizeGB", "0.25",
        ]  # fmt: skip
    return [
        server.path, "--config", str(directory.parent / "secantusd.toml"),
        "--host", HOST, "--port", str(port), "--storage-path", str(directory),
        "--sync-on-commit", "--cache-size", "256M", "--log-level", "WARNING",
    ]  # fmt: skip


def _client(address: str) -> Any:
    from pymongo import MongoClient

    return MongoClient(address, serverSelectionTimeoutMS=2000, connectTimeoutMS=2000, socketTimeoutMS=5000)


def answers(address: str) -> bool:
    """True when the server behind the URI is a primary that takes writes."""
    from pymongo.errors import PyMongoError

    try:
        with _client(address) as client:
            hello = client.admin.command("hello")
            return bool(hello.get("isWritablePrimary", hello.get("ismaster")))
    except PyMongoError:
        return False


def initiate(port: int) -> None:
    """Make a fresh ``mongod`` a one-node replica set, or tell it its new port. Idempotent.

    Raises pymongo's errors while the server is not up yet.
    """
    from pymongo.errors import OperationFailure

    address = f"{HOST}:{port}"
    with _client(f"mongodb://{address}/?directConnection=true") as client:
        try:
            config = client.admin.command("replSetGetConfig")["config"]
        except OperationFailure as error:
            if error.code != 94:  # NotYetInitialized
                raise
            members = [{"_id": 0, "host": address}]
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
            return
        if config["members"][0]["host"] != address:
            config["members"][0]["host"] = address
            config["version"] += 1
            client.admin.command("replSetReconfig", config, force=True)


def _probe_for(kind: str) -> Callable[[Started], Any]:
    async def probe(started: Started) -> bool:
        import asyncio

        def ask() -> bool:
            from pymongo.errors import PyMongoError

            port = started.ports["mongodb"]
            if kind == "mongod":
                try:
                    initiate(port)
                except PyMongoError:
                    return False
            return answers(uri(port))

        return await asyncio.to_thread(ask)

    return probe


def spec(directory: Path, port_base: int, offset: int = 12) -> ProcessSpec:
    """The supervised server of an instance whose durable state lives in *directory*; raises MongoError as choose()."""
    server = choose(directory)
    storage = directory / server.kind

    def prepare() -> None:
        storage.mkdir(parents=True, exist_ok=True)
        # An empty file of our own keeps the server from a configuration of the machine's.
        (directory / "secantusd.toml").touch()
        (directory / "server-kind").write_text(server.kind + "\n", encoding="ascii")

    return ProcessSpec(
        name="mongodb",
        argv=command(server, storage, port_base + offset),
        ports={"mongodb": offset},
        prepare=prepare,
        probe=_probe_for(server.kind),
        grace=20.0,
    )
