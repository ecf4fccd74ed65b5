"""The composition root of customer-profile."""

from collections.abc import Callable
from functools import partial

from customer_profile import store, worker
from customer_profile.api import router
from customer_profile.settings import Settings
from customer_profile.store import Pages
from servicekit.app import App
from servicekit.decision import Refused
from servicekit.export import export_routes
from servicekit.kafka import partition_of
from servicekit.mongo import MongoDocuments, connect
from servicekit.mongo_states import MongoStates
from servicekit.rocksdb_store import LocalStore
from servicekit.service import Service
from servicekit.store import Documents, Store

Stores = Callable[[App, int], Store]


def build(
    settings: Settings, *, stores: Stores | None = None, accounts: Stores | None = None, rows: Documents | None = None
) -> Service:
    """The service; tests hand in their own ``stores`` and ``accounts`` (one a processor) and the ``rows`` that are
    read.
    """
    service = Service(worker.NAME, settings)
    if rows is None:
        database = connect(settings.mongodb, settings.database)
        rows = MongoDocuments(database)
        service.follow(rows, partial(store.index, rows), MongoStates(database, worker.NAME))
    local = settings.service_data
    stores = stores or (lambda _, ordinal: LocalStore(local / "archive" / str(ordinal)))
    accounts = accounts or (lambda _, ordinal: LocalStore(local / "account" / str(ordinal)))
    service.consume(worker.app(settings.partitions), worker.TOPICS, stores)
    service.consume(worker.account_app(settings.partitions), worker.ACCOUNT_TOPICS, accounts)
    service.routers += [
        router(Pages(rows, partial(account_of, service)), settings.secret_file),
        export_routes(rows, ("customers", "units", "managers"), settings.secret_file),
    ]
    return service


def account_of(service: Service, customer_id: str) -> Store:
    """The store that holds this customer's account, once it is open."""
    partition = partition_of(customer_id, service.settings.partitions)
    processor = next((u for u in service.processors if (u.app.name, u.ordinal) == (worker.ACCOUNT, partition)), None)
    if processor is None:
        raise Refused(
            "not_here",
            "本实例正在启动，或此客户由另一实例负责",
            "this instance is starting, or another one keeps this customer",
            503,
        )
    return processor.store
