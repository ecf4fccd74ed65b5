"""Notifications put together: the app over the topics it reads, and the road from it to the SMSC and back."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import Counter, Gauge

from alerts import notifications, store
from alerts.control_topic import ControlTopic
from alerts.notifications.answers import KeptAnswers
from alerts.notifications.blocked import Blocked, Said
from alerts.notifications.budget import Ledger, own_share
from alerts.notifications.channel.channels import HTTP, SMPP, Channels
from alerts.notifications.channel.file import FileTransport
from alerts.notifications.channel.http import HttpSettings, HttpTransport
from alerts.notifications.channel.smpp import SmppSettings, SmppTransport
from alerts.notifications.channel.transport import Transport
from alerts.notifications.decision_builder import APP
from alerts.notifications.lookup import Lookup
from alerts.notifications.processor import NotificationsProcessor
from alerts.notifications.receipts import PublishedTogether, Receipts
from alerts.notifications.send_policy import SendPolicy, SmsPolicy, Template
from alerts.notifications.sender import TO_SMS, Sender
from alerts.notifications.state import Counted, Forgotten, HeldBack, ReadyToSend, Withdrawn
from alerts.settings import Settings, secrets_in
from contracts.apps import APPS
from servicekit.app import App
from servicekit.authored import AuthoredDocuments
from servicekit.clock import local_date, system_now
from servicekit.kafka import partition_of
from servicekit.pipeline import StreamProcessor
from servicekit.rocksdb_store import LocalStore
from servicekit.service import Service
from servicekit.store import Documents, Store

log = structlog.get_logger()
FORGOTTEN = Counter(
    "kam_notifications_forgotten_total",
    "What left a customer's state by its bound: SMS whose receipt did not come (by state), alerts beyond the most kept",
    ["what"],
)
NOT_ALLOWED = Gauge(
    "kam_sms_not_allowed",
    "SMS that did not leave because their number is not allowed outside production, as far as the database has them",
)

TOPICS = APPS[APP].reads
Stores = Callable[[App, int], Store]
_WATCH_SECONDS = 10.0
_HEARD_SECONDS = 0.02  # between looks whether it has
_POLICY_SECONDS = 0.5  # between looks whether another policy is in force


async def compose(
    service: Service,
    settings: Settings,
    authored: AuthoredDocuments,
    rows: Documents,
    control: ControlTopic,
    channels: Channels,
    stores: Stores | None = None,
) -> tuple[SendPolicy, Ledger]:
    """Give the service its notifications by the policy and templates in force, and by the stops of ``control``;
    ``stores``: RocksDB below the service's folder where not given. Gives back the policy that it begins with, and what
    counts against budgets."""
    policy, templates = await store.read_policy(authored), await store.read_templates(authored)
    blocked = Blocked(*await store.read_blocked(authored))
    send_policy = SendPolicy(
        policy,
        templates,
        blocked=blocked.__contains__,
        stopped=control.stops.of,
        by_system_clock=settings.clock == "system",
        configured=channels.names,
        choose=channels.choose,
        guarded=settings.is_guarded,
    )
    processors = _Processors(service, send_policy)
    messages = Lookup(processors.all)
    receipts = Receipts(
        PublishedTogether(service.publisher.publish),
        messages,
        rows,
        lambda: processors.in_force(None).policy,
        settings.partitions,
        owned=settings.owned(),
        clock=processors.clock,
    )

    async def heard() -> None:
        await control.read.wait()
        await processors.have_heard()

    ledger = Ledger(
        lambda: processors.in_force(None).policy,
        lambda: local_date(send_policy.clock(processors.clock())),
        own_share(settings.partitions, settings.owned()),
    )
    kept = KeptAnswers(settings.service_data / "answers")
    sender = Sender(
        channels,
        receipts,
        processors.of,
        messages,
        send_policy,
        kept=kept,
        heard=heard,
        share=len(settings.owned()) / settings.partitions,
        in_force=processors.in_force,
        ledger=ledger,
    )

    control.changed = sender.look_at_stops
    watch = Watch(rows, guarded=settings.is_guarded)
    app = notifications.app(send_policy, partial(take_effects, sender, blocked, ledger), settings.partitions)
    make_processor = partial(
        NotificationsProcessor,
        receipts=receipts,
        blocked=blocked,
        claim=sender.claim,
        in_turn=sender.in_turn,
        ledger=ledger,
    )
    service.consume(app, TOPICS, stores or _local_stores(settings.service_data), make_processor=make_processor)
    service.jobs += [
        control.run,
        sender.run,
        watch.run,
        PolicyWatch(processors.said, sender.look_at_policy).run,
    ]
    service.pending["sms"] = sender.pending
    service.pending["stops"] = lambda: int(not control.read.is_set())
    service.delays["event_to_sms"] = TO_SMS.p99
    service.freshness = lambda: {**_connected(channels), "environment": settings.environment, **watch.loose_ends}
    return send_policy, ledger


class Watch:
    """Looks after what the database alone can say: what is left unknown and, where SMS are ``guarded``, how many did
    not leave for that.

    ``loose_ends`` is what it saw last. A look that fails ends nothing: the next one sees as much.
    """

    def __init__(self, rows: Documents, every: float = _WATCH_SECONDS, *, guarded: bool = False) -> None:
        self._rows, self._every, self._guarded = rows, every, guarded
        self.loose_ends: dict[str, int] = {}

    async def run(self) -> None:
        while True:
            try:
                await store.forget_receipts(self._rows, system_now())
                found = await store.count_loose_ends(self._rows)
                if self._guarded:
                    found["sms_not_allowed"] = kept = await store.count_not_allowed(self._rows)
                    NOT_ALLOWED.set(kept)
                self.loose_ends = found
            except Exception as error:
                log.warning("watch.failed", error=repr(error)[:200])
            await asyncio.sleep(self._every)


class PolicyWatch:
    """Says when another policy or text than before is in force (``changed``)."""

    def __init__(self, policy: Callable[[], object], changed: Callable[[], None]) -> None:
        self._policy, self._changed = policy, changed

    async def run(self) -> None:
        known = self._policy()
        while True:
            await asyncio.sleep(_POLICY_SECONDS)
            if (now := self._policy()) != known:
                known = now
                self._changed()


class _Processors:
    """Those of notifications in this process."""

    def __init__(self, service: Service, send_policy: SendPolicy) -> None:
        self._service, self._settings, self._send_policy = service, service.settings, send_policy

    def in_force(self, processor: StreamProcessor | None) -> SendPolicy:
        """What a processor sends by, of None the one that has come furthest."""
        processor = processor or max(self.all(), key=lambda each: each.committer.shelf.reached, default=None)
        found: SendPolicy | None = None if processor is None else processor.committer.shelf.least()
        return found or self._send_policy

    def said(self) -> list[tuple[SmsPolicy, dict[str, Template]]]:
        """Policy and texts by which each of them sends."""
        return [(found.policy, found.templates) for found in map(self.in_force, self.all())]

    def all(self) -> list[StreamProcessor]:
        return [processor for processor in self._service.processors if processor.app.name == APP]

    def of(self, customer_id: str) -> StreamProcessor | None:
        """The one that owns the customer, None where another process does."""
        partition = partition_of(customer_id, self._settings.partitions)
        return self._service.processor_of(APP, partition) if partition in self._settings.owned() else None

    async def have_heard(self) -> None:
        """Returns once they have handled all that the SMSC had told when they began."""
        while not all(isinstance(p, NotificationsProcessor) and p.has_heard() for p in self.all()):
            await asyncio.sleep(_HEARD_SECONDS)

    def clock(self) -> datetime:
        """Business time, as far as they have come."""
        return max((p.now for p in self.all() if p.now.timestamp() > 0), default=system_now())


async def take_effects(sender: Sender, blocked: Blocked, ledger: Ledger, effects: list[Any]) -> None:
    """What commits have led to, for those whom it concerns. Never waits: a command's answer, which comes behind the
    commit, finds it done."""
    given_back = ledger.count(effect for effect in effects if isinstance(effect, Counted))
    sender.withdraw(effect.sms_id for effect in effects if isinstance(effect, Withdrawn))
    sender.offer(effect for effect in effects if isinstance(effect, ReadyToSend))
    sender.hold_back(effect for effect in effects if isinstance(effect, HeldBack))
    sender.look_at_budget(given_back)
    for effect in effects:
        if isinstance(effect, Said):
            blocked.hear(effect)
        elif isinstance(effect, Forgotten):
            FORGOTTEN.labels(effect.what).inc()
            log.info("state.forgotten", id=effect.id, what=effect.what)


def _local_stores(folder: Path) -> Stores:
    return lambda app, ordinal: LocalStore(folder / "desk" / str(ordinal))


def _connected(channels: Channels) -> dict[str, bool]:
    first, *others = channels.connected().items()
    return {"smsc_connected": first[1], **{f"sms_{name}_connected": connected for name, connected in others}}


def channels(settings: Settings, transport: Transport | None = None) -> Channels:
    """Those that the settings name; ``transport`` in the place of the first."""
    if settings.sms_transport == "file":
        return Channels({"file": transport or FileTransport(settings.service_data / "sms.jsonl")})
    found: dict[str, Transport] = {SMPP: transport or _smpp(settings)}
    if settings.sms_http is not None:
        found[HTTP] = _http(settings, settings.sms_http)
    return Channels(found)


def _http(settings: Settings, url: str) -> HttpTransport:
    assert settings.sms_http_secret_file is not None
    share = len(settings.owned()) / settings.partitions
    return HttpTransport(
        HttpSettings(
            url=url,
            account=settings.sms_http_account,
            secret=secrets_in(settings.sms_http_secret_file)[0],
            signature=settings.sms_http_signature,
            window=settings.sms_http_window,
            rate=max(1.0, settings.sms_http_rate * share),
        )
    )


def _smpp(settings: Settings) -> Transport:
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
