"""Events and documents as the read model of the gateway gets them, and a store to put them into."""

import asyncio
import contextlib
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from gateway.projection.follow import TOPICS, Projection
from gateway.projection.rows import Row, Rows
from gateway.projection.store import ProjectionStore
from gateway.trail.follow import Trail
from gateway.trail.store import TRAIL
from servicekit.envelope import Message

NOW = datetime(2026, 6, 30, 2, tzinfo=UTC)  # a Tuesday, 10:00 in Shanghai
ROWS = Rows(b"a secret")


def at(minutes: float = 0) -> str:
    return (NOW + timedelta(minutes=minutes)).isoformat()


def message(type_: str, data: Any, *, revision: int = 1, time: str = at()) -> Message:
    headers = {"ce_type": type_.encode(), "ce_time": time.encode(), "ce_revision": b"%d" % revision}
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return Message("t", 0, 0, None, headers, body)


def entry(id_: str, minutes: float = 0, **fields: Any) -> Message:
    """A record of the audit log."""
    data = {"actor": "M0001", "role": "manager", "action": "customer.read", "object": "1000", "result": "200"}
    headers = {"id": id_, "type": "kam.audit.recorded.v1", "time": at(minutes)}
    headers["correlationid"] = fields.pop("correlation", id_)
    body = json.dumps({**data, "at": at(minutes), **fields}).encode()
    return Message("t", 0, 0, None, {f"ce_{name}": value.encode() for name, value in headers.items()}, body)


def customer(id_: str = "c1", revision: int = 1, time: str = at(), **fields: Any) -> Message:
    data: dict[str, Any] = {
        "customer_id": id_,
        "kind": "person",
        "name": "王小明",
        "phone": "13901000123",
        "id_number": "320100X",
    }
    data |= {"city": "320100", "area": "urban", "status": "active", "manager_id": "m1", "do_not_disturb": False}
    return message("kam.boss.customer.changed.v1", {**data, **fields}, revision=revision, time=time)


def left(id_: str = "c1", revision: int = 2, time: str = at()) -> Message:
    data = {"customer_id": id_, "left_on": "2026-06-30"}
    return message("kam.boss.customer.left.v1", data, revision=revision, time=time)


def manager(id_: str = "m1", revision: int = 1, **fields: Any) -> Message:
    data = {"manager_id": id_, "name": "李经理", "unit_id": "u1", "phone": "13800000001", "extension": "801"}
    return message("kam.boss.manager.changed.v1", {**data, "status": "active", **fields}, revision=revision)


def unit(id_: str = "u1", parent: str | None = None, revision: int = 1, **fields: Any) -> Message:
    data = {"unit_id": id_, "parent_id": parent, "name": f"单位{id_}", "city": "320100", "head_id": None}
    return message("kam.boss.unit.changed.v1", {**data, **fields}, revision=revision)


def alert_data(id_: str = "a1", revision: int = 1, state: str = "raised", **fields: Any) -> dict[str, Any]:
    rule = {"id": "arrears", "version": 1}
    values = {"amount_fen": 12900, "days_overdue": 5}
    reason = {"rule": rule, "code": "arrears", "values": values, "evidence": ["e1"]}
    data = {"alert_id": id_, "kind": "arrears", "customer_id": "c1", "revision": revision, "state": state}
    data |= {"stage": "reminder", "previous_stage": None, "severity": "major", "rule": rule, "reasons": [reason]}
    data |= {"values": values, "evidence": ["e1"], "period": None, "late": False, "city": "320100"}
    data |= {"manager_id": "m1", "outcome": None, "reopened": False, "raised_at": at(), "at": at(), "due_at": None}
    return {**data, "by": None, **fields}


def alert(verb: str, id_: str = "a1", revision: int = 1, state: str = "raised", **fields: Any) -> Message:
    return message(f"kam.alert.{verb}.v1", alert_data(id_, revision, state, **fields))


def work_data(id_: str = "w1", revision: int = 1, state: str = "new", **fields: Any) -> dict[str, Any]:
    data = {"work_id": id_, "kind": "dunning", "alert_id": "a1", "customer_id": "c1", "revision": revision}
    data |= {"state": state, "manager_id": "m1", "queue": None, "city": "320100", "due_at": at(60), "outcome": None}
    return {**data, "opened_at": at(), "at": at(), "by": None, "on_behalf_of": None, "action": None, **fields}


def work(verb: str, id_: str = "w1", revision: int = 1, state: str = "new", **fields: Any) -> Message:
    return message(f"kam.work.{verb}.v1", work_data(id_, revision, state, **fields))


def sms_data(id_: str = "s1", revision: int = 1, state: str = "queued", **fields: Any) -> dict[str, Any]:
    data = {"sms_id": id_, "alert_id": "a1", "customer_id": "c1", "revision": revision, "step": "reminder"}
    data |= {
        "template": "arrears-reminder",
        "language": "zh",
        "phone": "8613901000123",
        "text": "您欠费",
        "encoding": "ucs2",
    }
    data |= {"segments": 1, "priority": 5, "state": state, "reason": None, "parts": [], "receipts": []}
    return {**data, "planned_at": at(), "at": at(), **fields}


def sms(verb: str, id_: str = "s1", revision: int = 1, state: str = "queued", **fields: Any) -> Message:
    return message(f"kam.sms.{verb}.v1", sms_data(id_, revision, state, **fields))


def contact(id_: str = "k1", **fields: Any) -> Message:
    data = {"contact_id": id_, "customer_id": "c1", "kind": "visit", "result": "reached", "note": None, "by": "m1"}
    return message("kam.contact.logged.v1", {**data, "at": at(), "follow_up_on": None, **fields})


def rows_of(messages: Iterable[Message]) -> Iterable[Row]:
    for each in messages:
        yield from ROWS.of_event(each)


def documents(collection: str, *found: dict[str, Any]) -> list[Row]:
    return [row for each in found for row in ROWS.of_document(collection, msgspec.json.encode(each))]


async def opened(folder: Path) -> ProjectionStore:
    store = ProjectionStore(folder, ROWS.identity)
    await store.open()
    return store


async def table(store: ProjectionStore, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    def query(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in connection.execute(sql, parameters)]

    return await store.read(query)


async def everything(store: ProjectionStore) -> dict[str, list[tuple[Any, ...]]]:
    """All rows but for how they came there: the number of the change, and what only decides between events."""
    inner = {"seq", "number", "heard", "revision", "at", "life", "progress", "progress_at"}
    found = {}
    for name in ("units", "managers", "customers", "alerts", "shadow_alerts", "work", "contacts", "sms"):
        columns = [c for (c,) in await table(store, "SELECT name FROM pragma_table_info(?)", name) if c not in inner]
        found[name] = await table(store, f"SELECT {', '.join(columns)} FROM {name} ORDER BY 1")
    return found


class Log:
    """A broker's log in memory, and consumers of it. ``begins``: where partitions begin since older records went;
    ``is_away``: it refuses; ``is_gone``: nobody connects.
    """

    def __init__(self) -> None:
        self.records: dict[TopicPartition, list[Message]] = {}
        self.begins: dict[TopicPartition, int] = {}
        self.is_away = self.is_gone = False
        self.connected = 0
        self._more = asyncio.Event()

    def put(self, topic: str, *messages: Message, partition: int = 0) -> None:
        place = self.records.setdefault(TopicPartition(topic, partition), [])
        for each in messages:
            place.append(
                Message(topic, partition, len(place), each.raw_key, each.headers, each.body, int(time.time() * 1000))
            )
        self._more.set()

    def end(self, tp: TopicPartition) -> int:
        return len(self.records.get(tp, ()))

    async def connect(self, inputs: list[TopicPartition]) -> Any:
        self.connected += 1
        if self.is_gone:
            await asyncio.Event().wait()
        return _Consumer(self)

    async def wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._more.wait()
        self._more.clear()

    def answer(self) -> None:
        if self.is_away:
            raise KafkaConnectionError("away")


class _Consumer:
    def __init__(self, log: Log) -> None:
        self._log = log
        self._at: dict[TopicPartition, int] = {}

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        self._log.answer()
        return {tp: self._log.begins.get(tp, 0) for tp in places}

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        self._log.answer()
        return {tp: self._log.end(tp) for tp in places}

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self._at[tp] = offset

    async def position(self, tp: TopicPartition) -> int:
        return self._at[tp]

    def highwater(self, tp: TopicPartition) -> int:
        return self._log.end(tp)

    def last_poll_timestamp(self, tp: TopicPartition) -> int | None:
        return None if self._log.is_away else int(time.time() * 1000)

    async def getmany(self, *places: TopicPartition, timeout_ms: int, max_records: int) -> Any:
        found = self._new(places)
        if not found:
            await self._log.wait(min(timeout_ms / 1000, 0.05))
            found = self._new(places)
        return found

    def _new(self, places: tuple[TopicPartition, ...]) -> Any:
        self._at |= {tp: max(self._at[tp], self._log.begins.get(tp, 0)) for tp in places}
        found = {tp: self._log.records.get(tp, [])[self._at[tp] :] for tp in places}
        found = {tp: batch for tp, batch in found.items() if batch}
        self._at |= {tp: batch[-1].offset + 1 for tp, batch in found.items()}
        return found

    async def stop(self) -> None:
        return None


async def nothing_to_bring(store: ProjectionStore, rows: Rows, noted: Mapping[str, int]) -> None:
    """A rebuild from services that have no documents."""
    await store.apply([], {}, whole="1")


@contextlib.asynccontextmanager
async def following(
    folder: Path, log: Log, partitions: int = 1, rebuild: Any = nothing_to_bring, *, is_awaited: bool = True
) -> AsyncIterator[Projection]:
    """A read model that follows this log; where it ``is_awaited``, once it is whole and does."""
    projection = Projection(ProjectionStore(folder, ROWS.identity), ROWS, partitions, log.connect, rebuild)
    job = asyncio.create_task(projection.run())
    try:
        await until(lambda: not is_awaited or not projection.settle()["busy"])
        yield projection
    finally:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)


def trail_of(folder: Path, log: Log) -> Trail:
    """The searchable copy of the audit records in this log; whoever asks it runs it."""
    return Trail(ProjectionStore(folder / "audit", "", TRAIL), 1, log.connect)


async def until(is_so: Any, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():
            await asyncio.sleep(0.01)


def reached(projection: Projection, log: Log) -> bool:
    """Whether it has read all that there is."""
    offsets = projection.settle()["offsets"]
    told = {f"{tp.topic}/{tp.partition}": len(found) for tp, found in log.records.items() if tp.topic in TOPICS}
    return all(offsets.get(place) == end for place, end in told.items())
