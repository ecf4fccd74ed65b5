"""A night under the brake: a small city that owes, what waits of its files, and a person's word."""

from typing import Any

from billing_sync.nightly.held import held_of
from billing_sync.switches import Order, Place
from harness.nightly import Night, customer, debt
from harness.waiting import eventually

OTHER, PEOPLE = "320200", 20
NEXT = "2026-06-01"


def brake(enabled: bool = True, percent: int = 20, least: int = 10, version: int = 2, state: str = "active") -> Place:
    document = {"id": "brake", "enabled": enabled, "percent": percent, "min_customers": least}
    order = {"kind": "brake", "document_id": "brake", "version": version, "state": state, "by": "X1", "why": "try"}
    return Place(Order(id=f"brake-{version}", document=document, **order))  # type: ignore[arg-type]


def people(count: int = PEOPLE, **more: Any) -> list[dict[str, Any]]:
    return [customer(str(n), **more) for n in range(count)]


def debts(*who: int, day: str = NEXT, amount: int = 500) -> list[dict[str, Any]]:
    return [debt(str(n), amount, as_of=day) for n in who]


async def a_city(boss: Night, owing: int = 10) -> None:
    """Twenty customers, of whom the first owe; then the brake."""
    await boss.put("CUST", people())
    await boss.put("ARR", debts(*range(owing), day="2026-05-31"))
    await boss.intake.submit(brake())


async def waiting(boss: Night) -> list[dict[str, Any]]:
    return [held.plain() for held in await held_of(boss.intake) if held.state == "waiting"]


async def decide(boss: Night, id: str, verdict: str = "released", by: str = "li") -> None:
    await boss.loader.decide(id, verdict, by, "已核对")  # type: ignore[arg-type]
    await eventually(lambda: not boss.loader.waiting())


def owed(boss: Night) -> dict[str, int]:
    """What each owes, by the last event of theirs."""
    return {e["subject"]: e["data"]["amount_fen"] for e in boss.events("arrears.changed")}
