"""A province's inbox with a loader at work on it, over the intake on the in-memory store."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from billing_sync.intake import Intake
from billing_sync.nightly.loader import Loader
from billing_sync.settings import Settings
from harness.boss_files import write_pair
from harness.intake import Producer, running, until

CITY, DAY = "320100", "2026-05-31"


class Night:
    """A province's inbox with a loader at work on it."""

    def __init__(self, boss: Path, intake: Intake, producer: Producer, loader: Loader) -> None:
        self.boss, self.inbox, self.intake, self.producer, self.loader = boss, boss / "inbox", intake, producer, loader

    async def put(self, kind: str, rows: list[Any], day: str = DAY, sequence: int = 1, **more: Any) -> dict[str, Any]:
        """Deliver a pair; its receipt."""
        city = more.pop("city", CITY)
        known = len(await self.loader.status(f"{kind}_{city}_{day.replace('-', '')}_{sequence:04d}"))
        return await self.receipt(write_pair(self.inbox, kind, city, day, sequence, rows, **more), known)

    async def receipt(self, name: str, known: int = 0) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while True:
                self.loader.wake()
                found = [r for r in json.loads(msgspec.json.encode(await self.loader.status(name))) if "ended" in r]
                if len(found) > known and not self.loader.waiting():
                    break
                await asyncio.sleep(0.005)
        await until(lambda: not self.intake.settle()["outbox"])
        return dict(found[-1])

    def path(self, folder: str, name: str) -> Path:
        return self.boss / folder / name

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        return [e for e in self.producer.of("boss.events") if e["type"].startswith(f"kam.boss.{kind}")]


@asynccontextmanager
async def night(boss: Path, store: Any = None, **more: Any) -> AsyncIterator[Night]:
    settings = Settings(
        service_data=boss,
        kafka="-",
        boss_dir=boss,
        grace_seconds=more.pop("grace", 0.05),
        chunk_rows=more.pop("rows", 3),
        half_pair_seconds=more.pop("half", 600.0),
        unpacked_bytes=more.pop("unpacked", 1 << 30),
    )
    async with running(store, held=True, **more) as (intake, producer):
        loader = Loader(settings, intake)
        task = asyncio.create_task(loader.run())
        try:
            yield Night(boss, intake, producer, loader)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def bill(customer: str = "1", amount: Any = 100, **more: Any) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "period": "202605",
        "issued_on": DAY,
        "due_on": "2026-06-20",
        "amount_fen": amount,
        **more,
    }


def customer(id: str = "1", **more: Any) -> dict[str, Any]:
    return {"customer_id": id, "name": "客户一", "city": CITY, "status": "active", **more}


def debt(customer: str, amount: Any = 500, as_of: str = DAY, **more: Any) -> dict[str, Any]:
    return {"customer_id": customer, "as_of": as_of, "amount_fen": amount, **more}
