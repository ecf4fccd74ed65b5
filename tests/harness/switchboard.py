"""billing-sync, as far as an owner of documents sees it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from contracts.documents import PASSED, Placed
from servicekit.decision import Refused
from servicekit.documents.steps import Step

AT = datetime.fromisoformat("2026-07-01T00:00:00+00:00")


class Board:
    """``asked``: the orders; ``dies``: the answer of the next one gets lost; ``away``: nothing answers;
    ``full``: nothing is placed; ``keeps``: nothing is taken back; ``today``: days before it have passed."""

    def __init__(self) -> None:
        self.placed: dict[str, Placed] = {}
        self.asked: list[tuple[str, int, str, dict[str, Any]]] = []
        self.dies = self.away = self.full = self.keeps = False
        self.today = date.min

    async def place(self, kind: str, step: Step, document: Mapping[str, Any]) -> Placed:
        self._reach(self.full)
        if step.on is not None and step.on < self.today:
            raise Refused(PASSED, "x", "x", 422)
        self.asked.append((step.id, step.version, step.state, dict(document)))
        if step.order not in self.placed:
            number = None if step.on else 1 + sum(p.number is not None for p in self.placed.values())
            self.placed[step.order] = Placed(
                id=step.order, kind=kind, document_id=step.id, version=step.version, state=step.state, by=step.by,
                why=step.why, number=number, at=AT if number else None, on=step.on,
            )  # fmt: skip
        if self.dies:
            self.dies = False
            raise ConnectionError("killed")
        return self.placed[step.order]

    async def take_back(self, order: str) -> bool:
        self._reach(self.keeps)
        return self.placed.pop(order, None) is not None

    async def after(self, number: int, kind: str) -> Sequence[Placed]:
        self._reach()
        return [p for p in self.placed.values() if p.number is None or p.number > number]

    def reach_the_day(self) -> None:
        numbers = sum(p.number is not None for p in self.placed.values())
        self.placed = {
            id: p if p.number else msgspec.structs.replace(p, number=numbers + 1, at=AT)
            for id, p in self.placed.items()
        }

    def _reach(self, is_away: bool = False) -> None:
        if self.away or is_away:
            raise Refused("switches_away", "x", "x", 503)
