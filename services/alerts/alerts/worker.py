"""Topics -> pipeline, for both apps of the service."""

from collections.abc import Callable
from pathlib import Path

from alerts import desk, detect
from alerts.desk.book import Book
from alerts.rules import Rules
from servicekit.aligned import AlignedUnit
from servicekit.local import LocalStore
from servicekit.mongo import BATCH_MAX
from servicekit.pipeline import App, Effects
from servicekit.service import Service
from servicekit.store import Store

NAME = "alerts"
DETECT = ["boss.events", "work.events"]
DESK = ["boss.events", "alert.events", "work.events", "sms.receipts"]
Stores = Callable[[App, int], Store]


def consume(
    service: Service, rules: Rules, book: Book, effects: Effects, detect_stores: Stores, desk_stores: Stores
) -> None:
    """Give the service its two apps, one unit a partition each."""
    partitions = service.settings.partitions
    service.consume(detect.app(rules, partitions), DETECT, detect_stores)
    service.consume(desk.app(book, effects, partitions), DESK, desk_stores, make_unit=AlignedUnit, batch_max=BATCH_MAX)


def local_stores(folder: Path) -> Stores:
    """The detector's stores: RocksDB below this folder, one a partition."""
    return lambda app, ordinal: LocalStore(folder / "detect" / str(ordinal))
