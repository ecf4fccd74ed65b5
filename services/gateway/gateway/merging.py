"""Answers of a service's workers, each about its own partitions, made into one. Raises ``MsgspecError`` on what they
should not have answered."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct


class _Cell(Struct, frozen=True):
    """Where events are counted."""

    day: str
    city: str | None
    kind: str


class _Count(_Cell, frozen=True):
    count: int


class _Difference(_Cell, frozen=True):
    live: int
    archive: int


class _Recount(Struct, frozen=True):
    agree: bool
    events: int
    cells: int
    differences: list[_Difference]


_decode_counts = msgspec.json.Decoder(list[_Count]).decode
_decode_recount = msgspec.json.Decoder(_Recount).decode


def counts(answers: Iterable[bytes]) -> list[dict[str, Any]]:
    """Counts added up, cell by cell, in the order of cells."""
    total: Counter[_Cell] = Counter()
    for count in (count for answer in answers for count in _decode_counts(answer)):
        total[_cell_of(count)] += count.count
    return [{**_of(cell), "count": total[cell]} for cell in sorted(total, key=_order)]


def recounts(answers: Iterable[bytes]) -> dict[str, Any]:
    """All agree or not; events and cells added up (a cell of two workers is two), and where they differ."""
    found = [_decode_recount(answer) for answer in answers]
    live: Counter[_Cell] = Counter()
    archive: Counter[_Cell] = Counter()
    for difference in (difference for one in found for difference in one.differences):
        cell = _cell_of(difference)
        live[cell] += difference.live
        archive[cell] += difference.archive
    differences = [{**_of(cell), "live": live[cell], "archive": archive[cell]} for cell in sorted(live, key=_order)]
    return {
        "agree": all(one.agree for one in found),
        "events": sum(one.events for one in found),
        "cells": sum(one.cells for one in found),
        "differences": differences,
    }


class _Budget(Struct, frozen=True):
    campaign: str
    parts: int
    fen: int
    parts_limit: int | None
    fen_limit: int | None
    is_near: bool


_decode_budgets = msgspec.json.Decoder(list[_Budget]).decode


def budgets(answers: Iterable[bytes]) -> list[dict[str, Any]]:
    """What each worker has used of a budget added up; the limits are those of all. It is near where it is for one."""
    found: dict[str, _Budget] = {}
    for budget in (budget for answer in answers for budget in _decode_budgets(answer)):
        other = found.get(budget.campaign)
        if other is not None:
            budget = msgspec.structs.replace(
                budget,
                parts=budget.parts + other.parts,
                fen=budget.fen + other.fen,
                is_near=budget.is_near or other.is_near,
            )
        found[budget.campaign] = budget
    return [msgspec.structs.asdict(budget) for budget in found.values()]


def _cell_of(told: _Count | _Difference) -> _Cell:
    return _Cell(told.day, told.city, told.kind)


def _of(cell: _Cell) -> dict[str, Any]:
    return msgspec.structs.asdict(cell)


def _order(cell: _Cell) -> tuple[str, str, str]:
    return cell.day, cell.city or "", cell.kind
