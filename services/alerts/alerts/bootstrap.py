"""The composition root of alerts: detection and notifications, two apps that speak only by Kafka, in one process."""

from functools import partial
from typing import Any

from alerts import store
from alerts.api import router
from alerts.detection import composition as detection
from alerts.detection.decision_builder import APP as DETECTION
from alerts.notifications import composition as notifications
from alerts.notifications.channel.transport import Transport
from alerts.notifications.decision_builder import APP as NOTIFICATIONS
from alerts.settings import Settings
from servicekit.authored import AuthoredDocuments
from servicekit.envelope import Message
from servicekit.export import export_routes
from servicekit.kafka import partition_of
from servicekit.mongo import MongoDocuments, connect
from servicekit.mongo_states import MongoStates
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
    if rows is None:
        database = connect(settings.mongodb, settings.database)
        rows = documents = MongoDocuments(database)
        authored = AuthoredDocuments(rows, store.AUTHORED, copy, partial(store.prepare, documents))
        service.follow(documents, authored.prepare, MongoStates(database, NOTIFICATIONS))
    else:
        authored = AuthoredDocuments(rows, store.AUTHORED, copy)

    async def compose() -> None:
        await authored.read()
        detection.compose(service, await store.read_rules(authored), detection_stores)
        await notifications.compose(service, settings, authored, rows, notification_stores, transport)

    service.prepare.append(compose)
    service.routers += [
        router(
            rows,
            partial(_send, service, DETECTION),
            partial(_send, service, NOTIFICATIONS),
            settings.secret_file,
        ),
        export_routes(rows, ("alerts", "sms"), settings.secret_file),
    ]
    return service


async def _send(service: Service, app: str, customer_id: str, order: Message) -> Any:
    """The answer of an app to a command about a customer."""
    return await service.processor_of(app, partition_of(customer_id, service.settings.partitions)).command(order)
