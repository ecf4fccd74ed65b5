"""A careless or hostile BOSS at the inbox: pairs, halves, names, sizes and bytes of every kind; the intake in memory.

Whatever is put there ends in ``accepted/``, ``partial/`` or ``rejected/`` with its bytes and a receipt that says why in
both languages, or waits for its other half; what is published keeps its contract; the next good pair loads; memory
stays bounded; nothing ends the loader, however often it starts anew.

By hand: ``python tests/fuzz/fuzz_files.py --seconds 60 --seed 7``. A fault names its seed.
"""

import asyncio
import gzip
import json
import os
import random
import re
import resource
import shutil
import sys
import tempfile
import time
import zlib
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))

from contracts.registry import EVENTS
from fuzz.doors import Fault, by_hand
from harness.boss_files import COLUMNS, name_of
from harness.nightly import Night, customer, night
from servicekit.memory_store import MemoryStore

MARK = "王芳13900001111"
DAYS = ["2026-05-30", "2026-05-31", "2026-06-01", "0001-01-01", "9999-12-31"]
RESULTS = ("accepted", "partial", "rejected")
_KEPT = 300
_GROWTH_KIB = 250 << 10
_DECODERS = {name: msgspec.json.Decoder(event.payload).decode for name, event in EVENTS.items()}


class Boss:
    """Makes deliveries out of one seed: file names and their bytes, in the order of writing."""

    def __init__(self, dice: random.Random) -> None:
        self._dice, self._pick = dice, dice.choice
        self._sequences: Counter[str] = Counter()
        self._earlier: list[dict[bytes, bytes]] = []

    def delivery(self) -> dict[bytes, bytes]:
        """One delivery: mostly a pair, in careless hands."""
        if self._dice.random() < 0.12:
            return {self._strange_name(): self._dice.randbytes(self._dice.randrange(40))}
        if self._earlier and self._dice.random() < 0.08:
            return self._pick(self._earlier)
        data, control = self._pair()
        found = {data[0]: data[1], control[0]: control[1]}
        match self._dice.randrange(30):
            case 0:
                found.pop(data[0])
            case 1:
                found.pop(control[0])
            case 2:
                found = {data[0]: control[1], control[0]: data[1]}
            case 3:
                found[data[0] + self._pick([b".part", b".tmp", b".gz", b"~", b""])] = found.pop(data[0])
        self._earlier = [*self._earlier[-20:], found]
        return found

    def _strange_name(self) -> bytes:
        pair = name_of("BILL", "320100", "2026-05-31", 1).encode()
        name = self._pick([
            "账单".encode("gbk"), "账单".encode(), b"a" * 250, "账".encode() * 85, b"\x01\x1b[31m", b"a\nb",
            b"\xff\xfe", b"\xed\xa0\x80", b" ", b"-rf",
            b"x.rcp", b"x.why", b"x.2", pair, pair + b".rej", pair + b".rcp",
            pair.lower(), b"BILL_32010_20260531_0001", b"BILL_320100_20260230_0001", b"BILL_320100_00000101_0001",
            "BILL_320100_２０２６0531_0001".encode(), b"LEFT_320100_20260531_0001", self._dice.randbytes(8),
        ])  # fmt: skip
        name = name.replace(b"/", b"?").replace(b"\0", b"?").lstrip(b".") or b"?"
        suffix = self._pick([b"", b".dat.gz", b".chk"])
        return (name + suffix if name_of_pair(name + suffix) is None else name + b".x" + suffix)[:255]

    def _pair(self) -> tuple[tuple[bytes, bytes], tuple[bytes, bytes]]:
        kind, city = self._pick([*COLUMNS]), self._pick(["320100", "320200"])
        day = self._pick(DAYS) if self._dice.random() < 0.9 else self._pick(DAYS[3:])
        self._sequences[kind + city] += self._pick([1, 1, 1, 1, 1, 1, 2, 0])
        name = name_of(kind, city, day, self._sequences[kind + city] % 10_000)
        encoding, separator = self._pick(["utf-8", "gb18030"]), self._pick(["|", "\t"])
        columns = COLUMNS[kind].split()
        self._dice.shuffle(columns)
        if self._dice.random() < 0.06:
            columns = self._spoil_columns(columns)
        rows = [
            self._row(kind, columns, separator)
            for _ in range(self._pick([0, 1, 3, 10, 60]) if len(columns) < 100 else 1)
        ]
        text = self._text([separator.join(columns), *rows], encoding)
        packed = self._packed(text)
        values: dict[str, Any] = {
            "file": f"{name}.dat.gz",
            "rows": len(rows),
            "bytes": len(packed),
            "sha256": sha256(packed).hexdigest(),
            "amount_fen": self._sum(kind, columns, [row.split(separator) for row in rows]),
            "encoding": encoding,
            "separator": separator.replace("\t", "\\t"),
            "business_date": day,
            "sequence": self._sequences[kind + city] % 10_000,
        }
        if self._dice.random() < 0.1:
            packed = self._damage(packed)
        return (f"{name}.dat.gz".encode(), packed), (f"{name}.chk".encode(), self._control(values))

    @staticmethod
    def _sum(kind: str, columns: list[str], rows: list[list[str]]) -> int:
        if kind not in ("BILL", "PAY", "ARR") or "amount_fen" not in columns:
            return 0
        cells = [row[columns.index("amount_fen")] for row in rows if len(row) == len(columns)]
        return sum(int(cell) for cell in cells if re.fullmatch(r"-?[0-9]{1,18}", cell, re.ASCII))

    def _spoil_columns(self, columns: list[str]) -> list[str]:
        return self._pick([
            columns[1:], [*columns, columns[0]], [*columns, "extra", "更多"], [""],
            ["\ufeff" + columns[0], *columns[1:]], [f'"{column}"' for column in columns],
            [*columns, *["x" * 300] * 600], [column.upper() for column in columns],
            [*columns, *(str(n) for n in range(50_000))],
        ])  # fmt: skip

    def _row(self, kind: str, columns: list[str], separator: str) -> str:
        cells = [self._cell(column) if self._dice.random() < 0.97 else self._pick(_CELLS) for column in columns]
        if self._dice.random() < 0.03:
            return self._pick(["", separator, MARK, separator.join(cells[1:]), separator.join([*cells, ""])])
        # Otherwise what the cell holds would change the shape.
        return separator.join(cell.replace(separator, "") for cell in cells)

    def _cell(self, column: str) -> str:
        at = self._dice.randrange(1, 20)
        if column.endswith(("_on", "as_of", "birth_date")):
            return self._pick(["2026-05-30", "2026-05-31", "", "9999-12-31", "0001-01-01"])
        if column.endswith("_at"):
            return self._pick(["2026-05-30T10:00:00+08:00", "2026-05-31T23:59:59Z", "9999-12-31T23:59:59-23:59", ""])
        if column.endswith(("_fen", "_minutes", "_calls", "_count", "_mb", "_days")):
            return self._pick(["0", "100", "9007199254740992", "-5", ""])
        fixed = {
            "period": "202605", "city": "320100", "status": self._pick(["active", "left", "opened", "closed"]),
            "kind": self._pick(["person", "stop"]), "severity": "2", "do_not_disturb": "0", "auto_renew": "1",
            "suspended": "0", "area": "urban", "language": "zh", "role": "member", "name": MARK, "text": MARK,
        }  # fmt: skip
        return fixed.get(column, f"{column[0]}{at}" if column.endswith("_id") else "")

    def _text(self, lines: list[str], encoding: str) -> bytes:
        line_break = self._pick(["\n"] * 8 + ["\r\n", "\r\n", "\r", "\n\n"])
        text = line_break.join(lines) + self._pick([line_break] * 8 + ["", line_break * 2])
        if self._dice.random() < 0.05:
            text = "\ufeff" + text
        written = encoding if self._dice.random() < 0.95 else self._pick(["utf-8", "gb18030", "utf-16", "latin-1"])
        raw = text.encode(written, "replace")
        match self._dice.randrange(60):
            case 0:
                return b""
            case 1:
                return raw + b"x" * (3 << 20)
            case 2:
                return raw + b"\n" * (12 << 20)
            case 3:
                return raw + self._dice.randbytes(100)
            case 4:
                return raw.split(b"\n", 1)[-1]
        return raw

    def _packed(self, text: bytes) -> bytes:
        match self._dice.randrange(40):
            case 0:
                return gzip.compress(text[: len(text) // 2]) + gzip.compress(text[len(text) // 2 :])
            case 1:
                return gzip.compress(text) + self._pick([b"\0" * 100, b"garbage", b"\x1f\x8b", gzip.compress(b"")])
            case 2:
                return self._pick([text, zlib.compress(text), b"", b"\x1f\x8b", b"\x1f\x8b\x08\x1c" + b"\xff" * 60])
            case 3:
                return b"\x1f\x8b\x08\x08" + bytes(6) + b"name" * 1000 + b"\0" + gzip.compress(text)[10:]
            case 4:
                return self._damage(gzip.compress(text))
        return gzip.compress(text, 1, mtime=0)

    def _damage(self, packed: bytes) -> bytes:
        at = self._dice.randrange(len(packed) + 1)
        return self._pick([
            packed[:at], packed[:at] + self._dice.randbytes(1) + packed[at + 1 :], packed + b"x", packed[1:], b"",
        ])  # fmt: skip

    def _control(self, values: dict[str, Any]) -> bytes:
        if self._dice.random() < 0.12:
            for _ in range(self._dice.randrange(1, 3)):
                key = self._pick([*values])
                values[key] = self._pick([
                    None, "", 0, -1, 1, 10**18, "9" * 5000, "1e3", "0x10", "１", "big5", "UTF-8", "utf8", ",", "||",
                    "\\t", "\t", "2026-05-31", "20260531", "../../etc/passwd", "A" * 70_000, "\0", "=", "a=b",
                ])  # fmt: skip
        line_break = self._pick(["\n"] * 8 + ["\r\n", "\r", "\u2028"])
        text = line_break.join(f"{key}={value}" for key, value in values.items() if value is not None)
        if self._dice.random() < 0.05:
            text = self._pick(
                ["\ufeff" + text, text.replace("=", " = "), text.replace("=", ": "), text + "\n" + text, ""]
            )
        raw = text.encode(self._pick(["utf-8"] * 20 + ["gbk", "utf-16"]), "replace")
        if self._dice.random() < 0.04:
            raw = self._pick([raw[: len(raw) // 2], raw + b"\xff", self._dice.randbytes(200), raw * 200, b"\0" * 100])
        return raw


_CELLS = [
    "", "0", "-1", "+1", "1.5", "1e9", "1_000", "9" * 19, "9" * 5000, "-0", "00", " 1", "１２", "true", "NULL", "None",
    "\\N", '"quoted"', "'", "=1+1", "\0", "\x1b[31m", "\ufeff", "\u2028", "\x85", "𠀀", "é", "x" * 65, "x" * 70_000,
    MARK,
    "2026-02-30", "2026-13-01", "0000-00-00", "9999-12-31", "202613", "000000", "a b", "a/b", "..", "%00", "ID/1/x/",
]  # fmt: skip


def name_of_pair(name: bytes) -> str | None:
    """The name without extension where it is half of a pair; by rules of our own."""
    found = re.fullmatch(rb"([A-Z]+)_([0-9]{6})_([0-9]{8})_([0-9]{4})(\.dat\.gz|\.chk)", name)
    if found is None or found[1].decode() not in COLUMNS:
        return None
    try:
        time.strptime(found[3].decode(), "%Y%m%d")
    except ValueError:
        return None
    return name.decode().removesuffix(".dat.gz").removesuffix(".chk")


class Watch:
    """Puts deliveries into the inbox and looks at what became of them."""

    def __init__(self, boss: Path) -> None:
        self._boss = boss
        self.outcomes: Counter[str] = Counter()
        self._seen: set[Path] = set()
        self._names: dict[str, bytes] = {}

    def put(self, folder: str, name: bytes, content: bytes) -> None:
        """A file, hidden while it is being written."""
        temporary = self._boss / folder / ".being-written"
        temporary.write_bytes(content)
        self._names[sha256(content).hexdigest()] = name
        temporary.replace(temporary.with_name(os.fsdecode(name)))

    def lies(self, name: bytes) -> bool:
        """Whether a file of this name lies in the inbox."""
        return (self._boss / "inbox" / os.fsdecode(name)).exists()

    def contents(self, *folders: str) -> Counter[str]:
        """How often each content lies in these folders."""
        found: Counter[str] = Counter()
        for folder in folders:
            for path in (self._boss / folder).iterdir():
                if not path.name.startswith("."):
                    found[sha256(path.read_bytes()).hexdigest()] += 1
        return found

    def check(self, night: Night, before: Counter[str]) -> None:
        """Every file lies somewhere, with its receipt; what was published keeps its contract. Raises ``Fault``."""
        lost = before - self.contents("inbox", *RESULTS)
        if lost:
            raise Fault(f"lost: {[self._names.get(sum_) for sum_ in lost]}")
        if left := [path.name for path in (self._boss / ".work").iterdir()]:
            raise Fault(f"left in .work: {left}")
        for folder in RESULTS:
            for path in (self._boss / folder).glob("*.rcp"):
                if path not in self._seen and path.read_bytes().startswith(b"{"):
                    self._receipt(folder, path)
        for path in (self._boss / "inbox").iterdir():
            half = name_of_pair(os.fsencode(path.name))
            waits = half is not None and not path.with_name(f"{half}.chk").exists()
            if not waits and not path.name.startswith(".") and not path.name.endswith((".part", ".tmp")):
                raise Fault(f"still in the inbox: {path.name!r}")
        for event in [*night.producer.of("boss.events"), *night.producer.of("feed.events")]:
            _DECODERS[event["type"]](json.dumps(event["data"]))
            self.outcomes["events"] += 1
            if MARK in str(event["data"].get("reason_zh")) + str(event["data"].get("reason_en")):
                raise Fault(f"repeats personal data: {event}")
        night.producer.messages.clear()

    def _receipt(self, folder: str, path: Path) -> None:
        self._seen.add(path)
        receipt = json.loads(path.read_bytes())
        result = receipt["result"]
        self.outcomes[result] += 1
        counted = receipt["loaded"] + receipt["unchanged"] + receipt["stale"] + receipt["rejected"]
        good = receipt["file"].isprintable() and result in (folder, "duplicate") and counted == receipt["rows_read"]
        if result == "rejected":
            zh, en = receipt["reason_zh"], receipt["reason_en"]
            good = (
                good
                and en
                and (zh + en).isprintable()
                and len(zh + en) < 2000
                and any("\u4e00" <= c <= "\u9fff" for c in zh)
            )
            good = good and en in path.with_suffix(".why").read_text()
        if result == "partial":
            rejects = path.with_suffix(".rej").read_bytes().split(b"\n")[1:-1]
            good = good and len(rejects) == receipt["rejected"] and all(b" / " in line for line in rejects)
        if not good:
            raise Fault(f"{path.name}: {receipt}")

    def clear(self) -> None:
        """Forget old results."""
        for folder in RESULTS:
            shutil.rmtree(self._boss / folder)
            (self._boss / folder).mkdir()
        self._seen.clear()


async def fuzz(seed: int, *, seconds: float = 0.0, rounds: int = 0) -> Counter[str]:
    """Deliver until ``seconds`` and ``rounds`` are over; how often each outcome was seen. Raises ``Fault``."""
    dice = random.Random(seed)
    until, done = time.monotonic() + seconds, 0
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    store, boss = MemoryStore(), Boss(dice)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        watch = Watch(folder)
        for place in ("inbox", ".work", *RESULTS):
            (folder / place).mkdir()
        while time.monotonic() < until or done < rounds:
            # What a kill may leave behind: halves that were being taken over.
            for file, content in boss.delivery().items() if dice.random() < 0.5 else ():
                if name_of_pair(file) is not None and dice.random() < 0.7:
                    watch.put(".work", file, content)
            before = watch.contents("inbox", ".work", *RESULTS)
            async with night(folder, store, grace=0.0, rows=dice.choice([1, 7, 2000]), unpacked=8 << 20) as at_work:
                for _ in range(dice.choice([1, 5, 20])):
                    try:
                        await _round(dice, boss, watch, at_work, before)
                    except (Fault, TimeoutError) as fault:
                        raise Fault(f"seed {seed}, round {done}: {fault!r}") from fault
                    done += 1
                    if sum(1 for place in RESULTS for _ in (folder / place).iterdir()) > _KEPT:
                        watch.clear()
                    before = watch.contents("inbox", *RESULTS)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    if grown > _GROWTH_KIB:
        raise Fault(f"seed {seed}: memory grew by {grown >> 10} MiB")
    return watch.outcomes


async def _round(dice: random.Random, boss: Boss, watch: Watch, at_work: Night, before: Counter[str]) -> None:
    for _ in range(dice.choice([1, 1, 2, 6])):
        for file, content in boss.delivery().items():
            if not watch.lies(file):
                watch.put("inbox", file, content)
                before[sha256(content).hexdigest()] += 1
    at_work.loader.wake()
    async with asyncio.timeout(20):
        while at_work.loader.waiting():
            await asyncio.sleep(0.001)
    watch.check(at_work, before)
    if dice.random() < 0.3:
        last = at_work.loader.freshness().get("CUST/320300", {"sequence": 0})["sequence"]
        receipt = await at_work.put("CUST", [customer("good", city="320300")], "2026-05-31", last + 1, city="320300")
        if receipt["result"] != "accepted":
            raise Fault(f"an ordinary pair: {receipt}")
        watch.outcomes["ordinary pairs"] += 1


def main() -> None:
    """Entry point by hand."""
    by_hand(lambda seed: fuzz(seed, rounds=300), __doc__, "outcomes")


if __name__ == "__main__":
    main()
