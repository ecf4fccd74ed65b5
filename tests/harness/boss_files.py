"""Nightly file pairs as ``interfaces.md`` describes them, written by code that shares nothing with the platform."""

import gzip
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

COLUMNS = {
    "UNIT": "unit_id parent_id name city head_id",
    "MGR": "manager_id name unit_id phone extension status",
    "CUST": "customer_id kind name phone id_number birth_date gender city district area brand plan_code"
    " monthly_fee_fen opened_on status credit_class corporate_id role language do_not_disturb manager_id",
    "BILL": "customer_id period issued_on due_on amount_fen voice_fen data_fen sms_fen other_fen",
    "PAY": "payment_id customer_id paid_at amount_fen channel",
    "ARR": "customer_id as_of amount_fen oldest_due_on suspended",
    "USAGE": "customer_id period voice_minutes out_calls sms_count data_mb active_days competitor_calls care_calls",
    "CONT": "contract_id customer_id product_code starts_on ends_on monthly_fee_fen auto_renew",
    "COMP": "complaint_id customer_id opened_at category channel severity status closed_at text",
    "SERV": "request_id customer_id requested_at kind detail",
}


def name_of(kind: str, city: str, day: date | str, sequence: int) -> str:
    """Name of a pair, without extension."""
    return f"{kind}_{city}_{str(day).replace('-', '')}_{sequence:04d}"


def write_pair(
    folder: Path,
    kind: str,
    city: str,
    day: date | str,
    sequence: int,
    rows: Iterable[dict[str, Any] | str],
    *,
    encoding: str = "utf-8",
    separator: str = "|",
    columns: Sequence[str] | None = None,
    line_break: str = "\n",
    written_in: str | None = None,
    damage: Any = None,
    only: Sequence[str] = (".dat.gz", ".chk"),
    control: Mapping[str, Any] | None = None,
) -> str:
    """Write a pair into ``folder``, the control file last, and return its name without extension.

    A row is a dict (absent columns stay empty) or a raw line. To make bad pairs: ``written_in`` another encoding than
    declared, ``damage`` a function on the packed bytes before the sums are taken, ``control`` other values of the .chk
    (None leaves the line out), ``only`` one half.
    """
    columns = list(columns or COLUMNS[kind].split())
    lines = [separator.join(columns)]
    amount = 0
    for row in rows:
        if isinstance(row, str):
            lines.append(row)
            continue
        lines.append(separator.join(_cell(row.get(column)) for column in columns))
        if kind in ("BILL", "PAY", "ARR") and isinstance(row.get("amount_fen"), int):
            amount += row["amount_fen"]
    packed = gzip.compress((line_break.join(lines) + line_break).encode(written_in or encoding), mtime=0)
    packed = damage(packed) if damage else packed
    name = name_of(kind, city, day, sequence)
    values: dict[str, Any] = {
        "file": f"{name}.dat.gz",
        "rows": len(lines) - 1,
        "bytes": len(packed),
        "sha256": hashlib.sha256(packed).hexdigest(),
        "amount_fen": amount,
        "encoding": encoding,
        "separator": separator.replace("\t", "\\t"),
        "business_date": str(day),
        "sequence": sequence,
        **(control or {}),
    }
    text = "".join(f"{key}={value}\n" for key, value in values.items() if value is not None)
    folder.mkdir(parents=True, exist_ok=True)
    for suffix, content in ((".dat.gz", packed), (".chk", text.encode())):
        if suffix in only:
            (folder / (name + suffix)).write_bytes(content)
    return name


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)
