"""The composition root of alerts: detector, desk and the road to the SMSC in one process."""

import asyncio
from datetime import datetime
from typing import Any

import structlog
from prometheus_client import Counter

from alerts import rules, store, worker
from alerts.answers import KeptAnswers
from alerts.api import router
from alerts.channel.file import FileTransport
from alerts.channel.smpp import SmppSettings, SmppTransport
from alerts.channel.transport import Transport
from alerts.desk.book import Book, Policy, Template, seeds
from alerts.desk.state import Blocked, Forgotten, Ready
from alerts.desk.turn import APP as DESK
from alerts.receipts import Receipts
from alerts.sender import Sender
from alerts.settings import Settings
from alerts.worker import Stores
from servicekit import mongo
from servicekit.clock import system_now
from servicekit.envelope import Headers
from servicekit.kafka import partition_of
from servicekit.pipeline import Unit
from servicekit.service import Service
from servicekit.store import Rows, patiently

log = structlog.get_logger()
FORGOTTEN = Counter("kam_sms_without_receipt_total", "SMS whose receipt did not come within receipt_hours", ["state"])
_WATCH_SECONDS = 10.0


def build(
    settings: Settings,
    *,
    transport: Transport | None = None,
    detect_stores: Stores | None = None,
    desk_stores: Stores | None = None,
    rows: Rows | None = None,
) -> Service:
    """The service. Tests hand in a ``transport``, stores and the ``rows`` that read those of the desk; rules, templates
    and policy are then the seeds."""
    service = Service(worker.NAME, settings)
    detect_stores = detect_stores or worker.local_stores(settings.service_data)
    if desk_stores is None or rows is None:
        database = mongo.connect(settings.mongodb, settings.database)
        rows, desk_stores = mongo.MongoRows(database), mongo.stores(database)
    composition = _Composition(service, settings, transport or _transport(settings), rows, detect_stores, desk_stores)
    service.prepare.append(composition.prepare)
    service.jobs += [composition.send, composition.watch]
    service.freshness = composition.freshness
    service.pending["sms"] = composition.pending
    service.routers.append(router(rows, settings.secret_file))
    return service


class _Composition:
    """What can be put together only when the documents have been read."""

    def __init__(
        self,
        service: Service,
        settings: Settings,
        transport: Transport,
        rows: Rows,
        detect_stores: Stores,
        desk_stores: Stores,
    ) -> None:
        self._service, self._settings, self._transport, self._rows = service, settings, transport, rows
        self._detect_stores, self._desk_stores = detect_stores, desk_stores
        self._blocked = store.BlockedNumbers()
        self._loose_ends: dict[str, int] = {}
        self._sender: Sender | None = None

    async def prepare(self) -> None:
        detection, policy, templates = await patiently(self._documents, "alerts")
        await patiently(lambda: self._blocked.read(self._rows), "alerts")
        by_system = self._settings.clock == "system"
        book = Book(policy, templates, blocked=self._blocked.__contains__, by_system_clock=by_system)
        receipts = Receipts(self._publish, self._rows, policy, self._settings.partitions, clock=self._business_time)
        kept = KeptAnswers(self._settings.service_data / "answers")
        self._sender = Sender(self._transport, receipts, self._unit_of, self._rows, book, kept=kept)
        worker.consume(self._service, detection, book, self._take_effects, self._detect_stores, self._desk_stores)

    async def send(self) -> None:
        assert self._sender is not None, "prepare comes before jobs"
        await self._sender.run()

    async def watch(self) -> None:
        """Look at what other processes of this service write too: blocked numbers, and what is left unknown.

        A look that fails ends nothing: the next one sees as much.
        """
        while True:
            try:
                await self._blocked.read(self._rows)
                await store.forget_receipts(self._rows, system_now())
                self._loose_ends = await store.count_loose_ends(self._rows)
            except Exception as error:
                log.warning("watch.failed", error=repr(error)[:200])
            await asyncio.sleep(_WATCH_SECONDS)

    def freshness(self) -> dict[str, Any]:
        return {"smsc_connected": self._transport.connected, **self._loose_ends}

    def pending(self) -> int:
        return 1 if self._sender is None else self._sender.pending()

    async def _documents(self) -> tuple[rules.Rules, Policy, list[Template]]:
        if isinstance(self._rows, mongo.MongoRows):
            await store.prepare(self._rows)
            return (
                await store.read_rules(self._rows),
                await store.read_policy(self._rows),
                await store.read_templates(self._rows),
            )
        policy = max(seeds("sms_policy.yaml", Policy), key=lambda p: p.version)
        return rules.load(), policy, seeds("templates.yaml", Template)

    async def _take_effects(self, effects: list[Any]) -> None:
        assert self._sender is not None, "prepare comes before units"
        self._sender.offer(e for e in effects if isinstance(e, Ready))
        for effect in effects:
            if isinstance(effect, Blocked):
                self._blocked.add(effect.phone)
            elif isinstance(effect, Forgotten):
                FORGOTTEN.labels(effect.state).inc()
                log.info("sms.without_receipt", sms_id=effect.sms_id, state=effect.state)

    def _unit_of(self, customer_id: str) -> Unit | None:
        partition = partition_of(customer_id, self._settings.partitions)
        return self._service.unit_of(DESK, partition) if partition in self._settings.owned() else None

    def _business_time(self) -> datetime:
        """As far as the desk's units have come."""
        reached = [unit.now for unit in self._service.units if unit.app.name == DESK and unit.now.timestamp() > 0]
        return max(reached, default=system_now())

    async def _publish(self, topic: str, partition: int, key: bytes, value: bytes, headers: Headers) -> None:
        await self._service.publisher.send_and_wait(topic, value, key=key, partition=partition, headers=headers)


def _transport(settings: Settings) -> Transport:
    if settings.sms_transport == "file":
        return FileTransport(settings.service_data / "sms.jsonl")
    host, _, port = settings.smsc.rpartition(":")
    return SmppTransport(
        SmppSettings(
            host=host,
            port=int(port),
            system_id=settings.smsc_system_id,
            password=settings.smsc_password,
            source=settings.sms_source,
            window=settings.sms_window,
        )
    )
