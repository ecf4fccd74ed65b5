"""Trials as people start, watch and call them off: each a process of its own, one after the other.

How they stand lies in the documents, so that any worker of the service can say it; the one that was asked for a trial
runs it. Where it has ended under it (its last word is older than ``_SILENT_SECONDS``) the trial has failed.
"""

import asyncio
import shutil
import sys
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import structlog

from alerts.trial.bring_up import BringUp
from alerts.trial.order import MOST_MONTHS, Failed, Found, Order, Progress, Ruled
from servicekit.clock import SystemClock, iso, system_now
from servicekit.decision import KeyUsed, Refused
from servicekit.documents.library import Library, Shown
from servicekit.envelope import parse_time
from servicekit.ids import derive
from servicekit.store import Documents

log = structlog.get_logger()
COLLECTION = "trials"
#: types of rules that can be tried
TYPES = ("fall", "request", "condition")
_WAITING, _KEPT = 10, timedelta(days=30)
_TELL_SECONDS, _SILENT_SECONDS = 0.5, 30.0
_LINE_BYTES = 32 << 20
_OPEN = ("waiting", "running")
_decode: msgspec.json.Decoder[Progress | Found | Failed] = msgspec.json.Decoder(Progress | Found | Failed)


class Trials:
    """Of the rules in ``library``, on the archive under ``archive`` (None: there is none here)."""

    def __init__(
        self,
        library: Library,
        rows: Documents,
        archive: Path | None,
        scratch: Path,
        bring_up: BringUp,
        clock: SystemClock = system_now,
    ) -> None:
        self._library, self._rows, self._archive, self._scratch = library, rows, archive, scratch
        self._bring_up, self._clock = bring_up, clock
        self._one = asyncio.Semaphore(1)
        self._running: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Job: what an earlier process left is removed; with the service all trials end."""
        await asyncio.to_thread(shutil.rmtree, self._scratch, ignore_errors=True)
        try:
            await asyncio.Event().wait()
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def start(
        self, id: str, version: int, from_: str | None, to: str | None, by: str, key: str | None = None
    ) -> dict[str, Any]:
        """Begin to try a version, from one period to another; the newest year where they are not said. The same person
        with the same ``key`` is told of the trial they have. Raises ``Refused``: 404 for what is not there, 422 for
        what can't be tried, 503 for too many at once."""
        if self._archive is None:
            raise Refused("no_archive", "本服务没有归档可读（KAM_ARCHIVE_DIR）", "there is no archive here", 503)
        _check_span(from_, to)
        trial_id = str(uuid.uuid4()) if key is None else derive("trial", by, key)
        asked_for = {"rule": id, "version": version, "asked": [from_, to]}
        if key is not None and (there := await self._rows.get(COLLECTION, trial_id)) is not None:
            if {name: there[name] for name in asked_for} != asked_for:
                raise KeyUsed()
            return self._shown(there)
        every = await self._library.all()
        await self._library.get(id, version)  # 404 where there is none
        asked = next(one for one in every if (one.version.id, one.version.version) == (id, version))
        if asked.version.document["type"] not in TYPES:
            raise Refused(
                "not_tried",
                f"只能试算 {'、'.join(TYPES)} 类规则",
                f"only rules of the types {', '.join(TYPES)} can be tried",
                422,
                "type",
            )
        if len(self._running) >= _WAITING:
            raise Refused("busy", "已有多项试算在排队，请稍后再试", "many trials wait already, try again soon", 503)
        active = [one for one in every if one.state == "active"]
        against = next((one for one in active if one.version.id == id), None)
        # Also of a fall rule that is stopped: conditions leave alone whom it leaves alone.
        held = [one for one in every if one.state in ("active", "stopped")]
        fall = next((one for one in held if one.version.document["type"] == "fall"), None)
        order = Order(
            archive=str(self._archive),
            scratch=str(self._scratch / trial_id),
            rule=_ruled(asked),
            against=None if against is None else _ruled(against),
            fall=None if fall is None else _ruled(fall),
            from_=from_,
            to=to,
        )
        now = self._clock()
        await self._rows.forget(COLLECTION, {"at": {"$lt": iso(now - _KEPT)}})
        row = {"trial_id": trial_id, **asked_for, "by": by, "at": iso(now), "told_at": iso(now),
               "state": "waiting", "done": 0, "of": 0, "result": None, "zh": None, "en": None}  # fmt: skip
        await self._rows.put(COLLECTION, trial_id, row)
        task = self._running[trial_id] = asyncio.create_task(self._try(trial_id, order, by))
        task.add_done_callback(lambda _: self._running.pop(trial_id, None))
        return self._shown(row)

    async def get(self, trial_id: str) -> dict[str, Any]:
        """How a trial stands."""
        row = await self._rows.get(COLLECTION, trial_id)
        if row is None:
            raise Refused(
                "not_found", "没有此项试算，或已过 30 天", "there is no such trial, or it was 30 days ago", 404
            )
        return self._shown(row)

    async def cancel(self, trial_id: str) -> dict[str, Any]:
        """Call a trial off; of one that has ended nothing changes."""
        found = await self.get(trial_id)
        if found["state"] in _OPEN:
            await self._tell(trial_id, state="cancelled")
            if (task := self._running.get(trial_id)) is not None:
                task.cancel()
            found = await self.get(trial_id)
        return found

    def _shown(self, row: Mapping[str, Any]) -> dict[str, Any]:
        shown = {name: value for name, value in row.items() if name not in ("_id", "told_at", "asked")}
        silent = (self._clock() - parse_time(row["told_at"])).total_seconds()
        if shown["state"] in _OPEN and silent > _SILENT_SECONDS:
            shown |= {"state": "failed", "zh": "试算中断，请重新开始", "en": "it was interrupted: start it again"}
        return shown

    async def _try(self, trial_id: str, order: Order, by: str) -> None:
        beat = asyncio.create_task(self._beat(trial_id))
        scratch = Path(order.scratch)
        try:
            async with self._one:
                await self._bring_up()
                await asyncio.to_thread(scratch.mkdir, parents=True, exist_ok=True)
                ended = await self._in_process(trial_id, order)
                if isinstance(ended, Found):
                    await self._library.record_trial(
                        ended.rule, ended.version, _gist(trial_id, ended, by, self._clock())
                    )
                    result = msgspec.to_builtins(ended)
                    del result["type"]
                    await self._tell(trial_id, state="done", result=result)
                else:
                    await self._tell(trial_id, state="failed", zh=ended.zh, en=ended.en)
        except Exception as error:
            log.exception("trial.failed", trial=trial_id)
            await self._tell(trial_id, state="failed", zh=f"试算失败：{error}", en=f"it failed: {error}")
        finally:
            beat.cancel()
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)

    async def _in_process(self, trial_id: str, order: Order) -> Found | Failed:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "alerts.trial",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_LINE_BYTES,
        )  # fmt: skip
        assert child.stdin is not None and child.stdout is not None
        try:
            child.stdin.write(msgspec.json.encode(order) + b"\n")
            await child.stdin.drain()
            told = 0.0
            async for line in child.stdout:
                said = _decode.decode(line)
                if not isinstance(said, Progress):
                    return said
                now = asyncio.get_running_loop().time()
                if now - told >= _TELL_SECONDS:
                    told = now
                    await self._tell(trial_id, state="running", done=said.done, of=said.of)
            raise RuntimeError(f"its process ended with {await child.wait()}")
        finally:
            if child.returncode is None:
                child.kill()
            await child.wait()

    async def _beat(self, trial_id: str) -> None:
        """Say that it is alive, and see whether another worker was told to call it off."""
        while True:
            await asyncio.sleep(_TELL_SECONDS)
            row = await self._rows.get(COLLECTION, trial_id)
            if row is not None and row["state"] == "cancelled":
                self._running[trial_id].cancel()
                return
            await self._rows.patch(COLLECTION, trial_id, {"told_at": iso(self._clock())})

    async def _tell(self, trial_id: str, **fields: Any) -> None:
        row = await self._rows.get(COLLECTION, trial_id)
        if row is not None and row["state"] in _OPEN:  # what was called off stays so
            await self._rows.patch(COLLECTION, trial_id, {**fields, "told_at": iso(self._clock())})


def _ruled(shown: Shown) -> Ruled:
    return Ruled(shown.version.version, shown.version.document)


def _gist(trial_id: str, found: Found, by: str, at: datetime) -> dict[str, Any]:
    """What a version keeps of its newest trial."""
    return {
        "trial_id": trial_id, "at": iso(at), "by": by, "against": found.against, "from": found.from_, "to": found.to,
        "customers": found.customers, "alerts": found.alerts, "same": found.same, "added": found.added_count,
        "gone": found.gone_count,
    }  # fmt: skip


def _check_span(from_: str | None, to: str | None) -> None:
    if from_ is None or to is None:
        return
    first, last = (int(period[:4]) * 12 + int(period[4:]) for period in (from_, to))
    if first > last:
        raise Refused("backwards", f"起始月 {from_} 晚于截止月 {to}", f"{from_} is after {to}", 422, "from")
    if last - first >= MOST_MONTHS:
        raise Refused(
            "too_long", f"一次最多试算 {MOST_MONTHS} 个月", f"a trial spans at most {MOST_MONTHS} months", 422, "to"
        )
