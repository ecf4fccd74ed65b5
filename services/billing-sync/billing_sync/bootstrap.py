"""Composition root of billing-sync."""

from functools import partial

from billing_sync.api import routes
from billing_sync.domain.record import Known
from billing_sync.downstream import Downstream, watch
from billing_sync.intake import Intake
from billing_sync.nightly.loader import Loader
from billing_sync.settings import Settings
from billing_sync.store import ScanStore
from contracts.apps import APPS
from servicekit.app import App
from servicekit.clock import SystemClock, system_now
from servicekit.decision import Refused
from servicekit.revocations import Revocations
from servicekit.rocksdb_store import LocalStore
from servicekit.service import Service

NAME = "billing-sync"


def build(settings: Settings, *, store: ScanStore | None = None, system_clock: SystemClock = system_now) -> Service:
    """The service: one intake over boss.feed, HTTP and the inbox."""
    service = Service(NAME, settings)
    service.body_bytes = settings.body_bytes
    app = App(
        name=NAME,
        service=NAME,
        state=Known,
        handlers={},
        partitions=settings.partitions,
        open_door=True,
        pace=0.05,
        light_pace=0.025,
        behind=-0.01,  # what waits is committed with the beat itself, and detection has it when its own comes
    )
    downstream = Downstream(settings.behind_seconds)
    service.consume(
        app,
        APPS[NAME].reads,
        lambda app, ordinal: store or LocalStore(settings.service_data / "intake"),
        single=True,
        make_processor=partial(Intake, clock_mode=settings.clock, system_clock=system_clock, downstream=downstream),
    )
    loaders: list[Loader] = []

    def intake() -> Intake:
        processor = next(iter(service.processors), None)
        if not isinstance(processor, Intake):
            raise Refused("starting", "服务正在启动，请稍候", "the service is starting; try again shortly", 503)
        return processor

    def loader() -> Loader:
        if not loaders:
            loaders.append(Loader(settings, intake()))
        return loaders[0]

    revoked: Revocations | None = None
    if "gateway" in settings.peers:
        revoked = Revocations(settings.peers["gateway"][0], settings.secret_file, NAME)
        service.jobs.append(revoked.run)
    service.routers.append(routes(settings, intake, loader, revoked or ()))
    service.jobs += [
        lambda: intake().pulse(),
        lambda: loader().run(),
        partial(watch, downstream, settings.kafka, settings.partitions),
    ]
    service.pending["files"] = lambda: loader().waiting() if service.processors else 0
    service.freshness = lambda: loader().freshness() if service.processors else {}
    return service
