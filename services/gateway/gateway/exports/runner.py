"""Makes the files, one after the other, page by page: nobody's list waits for them, and memory does not grow with rows.

What goes in is asked anew for every page, in the scope that whoever started it has at that moment.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import structlog

from gateway.access.grants import Principal
from gateway.access.scope import Scope
from gateway.access.viewer import Access
from gateway.exports import columns, files
from gateway.exports.jobs import BROKEN, Failure, Job, Jobs
from gateway.projection import lists
from gateway.projection.api import shaped_rows
from gateway.projection.follow import Projection
from gateway.projection.specs import LISTS
from gateway.projection.visible import List
from servicekit.decision import Refused
from servicekit.store import Transient

log = structlog.get_logger()
#: rows of a page, of a file; what a file with more would take is better asked for in parts
PAGE, MOST_ROWS = 500, 200_000
_SWEEP_SECONDS = 600.0
#: between two pages others come first
_PAUSE_SECONDS = 0.01
NO_RIGHT = Failure("forbidden", "你已没有导出这个列表的权限。", "You may no longer export this list.")
NOBODY = Failure(
    "owner_gone",
    "导出已取消：账号已停用，或令牌已吊销。",
    "Cancelled: the account was disabled, or the token revoked.",
)
#: whoever started a job, as they are now; None: they are no more
People = Callable[[Principal], Awaitable[Principal | None]]


class _Page(NamedTuple):
    ids: Sequence[str]
    rows: Sequence[dict[str, Any]]
    following: str | None


class Runner:
    """``run`` is the job of the process; ``start`` hands it something to do."""

    def __init__(self, jobs: Jobs, projection: Projection, access: Access, people: People) -> None:
        self.jobs, self._projection, self._access, self._people = jobs, projection, access, people
        self._queue: asyncio.Queue[tuple[Job, Principal]] = asyncio.Queue()

    async def run(self) -> None:
        """Job: work until cancelled."""
        self.jobs.load()
        sweeping = asyncio.create_task(self._sweep())
        try:
            while True:
                job, who = await self._queue.get()
                if self.jobs.is_there(job):
                    await self._make(job, who)
        finally:
            sweeping.cancel()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            self.jobs.sweep()

    def start(self, job: Job, who: Principal) -> None:
        """Its turn comes."""
        self._queue.put_nowait((job, who))

    async def count(self, list_: List, scope: Scope, filter_: Mapping[str, str]) -> int:
        """How many rows there would be. Raises ``Refused`` (422) for a filter that is none."""
        where = lists.where(list_, scope.visible(list_), filter_, self._projection.clock)
        return await self._projection.store.read(lambda connection: lists.count(connection, where))

    async def may_have(self, job: Job, scope: Scope) -> bool:
        """Whether everything that is in its file is still in this scope, and may be seen as it stands there."""
        if not set(job.clear) <= _clear(scope):
            return False
        if scope.is_everything:
            return True
        ids = await asyncio.to_thread(self.jobs.rows(job).read_text)
        spec, visible = LISTS[job.list], scope.visible(job.list)

        def seen(connection: sqlite3.Connection) -> int:
            return lists.count_among(connection, spec, visible, ids.split())

        return await self._projection.store.read(seen) == job.done

    async def _make(self, job: Job, who: Principal) -> None:
        working = self.jobs.part(job).with_name("work")
        try:
            working.mkdir()
            job.state = "running"
            self.jobs.keep(job)
            await self._write(job, who, working)
            if self.jobs.is_there(job):
                self.jobs.finish(job)
        except asyncio.CancelledError:
            raise  # the process ends: the next one says so
        except Refused as refusal:
            self.jobs.fail(job, Failure(refusal.code, refusal.zh, refusal.en))
        except Exception as error:
            log.warning("export.failed", job=job.id, error=repr(error)[:300])
            self.jobs.fail(job, BROKEN)
        finally:
            shutil.rmtree(working, ignore_errors=True)

    async def _write(self, job: Job, who: Principal, working: Path) -> None:
        headings = columns.headings(job.list, job.language)
        file = await asyncio.to_thread(files.opened, job.format, self.jobs.part(job), working, headings)
        job.as_of = self._projection.as_of()
        with self.jobs.rows(job).open("w") as ids:
            cursor: str | None = None
            while self.jobs.is_there(job):
                page = await self._page(job, who, cursor)
                lines = [columns.cells(job.list, row, job.language) for row in page.rows]
                await asyncio.to_thread(file.add, lines)
                ids.writelines(f"{id_}\n" for id_ in page.ids)
                job.done += len(page.rows)
                if job.done > MOST_ROWS:
                    raise too_many(job.done)
                cursor = page.following
                if cursor is None:
                    break
                await asyncio.sleep(_PAUSE_SECONDS)
        await asyncio.to_thread(file.close)

    async def _page(self, job: Job, who: Principal, cursor: str | None) -> _Page:
        scope = await self._scope(job, who)
        job.clear = tuple(sorted({*job.clear, *_clear(scope)}))
        visible = scope.visible(job.list)
        where = lists.where(job.list, visible, job.filter, self._projection.clock)

        def read(connection: sqlite3.Connection) -> _Page:
            found, following = lists.rows(connection, where, columns.ORDERS[job.list], cursor, PAGE)
            ids = [row[where.spec.id] for row in found]
            return _Page(ids, shaped_rows(connection, job.list, found, visible, scope.visible), following)

        return await self._projection.store.read(read)

    async def _scope(self, job: Job, who: Principal) -> Scope:
        try:
            now = await self._people(who)
        except Transient as error:
            raise Refused("people_away", "账号库暂时没有应答", "accounts do not answer just now", 503) from error
        if now is None:
            raise Refused(NOBODY.code, NOBODY.zh, NOBODY.en, 403)
        scope = (await self._access.viewer(now, job.list, "export")).scope
        if not scope.reaches:
            raise Refused(NO_RIGHT.code, NO_RIGHT.zh, NO_RIGHT.en, 403)
        return scope


def too_many(rows: int) -> Refused:
    """More than one file takes."""
    return Refused(
        "too_many_rows",
        f"共 {rows} 条，一个文件最多 {MOST_ROWS} 条：请缩小条件，分次导出",
        f"{rows} rows, a file takes {MOST_ROWS} at most: narrow the filter and export in parts",
        422,
    )


def _clear(scope: Scope) -> set[str]:
    return {name for reach in scope.reaches for name in reach.clear}
