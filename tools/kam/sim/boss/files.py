"""Nightly file pairs as BOSS writes them: which ones, and their exact form (interfaces.md, "BOSS nightly files")."""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from contracts.boss import BossRecord
from contracts.registry import FILE_KINDS
from kam.sim.boss.people import CITIES, PROVINCE
from kam.sim.boss.province import Province, issued_on, month_before, period_of
from servicekit.clock import local_date

#: two systems from two suppliers, as operators have them
FORMS: dict[str, tuple[str, str]] = {PROVINCE: ("utf-8", "|"), "320100": ("utf-8", "|"), "320500": ("gb18030", "\t")}


class Night(NamedTuple):
    """The rows of one file: kind, city and business date."""

    kind: str
    city: str
    day: date
    rows: Sequence[BossRecord]


def first_load(province: Province) -> Iterator[Night]:
    """Everything up to yesterday, in the order of the nights."""
    yesterday = province.shape.first_day - timedelta(days=1)
    begin = province.begin
    yield Night("UNIT", PROVINCE, begin, province.units)
    yield Night("MGR", PROVINCE, begin, province.managers)
    for kind in ("CUST", "CONT"):
        for city in CITIES:
            rows = _snapshot(province, kind, city)
            yield Night(kind, city, begin, [r for r in rows if (getattr(r, "opened_on", None) or begin) <= begin])
    for period in province.periods:
        for kind in ("BILL", "USAGE"):
            for city in CITIES:
                yield Night(kind, city, issued_on(period), _of_month(province, kind, city, period))
    for city in CITIES:
        yield Night("CUST", city, yesterday, _snapshot(province, "CUST", city))
    for kind, records in (
        ("PAY", province.payments),
        ("ARR", province.arrears),
        ("COMP", province.complaints),
        ("SERV", province.requests),
    ):
        for city in CITIES:
            every: Iterable[Any] = records.values()
            yield Night(kind, city, yesterday, [r for r in every if province.city_of(r.customer_id) == city])


def of_night(province: Province, day: date) -> Iterator[Night]:
    """What BOSS writes after a day of traffic: whole snapshots, and the day's additions."""
    for city in CITIES:
        for kind in ("CUST", "CONT"):
            yield Night(kind, city, day, _snapshot(province, kind, city))
        period = period_of(month_before(day))
        if issued_on(period) == day:
            for kind in ("BILL", "USAGE"):
                yield Night(kind, city, day, _of_month(province, kind, city, period))
        for kind, records, field in (
            ("PAY", province.payments, "paid_at"),
            ("COMP", province.complaints, "opened_at"),
            ("SERV", province.requests, "requested_at"),
        ):
            known: Iterable[Any] = records.values()
            mine = [r for r in known if province.city_of(r.customer_id) == city]
            if rows := [r for r in mine if local_date(getattr(r, field)) == day]:
                yield Night(kind, city, day, rows)
        owing = [a for a in province.arrears.values() if a.amount_fen and province.city_of(a.customer_id) == city]
        yield Night("ARR", city, day, owing)


def _of_month(province: Province, kind: str, city: str, period: str) -> list[BossRecord]:
    """Bills or usage of a month, without what is yet to come in real time."""
    later = province.bills_to_come if kind == "BILL" else province.usage_to_come
    book: dict[tuple[str, str], Any] = {**(province.bills if kind == "BILL" else province.usage)}
    mine = [id_ for id_ in province.customers if province.city_of(id_) == city]
    keys = [(id_, period) for id_ in mine if (id_, period) not in later]
    return [book[key] for key in keys if key in book]


def _snapshot(province: Province, kind: str, city: str) -> list[BossRecord]:
    if kind == "CUST":
        return [c for c in province.customers.values() if c.city == city]
    return [c for c in province.contracts.values() if province.city_of(c.customer_id) == city]


def name_of(night: Night, sequence: int) -> str:
    """Name of a pair, without suffix."""
    return f"{night.kind}_{night.city}_{night.day:%Y%m%d}_{sequence:04}"


def write_pair(inbox: Path, night: Night, sequence: int) -> str:
    """Write the data file, then its control file, each whole or not at all; returns the name without suffix."""
    encoding, separator = FORMS[night.city]
    columns = FILE_KINDS[night.kind][1].__struct_fields__
    amount = FILE_KINDS[night.kind][2]
    lines = [separator.join(columns)]
    lines += (separator.join([cell(getattr(row, column)) for column in columns]) for row in night.rows)
    packed = gzip.compress(("\n".join(lines) + "\n").encode(encoding), compresslevel=6, mtime=0)
    name = name_of(night, sequence)
    control = {
        "file": f"{name}.dat.gz",
        "rows": len(night.rows),
        "bytes": len(packed),
        "sha256": hashlib.sha256(packed).hexdigest(),
        "amount_fen": sum(getattr(row, amount) or 0 for row in night.rows) if amount else 0,
        "encoding": encoding,
        "separator": separator.replace("\t", "\\t"),
        "business_date": night.day.isoformat(),
        "sequence": sequence,
    }
    _put(inbox / f"{name}.dat.gz", packed)
    _put(inbox / f"{name}.chk", "".join(f"{key}={value}\n" for key, value in control.items()).encode())
    return name


def cell(value: Any) -> str:
    """A value as it stands in a file: empty is not known, booleans are 0 and 1, no separator or line break."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, date):
        return value.isoformat()
    return str(value).translate({ord(c): " " for c in "|\t\r\n"})


def _put(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.part")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
