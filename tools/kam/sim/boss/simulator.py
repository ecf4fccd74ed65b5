"""The simulated BOSS at work: first the nightly files, then events at a bounded pace, all of it in the journal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Literal

import msgspec
import structlog
from pydantic import BaseModel, ConfigDict, Field

from contracts.boss import BossRecord
from kam.sim.boss import files, scenarios, traffic
from kam.sim.boss.journal import Journal
from kam.sim.boss.province import Province, Shape
from kam.sim.boss.sender import Event, Receipt, Roads
from servicekit.clock import local_date

log = structlog.get_logger()
Road = Literal["http", "kafka"]
_REPORT_EVERY = 200


class Settings(BaseModel):
    """What may be changed while it runs; shares are of all events."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rate: float = Field(default=3.0, ge=0, le=2000, description="events a second")
    pause: bool = False
    kafka: float = Field(default=0.25, ge=0, le=1, description="share over boss.feed instead of HTTP")
    duplicates: float = Field(default=0.02, ge=0, le=1, description="share sent twice")
    disorder: float = Field(default=0.02, ge=0, le=1, description="share sent after what came later")
    invalid: float = Field(default=0.005, ge=0, le=1, description="share that must be rejected")


class UnknownCustomer(LookupError):
    """The province has no such customer."""


class Simulator:
    """One province. ``ready`` is set when the first nightly files have been taken."""

    def __init__(
        self, folder: Path, boss_dir: Path, seed: int, customers: int, roads: Roads, settings: Settings | None = None
    ) -> None:
        self.settings = settings or Settings()
        self.ready = asyncio.Event()
        self.journal = Journal(boss_dir / "journal.jsonl")
        self._inbox, self._memory_file, self._roads = boss_dir / "inbox", folder / "boss.json", roads
        self._wanted = (seed, customers)
        self._next, self.sent = 1, 0
        self._written: set[str] = set()
        self._held: list[tuple[int, int, Event]] = []
        self._lock = asyncio.Lock()

    # --- start ------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Make the province, deliver what nightly files are due, and send again what a crash cut off."""
        self._inbox.mkdir(parents=True, exist_ok=True)
        self._remember(await self._roads.now())
        self.province = await asyncio.to_thread(Province, self.shape)
        for day in self._month_starts():
            self.province.new_month(day)
        cut_off = self._replay()
        log.info("boss.province", customers=len(self.province.customers), first_day=str(self.shape.first_day))
        await self.deliver_nights()
        for road, entries in cut_off.items():
            await self._send(road, "normal", entries, again=True)

    def _remember(self, now: datetime) -> None:
        """Seed, size and first day are those of the first start; so are the sequences of the files."""
        try:
            memory = json.loads(self._memory_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            memory = {"seed": self._wanted[0], "customers": self._wanted[1], "first_day": str(local_date(now))}
        first_day = date.fromisoformat(memory["first_day"])
        self.shape = Shape(memory["seed"], memory["customers"], first_day)
        self._sequences: dict[str, int] = memory.get("sequences", {})
        self._written_to = date.fromisoformat(memory["written_to"]) if "written_to" in memory else None
        self._save()

    def _save(self) -> None:
        memory = {
            "seed": self.shape.seed,
            "customers": self.shape.customers,
            "first_day": str(self.shape.first_day),
            "sequences": self._sequences,
            **({"written_to": str(self._written_to)} if self._written_to else {}),
        }
        self._memory_file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._memory_file.with_suffix(".part")
        temporary.write_text(json.dumps(memory), encoding="utf-8")
        temporary.replace(self._memory_file)

    def _month_starts(self) -> list[date]:
        """Firsts of months whose bills have been written since the first start."""
        last = self._written_to or self.shape.first_day
        days = (last - self.shape.first_day).days + 1
        return [d for n in range(days) if (d := self.shape.first_day + timedelta(days=n)).day == 1]

    def _replay(self) -> dict[Road, list[tuple[int, Event]]]:
        """Bring the province to where the journal ends; returns the events without receipt."""
        waiting: dict[int, tuple[Road, Event]] = {}
        for entry in self.journal.read():
            if "event" in entry:
                self._next = max(self._next, entry["n"] + 1)
                waiting[entry["n"]] = (entry["road"], entry["event"])
                if entry["purpose"] != "invalid":
                    self.province.apply(entry["event"])
            elif "receipt" in entry:
                waiting.pop(entry["n"], None)
            else:
                self._written.add(entry["file"])
        cut_off: dict[Road, list[tuple[int, Event]]] = {}
        for number, (road, event) in waiting.items():
            cut_off.setdefault(road, []).append((number, event))
        return cut_off

    # --- nightly files ----------------------------------------------------------------------------------------------

    async def deliver_nights(self) -> None:
        """Write the files of the days that are over: at the first start all of the past, later a day at a time."""
        yesterday = local_date(await self._roads.now()) - timedelta(days=1)
        if self._written_to is None:
            await self._deliver(files.first_load(self.province), self.shape.first_day - timedelta(days=1))
        while self._written_to is not None and self._written_to < yesterday:
            day = self._written_to + timedelta(days=1)
            if day.day == 1:
                self.province.new_month(day)
            await self._deliver(files.of_night(self.province, day), day)

    async def _deliver(self, nights: Iterable[files.Night], written_to: date) -> None:
        sequences, rows = dict(self._sequences), 0
        for night in nights:
            key = f"{night.kind}_{night.city}"
            sequences[key] = sequences.get(key, 0) + 1
            name = files.name_of(night, sequences[key])
            if name not in self._written:
                await asyncio.to_thread(files.write_pair, self._inbox, night, sequences[key])
                self.journal.file(name, len(night.rows))
            rows += len(night.rows)
        self._sequences, self._written_to = sequences, written_to
        self._save()
        log.info("boss.files_written", up_to=str(written_to), rows=rows)
        await self._roads.files_delivered()

    async def until_taken(self, timeout: float = 60.0) -> None:
        """Wait until every file is loaded, at most ``timeout`` seconds; then others may count on the province."""
        deadline = asyncio.get_running_loop().time() + timeout
        # A hidden file is nobody's delivery: billing-sync leaves it where it is.
        # First where a file lies, then where it is taken: none slips through between.
        folders = (self._inbox, self._inbox.with_name(".work"))
        while any(any(place.glob("[!.]*.chk")) for place in folders) and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.1)
        self.ready.set()

    # --- real time --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Events at the rate asked for, until cancelled; nightly files when a day is over."""
        await self.until_taken()
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            rate = self.settings.rate
            if self.settings.pause or not rate:
                await asyncio.sleep(0.2)
                due = loop.time()
                continue
            size = max(1, round(rate / 10))
            await self.step(size)
            # What an absence of the platform has cost is not made up for.
            due = max(due + size / rate, loop.time() - 1.0)
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def step(self, size: int = 1) -> None:
        """Let ``size`` small stories happen and send their events."""
        async with self._lock:
            await self.deliver_nights()
            now = await self._roads.now()
            roads: dict[Road, list[tuple[str, int, Event]]] = {"http": [], "kafka": []}
            for _ in range(size):
                rng = Random(f"traffic/{self.shape.seed}/{self._next}")
                road: Road = "kafka" if rng.random() < self.settings.kafka else "http"
                for record in traffic.happen(traffic.Scene(self.province, rng, now, self._next)):
                    roads[road] += self._mistreat(self._number(record, now), rng)
            for road, entries in roads.items():
                for purpose in ("normal", "duplicate", "invalid"):
                    chosen = [(number, event) for kind, number, event in entries if kind == purpose]
                    await self._send(road, purpose, chosen)

    def _number(self, record: BossRecord, now: datetime) -> tuple[int, Event]:
        number, self._next = self._next, self._next + 1
        customer: str = record.customer_id  # type: ignore[attr-defined]
        source = f"boss/{self.province.city_of(customer)}"
        at = now + timedelta(microseconds=number % 1000)
        event = scenarios.cloud_event(record, f"{self.shape.seed}-{number:09}", source, at)
        self.province.apply(event)
        return number, event

    def _mistreat(self, numbered: tuple[int, Event], rng: Random) -> list[tuple[str, int, Event]]:
        """What really arrives: twice, too late, or with a broken one beside it."""
        number, event = numbered
        released = [("normal", n, e) for after, n, e in self._held if after <= number]
        self._held = [held for held in self._held if held[0] > number]
        if rng.random() < self.settings.disorder:
            self._held.append((number + rng.randrange(2, 10), number, event))
            return released
        sent = [("normal", number, event)]
        if rng.random() < self.settings.duplicates:
            sent.append(("duplicate", number, event))
        if rng.random() < self.settings.invalid:
            sent.append(("invalid", number, traffic.spoil(event, rng)))
        return sent + released

    async def _send(
        self, road: Road, purpose: str, entries: list[tuple[int, Event]], *, again: bool = False
    ) -> list[Receipt]:
        if not entries:
            return []
        if not again:
            self.journal.events(road, purpose, entries)
        events = [event for _, event in entries]
        receipts = await (self._roads.http(events) if road == "http" else self._roads.kafka(events))
        self.journal.receipts([(number, receipt) for (number, _), receipt in zip(entries, receipts, strict=True)])
        before, self.sent = self.sent, self.sent + len(events)
        if before // _REPORT_EVERY != self.sent // _REPORT_EVERY:
            debtors = sum(1 for arrears in self.province.arrears.values() if arrears.amount_fen)
            log.info("boss.sent", events=self.sent, debtors=debtors, bills_to_come=len(self.province.bills_to_come))
        return receipts

    async def scenario(self, name: str, customer_id: str) -> list[Receipt]:
        """Make it happen to this customer now, over HTTP. Raises ``UnknownCustomer``."""
        async with self._lock:
            province = self.province
            customer = province.customers.get(customer_id)
            if customer is None:
                raise UnknownCustomer(customer_id)
            known = scenarios.Known(
                customer=customer,
                bills={p: b.amount_fen or 0 for p in province.periods if (b := province.bills.get((customer_id, p)))},
                arrears=province.arrears.get(customer_id),
                contract=province.contracts.get(f"CT{customer_id}"),
            )
            now = await self._roads.now()
            entries = [self._number(record, now) for record in scenarios.happen(name, known, now)]
            log.info("boss.scenario", scenario=name, events=len(entries))
            return await self._send("http", "scenario", entries)

    def range_of_ids(self) -> tuple[str, str]:
        """First and last customer id of the province."""
        return min(self.province.customers), max(self.province.customers)

    async def close(self) -> None:
        """End. Events held back were never sent: after a restart they have not happened."""
        await self._roads.close()
        self.journal.close()


def standing(simulator: Simulator) -> dict[str, Any]:
    """What ``/health/ready`` shows."""
    return {**msgspec.to_builtins(simulator.shape), "sent": simulator.sent, "journal": str(simulator.journal.path)}
