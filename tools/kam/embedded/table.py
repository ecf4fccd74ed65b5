"""THE table: every process and step of an embedded instance, with what each needs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from contracts import DEFAULT_PARTITIONS, worker_name
from kam.embedded import kafka, mongodb, topics
from kam.embedded.process import ProcessSpec, TaskSpec
from kam.instance import DEFAULT_PORT_BASE, HOST, PARTITIONED, PORTS, SERVICES, Layout, ports

Node = ProcessSpec | TaskSpec
READY = "/health/ready"


@dataclass(frozen=True)
class Options:
    """What ``kam up`` was asked for. ``clock``: system | feed; ``workers``: processes of each partitioned service, at
    most as many as ``partitions``; ``nodes``: start only these (tests), empty is all.
    """

    data: Path
    port_base: int = DEFAULT_PORT_BASE
    customers: int = 5000
    seed: int = 1
    clock: str = "system"
    sim: bool = True
    mongodb: str | None = None
    partitions: int = DEFAULT_PARTITIONS
    workers: int = 1
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
        return f"{HOST}:{self.port_base + ports(self.workers)[port]}"

    def url(self, port: str) -> str:
        return f"http://{self.address(port)}"

    def processes(self, service: str) -> list[str]:
        """Names of a service's processes: its workers, or itself."""
        return [worker_name(service, n) for n in range(1, (self.workers if service in PARTITIONED else 1) + 1)]

    @property
    def mongodb_uri(self) -> str:
        return self.mongodb or mongodb.uri(self.port_base + PORTS["mongodb"])

    @property
    def business_clock(self) -> str:
        """With simulators and the system clock, business time starts at 10:00 so that quiet hours hide nothing."""
        return "demo" if self.sim and self.clock == "system" else self.clock


def environment() -> str:
    """Whom SMS may reach: the SMSC is the simulator, but KAM_ENVIRONMENT=test tries what holds outside production."""
    return os.environ.get("KAM_ENVIRONMENT") or "demo"


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
        "KAM_DEMO_ACCOUNTS": str(place.accounts),
        "KAM_BOSS_DIR": str(place.boss),
        "KAM_CLOCK": options.business_clock,
        "KAM_ENVIRONMENT": environment(),
        "KAM_SMSC": options.address("smsc"),
        "KAM_SMSC_SYSTEM_ID": bind["system_id"],
        "KAM_SMSC_PASSWORD": bind["password"],
        "KAM_SMSC_CONTROL": options.url("smsc-control"),
        "KAM_SMSC_LOG": str(place.smsc_log),
        # In a dry run nothing may leave, whatever road there is.
        "KAM_SMS_HTTP": "" if os.environ.get("KAM_SMS_TRANSPORT") == "file" else options.url("sms-http"),
        "KAM_SMS_HTTP_ACCOUNT": "kam",
        "KAM_SMS_HTTP_SIGNATURE": "大客户中心",
        "KAM_SMS_HTTP_SECRET_FILE": str(place.secret_sms_http),
        "KAM_SMS_HTTP_CALLBACK_SECRET_FILE": str(place.secret_sms_callback),
        "KAM_SMS_HTTP_CALLBACK_URL": f"{options.url('alerts')}/v1/sms/callbacks",
        "KAM_SMS_HTTP_LOG": str(place.sms_http_log),
        "KAM_PUBLIC_URL": os.environ.get("KAM_PUBLIC_URL", options.url("gateway")),
        "KAM_PEERS": json.dumps(_peers(options)),
        "KAM_PARTITIONS": str(options.partitions),
        "KAM_ORDINALS": "",
        "KAM_ARCHIVE_DIR": str(place.archive),
        "KAM_CHECKPOINTS": str(place.checkpoints),
        "KAM_RATES_URL": f"{options.url('analytics-rates')}/rates",
        "KAM_LOG_FORMAT": "json",
        "KAM_SIM_CUSTOMERS": str(options.customers),
        "KAM_SIM_SEED": str(options.seed),
    }


def _peers(options: Options) -> dict[str, str | list[str]]:
    """Base URL of every service; of one with several workers those of all, in their order."""
    urls = {service: [options.url(name) for name in options.processes(service)] for service in SERVICES}
    return {service: found if len(found) > 1 else found[0] for service, found in urls.items()}


def _python(options: Options, name: str, module: str, needs: tuple[str, ...], **offsets: int) -> ProcessSpec:
    http = offsets.pop("http")
    env = {
        "KAM_SERVICE": name,
        "KAM_SERVICE_DATA": str(options.place.service(name)),
        "KAM_HTTP_PORT": str(options.port_base + http),
    }
    return ProcessSpec(
        name=name,
        argv=(sys.executable, "-m", module),
        ports={"http": http, **offsets},
        env=env,
        needs=needs,
        ready_path=READY,
        prepare=lambda: options.place.service(name).mkdir(parents=True, exist_ok=True),
    )


def _workers(options: Options, service: str, module: str, needs: tuple[str, ...]) -> list[ProcessSpec]:
    """The processes that share a service's partitions: worker i of N has partitions i, i + N, …, counted from 0."""
    found = []
    for first, name in enumerate(options.processes(service)):
        spec = _python(options, name, module, needs, http=ports(options.workers)[name])
        ordinals = ",".join(map(str, range(first, options.partitions, options.workers)))
        found.append(replace(spec, env={**spec.env, "KAM_ORDINALS": ordinals}))
    return found


def _topics(options: Options) -> TaskSpec:
    async def run() -> str:
        options.place.remember(options.partitions)
        declared = topics.declared(options.partitions)
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


#: Where processors are scarce, what people look at later gives way to what decides and sends.
GIVES_WAY = {"mongodb": 5, "customer-profile": 5, "analytics": 10, "analytics-rates": 10}


def _giving_way(node: Node) -> Node:
    """The node with its share of the processors, that of its service for any worker."""
    service = next((name for name in GIVES_WAY if node.name == name or node.name.rpartition("-")[0] == name), None)
    return node if service is None or isinstance(node, TaskSpec) else replace(node, nice=GIVES_WAY[service])


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
        _python(options, "sms-http", "kam.sim.sms_http", (), http=PORTS["sms-http"]),
        _python(options, "billing-sync", "billing_sync", stores, http=PORTS["billing-sync"]),
        *_workers(options, "customer-profile", "customer_profile", stores),
        *_workers(options, "alerts", "alerts", (*stores, "smsc", "sms-http")),
        _python(options, "manager-work", "manager_work", stores, http=PORTS["manager-work"]),
        *_workers(options, "analytics", "analytics", stores),
        _python(options, "analytics-rates", "analytics.rates", stores, http=PORTS["analytics-rates"]),
        _python(options, "gateway", "gateway", stores, http=PORTS["gateway"]),
    ]
    if options.sim:
        services = tuple(name for service in SERVICES for name in options.processes(service))
        applications.append(_python(options, "boss", "kam.sim.boss", services, http=PORTS["boss"]))
    nodes = [_giving_way(node) for node in (*servers, *applications)]
    return [node for node in nodes if not options.nodes or node.name in options.nodes]
