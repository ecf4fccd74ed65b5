"""Every app: what it reads and writes, where its dead letters go and what keeps its state.

One table: services take their topics from it; the topic contracts in ``schemas/topics`` and the table of
docs/architecture.md are tested against it. The names are in ids, positions and names of topics: they stay as they are.
"""

from typing import Literal, NamedTuple

from contracts import control
from contracts.registry import EVENTS


class AppContract(NamedTuple):
    """One app of a service. ``store`` keeps its state; ``one_for``: one writer a partition, or one for everything."""

    name: str
    service: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    store: Literal["RocksDB", "MongoDB"]
    one_for: Literal["partition", "everything"] = "partition"

    @property
    def journal(self) -> str:
        """Topic of what its processors commit, a partition each; only they read it."""
        return f"{self.name}.journal"

    def dead_letters(self) -> tuple[str, ...]:
        """Where what this app can't handle is kept: one topic for each that it reads."""
        return tuple(f"{topic}.{self.name}.dlq" for topic in self.reads)


#: from analytics' lineage processors to its agent of live rates: what was counted of a batch; only they know its shape
LIVE_COUNTS = "analytics.rates"
LIVE_COUNTS_HOURS = 24

#: topics of facts; a control topic is none of them: it has one partition, and nothing in the log follows from it
_ALL = tuple(sorted({event.topic for event in EVENTS.values()} - {control.TOPIC}))

APPS: dict[str, AppContract] = {
    app.name: app
    for app in (
        AppContract(
            "billing-sync", "billing-sync", ("boss.feed",), ("boss.events", "feed.events"), "RocksDB", "everything"
        ),
        AppContract("customer-profile", "customer-profile", ("boss.events",), ("customer.events",), "RocksDB"),
        AppContract("customer-account", "customer-profile", ("boss.events",), (), "RocksDB"),
        AppContract("alerts-detect", "alerts", ("boss.events", "work.events"), ("alert.events",), "RocksDB"),
        AppContract(
            "alerts-desk",
            "alerts",
            ("boss.events", "alert.events", "work.events", "sms.receipts"),
            ("alert.events", "sms.outbound", "sms.receipts"),
            "RocksDB",
        ),
        AppContract(
            "manager-work", "manager-work", ("boss.events", "alert.events"), ("work.events",), "RocksDB", "everything"
        ),
        AppContract("analytics", "analytics", _ALL, (LIVE_COUNTS,), "RocksDB"),
    )
}

#: who reads topics without being an app: what it keeps is a cache, and what it can't read an app puts aside
READERS: dict[str, tuple[str, ...]] = {
    "gateway": ("boss.events", "alert.events", "work.events", "sms.outbound", "audit.log"),
    "alerts": (control.TOPIC,),
}
#: who writes to a topic without being an app: the audit log is written by the gateway's HTTP API itself,
#: stops by that of alerts
WRITERS: dict[str, str] = {"audit.log": "gateway", control.TOPIC: "alerts"}
