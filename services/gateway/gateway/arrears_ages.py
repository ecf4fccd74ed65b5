"""What a customer owes by its age. BOSS tells the sum and the oldest due date; which bills it is of follows from them:
payments settle the oldest first, so what is owed is of the newest. Pure.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

#: days past due up to which each counts
_BOUNDS = ((0, "not_due"), (30, "to_30"), (60, "to_60"), (90, "to_90"))
#: days from the end of a bill's month to its due date where it has none
_GRACE = timedelta(days=20)


def ages_of(arrears: Mapping[str, Any] | None, bills: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Fen by age as of the day that BOSS counted on; None where it has told of no debt. ``bills``: newest first. What
    the bills known here do not cover is as old as the oldest due date."""
    if not arrears or arrears.get("amount_fen") is None or not (as_of := _day(arrears.get("as_of"))):
        return None
    ages = {"not_due": 0, "to_30": 0, "to_60": 0, "to_90": 0, "over_90": 0}
    left = int(arrears["amount_fen"])
    for bill in bills:
        amount = min(left, bill.get("amount_fen") or 0)
        if amount > 0:
            ages[_age(as_of, _due(bill))] += amount
            left -= amount
    if left > 0:
        ages[_age(as_of, _day(arrears.get("oldest_due_on")))] += left
    return {"as_of": as_of.isoformat(), **ages}


def _age(as_of: date, due: date | None) -> str:
    if due is None:
        return "over_90"
    return next((name for days, name in _BOUNDS if (as_of - due).days <= days), "over_90")


def _due(bill: Mapping[str, Any]) -> date | None:
    if (due := _day(bill.get("due_on"))) is not None:
        return due
    period = str(bill.get("period") or "")
    first = _day(f"{period[:4]}-{period[4:]}-01")
    try:
        return None if first is None else (first + timedelta(days=32)).replace(day=1) + _GRACE
    except OverflowError:  # pragma: no cover - the last month of the calendar
        return None


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
