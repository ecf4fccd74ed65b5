"""The composition root of customer-profile."""

from collections.abc import Callable
from functools import partial

from customer_profile import store, worker
from customer_profile.api import router
from customer_profile.settings import Settings
from customer_profile.store import Pages
from servicekit import mongo
from servicekit.pipeline import App
from servicekit.service import Service
from servicekit.store import Rows, Store


def build(
    settings: Settings, *, stores: Callable[[App, int], Store] | None = None, rows: Rows | None = None
) -> Service:
    """The service; tests hand in their own ``stores`` (one a unit) and the ``rows`` that read them."""
    service = Service(worker.NAME, settings)
    if stores is None or rows is None:
        database = mongo.connect(settings.mongodb, settings.database)
        rows, stores = mongo.MongoRows(database), mongo.stores(database)
        service.prepare.append(partial(store.index, rows))
    service.consume(worker.app(settings.partitions), worker.TOPICS, stores)
    service.routers.append(router(Pages(rows), settings.secret_file))
    return service
