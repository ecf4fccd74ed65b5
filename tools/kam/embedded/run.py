"""One run of an instance, from the port check to the last child's end: ``python -m kam.embedded.run OPTIONS FD``."""

from __future__ import annotations

import asyncio
import json
import logging
import logging.handlers
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from kam.embedded import accounts
from kam.embedded.kafka import KafkaError
from kam.embedded.mongodb import MongoError
from kam.embedded.process import Identity, ProcessSpec, rotate
from kam.embedded.progress import Event, Pipe, Reporter
from kam.embedded.supervisor import Node, Policy, StartError, Supervisor, own_identity
from kam.embedded.table import Options, common_env, environment, table
from kam.instance import HOST, SERVICES, Layout, busy_ports, describe, locked, write_atomically

log = structlog.get_logger("supervisor")
Tables = Callable[[Options], Sequence[Node]]


def configure_log(place: Layout) -> None:
    """The supervisor's own JSON log, DATA/logs/supervisor.log."""
    path = place.log("supervisor")
    rotate(path)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.WriteLoggerFactory(path.open("a", encoding="utf-8", buffering=1)),
    )
    # Client libraries complain while a server is still starting; that is expected here.
    logging.basicConfig(level=logging.CRITICAL)


def describe_ports(busy: Sequence[tuple[str, int]], base: int) -> tuple[str, str]:
    """The message (zh, en) for ports that are taken: which, by whose role, and how to mend it."""
    names = "、".join(f"{port}（{name}）" for name, port in busy)
    names_en = ", ".join(f"{port} ({name})" for name, port in busy)
    other = base + 1000 if base < 60000 else base - 1000
    zh = f"端口已被占用：{names}。请用另一段端口：kam up --port-base {other}，或停止占用者"
    en = f"ports already taken: {names_en}. Use other ports: kam up --port-base {other}, or stop what holds them"
    return zh, en


def all_ports(nodes: Sequence[Node]) -> dict[str, int]:
    """Every port offset of a table, by ``node`` or ``node port`` name."""
    ports = {}
    for node in nodes:
        if isinstance(node, ProcessSpec):
            for key, offset in node.ports.items():
                ports[node.name if key in ("http", node.name) else f"{node.name} {key}"] = offset
    return ports


class Run:
    """Ties a supervisor to its data directory: the lock, instance.json, signals."""

    def __init__(self, options: Options, reporter: Reporter, tables: Tables = table, policy: Policy | None = None):
        self._options, self._reporter, self._tables = options, reporter, tables
        self._policy = policy
        self._supervisor: Supervisor | None = None
        self._state = "starting"
        self._begun = datetime.now(UTC)
        self._me = own_identity()

    def main(
        self,
        announce: Callable[[dict[str, Any]], None] = lambda description: None,
        ending: Callable[[], None] = lambda: None,
    ) -> int:
        """Run until a signal asks for the end; exit status 0, or 1 when the start failed.

        ``announce`` is called once, with the instance's description, when everything is ready; ``ending`` before the
        first process is stopped.
        """
        place = self._options.place
        with locked(place) as free:
            if not free:
                # Nothing else: the log and instance.json belong to the one that runs.
                zh, en = f"{place.data} 已有实例在运行", f"an instance is already running on {place.data}"
                self._reporter.emit(Event("failed", "kam", zh, en))
                return 1
            place.create()
            accounts.make(place, self._options.seed, self._options.customers)
            configure_log(place)
            self._await_stale(place)
            try:
                return asyncio.run(self._run(announce, ending))
            finally:
                self._state = "stopped"
                self._write()
                self._reporter.close()

    def _fail(self, name: str, zh: str, en: str, lines: Sequence[str] = ()) -> None:
        log.error("start.failed", node=name, reason=en)
        self._reporter.emit(Event("failed", name, zh, en, lines=list(lines)))

    def _await_stale(self, place: Layout) -> None:
        """Processes of a supervisor that was killed end by their guard; end by hand any that did not yet."""
        known = (describe(place) or {}).get("processes") or {}
        stale = [Identity(p["pid"], p["started"]) for p in known.values() if p.get("pid") and p.get("started")]
        for identity in (identity for identity in stale if identity.alive()):
            log.warning("stale.killed", pid=identity.pid)
            identity.signal(signal.SIGKILL)
        deadline = time.monotonic() + 10
        while any(identity.alive() for identity in stale) and time.monotonic() < deadline:
            time.sleep(0.05)

    async def _run(self, announce: Callable[[dict[str, Any]], None], ending: Callable[[], None]) -> int:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, stop.set)
        options, begin = self._options, time.monotonic()
        try:
            nodes = self._tables(options)
        except (KafkaError, MongoError) as error:
            zh, _, en = str(error).partition(" / ")
            self._fail("kam", zh, en or "see kam doctor")
            return 1
        busy = busy_ports(options.port_base, all_ports(nodes))
        if busy:
            self._fail("kam", *describe_ports(busy, options.port_base))
            return 1
        self._supervisor = Supervisor(
            nodes,
            host=HOST,
            port_base=options.port_base,
            log_for=options.place.log,
            env=common_env(options),
            reporter=self._reporter,
            changed=self._write,
            policy=self._policy,
        )
        self._write()
        starting = asyncio.create_task(self._supervisor.start())
        stopping = asyncio.create_task(stop.wait())
        status = 0
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done() and not stop.is_set():
            cause = starting.exception()
            if cause is None:
                self._up(announce, time.monotonic() - begin)
                await stopping
            elif isinstance(cause, StartError):
                self._fail(cause.name, cause.zh, cause.en, cause.lines)
                status = 1
            else:
                self._fail("kam", str(cause), repr(cause))
                status = 1
        self._state = "stopping"
        ending()
        self._reporter.emit(Event("stopping", "", "正在停止", "stopping"))
        starting.cancel()
        stopping.cancel()
        await asyncio.gather(starting, stopping, return_exceptions=True)
        await self._supervisor.stop()
        log.info("supervisor.stopped", status=status)
        return status

    def _up(self, announce: Callable[[dict[str, Any]], None], seconds: float) -> None:
        self._state = "running"
        self._write()
        log.info("supervisor.up", seconds=round(seconds, 2))
        self._reporter.emit(Event("up", "", "全部就绪", "everything is ready", round(seconds, 2)))
        announce(self.description())

    def description(self) -> dict[str, Any]:
        """What instance.json holds; the first seven fields are public (``kam up --json``)."""
        options, place = self._options, self._options.place
        return {
            "gateway": options.url("gateway"),
            "web": options.url("gateway"),
            "billing_sync": options.url("billing-sync"),
            "kafka": options.address("kafka"),
            "mongodb": options.mongodb_uri,
            "smsc": options.address("smsc"),
            "inbox": str(place.inbox),
            "pids": self._supervisor.pids() if self._supervisor else {},
            "state": self._state,
            "data": str(place.data),
            "port_base": options.port_base,
            "clock": options.business_clock,
            "environment": environment(),
            "sim": options.sim,
            "customers": options.customers,
            "partitions": options.partitions,
            "workers": options.workers,
            "seed": options.seed,
            "begun": self._begun.isoformat(),
            "secret_file": str(place.secret),
            "smsc_control": options.url("smsc-control"),
            "sms_http": options.url("sms-http"),
            "boss_control": options.url("boss") if options.sim else None,
            "peers": {name: options.url(name) for name in SERVICES},
            "supervisor": {"pid": self._me.pid, "started": self._me.started},
            "processes": self._supervisor.snapshot() if self._supervisor else {},
        }

    def _write(self) -> None:
        write_atomically(
            self._options.place.description, json.dumps(self.description(), ensure_ascii=False, indent=1) + "\n"
        )


def main() -> int:
    """Entry of a detached supervisor: options as JSON, and the descriptor that takes the progress events."""
    descriptor = int(sys.argv[2])
    os.set_inheritable(descriptor, False)
    return Run(Options.from_json(sys.argv[1]), Pipe(descriptor)).main()


if __name__ == "__main__":
    raise SystemExit(main())
