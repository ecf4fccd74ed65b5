"""Trials as people start, watch and call them off: each a process of its own, one after the other.

How they stand lies in the documents, so that any worker of the service can say it; the one that was asked for a trial
runs it. Where it has ended under it (its last word is older than ``_SILENT_SECONDS``) the trial has failed.
"""

import asyncio
import contextlib
import os
import shutil
import sys
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
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
from servicekit.store import Documents, Transient, patiently

log = structlog.get_logger()
COLLECTION = "trials"
#: what they came to, which is long, under the same ids: who asks how one stands, or lists them, reads none of it
RESULTS = "trial_results"
#: types of rules that can be tried
TYPES = ("fall", "request", "condition")
_WAITING, _KEPT, _LISTED = 10, timedelta(days=30), 50
_TELL_SECONDS, _SILENT_SECONDS = 0.5, 30.0
_LINE_BYTES = 32 << 20
#: everybody else goes before it
_LOWEST = 19
_OPEN = ("waiting", "running")
_INTERNAL = ("_id", "told_at", "asked", "called_off")
_decode: msgspec.json.Decoder[Progress | Found | Failed] = msgspec.json.Decoder(Progress | Found | Failed)


class Trials:
    """Of the rules in ``library``, which may name ``lists``, on the archive under ``archive`` (None: there is none
    here)."""

    def __init__(
        self,
        library: Library,
        lists: Library,
        rows: Documents,
        archive: Path | None,
        scratch: Path,
        bring_up: BringUp,
        clock: SystemClock = system_now,
    ) -> None:
        self._library, self._lists, self._rows, self._archive, self._scratch = library, lists, rows, archive, scratch
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
            return await self._repeated(there, asked_for)
        asked = await self._library.get(id, version)
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
        held = [one for one in await self._library.held() if one.state in ("active", "stopped")]
        against = next((one for one in held if (one.version.id, one.state) == (id, "active")), None)
        # Also of a fall rule that is stopped: conditions leave alone whom it leaves alone.
        fall = next((one for one in held if one.version.document["type"] == "fall"), None)
        order = Order(
            archive=str(self._archive),
            scratch=str(self._scratch / trial_id),
            rule=_ruled(asked),
            against=None if against is None else _ruled(against),
            fall=None if fall is None else _ruled(fall),
            lists=tuple(_ruled(one) for one in await self._lists.held() if one.state == "active"),
            from_=from_,
            to=to,
        )
        now = self._clock()
        for collection in (COLLECTION, RESULTS):
            await self._rows.forget(collection, {"at": {"$lt": iso(now - _KEPT)}})
        row = {"trial_id": trial_id, **asked_for, "by": by, "at": iso(now), "told_at": iso(now),
               "state": "waiting", "done": 0, "of": 0, "result": None, "zh": None, "en": None}  # fmt: skip
        if not await self._rows.add(COLLECTION, trial_id, row):  # the same request, at the same moment
            return await self._repeated(await self._found(trial_id), asked_for)
        task = self._running[trial_id] = asyncio.create_task(self._try(trial_id, order, by))
        task.add_done_callback(lambda _: self._running.pop(trial_id, None))
        return self._shown(row)

    async def get(self, trial_id: str) -> dict[str, Any]:
        """How a trial stands; its result once it is done."""
        return await self._whole(await self._found(trial_id))

    async def of(self, id: str, version: int | None = None) -> list[dict[str, Any]]:
        """The newest ``_LISTED`` trials of a rule, or of one of its versions, without their results."""
        where = {"rule": id} if version is None else {"rule": id, "version": version}
        found = await self._rows.find(COLLECTION, where, sort="-at", limit=_LISTED)
        return [{**self._shown(row), "result": None} for row in found]

    async def cancel(self, trial_id: str) -> dict[str, Any]:
        """Call a trial off; of one that has ended nothing changes."""
        found = await self.get(trial_id)
        if found["state"] in _OPEN:
            # A field of its own: who runs it writes the state meanwhile.
            await self._rows.patch(COLLECTION, trial_id, {"called_off": True})
            if (task := self._running.get(trial_id)) is not None:
                task.cancel()
            found = await self.get(trial_id)
        return found

    async def _found(self, trial_id: str) -> dict[str, Any]:
        row = await self._rows.get(COLLECTION, trial_id)
        if row is None:
            raise Refused(
                "not_found", "没有此项试算，或已过 30 天", "there is no such trial, or it was 30 days ago", 404
            )
        return row

    async def _repeated(self, there: Mapping[str, Any], asked_for: Mapping[str, Any]) -> dict[str, Any]:
        """A trial that was asked for before. Raises ``KeyUsed`` where that was another one."""
        if {name: there[name] for name in asked_for} != asked_for:
            raise KeyUsed()
        return await self._whole(there)

    async def _whole(self, row: Mapping[str, Any]) -> dict[str, Any]:
        shown = self._shown(row)
        result = await self._rows.get(RESULTS, shown["trial_id"]) if shown["state"] == "done" else None
        return shown if result is None else shown | {"result": result["result"]}

    def _shown(self, row: Mapping[str, Any]) -> dict[str, Any]:
        shown = {name: value for name, value in row.items() if name not in _INTERNAL}
        if row.get("called_off") and shown["state"] in _OPEN:
            return shown | {"state": "cancelled"}
        silent = (self._clock() - parse_time(row["told_at"])).total_seconds()
        if shown["state"] in _OPEN and silent > _SILENT_SECONDS:
            shown |= {"state": "failed", "zh": "试算中断，请重新开始", "en": "it was interrupted: start it again"}
        return shown

    async def _try(self, trial_id: str, order: Order, by: str) -> None:
        now = Progress(0, 0)
        beat = asyncio.create_task(self._beat(trial_id, lambda: now))

        def tell(progress: Progress) -> None:
            nonlocal now
            now = progress

        scratch = Path(order.scratch)
        try:
            async with self._one:
                await self._bring_up()
                await patiently(partial(self._tell, trial_id, state="running"), "trials")
                try:
                    ended = await self._in_process(order, tell)
                finally:
                    await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
            # It may have taken long: what it came to waits for a database that is away.
            await patiently(partial(self._end, trial_id, ended, by), "trials")
        except Exception as error:
            log.exception("trial.failed", trial=trial_id)
            zh, en = f"试算失败：{error}", f"it failed: {error}"
            with contextlib.suppress(Transient):  # it falls silent, and so has failed
                await self._tell(trial_id, state="failed", zh=zh, en=en)
        finally:
            beat.cancel()

    async def _end(self, trial_id: str, ended: Found | Failed, by: str) -> None:
        if isinstance(ended, Failed):
            return await self._tell(trial_id, state="failed", zh=ended.zh, en=ended.en)
        await self._library.record_trial(ended.rule, ended.version, _gist(trial_id, ended, by, self._clock()))
        result = msgspec.to_builtins(ended)
        del result["type"]
        await self._rows.put(RESULTS, trial_id, {"at": iso(self._clock()), "result": result})
        await self._tell(trial_id, state="done")

    async def _in_process(self, order: Order, tell: Callable[[Progress], None]) -> Found | Failed:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "alerts.trial",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_LINE_BYTES,
        )  # fmt: skip
        assert child.stdin is not None and child.stdout is not None
        with contextlib.suppress(ProcessLookupError):
            # From here: what it reads in before it could say so itself takes a good part of a short trial.
            os.setpriority(os.PRIO_PROCESS, child.pid, _LOWEST)
        try:
            child.stdin.write(msgspec.json.encode(order) + b"\n")
            await child.stdin.drain()
            async for line in child.stdout:
                said = _decode.decode(line)
                if not isinstance(said, Progress):
                    return said
                tell(said)
            raise RuntimeError(f"its process ended with {await child.wait()}")
        finally:
            if child.returncode is None:
                child.kill()
            await child.wait()

    async def _beat(self, trial_id: str, progress: Callable[[], Progress]) -> None:
        """Say that it is alive and how far it is, beside whoever writes its state, and see whether another worker was
        told to call it off. A database that is away for a moment ends no trial."""
        while True:
            await asyncio.sleep(_TELL_SECONDS)
            try:
                row = await self._rows.get(COLLECTION, trial_id)
                if row is not None and row.get("called_off"):
                    self._running[trial_id].cancel()
                    return
                now = progress()
                await self._tell(trial_id, done=now.done, of=now.of)
            except Transient as error:
                log.warning("trial.not_told", trial=trial_id, error=str(error)[:200])

    async def _tell(self, trial_id: str, **fields: Any) -> None:
        row = await self._rows.get(COLLECTION, trial_id)
        if row is not None and row["state"] in _OPEN and not row.get("called_off"):  # what was called off stays so
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
