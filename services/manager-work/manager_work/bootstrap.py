"""The composition root of manager-work."""

from collections.abc import Callable
from functools import partial

from contracts.answers import CalendarView, DocumentView
from manager_work import rules, store, worker
from manager_work.api import router
from manager_work.handlers import APP
from manager_work.settings import Settings
from manager_work.workbook import WORK_RULES, calendar_kind
from servicekit.app import App
from servicekit.auth import Guard
from servicekit.authored import AuthoredDocuments
from servicekit.documents.library import Library
from servicekit.documents.routes import document_routes
from servicekit.documents.switchboard import HttpSwitchboard
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
    mongo = None
    if rows is None:
        database = connect(settings.mongodb, settings.database)
        rows = mongo = MongoDocuments(database)
    billing_sync = settings.peers.get("billing-sync", (None,))[0]
    switchboard = HttpSwitchboard(billing_sync, settings.secret_file, APP)
    work_rules, calendars = Library(WORK_RULES, rows, switchboard), Library(calendar_kind(), rows, switchboard)
    libraries, documents = (work_rules, calendars), rows

    async def prepare() -> None:
        if mongo is not None:
            await store.index(mongo, [index for each in libraries for index in each.indexes])
            await store.keep_rules(mongo, given)
        await store.plant(work_rules, calendars, documents, given)

    authored = AuthoredDocuments(rows, store.AUTHORED, copy, prepare)
    if mongo is not None:
        service.follow(mongo, authored.prepare, MongoStates(database, APP))
    if billing_sync is not None:
        service.jobs += [each.follow for each in libraries]
    stores = stores or (lambda _, ordinal: LocalStore(settings.service_data / "work" / str(ordinal)))

    async def compose() -> None:
        await authored.read()
        app = worker.app(await store.read_rules(authored, given), settings.partitions)
        service.consume(app, worker.TOPICS, stores, single=True)

    service.prepare.append(compose)
    guard = Guard(settings.secret_file, "service")
    service.routers += [
        router(
            rows,
            lambda order: service.processor_of(APP, 0).command(order),
            partial(service.show, APP, 0),
            settings.secret_file,
        ),
        document_routes("/v1/work-rules", "work_rules", work_rules, guard, DocumentView, plural="all_work_rules"),
        document_routes("/v1/calendars", "calendar", calendars, guard, CalendarView),
        export_routes(rows, ("work", "contacts"), settings.secret_file),
    ]
    return service
