"""Lineage does not grow without end (defect 22), and what is no longer kept is said to be so."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import TopicPartition

from analytics.api import routes
from analytics.chain import CUT, EARLIER, MOST, why
from analytics.domain import Cell, Counts
from analytics.settings import Settings
from analytics.siblings import Siblings
from analytics.store import Keep, Lineage, LineageStore
from analytics.worker import lineage_app
from servicekit import store
from servicekit.auth import issue_token
from servicekit.clock import to_millis
from servicekit.pipeline import StreamProcessor
from servicekit.service import Service

TOPICS = ("boss.events", "alert.events")
START = datetime(2025, 1, 1, tzinfo=UTC)
SECRET = "0123456789abcdef0123456789abcdef"


class Years:
    """A lineage store whose system clock follows the log."""

    def __init__(self, log: Any, folder: Path, keep: Keep, day: int) -> None:
        self.log, self.now = log, START + timedelta(days=day)
        self.store = LineageStore(folder, keep, lambda: self.now)
        self._read: dict[str, int] = {}

    async def open(self) -> "Years":
        inputs = [TopicPartition(t, 0) for t in TOPICS]
        self.processor = StreamProcessor(lineage_app(self.log.settings), 0, inputs, self.store, None)  # type: ignore[arg-type]
        await self.processor.open()
        return self

    async def read(self) -> None:
        batch = {TopicPartition(t, 0): self.log.records[t][self._read.get(t, 0) :] for t in TOPICS}
        self._read = {t: len(self.log.records[t]) for t in TOPICS}
        await self.processor.process({tp: [r.message() for r in records] for tp, records in batch.items()})

    async def days(self, first: int, last: int) -> None:
        """Some days, ten of them in one read."""
        for number in range(first, last):
            self.add(number)
            if number % 10 == 9:
                await self.read()

    async def day(self, number: int, stamp: datetime | None = None) -> None:
        self.add(number, stamp)
        await self.read()

    def add(self, number: int, stamp: datetime | None = None) -> None:
        """One debt and its alert."""
        self.now = START + timedelta(days=number)
        self.log._stamp = to_millis(stamp or self.now)
        record = f"file:ARR.dat.gz#{number}"
        self.log.add("boss.arrears.changed", f"debt{number}", correlation=record)
        raised: dict[str, Any] = {"alert_id": f"alert{number}", "evidence": [f"debt{number}"]}
        self.log.add("alert.raised", f"raised{number}", correlation=record, cause=f"debt{number}", **raised)

    def keys(self) -> dict[str, int]:
        """How many keys of each sort there are."""
        found: dict[str, int] = {}
        items = self.store._db.iter()
        items.seek(b"")
        while items.valid():
            sort = items.key()[:1].decode()
            found[sort] = found.get(sort, 0) + 1
            items.next()
        return found


@asynccontextmanager
async def years(log: Any, tmp_path: Path, *, day: int = 0, **keep: int) -> AsyncIterator[Years]:
    house = await Years(log, tmp_path / "lineage", Keep(**keep), day).open()
    try:
        yield house
    finally:
        await house.store.close()


async def test_after_a_year_only_the_days_of_the_rule_are_left(log: Any, tmp_path: Path) -> None:
    async with years(log, tmp_path, days=90) as house:
        await house.days(0, 100)
        early = house.keys()
        await house.days(100, 400)

        late = house.keys()
        assert {sort: late[sort] - early[sort] for sort in "nlat"} == dict.fromkeys("nlat", 0)
        lineage = Lineage([house.store], days=90)
        assert [link.id for link in why(lineage, "alert399")] == ["file:ARR.dat.gz#399", "debt399", "raised399"]
        assert [link.id for link in why(lineage, "alert311")][-1] == "raised311"
        assert why(lineage, "alert300") == why(lineage, "debt300") == why(lineage, "file:ARR.dat.gz#300") == []
        assert lineage.counts()[0].total() == 800, "counts stay"


async def test_there_are_never_more_than_the_rule_allows(log: Any, tmp_path: Path) -> None:
    async with years(log, tmp_path, most=50) as house:
        await house.days(0, 100)

        assert house.keys()["n"] == 50
        assert why(Lineage([house.store]), "alert75") and not why(Lineage([house.store]), "alert74")


async def test_what_a_full_disk_did_not_take_is_not_counted(
    log: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each attempt counted its nodes once more: after an hour of them the oldest would have given way to nothing."""
    monkeypatch.setattr(store, "_LONGEST_DELAY", 0.01)
    async with years(log, tmp_path, most=50) as house:
        await house.days(0, 20)
        house.store._db = Full(house.store._db, 30)  # type: ignore[assignment]
        await house.day(20)

        assert house.keys()["n"] == house.store._kept.nodes == 42


class Full:
    """A database whose disk is full for the next so many writes."""

    def __init__(self, database: Any, times: int) -> None:
        self._database, self._times = database, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def write(self, *args: Any) -> None:
        if self._times:
            self._times -= 1
            raise Exception("IO error: No space left on device")
        self._database.write(*args)


async def test_evidence_that_is_gone_is_said(log: Any, tmp_path: Path) -> None:
    async with years(log, tmp_path, days=30) as house:
        await house.day(0)
        house.now, log._stamp = START + timedelta(days=40), to_millis(START + timedelta(days=40))
        log.add("alert.resolved", "resolved0", correlation="call", alert_id="alert0", evidence=["debt0"])
        await house.read()
        await house.day(41)

        chain = why(Lineage([house.store], days=30), "alert0")

        assert [(link.type, link.id) for link in chain] == [(EARLIER, "debt0"), ("kam.alert.resolved.v1", "resolved0")]
        assert "早于 30 天，见归档" in chain[0].summary_zh and "see the archive" in chain[0].summary_en
        assert chain[0].detail["ids"] == ["debt0"]


async def test_an_old_number_gets_an_honest_answer(log: Any, tmp_path: Path) -> None:
    async with years(log, tmp_path, days=30) as house:
        secret = tmp_path / "secret"
        secret.write_text(SECRET)
        settings = Settings(service_data=tmp_path, archive_dir=tmp_path / "a", kafka="-", secret_file=secret)
        service = Service("analytics", settings)
        service.routers.append(routes(Lineage([house.store], 30), Siblings(settings), None, None, settings))  # type: ignore[arg-type]
        token = issue_token(SECRET, "gateway", "service")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(service.asgi()), base_url="http://a") as client:
            answer = await client.get("/v1/why/alert0", headers={"authorization": f"Bearer {token}"})

        assert answer.status_code == 404
        assert "最近 30 天" in answer.json()["zh"] and "archive (topic=*/date=*/*.parquet)" in answer.json()["en"]


class Ample(Lineage):
    """Counts of a year, which take a while to read."""

    def __init__(self) -> None:
        super().__init__([])

    def counts(self, day: str | None = None) -> tuple[Counts, dict[str, int]]:
        time.sleep(0.3)
        return Counts({Cell("2026-01-01", None, "boss.bill.issued"): 7}), {}


async def test_the_counts_of_a_year_keep_nobody_waiting_and_not_many_ask_at_once(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    settings = Settings(service_data=tmp_path, archive_dir=tmp_path / "a", kafka="-", secret_file=secret)
    service = Service("analytics", settings)
    service.routers.append(routes(Ample(), Siblings(settings), None, None, settings))  # type: ignore[arg-type]
    headers = {"authorization": f"Bearer {issue_token(SECRET, 'gateway', 'service')}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(service.asgi()), base_url="http://a") as client:
        asked = [asyncio.create_task(client.get("/v1/counts", headers=headers)) for _ in range(6)]
        await asyncio.sleep(0.05)
        started = time.monotonic()
        assert (await client.get("/health/live")).status_code == 200
        assert time.monotonic() - started < 0.2
        answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [503] * 2
    assert answers[0].json() == [{"day": "2026-01-01", "city": None, "kind": "boss.bill.issued", "count": 7}]


@pytest.mark.parametrize("stamp", [datetime(9999, 12, 31, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)])
async def test_a_strange_time_in_the_log_forgets_nothing_else(log: Any, tmp_path: Path, stamp: datetime) -> None:
    async with years(log, tmp_path, days=30) as house:
        await house.day(0)
        await house.day(1, stamp)
        await house.day(2)

        lineage = Lineage([house.store])
        assert why(lineage, "alert0") and why(lineage, "alert1") and why(lineage, "alert2")


async def test_a_leap_of_the_system_clock_forgets_nothing(log: Any, tmp_path: Path) -> None:
    async with years(log, tmp_path, days=30) as house:
        await house.day(0)
        await house.day(1)
        house.now = START + timedelta(days=4000)
        log.add("alert.raised", "later", alert_id="later", evidence=[])
        await house.read()

        assert why(Lineage([house.store]), "alert0")


async def test_nodes_of_before_the_rule_come_under_it(log: Any, tmp_path: Path) -> None:
    async with years(log, tmp_path) as house:
        await house.days(0, 20)
        for key in [*house.store._prefix(b"t"), b"m"]:
            house.store._db.delete(key)
    async with years(log, tmp_path, day=20, days=10) as house:
        house._read = {t: len(log.records[t]) for t in TOPICS}
        await house.day(20)

        assert house.keys()["n"] == house.keys()["t"] == 22
        assert why(Lineage([house.store]), "alert10") and not why(Lineage([house.store]), "alert9")


@pytest.mark.long
async def test_a_chain_has_a_longest_length(log: Any, tmp_path: Path) -> None:
    """A thousand causes one after the other, and thousands of events of one alert."""
    async with years(log, tmp_path) as house:
        for number in range(MOST + 500):
            log.add("alert.changed", f"e{number}", cause=f"e{number - 1}", alert_id=f"a{number // 1500}", evidence=[])
        await house.read()

        chain = why(Lineage([house.store]), "a1")

        assert len(chain) == MOST + 1 and chain[-1].type == CUT and "2000" in chain[-1].summary_en
        assert len(why(Lineage([house.store]), "e0")) == 1500


async def test_counts_of_a_day_are_read_alone(log: Any, tmp_path: Path) -> None:
    async with years(log, tmp_path) as house:
        for day in ("2026-06-30", "2026-07-01", "2026-07-10"):
            log.add("boss.bill.issued", day, time=f"{day}T04:00:00+00:00")
        await house.read()

        assert [cell.day for cell in Lineage([house.store]).counts("2026-07-01")[0]] == ["2026-07-01"]
        assert not Lineage([house.store]).counts("2026-07-0")[0]


async def test_an_event_without_a_time_is_as_new_as_those_before_it(log: Any, tmp_path: Path) -> None:
    async with years(log, tmp_path, days=30) as house:
        for number in range(3):
            log.add("alert.raised", f"raised{number}", alert_id=f"alert{number}", evidence=[])
        log.records["alert.events"][0] = log.records["alert.events"][0]._replace(timestamp=-1)
        await house.read()
        await house.day(1)

        assert why(Lineage([house.store]), "alert0"), "the first of all, with none before it"
