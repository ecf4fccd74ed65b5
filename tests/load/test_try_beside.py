"""A trial runs beside live work: in a process of its own with the lowest priority, it keeps nobody waiting."""

import asyncio
import contextlib
import os
import time
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from bench.figures import percentile

from alerts import store
from alerts.customer_lists import LIST
from alerts.rulebook import RULE
from alerts.trial.jobs import Trials
from harness.archived import Archivist
from harness.detection_feed import Feed
from harness.switchboard import AT, Board
from servicekit.authored import AuthoredDocuments
from servicekit.documents.library import Library
from servicekit.memory_store import MemoryDocuments, MemoryStore

_CUSTOMERS, _MONTHS, _EVERY = 300, range(1, 13), 0.005
#: what a record may be late beside a trial, in seconds, at the 99th percentile, as much as a beat of the intake; and
#: what this process may compute between two of them at most
_LATE, _LONGEST = 0.05, 0.25
#: the lowest priority there is
_LOWEST = 19
_SCHEDSTAT = Path("/proc/thread-self/schedstat")


class Live(NamedTuple):
    """Live work, record by record: how late it was by our own doing, and what this process computed since the one
    before; in seconds."""

    late: list[float]
    computed: list[float]


async def nothing() -> None:
    """There is no analytics to ask."""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    archivist = Archivist(tmp_path / "archive")
    for n in range(_CUSTOMERS):
        at = "2025-01-01T10:00:00+08:00"
        archivist.tell("customer.changed", at, customer_id=f"c{n}", status="active", city="330100")
        for month in _MONTHS:
            archivist.tell(
                "bill.issued", f"2025-{month:02}-28T10:00:00+08:00", customer_id=f"c{n}", period=f"2025{month:02}",
                amount_fen=50 if (n + month) % 50 == 0 else 100,
            )  # fmt: skip
    archivist.write()
    archivist.close()
    return archivist.root


def kept_waiting() -> float:
    """Seconds that this thread has been ready to run, and others had the cores: no doing of ours. The kernel counts."""
    return int(_SCHEDSTAT.read_text().split()[1]) / 1e9 if _SCHEDSTAT.exists() else 0.0


async def live(is_over: asyncio.Event) -> Live:
    """Bills, one each few milliseconds."""
    feed, found, loop = Feed(), Live([], []), asyncio.get_running_loop()
    feed.boss("customer.changed", "2025-01-01", status="active")
    amount = 10_000
    while not is_over.is_set():
        due, waited, computed = loop.time() + _EVERY, kept_waiting(), time.process_time()
        await asyncio.sleep(_EVERY)
        amount += 1
        feed.boss("bill.issued", period="202604", amount_fen=amount)
        found.late.append(loop.time() - due - (kept_waiting() - waited))
        found.computed.append(time.process_time() - computed)
    return found


def priorities() -> set[int]:
    """Of all threads of the trial's process; none: it does not run yet, or no more."""
    found = set[int]()
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if "alerts.trial" in child.cmdline():
                found |= {os.getpriority(os.PRIO_PROCESS, thread.id) for thread in child.threads()}
    return found


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_live_work_is_as_quick_beside_a_trial(tmp_path: Path, archive: Path) -> None:
    rows = MemoryDocuments(MemoryStore())
    library, lists = (Library(kind, rows, Board(), lambda: AT) for kind in (RULE, LIST))
    authored = AuthoredDocuments(rows, store.AUTHORED, tmp_path / "copy")
    await authored.read()
    await store.plant_rules(library, authored)
    trials = Trials(library, lists, rows, archive, tmp_path / "trials", nothing, lambda: AT)
    running = asyncio.create_task(trials.run())
    is_over = asyncio.Event()
    working = asyncio.create_task(live(is_over))
    started = await trials.start("drop-30", 1, "202504", "202512", "li")
    seen = set[int]()
    async with asyncio.timeout(180):
        while (told := await trials.get(started["trial_id"]))["state"] in ("waiting", "running"):
            seen = priorities() or seen
            await asyncio.sleep(0.02)
    is_over.set()
    late, computed = await working
    running.cancel()
    await asyncio.wait([running])
    assert told["state"] == "done" and told["result"]["alerts"] > 0, told
    assert seen == {_LOWEST} and len(late) > 50, "it ran meanwhile, and everybody else goes before it"
    assert percentile(late, 0.99) < _LATE, f"the latest: {sorted(late)[-10:]}"
    assert max(computed) < _LONGEST, "what a trial computes it computes elsewhere"
