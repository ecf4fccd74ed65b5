"""Detection put together: its app over the topics it reads, one processor and one local store a partition."""

from collections.abc import Callable
from pathlib import Path

from alerts import detection
from alerts.rules import Rules
from contracts.apps import APPS
from servicekit.app import App
from servicekit.rocksdb_store import LocalStore
from servicekit.service import Service
from servicekit.store import Store

TOPICS = APPS["alerts-detect"].reads
Stores = Callable[[App, int], Store]


def compose(service: Service, rules: Rules, stores: Stores | None = None) -> None:
    """Give the service its detection by these rules; ``stores``: RocksDB below the service's folder where not given."""
    settings = service.settings
    service.consume(detection.app(rules, settings.partitions), TOPICS, stores or _local_stores(settings.service_data))


def _local_stores(folder: Path) -> Stores:
    return lambda app, ordinal: LocalStore(folder / "detect" / str(ordinal))
