"""The composition root of manager-work."""

from collections.abc import Callable
from functools import partial

from manager_work import rules, store, worker
from manager_work.api import router
from manager_work.handlers import APP
from manager_work.settings import Settings
from servicekit.app import App
from servicekit.authored import AuthoredDocuments
from servicekit.export import export_routes
from servicekit.mongo import MongoDocuments, connect
from servicekit.mongo_states import MongoStates
from servicekit.rocksdb_store import LocalStore
from servicekit.service import Service
from servicekit.store import Documents, Store


def build(
    settings: Settings, *, stores: Callable[[App, int], Store] | None = None, rows: Documents | None = None
) -> Service:
    """The service; tests hand in their own ``stores`` (one a processor) and the ``rows`` that read them."""
    service, given = Service(APP, settings), rules.load(settings.work_rules)
    copy = settings.service_data / "authored.json"
    if rows is None:
        database = connect(settings.mongodb, settings.database)
        rows, earlier = MongoDocuments(database), MongoStates(database, APP)
        authored = AuthoredDocuments(rows, store.AUTHORED, copy, partial(_prepare, rows, given))
        service.follow(rows, authored.prepare, earlier)
    else:
        authored = AuthoredDocuments(rows, store.AUTHORED, copy)
    stores = stores or (lambda _, ordinal: LocalStore(settings.service_data / "work" / str(ordinal)))

    async def compose() -> None:
        await authored.read()
        app = worker.app(await store.read_rules(authored, given), settings.partitions)
        service.consume(app, worker.TOPICS, stores, single=True)

    service.prepare.append(compose)
    service.routers += [
        router(
            rows,
            lambda order: service.processor_of(APP, 0).command(order),
            partial(service.show, APP, 0),
            settings.secret_file,
        ),
        export_routes(rows, ("work", "contacts"), settings.secret_file),
    ]
    return service


async def _prepare(rows: MongoDocuments, given: rules.WorkRules) -> None:
    await store.index(rows)
    await store.keep_rules(rows, given)
