"""Runs a service: its processors, its HTTP API with health, metrics and settling, its background jobs; ends cleanly.

A composition root builds a ``Service``; ``serve(service)`` is the rest of ``__main__``.
"""

import asyncio
import contextlib
import gc
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import structlog
import uvicorn
from aiokafka import TopicPartition
from fastapi import APIRouter, FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp

from contracts.platform_answers import Digests, Health, StandingView
from servicekit import checkpointing, problem, telemetry
from servicekit.age import Age
from servicekit.answer import json_answer
from servicekit.app import App
from servicekit.checkpoint import Checkpoints
from servicekit.clock import system_now
from servicekit.committer import Committer
from servicekit.connections import Connection
from servicekit.decision import Refused
from servicekit.follower import Follower, Sink
from servicekit.http_guard import BODY_BYTES, Doorway
from servicekit.journal import Journal
from servicekit.kafka import Publisher, start_consumer, start_producer
from servicekit.kafka_journal import JournalReader, KafkaJournal
from servicekit.paced_consumer import PacedConsumer
from servicekit.pipeline import StreamProcessor
from servicekit.rocksdb_store import LocalStore
from servicekit.settings import ServiceSettings
from servicekit.store import Store

log = structlog.get_logger()
STUCK_SECONDS = 60.0
_SHOW_SECONDS = 0.5
#: A stop takes no longer, whatever is away: supervisors kill after ten seconds. Batches at hand and outboxes have the
#: first, connections the second; after the third the process ends as it is (a thread may hang in a driver).
PATIENCE_SECONDS, GOODBYE_SECONDS, LAST_SECONDS = 5.5, 1.5, 9.0
_TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}
Job = Callable[[], Awaitable[None]]
MakeProcessor = Callable[..., StreamProcessor]


class Earlier(Protocol):
    """What an earlier version kept elsewhere (``MongoStates``)."""

    async def take_over(self, committer: Committer) -> None:
        """Bring what belongs to this processor, whose store is open, unless that has been done."""

    async def drop(self) -> None:
        """Remove what has been taken over."""


class Service:
    """A service: apps with their processors, routers, jobs, and gauges that say whether it still has something to do.

    ``prepare`` runs once before the processors open (indexes, seeds). A job that ends with an error ends the service,
    so that the supervisor starts it again. ``pending`` are functions counting work that ``kam wait`` must wait for,
    ``delays`` such that say how long something takes lately (p99 in seconds, None: there was none).
    ``body_bytes``: how long the body of a request may be. ``middlewares`` stand around every route, the last outermost;
    ``fallback`` answers what no route takes (None: 404).
    """

    def __init__(self, name: str, settings: ServiceSettings) -> None:
        self.name, self.settings = name, settings
        self.processors: list[StreamProcessor] = []
        self.routers: list[APIRouter] = []
        self.middlewares: list[Callable[[ASGIApp], ASGIApp]] = []
        self.fallback: ASGIApp | None = None
        #: what a service has to add to its OpenAPI document
        self.described: Callable[[dict[str, Any]], dict[str, Any]] = lambda document: document
        self.jobs: list[Job] = []
        self.prepare: list[Job] = []
        self.pending: dict[str, Callable[[], int]] = {}
        #: who reads topics without being a processor, and says where it stands as one does
        self.standings: list[Callable[[], dict[str, Any]]] = []
        self.freshness: Callable[[], dict[str, Any]] = dict
        self.delays: dict[str, Callable[[], float | None]] = {}
        self.consumers: dict[str, PacedConsumer] = {}
        self._apps: list[tuple[App, dict[int, list[TopicPartition]], Callable[[App, int], Store], MakeProcessor]] = []
        self.follower: Follower | None = None
        self._earlier: Earlier | None = None
        self.publisher = Publisher(lambda: start_producer(settings.kafka, name))
        self._journals = JournalReader(settings.kafka, name)
        self._ready = self._stopping = False
        self._opening: StreamProcessor | None = None
        self.body_bytes = BODY_BYTES

    def consume(
        self,
        app: App,
        topics: Sequence[str],
        store: Callable[[App, int], Store],
        *,
        single: bool = False,
        make_processor: MakeProcessor = StreamProcessor,
    ) -> None:
        """Give an app its processors: one per owned partition over all ``topics``, or a single one over everything."""
        if single:
            groups = {0: [TopicPartition(t, p) for t in topics for p in range(self.settings.partitions)]}
        else:
            groups = {p: [TopicPartition(t, p) for t in topics] for p in self.settings.owned()}
        self._apps.append((app, groups, store, make_processor))

    def follow(self, sink: Sink, prepare: Job, earlier: Earlier | None = None) -> None:
        """Let the documents of the local stores go to ``sink``; before the first ``prepare`` runs there (indexes).

        ``earlier`` brings to a new local store what an earlier version kept elsewhere.
        """

        async def prepare_and_drop() -> None:
            await prepare()
            if earlier is not None:
                await earlier.drop()

        self._earlier = earlier
        self.follower = Follower(self.name, sink, self.settings.service_data / "refused", prepare_and_drop)
        self.jobs.append(self.follower.run)

    async def show(self, app: str, ordinal: int, collection: str, id: str) -> None:
        """Wait, for a moment, until people's reads have this document as the processor left it."""
        store = self.processor_of(app, ordinal).store
        if self.follower is not None and isinstance(store, LocalStore):
            await self.follower.show(store, collection, id)

    def processor_of(self, app: str, ordinal: int) -> StreamProcessor:
        """The processor of an app that owns this partition. Raises ``Refused`` (503) while the service is starting."""
        for processor in self.processors:
            if processor.app.name == app and processor.ordinal == ordinal:
                return processor
        raise Refused("starting", "服务正在启动，请稍候", "the service is starting; try again shortly", 503)

    async def start(self) -> None:
        """Connect, open the processors at their stored positions. They run in ``run``."""
        s = self.settings
        for prepare in self.prepare:
            await prepare()
        await self.publisher.start()
        for app, groups, make_store, make_processor in self._apps:
            for ordinal, inputs in groups.items():
                store = make_store(app, ordinal)
                processor = make_processor(
                    app,
                    ordinal,
                    inputs,
                    store,
                    self.publisher,
                    batch_max=s.batch_max,
                    dead_letters_in_a_row=s.dead_letters_in_a_row,
                    keep=s.service_data / "undeliverable",
                    journal=self._journal_of(app, ordinal) if isinstance(store, LocalStore) else None,
                    clock_bound=system_now,
                )
                if self._earlier is not None:
                    processor.committer.earlier = self._earlier.take_over
                self._opening = processor
                await processor.open()
                self.processors.append(processor)
                if self.follower is not None and isinstance(processor.store, LocalStore):
                    self.follower.attach(processor.store)
        self._opening = None
        for app, groups, *_ in self._apps:
            inputs = [tp for group in groups.values() for tp in group]
            if inputs:
                # One consumer an app: two apps of one service may read the same partition at different speeds.
                self.consumers[app.name] = await start_consumer(s.kafka, app.name, inputs, pace=app.keeps())
        for app, *_ in self._apps:
            if app.follows is not None and app.name in self.consumers:
                self._let_follow(app.follows, self.consumers[app.name])
        for processor in self.processors:
            if processor.inputs:
                consumer = self.consumers[processor.app.name]
                processor.seek(consumer, await consumer.beginning_offsets(processor.inputs))

    def _let_follow(self, ahead: str, consumer: PacedConsumer) -> None:
        """Let a consumer ask when the processors of the app ahead of it have sent what came of their batches."""
        processors = [processor for processor in self.processors if processor.app.name == ahead]

        def sent() -> None:
            if not any(processor.is_at_work for processor in processors):
                consumer.hurry()

        for processor in processors:
            processor.relay.on_empty = sent

    def _journal_of(self, app: App, ordinal: int) -> Journal:
        root, name = self.settings.checkpoints, f"{app.name}.{ordinal}"
        checkpoints = None if root is None else Checkpoints(root / app.name / str(ordinal), name)
        return Journal(name, KafkaJournal(app.name, ordinal, self._journals, self.publisher), checkpoints)

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until ``stopping``; a processor or job that fails ends everything with its error."""
        stop = asyncio.create_task(stopping.wait())
        starting = asyncio.create_task(self.start())
        await asyncio.wait([starting, stop], return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            # Its database or broker is away, and it need not wait for them any more.
            self._stopping = True
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            for processor in self.processors:
                await processor.store.close()
            return await self._disconnect()
        starting.result()
        _spare_the_collector()
        processors = [asyncio.create_task(u.run(self.consumers.get(u.app.name)), name=u.name) for u in self.processors]
        jobs = [asyncio.ensure_future(job()) for job in self.jobs]
        lag = asyncio.create_task(self._show_lag())
        jobs.append(asyncio.create_task(checkpointing.run(self.processors, self.settings.checkpoint_bytes)))
        self._ready = True
        log.info("service.ready", processors=[u.name for u in self.processors])
        done, _ = await asyncio.wait([stop, lag, *processors, *jobs], return_when=asyncio.FIRST_COMPLETED)
        self._ready, self._stopping = False, True
        for job in [*jobs, lag]:
            job.cancel()
        await asyncio.gather(*jobs, lag, return_exceptions=True)
        for processor in self.processors:
            processor.stop()
        for hanging in (await asyncio.wait(processors, timeout=PATIENCE_SECONDS))[1] if processors else ():
            # What can't be written now was not promised to anybody; the next start finds it as after a kill.
            log.warning("processor.cut_off", processor=hanging.get_name())
            hanging.cancel()
        await asyncio.gather(*processors, return_exceptions=True)
        await self._disconnect()
        for task in done - {stop}:
            task.result()

    async def _disconnect(self) -> None:
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                for consumer in self.consumers.values():
                    await consumer.stop()
                await self._journals.stop()
                await self.publisher.stop()
        except TimeoutError:
            log.warning("service.not_disconnected", service=self.name)

    def ready(self) -> tuple[bool, str]:
        """Ready means: consuming and not stuck. What is said while starting changes as long as it gets on."""
        if not self._ready:
            opening = self._opening
            if opening is None or opening.journal is None:
                return False, "starting"
            return False, f"rebuilding {opening.name}: {opening.journal.progress()}"
        for processor in self.processors:
            if processor.failed is not None:
                return False, f"{processor.name} failed: {processor.failed!r}"
            if time.monotonic() - processor.progressed_at > STUCK_SECONDS:
                return False, f"{processor.name} has not moved for {STUCK_SECONDS:.0f} s"
            failing = processor.relay.failing_since
            if failing is not None and time.monotonic() - failing > STUCK_SECONDS:
                return False, f"{processor.name} could not publish for {STUCK_SECONDS:.0f} s"
        return True, "ready"

    def seconds_behind(self) -> float | None:
        """How old, at most, what people read is, with the messages and documents that wait; None where there are no
        processors.
        """
        return max((processor.seconds_behind() for processor in self.processors), default=None)

    def settle(self) -> dict[str, Any]:
        """Everything ``kam wait`` and ``kam status`` need to know of this service."""
        return {
            "service": self.name,
            "ready": self._ready,
            "processors": [*(u.settle() for u in self.processors), *(standing() for standing in self.standings)],
            "freshness": self.freshness(),
            "pending": {name: count() for name, count in self.pending.items()},
            "delays": {name: p99() for name, p99 in self.delays.items()},
        }

    def asgi(self) -> FastAPI:
        """The service's HTTP API with what every service has."""
        app = FastAPI(
            title=f"kam {self.name}",
            generate_unique_id_function=lambda route: route.name,
            responses={"4XX": {"model": problem.ProblemBody}, "5XX": {"model": problem.ProblemBody}},
        )
        generated = app.openapi
        app.openapi = lambda: app.openapi_schema or self.described(problem.documented(generated()))  # type: ignore[method-assign]
        for router in self.routers:
            app.router.routes += router.routes
        app.add_middleware(Age, seconds_behind=self.seconds_behind)
        app.add_middleware(Doorway, routers=self.routers, limit=self.body_bytes, is_stopping=lambda: self._stopping)
        for middleware in self.middlewares:
            app.add_middleware(middleware)
        if self.fallback is not None:
            app.router.default = self.fallback
        problem.install(app)

        @app.get("/health/live", name="is_alive", response_model=Health, tags=["operations"])
        async def live() -> Response:
            return json_answer({"status": "live"})

        @app.get(
            "/health/ready",
            name="is_ready",
            response_model=Health,
            responses={503: {"model": Health, "description": "not ready, and why"}},
            tags=["operations"],
        )
        async def ready() -> Response:
            good, detail = self.ready()
            return json_answer({"status": detail}, 200 if good else 503)

        @app.get("/metrics", name="get_metrics", response_class=Response, responses=_TEXT, tags=["operations"])
        async def metrics() -> Response:
            return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

        @app.get("/internal/settle", name="get_standing", response_model=StandingView, tags=["operations"])
        async def settle() -> Response:
            return json_answer(self.settle())

        @app.get("/internal/digest", name="get_digests", response_model=Digests, tags=["operations"])
        async def digest() -> Response:
            stores = {u.name: u.store for u in self.processors if isinstance(u.store, LocalStore)}
            return json_answer({"digests": {name: await store.digest() for name, store in stores.items()}})

        return app

    def http(self) -> uvicorn.Config:
        """How its API is served."""
        s = self.settings
        return uvicorn.Config(
            self.asgi(),
            host=s.http_host,
            port=s.http_port,
            http=Connection,
            ws="none",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=3,
        )

    async def _show_lag(self) -> None:
        """Commit positions to the consumer groups and publish lag: for people, dashboards, and the intake, which takes
        in no more than is handled. With a position goes the number of commits: also where it stands still, because one
        tick wakes very many, there is work going on."""
        from aiokafka.errors import KafkaError

        shown: dict[str, dict[TopicPartition, tuple[int, str]]] = {}
        while True:
            await asyncio.sleep(_SHOW_SECONDS)
            reached: dict[str, dict[TopicPartition, tuple[int, str]]] = {}
            for processor in self.processors:
                processor.show()
                offsets, commits = processor.position.offsets, str(processor.position.commits)
                reached.setdefault(processor.app.name, {}).update(
                    {tp: (offsets.get(f"{tp.topic}/{tp.partition}", 0), commits) for tp in processor.inputs}
                )
            for app, consumer in self.consumers.items():
                if reached[app] == shown.get(app):
                    continue
                try:
                    await consumer.commit(reached[app])
                    shown[app] = reached[app]
                except KafkaError as error:
                    log.debug("lag.not_shown", app=app, error=repr(error))


def _spare_the_collector() -> None:
    """A batch makes and drops thousands of containers without cycles: look for cycles seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


async def _serve(service: Service) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _end, stopping)
    server = uvicorn.Server(service.http())
    # uvicorn must not take the signals: the service finishes its batches first.
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    http = asyncio.create_task(server.serve())
    work = asyncio.create_task(service.run(stopping))
    await asyncio.wait([http, work], return_when=asyncio.FIRST_COMPLETED)
    stopping.set()
    server.should_exit = True
    await asyncio.gather(http, return_exceptions=True)
    await work
    log.info("service.stopped")


def _end(stopping: asyncio.Event) -> None:
    stopping.set()
    last = threading.Timer(LAST_SECONDS, os._exit, (1,))
    last.daemon = True
    last.start()


def serve(service: Service) -> None:
    """Run a service until SIGTERM or SIGINT. Exit status 0 after a clean stop, 1 where something hung; an error is
    raised.
    """
    import uvloop

    telemetry.setup_logging(service.name, service.settings.log_format)
    uvloop.run(_serve(service))
