"""Delivering nightly file pairs: data files first, then the control files in BOSS's order; one receipt a pair."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from kam.client import Client, Failed, segment

ORDER = ("UNIT", "MGR", "CUST", "CONT", "BILL", "USAGE", "PAY", "ARR", "COMP", "SERV")
_NAME = re.compile(r"(?P<kind>[A-Z]+)_(?P<city>[^_]+)_(?P<date>\d{8})_(?P<sequence>\d+)$")
DATA, CONTROL = ".dat.gz", ".chk"


class Pair(NamedTuple):
    """A file pair as it lies outside the inbox; a half that is missing is ``None``."""

    name: str
    data: Path | None
    control: Path | None

    def order(self) -> tuple[str, int, str, str]:
        """Business date, then kind, then sequence; names that are none of BOSS's come last."""
        match = _NAME.match(self.name)
        if match is None:
            return ("99999999", len(ORDER), "", self.name)
        kind = match["kind"]
        place = ORDER.index(kind) if kind in ORDER else len(ORDER)
        return (match["date"], place, match["sequence"].zfill(8), match["city"])


def pairs(paths: Iterable[Path]) -> list[Pair]:
    """The pairs that these paths name, by either half, in processing order. Raises ``Failed`` (misuse)."""
    found: dict[Path, Pair] = {}
    for path in paths:
        suffix = next((s for s in (DATA, CONTROL) if path.name.endswith(s)), None)
        if suffix is None:
            raise Failed(f"{path}：要 .dat.gz 或 .chk 文件", f"{path}: name a .dat.gz or a .chk", 2)
        base = path.with_name(path.name.removesuffix(suffix))
        data, control = base.with_name(base.name + DATA), base.with_name(base.name + CONTROL)
        if not data.is_file() and not control.is_file():
            raise Failed(f"没有这个文件：{path}", f"no such file: {path}", 2)
        found[base] = Pair(base.name, data if data.is_file() else None, control if control.is_file() else None)
    return sorted(found.values(), key=Pair.order)


def copy_in(source: Path, inbox: Path) -> None:
    """Copy under a hidden name, then rename: nobody sees half a file."""
    temporary = inbox / f".{source.name}.part"
    shutil.copyfile(source, temporary)
    temporary.replace(inbox / source.name)


def put_control(source: Path, inbox: Path, baseline: str) -> None:
    """A control file that says of which first load its pair is a part; nobody sees half of it."""
    lines = [line for line in source.read_bytes().splitlines() if not line.startswith(b"baseline=")]
    temporary = inbox / f".{source.name}.part"
    temporary.write_bytes(b"\n".join((*lines, f"baseline={baseline}".encode(), b"")))
    temporary.replace(inbox / source.name)


def last_date(known: Iterable[Pair]) -> str:
    """The last business date of some pairs, yyyy-mm-dd. Raises ``Failed`` (misuse) where a name says none."""
    dates = []
    for pair in known:
        match = _NAME.match(pair.name)
        if match is None:
            raise Failed(f"{pair.name} 不是夜间文件的名字", f"{pair.name} is no name of a nightly file", 2)
        dates.append(match["date"])
    last = max(dates)
    return f"{last[:4]}-{last[4:6]}-{last[6:]}"


def deliver(client: Client, known: list[Pair], *, baseline: bool = False) -> datetime:
    """Put the pairs into the inbox and wake billing-sync; returns when it began (system time). ``baseline``: they are
    a first load together, up to the last of their dates, of which no SMS comes."""
    last = last_date(known) if baseline else ""
    inbox = Path(client.description["inbox"])
    began = datetime.now(UTC)
    for pair in known:
        if pair.data is not None:
            copy_in(pair.data, inbox)
    for pair in known:
        if pair.control is not None and last:
            put_control(pair.control, inbox, last)
        elif pair.control is not None:
            copy_in(pair.control, inbox)
    client.send("POST", "billing-sync", "/v1/files/scan")
    return began


def receipts(
    client: Client, names: list[str], since: datetime, timeout: float, progress: Callable[[int, str], None]
) -> list[dict[str, Any]]:
    """Receipts of these pairs, in their order, as soon as all are there. Raises ``Failed`` after ``timeout``."""
    found: dict[str, dict[str, Any]] = {}
    deadline = time.monotonic() + timeout
    pause = 0.02
    while True:
        for name in names:
            if name in found:
                continue
            latest = _latest(client, name, since)
            if latest.get("ended"):
                found[name] = latest
                progress(len(found), f"{name} {latest['result']}")
            elif latest:
                part = f"{latest.get('phase')} {latest.get('percent')} %" if "percent" in latest else latest["result"]
                progress(len(found), f"{name} {part}")
        waiting = [name for name in names if name not in found]
        if not waiting:
            return [found[name] for name in names]
        if time.monotonic() > deadline:
            shown = ", ".join(waiting[:5])
            raise Failed(
                f"{timeout:.0f} 秒内没有回执：{shown}；看收件箱和 kam status",
                f"no receipt within {timeout:.0f} s: {shown}; look at the inbox and kam status",
            )
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)


def _latest(client: Client, name: str, since: datetime) -> dict[str, Any]:
    """The receipt of this delivery; how far it is while it is being loaded; empty while there is nothing to say."""
    answer = client.call("GET", "billing-sync", f"/v1/files?name={segment(name)}{DATA}", patience=30.0)
    known = Client.checked(answer)
    newest: dict[str, Any] = known[-1] if known else {}
    old = newest.get("ended") and datetime.fromisoformat(newest["ended"]) < since
    return {} if old else newest
