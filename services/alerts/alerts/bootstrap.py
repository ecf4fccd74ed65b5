"""The composition root of alerts: detection and notifications, two apps that speak only by Kafka, in one process."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from alerts import brake, store
from alerts.api import router
from alerts.budget_routes import budget_routes
from alerts.callback_routes import callback_routes
from alerts.control_topic import control_topic
from alerts.customer_lists import LIST
from alerts.detection import composition as detection
from alerts.detection.decision_builder import APP as DETECTION
from alerts.list_library import ListLibrary
from alerts.notifications import composition as notifications
from alerts.notifications.budget import Ledger
from alerts.notifications.channel.channels import HTTP
from alerts.notifications.channel.http import HttpTransport
from alerts.notifications.channel.transport import Transport
from alerts.notifications.decision_builder import APP as NOTIFICATIONS
from alerts.notifications.policybook import POLICY
from alerts.notifications.send_policy import SmsPolicy
from alerts.notifications.textbook import template_kind
from alerts.release_routes import HeldWatch, release_routes
from alerts.rule_library import RuleLibrary
from alerts.settings import Settings, secrets_in
from alerts.stop_routes import stop_routes
from alerts.text_libraries import PolicyLibrary, TextLibrary
from alerts.text_routes import text_routes
from alerts.trial.bring_up import bring_up
from alerts.trial.jobs import Trials
from alerts.trial.routes import trial_routes
from contracts.answers import CustomerListView, DocumentView, RuleView, TemplateView
from servicekit.auth import Guard
from servicekit.authored import AuthoredDocuments
from servicekit.decision import Refused
from servicekit.documents.routes import document_routes
from servicekit.documents.switchboard import HttpSwitchboard
from servicekit.envelope import Message
from servicekit.export import export_routes
from servicekit.kafka import partition_of
from servicekit.mongo import MongoDocuments, connect
from servicekit.mongo_states import MongoStates
from servicekit.pipeline import StreamProcessor
from servicekit.service import Service
from servicekit.store import Documents

NAME = "alerts"


def build(
    settings: Settings,
    *,
    transport: Transport | None = None,
    detection_stores: detection.Stores | None = None,
    notification_stores: notifications.Stores | None = None,
    rows: Documents | None = None,
) -> Service:
    """The service. Tests hand in a ``transport``, stores and the ``rows`` that read those of notifications; rules,
    templates and policy are the seeds where the rows hold none."""
    service = Service(NAME, settings)
    copy = settings.service_data / "authored.json"
    mongo = None
    if rows is None:
        database = connect(settings.mongodb, settings.database)
        rows = mongo = MongoDocuments(database)
    documents: Documents = rows
    billing_sync = settings.peers.get("billing-sync", (None,))[0]
    control = control_topic(service)
    channels = notifications.channels(settings, transport)
    switchboard = HttpSwitchboard(billing_sync, settings.secret_file, NAME)
    library = RuleLibrary(rows, switchboard, control=control, purposes=lambda: lists.purposes())
    lists = ListLibrary(LIST, rows, switchboard, rules=library)
    templates = TextLibrary(
        template_kind(lambda: policy_in_force()), rows, switchboard, control=control, policies=lambda: policies
    )
    policies = PolicyLibrary(POLICY, rows, switchboard, texts=templates)
    brakes = brake.BrakeLibrary(brake.BRAKE, rows, switchboard)
    libraries = (library, lists, templates, policies, brakes)
    #: what each app decides by while no switch has come by
    baseline: dict[str, Any] = {}
    ledgers: list[Ledger] = []

    trials = Trials(
        library,
        lists,
        rows,
        settings.archive_dir,
        settings.service_data / "trials",
        bring_up(settings.peers.get("analytics", ()), settings.secret_file, NAME),
    )

    async def prepare() -> None:
        if mongo is not None:
            await store.prepare(mongo, [index for each in libraries for index in each.indexes])
        await store.plant_rules(library, documents)
        await store.plant_texts(templates, policies, documents)
        await brake.plant(brakes)

    authored = AuthoredDocuments(rows, store.AUTHORED, copy, prepare)
    if mongo is not None:
        service.follow(mongo, authored.prepare, MongoStates(database, NOTIFICATIONS))
    if billing_sync is not None:
        service.jobs += [each.follow for each in libraries]

    def detecting() -> list[StreamProcessor]:
        return [processor for processor in service.processors if processor.app.name == DETECTION]

    held_watch = HeldWatch(detecting)

    async def compose() -> None:
        await authored.read()
        baseline[DETECTION] = rules = await store.read_rules(authored)
        detection.compose(service, rules, detection_stores)
        baseline[NOTIFICATIONS], counted = await notifications.compose(
            service, settings, authored, rows, control, channels, notification_stores
        )
        ledgers.append(counted)
        service.jobs += [trials.run, held_watch.run]
        told = service.freshness
        service.freshness = lambda: {**told(), **held_watch.told}

    def in_force(app: str) -> Any:
        found = _in_force(service, app, baseline)
        if not found:
            raise Refused("starting", "服务正在启动，请稍候", "the service is starting; try again shortly", 503)
        return found[-1]

    def policy_in_force() -> SmsPolicy:
        policy: SmsPolicy = in_force(NOTIFICATIONS).policy
        return policy

    def stoppable() -> dict[str, set[str]]:
        texts = [t for policy in _in_force(service, NOTIFICATIONS, baseline) for t in policy.templates.values()]
        return {
            "channel": set(channels.names),
            "template": {text.id for text in texts},
            "kind": {text.kind for text in texts},
            "rule": {id for rules in _in_force(service, DETECTION, baseline) for id, _ in rules.versions},
        }

    service.prepare.append(compose)
    guard = Guard(settings.secret_file, "service")
    service.routers += [
        budget_routes(lambda: ledgers[0], partial(_send, service, NOTIFICATIONS), guard),
        router(
            rows,
            partial(_send, service, DETECTION),
            partial(_send, service, NOTIFICATIONS),
            settings.secret_file,
        ),
        document_routes("/v1/rules", "rule", library, guard, RuleView),
        document_routes("/v1/customer-lists", "customer_list", lists, guard, CustomerListView),
        text_routes(templates, policy_in_force, channels.names, guard),
        document_routes("/v1/templates", "template", templates, guard, TemplateView),
        document_routes("/v1/policies", "policy", policies, guard, DocumentView, plural="policies"),
        document_routes("/v1/brakes", "brake", brakes, guard, DocumentView),
        stop_routes(control, stoppable, guard),
        release_routes(detecting, guard),
        trial_routes(trials, guard),
        export_routes(rows, ("alerts", "shadow_alerts", "sms"), settings.secret_file),
    ]
    if HTTP in channels.names and settings.sms_http_callback_secret_file is not None:
        provider = channels.of(HTTP)
        assert isinstance(provider, HttpTransport)
        secrets = secrets_in(settings.sms_http_callback_secret_file)
        service.routers.append(callback_routes(provider, secrets))
    return service


def _in_force(service: Service, app: str, baseline: Mapping[str, Any]) -> list[Any]:
    """What the processors of an app decide by."""
    found = [processor.committer.shelf.least() for processor in service.processors if processor.app.name == app]
    return [each for each in (baseline.get(app), *found) if each is not None]


async def _send(service: Service, app: str, customer_id: str, order: Message) -> Any:
    """The answer of an app to a command about a customer."""
    return await service.processor_of(app, partition_of(customer_id, service.settings.partitions)).command(order)
