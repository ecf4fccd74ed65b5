"""The composition root of manager-work."""

from collections.abc import Callable
from functools import partial

from manager_work import rules, store, worker
from manager_work.api import router
from manager_work.handlers import APP
from manager_work.settings import Settings
from servicekit import mongo_store
from servicekit.app import App
from servicekit.service import Service
from servicekit.store import Documents, Store, patiently


def build(
    settings: Settings, *, stores: Callable[[App, int], Store] | None = None, rows: Documents | None = None
) -> Service:
    """The service; tests hand in their own ``stores`` (one a processor) and the ``rows`` that read them."""
    service, given = Service(APP, settings), rules.load(settings.work_rules)
    if stores is None or rows is None:
        database = mongo_store.connect(settings.mongodb, settings.database)
        rows, stores = mongo_store.MongoDocuments(database), mongo_store.stores(database)
        service.prepare.append(partial(patiently, partial(_prepare, rows, given), APP))

    async def compose() -> None:
        in_force = await patiently(partial(store.read_rules, rows, given), APP)
        app = worker.app(in_force, settings.partitions)
        service.consume(app, worker.TOPICS, stores, single=True, batch_max=mongo_store.BATCH_MAX)

    service.prepare.append(compose)
    service.routers.append(
        router(rows, lambda order: service.processor_of(APP, 0).command(order), settings.secret_file)
    )
    return service


async def _prepare(rows: mongo_store.MongoDocuments, given: rules.WorkRules) -> None:
    await store.index(rows)
    await store.keep_rules(rows, given)
