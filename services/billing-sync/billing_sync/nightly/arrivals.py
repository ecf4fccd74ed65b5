"""What has come of a business day's files and what has not: receipts found by their names, without a list of cities."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from billing_sync.domain.keys import receipts_key
from billing_sync.domain.kinds import FILE_ORDER
from billing_sync.nightly.loading import decode_receipts
from billing_sync.nightly.names import PairName, name_of, stem_of
from billing_sync.store import ScanStore
from contracts.misc import FileReceipt
from servicekit.clock import iso, system_now

#: files of one kind, city and day; corrections have numbers of their own
_A_DAY = 100
#: sorts behind every digit of a date
_PAST = "~"
_CITY = 6


async def names_of(store: ScanStore, day: date) -> list[PairName]:
    """Files that have a receipt for this business day. Leaps from city to city, over the receipts of all other days."""
    found: list[PairName] = []
    for kind in FILE_ORDER:
        prefix, at = receipts_key(f"{kind}_"), ""
        while keys := await store.keys(prefix, at, 1):
            city = keys[0].removeprefix(prefix)[:_CITY]
            own = await store.keys(f"{prefix}{city}_{day:%Y%m%d}_", "", _A_DAY)
            names = (name_of(key.removeprefix(receipts_key(""))) for key in own)
            found += [name for name in names if name is not None]
            # Leaps over what is a city's only: strays that begin alike are passed one by one.
            leap = f"{prefix}{city}_{_PAST}" if len(city) == _CITY else ""
            at = max(keys[0], leap)
    return found


async def arrivals(store: ScanStore, day: date, inbox: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """``FileDay``. ``inbox``: how files stand there, which says more of them than their last receipt."""
    names = await names_of(store, day)
    after = await _receipts(store, await names_of(store, day + timedelta(days=1)))
    before = await names_of(store, day - timedelta(days=1))
    followed: dict[tuple[str, str], datetime] = {}
    for name, receipts in after.items():
        followed[_place(name)] = min(receipts[0].started, followed.get(_place(name), receipts[0].started))
    files: dict[PairName, dict[str, Any]] = {}
    for name, receipts in (await _receipts(store, names)).items():
        first, last = receipts[0], receipts[-1]
        is_late = _place(name) in followed and followed[_place(name)] < first.started
        files[name] = {**_about(name), **msgspec.to_builtins(last), "late": is_late}
    for entry in inbox:
        known = name_of(stem_of(entry["file"]))
        if known is not None and known.date == day:
            files[known] = {**_about(known), **entry}
    missing = sorted({_place(name) for name in before} - {_place(name) for name in files})
    return {
        "date": day.isoformat(),
        "kinds": list(FILE_ORDER),
        "files": [files[name] for name in sorted(files)],
        "missing": [{"kind": kind, "city": city} for kind, city in missing],
        "as_of": iso(system_now()),
    }


async def _receipts(store: ScanStore, names: list[PairName]) -> dict[PairName, list[FileReceipt]]:
    raw = await store.load([receipts_key(name.stem) for name in names])
    return {name: decode_receipts(found) for name in names if (found := raw.get(receipts_key(name.stem)))}


def _place(name: PairName) -> tuple[str, str]:
    return name.kind.name, name.city


def _about(name: PairName) -> dict[str, Any]:
    return {"kind": name.kind.name, "city": name.city, "sequence": name.sequence}
