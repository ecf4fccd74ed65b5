"""THE table: every process and step of an embedded instance, with what each needs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kam.embedded import kafka, mongodb, topics
from kam.embedded.process import ProcessSpec, TaskSpec
from kam.instance import DEFAULT_PORT_BASE, HOST, PORTS, SERVICES, Layout

Node = ProcessSpec | TaskSpec
READY = "/health/ready"


@dataclass(frozen=True)
class Options:
    """What ``kam up`` was asked for. ``clock``: system | feed; ``nodes``: start only these (tests), empty is all."""

    data: Path
    port_base: int = DEFAULT_PORT_BASE
    customers: int = 5000
    seed: int = 1
    clock: str = "system"
    sim: bool = True
    mongodb: str | None = None
    nodes: tuple[str, ...] = ()

    def to_json(self) -> str:
        return json.dumps({**self.__dict__, "data": str(self.data)})

    @classmethod
    def from_json(cls, text: str) -> Options:
        found = json.loads(text)
        return cls(**{**found, "data": Path(found["data"]), "nodes": tuple(found["nodes"])})

    @property
    def place(self) -> Layout:
        return Layout(self.data)

    def address(self, port: str) -> str:
        return f"{HOST}:{self.port_base + PORTS[port]}"

    def url(self, port: str) -> str:
        return f"http://{self.address(port)}"

    @property
    def mongodb_uri(self) -> str:
        return self.mongodb or mongodb.uri(self.port_base + PORTS["mongodb"])

    @property
    def business_clock(self) -> str:
        """With simulators and the system clock, business time starts at 10:00 so that quiet hours hide nothing."""
        return "demo" if self.sim and self.clock == "system" else self.clock


def common_env(options: Options) -> dict[str, str]:
    """Environment that every child gets, on top of the supervisor's own."""
    place = options.place
    bind = json.loads(place.secret_smsc.read_text(encoding="utf-8"))
    return {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        # glibc's arena per thread costs tens of MB a process for nothing here
        "MALLOC_ARENA_MAX": "2",
        "MOTOR_MAX_WORKERS": os.environ.get("MOTOR_MAX_WORKERS", "8"),
        "KAM_DATA": str(place.data),
        "KAM_HTTP_HOST": HOST,
        "KAM_KAFKA": options.address("kafka"),
        "KAM_MONGODB": options.mongodb_uri,
        "KAM_SECRET_FILE": str(place.secret),
        "KAM_BOSS_DIR": str(place.boss),
        "KAM_CLOCK": options.business_clock,
        "KAM_SMSC": options.address("smsc"),
        "KAM_SMSC_SYSTEM_ID": bind["system_id"],
        "KAM_SMSC_PASSWORD": bind["password"],
        "KAM_SMSC_CONTROL": options.url("smsc-control"),
        "KAM_SMSC_LOG": str(place.smsc_log),
        "KAM_PEERS": json.dumps({name: options.url(name) for name in SERVICES}),
        "KAM_ARCHIVE_DIR": str(place.archive),
        "KAM_CHECKPOINTS": str(place.checkpoints),
        "KAM_RATES_URL": f"{options.url('analytics-rates')}/rates",
        "KAM_LOG_FORMAT": "json",
        "KAM_SIM_CUSTOMERS": str(options.customers),
        "KAM_SIM_SEED": str(options.seed),
    }


def _python(options: Options, name: str, module: str, needs: tuple[str, ...], **ports: int) -> ProcessSpec:
    http = ports.pop("http")
    env = {
        "KAM_SERVICE": name,
        "KAM_SERVICE_DATA": str(options.place.service(name)),
        "KAM_HTTP_PORT": str(options.port_base + http),
    }
    return ProcessSpec(
        name=name,
        argv=(sys.executable, "-m", module),
        ports={"http": http, **ports},
        env=env,
        needs=needs,
        ready_path=READY,
        prepare=lambda: options.place.service(name).mkdir(parents=True, exist_ok=True),
    )


def _topics(options: Options) -> TaskSpec:
    async def run() -> str:
        declared = topics.declared()
        new = await topics.create(options.address("kafka"), declared)
        return f"{len(declared)} ({new} new)"

    return TaskSpec("topics", run, needs=("kafka",))


def _given_mongodb(address: str) -> TaskSpec:
    async def run() -> str:
        import asyncio

        if not await asyncio.to_thread(mongodb.answers, address):
            raise mongodb.MongoError("给定的 MongoDB 不应答 / the given MongoDB does not answer as a primary")
        return "given"

    return TaskSpec("mongodb", run)


def table(options: Options) -> Sequence[Node]:
    """Every node of an instance; raises MongoError or KafkaError when a server program is lacking."""
    place, base = options.place, options.port_base
    stores = ("topics", "mongodb")
    servers: list[Node] = [
        kafka.spec(place.data / "kafka", base, PORTS["kafka"], PORTS["kafka-controller"]),
        _given_mongodb(options.mongodb)
        if options.mongodb
        else mongodb.spec(place.data / "mongodb", base, PORTS["mongodb"]),
        _topics(options),
    ]
    applications: list[Node] = [
        _python(options, "smsc", "kam.sim.smsc", (), http=PORTS["smsc-control"], smpp=PORTS["smsc"]),
        _python(options, "billing-sync", "billing_sync", stores, http=PORTS["billing-sync"]),
        _python(options, "customer-profile", "customer_profile", stores, http=PORTS["customer-profile"]),
        _python(options, "alerts", "alerts", (*stores, "smsc"), http=PORTS["alerts"]),
        _python(options, "manager-work", "manager_work", stores, http=PORTS["manager-work"]),
        _python(options, "analytics", "analytics", stores, http=PORTS["analytics"]),
        _python(options, "analytics-rates", "analytics.rates", stores, http=PORTS["analytics-rates"]),
        _python(options, "gateway", "gateway", stores, http=PORTS["gateway"]),
    ]
    if options.sim:
        applications.append(_python(options, "boss", "kam.sim.boss", SERVICES, http=PORTS["boss"]))
    nodes = [*servers, *applications]
    return [node for node in nodes if not options.nodes or node.name in options.nodes]
