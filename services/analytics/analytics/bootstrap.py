"""The composition root of analytics."""

from collections.abc import Sequence

from analytics.api import routes
from analytics.archive import Archive
from analytics.domain import TOPICS
from analytics.settings import Settings
from analytics.siblings import Siblings
from analytics.store import Keep, Lineage, LineageStore
from analytics.worker import Archiver, lineage_app
from servicekit.app import App
from servicekit.service import Service


def build(settings: Settings, *, stores: Sequence[LineageStore] | None = None) -> Service:
    """The service: one lineage processor a partition, the archiver beside them, and the API over both."""
    service = Service("analytics", settings)
    owned = settings.owned()
    keep, folder = Keep(settings.lineage_days, settings.lineage_most), settings.service_data / "lineage"
    found = stores or [LineageStore(folder / str(ordinal), keep) for ordinal in owned]
    by_ordinal = dict(zip(owned, found, strict=True))

    def store(_: App, ordinal: int) -> LineageStore:
        return by_ordinal[ordinal]

    service.consume(lineage_app(settings), TOPICS, store)
    archiver = Archiver(settings, Archive(settings.archive_dir, owned))
    service.prepare.append(archiver.open)
    service.jobs.append(archiver.run)
    siblings = Siblings(settings)
    service.jobs.append(siblings.close_at_end)
    service.freshness = archiver.freshness
    service.routers.append(routes(Lineage(found, keep.days), siblings, archiver.recount, archiver.bring_up, settings))
    return service
