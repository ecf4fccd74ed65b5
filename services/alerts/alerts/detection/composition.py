"""Detection put together: its app over the topics it reads, one processor and one local store a partition."""

from collections.abc import Callable
from pathlib import Path

from alerts import detection
from alerts.detection.state import AlertRaised
from alerts.rules import Rules
from contracts.apps import APPS
from servicekit.app import App
from servicekit.delay import Delay
from servicekit.rocksdb_store import LocalStore
from servicekit.service import Service
from servicekit.store import Store

TO_ALERT = Delay("kam_event_to_alert_seconds", "From a BOSS record's acceptance to the commit of the alert it raised")

TOPICS = APPS["alerts-detect"].reads
Stores = Callable[[App, int], Store]


def compose(service: Service, rules: Rules, stores: Stores | None = None) -> None:
    """Give the service its detection by these rules; ``stores``: RocksDB below the service's folder where not given."""
    settings = service.settings
    app = detection.app(rules, settings.partitions, measure)
    service.consume(app, TOPICS, stores or _local_stores(settings.service_data))
    service.delays["event_to_alert"] = TO_ALERT.p99


async def measure(raised: list[AlertRaised]) -> None:
    """Effects of detection: alerts that have just been committed."""
    for alert in raised:
        TO_ALERT.observe_since(alert.accepted)


def _local_stores(folder: Path) -> Stores:
    return lambda app, ordinal: LocalStore(folder / "detect" / str(ordinal))
