"""What every service answers of itself, and how the whole stands."""

from typing import Any

from contracts.answer import Answer


class Health(Answer):
    """Whether a service is well, in its own words."""

    status: str


class Digests(Answer):
    """A hash over what each processor holds, by its name: the same again after its disk was lost."""

    digests: dict[str, str]


class ProcessorStandingView(Answer):
    """Where a stream processor stands: inputs and offsets by ``topic/partition``, what it has still to send, and
    documents that the query database does not have yet. ``…seconds…``: how long the oldest
    has waited, 0 when there is none. ``switch``: of billing-sync the number of the last switch of a document that was
    placed; of who takes them the last by each input.
    """

    processor: str
    inputs: list[str]
    offsets: dict[str, int]
    sequence: int
    outbox: int
    outbox_seconds: float = 0.0
    seconds_behind: float = 0.0
    documents: int = 0
    documents_seconds: float = 0.0
    busy: bool
    clock: str | None
    switch: int | dict[str, int] | None = None
    failed: str | None
    gaps: dict[str, int]
    undeliverable: int


class StandingView(Answer):
    """Where a service stands, for settling; ``pending`` counts other work that must end first. ``delays``: seconds (p99
    of the last five minutes, null: there was none) from a BOSS record's acceptance to what followed.
    """

    service: str
    ready: bool
    processors: list[ProcessorStandingView]
    freshness: dict[str, Any]
    pending: dict[str, int]
    delays: dict[str, float | None] = {}


class ProcessorStatus(Answer):
    """How a stream processor is doing; lag is null while Kafka does not answer. ``seconds_behind``, ``outbox_seconds``
    and ``documents_seconds``: how long the oldest message or document has waited.
    """

    lag: int | None
    seconds_behind: float = 0.0
    outbox: int
    outbox_seconds: float = 0.0
    documents: int = 0
    documents_seconds: float = 0.0
    busy: bool
    clock: str | None
    failed: str | None


class ServiceStatus(Answer):
    """How a service is doing; only ``ready`` and ``detail`` of one that does not answer. Counts are sums and seconds
    the worst of its processors; ``delays`` see ``StandingView``.
    """

    ready: bool
    detail: str
    processors: dict[str, ProcessorStatus] = {}
    lag: int | None = None
    seconds_behind: float = 0.0
    outbox: int = 0
    outbox_seconds: float = 0.0
    documents: int = 0
    documents_seconds: float = 0.0
    delays: dict[str, float | None] = {}
    pending: dict[str, int] = {}
    freshness: dict[str, Any] = {}


class Status(Answer):
    """How the system is doing."""

    kafka: bool
    services: dict[str, ServiceStatus]


class Settled(Answer):
    """Nothing is left to do."""

    settled: bool
    seconds: float


class BusyView(Answer):
    """Who is still busy and why."""

    service: str
    zh: str
    en: str


class NotSettled(Answer):
    """Somebody still has something to do when the time was over: a problem that says who."""

    type: str
    title: str
    status: int
    detail: str
    correlation_id: str
    error: str
    zh: str
    en: str
    settled: bool
    seconds: float
    busy: list[BusyView]
