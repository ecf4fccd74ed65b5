"""The supervisor: starts the nodes of a table in the order of their needs, keeps them alive, ends them in reverse.

Everything runs in one asyncio loop on the main thread, which the children's death signal is tied to (see guard.py).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from kam.embedded.process import Identity, ProcessSpec, Started, TaskSpec, http_ready, spawn, tail, terminate
from kam.embedded.progress import Event, Reporter

Node = ProcessSpec | TaskSpec
log = structlog.get_logger("supervisor")


class StartError(RuntimeError):
    """A node did not become ready; ``lines`` are the last of its log."""

    def __init__(self, name: str, zh: str, en: str, lines: Sequence[str] = ()) -> None:
        super().__init__(f"{name}: {zh} / {en}")
        self.name, self.zh, self.en, self.lines = name, zh, en, list(lines)


@dataclass(frozen=True)
class Policy:
    """Times in seconds. A process that lived ``stable`` starts anew with the first back-off. One that rebuilds its
    state may take as long as it likes: ``ready_timeout`` is without progress; what it says is told every ``tell``.
    """

    ready_timeout: float = 120.0
    tell: float = 5.0
    poll: float = 0.1
    backoff_first: float = 0.5
    backoff_most: float = 30.0
    stable: float = 60.0
    #: deaths before it was ever ready that a start bears
    start_deaths: int = 2


@dataclass
class Child:
    """The present state of one supervised process."""

    spec: ProcessSpec
    spawning: asyncio.Task[tuple[asyncio.subprocess.Process, int]] | None = None
    process: asyncio.subprocess.Process | None = None
    identity: Identity | None = None
    log_offset: int = 0
    restarts: int = 0
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    ever_ready: bool = False
    #: what it said last of its start, and when (monotonic) that was something new
    says: str = ""
    moved_at: float = 0.0


class Supervisor:
    """Runs one table of nodes. ``changed`` is called whenever a pid or readiness changes."""

    def __init__(
        self,
        nodes: Sequence[Node],
        *,
        host: str,
        port_base: int,
        log_for: Callable[[str], Path],
        env: Mapping[str, str],
        reporter: Reporter,
        changed: Callable[[], None] = lambda: None,
        policy: Policy | None = None,
    ) -> None:
        self.nodes = {node.name: node for node in nodes}
        unknown = {need for node in nodes for need in node.needs} - set(self.nodes)
        if unknown:
            raise ValueError(f"needs name no node: {sorted(unknown)}")
        self.children = {node.name: Child(node) for node in nodes if isinstance(node, ProcessSpec)}
        self._host, self._port_base, self._log_for, self._env = host, port_base, log_for, env
        self._reporter, self._changed, self._policy = reporter, changed, policy or Policy()
        self._done = {name: asyncio.Event() for name in self.nodes}
        self._keepers: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()

    def pids(self) -> dict[str, int]:
        """Name → pid of every child that runs now."""
        return {name: child.identity.pid for name, child in self.children.items() if child.identity}

    async def start(self) -> None:
        """Start every node, each as soon as its needs are ready. Raises StartError; then call stop()."""
        tasks = [asyncio.create_task(self._start_node(node)) for node in self.nodes.values()]
        try:
            await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    async def stop(self) -> None:
        """End every process, those that need another before the one they need."""
        self._stopping.set()
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        gone = {name: asyncio.Event() for name in self.nodes}
        await asyncio.gather(*(self._stop_node(name, gone) for name in self.nodes))

    async def _start_node(self, node: Node) -> None:
        for need in node.needs:
            await self._done[need].wait()
        begin = time.monotonic()
        self._reporter.emit(Event("start", node.name, "启动", "starting"))
        if isinstance(node, TaskSpec):
            try:
                note = await node.run()
            except Exception as error:
                log.exception("task.failed", task=node.name)
                raise StartError(node.name, "失败", f"failed: {error}") from error
        else:
            note = ""
            child = self.children[node.name]
            keeper = asyncio.create_task(self._keep(child), name=node.name)
            keeper.add_done_callback(_report_end)
            self._keepers.append(keeper)
            await self._await_first_ready(child, keeper)
        seconds = round(time.monotonic() - begin, 2)
        log.info("node.ready", node=node.name, seconds=seconds, note=note)
        self._reporter.emit(Event("ready", node.name, f"就绪 {note}".strip(), f"ready {note}".strip(), seconds))
        self._done[node.name].set()

    async def _await_first_ready(self, child: Child, keeper: asyncio.Task[None]) -> None:
        ready = asyncio.create_task(child.ready.wait())
        begin = child.moved_at = time.monotonic()
        told = ""
        try:
            while (left := child.moved_at + self._policy.ready_timeout - time.monotonic()) > 0:
                await asyncio.wait(
                    {ready, keeper}, timeout=min(left, self._policy.tell), return_when=asyncio.FIRST_COMPLETED
                )
                if ready.done() or keeper.done():
                    break
                if child.says != told:
                    told = child.says
                    waited = round(time.monotonic() - begin, 1)
                    self._reporter.emit(Event("waiting", child.spec.name, "等它就绪", f"waiting: {told}", waited))
        finally:
            ready.cancel()
        if child.ready.is_set():
            return
        lines = tail(self._log_for(child.spec.name), offset=child.log_offset)
        if keeper.done():
            error = keeper.exception() if not keeper.cancelled() else None
            raise error or StartError(child.spec.name, "停止了", "stopped", lines)
        seconds = f"{self._policy.ready_timeout:g}"
        last = f" ({child.says})" if child.says else ""
        raise StartError(
            child.spec.name,
            f"{seconds} 秒内没有就绪，也没有进展{last}",
            f"not ready within {seconds} s, without progress{last}",
            lines,
        )

    async def _keep(self, child: Child) -> None:
        """Start the process again whenever it ends, with growing pauses, until the supervisor stops."""
        pause, deaths, name = self._policy.backoff_first, 0, child.spec.name
        while not self._stopping.is_set():
            began = time.monotonic()
            status = await self._run_once(child)
            child.ready.clear()
            child.identity = None
            self._changed()
            if self._stopping.is_set():
                return
            lines = tail(self._log_for(name), offset=child.log_offset)
            deaths += 1
            if not child.ever_ready and deaths > self._policy.start_deaths:
                raise StartError(name, f"启动即退出（{status}）", f"ended at start ({status})", lines)
            if time.monotonic() - began > self._policy.stable:
                pause = self._policy.backoff_first
            log.warning("child.died", child=name, status=status, pause=pause, last_lines=lines[-5:])
            self._reporter.emit(
                Event(
                    "restart", name, f"退出（{status}），{pause:g} 秒后重启", f"ended ({status}), again in {pause:g} s"
                )
            )
            await asyncio.sleep(pause)
            pause = min(pause * 2, self._policy.backoff_most)
            child.restarts += 1

    async def _run_once(self, child: Child) -> str:
        """One life of the process: prepare, spawn, await ready, await its end. Returns how it ended."""
        spec, path = child.spec, self._log_for(child.spec.name)
        if spec.prepare is not None:
            try:
                await asyncio.to_thread(spec.prepare)
            except Exception as error:
                log.exception("child.prepare_failed", child=spec.name)
                path.parent.mkdir(parents=True, exist_ok=True)
                child.log_offset = path.stat().st_size if path.exists() else 0
                with path.open("a", encoding="utf-8") as file:
                    file.write(f"prepare: {error}\n")
                return "prepare failed"
        # Shielded: a stop in the middle of a fork must not lose the process (see _stop_node).
        child.spawning = asyncio.create_task(spawn(spec, path, {**self._env, **spec.env}))
        process, child.log_offset = await asyncio.shield(child.spawning)
        child.process, child.identity = process, Identity.of(process.pid)
        self._changed()
        prober = asyncio.create_task(self._probe_until_ready(child))
        try:
            code = await process.wait()
        finally:
            prober.cancel()
        return f"signal {-code}" if code < 0 else f"exit {code}"

    async def _probe_until_ready(self, child: Child) -> None:
        spec = child.spec
        ports = {name: self._port_base + offset for name, offset in spec.ports.items()}
        started = Started(ports, self._log_for(spec.name), child.log_offset)
        while not await self._is_ready(child, started):
            await asyncio.sleep(self._policy.poll)
        child.ready.set()
        child.ever_ready = True
        self._changed()

    async def _is_ready(self, child: Child, started: Started) -> bool:
        spec = child.spec
        if spec.probe is not None:
            return await spec.probe(started)
        if spec.ready_path is not None:
            is_ready, says = await http_ready(self._host, started.ports["http"], spec.ready_path)
            if says and says != child.says:
                child.says, child.moved_at = says, time.monotonic()
            return is_ready
        return True

    async def _stop_node(self, name: str, gone: Mapping[str, asyncio.Event]) -> None:
        dependents = [node.name for node in self.nodes.values() if name in node.needs]
        for dependent in dependents:
            await gone[dependent].wait()
        child = self.children.get(name)
        if child is not None and child.spawning is not None:
            child.process, child.log_offset = await child.spawning
        if child is not None and child.process is not None and child.process.returncode is None:
            begin = time.monotonic()
            by_itself = await terminate(child.process, child.spec.grace)
            seconds = round(time.monotonic() - begin, 2)
            log.info("child.stopped", child=name, by_itself=by_itself, seconds=seconds)
            how = ("已停止", "stopped") if by_itself else ("不肯停止，已强行结束", "would not stop, killed")
            self._reporter.emit(Event("stopped", name, *how, seconds))
            child.identity = None
            child.ready.clear()
            self._changed()
        gone[name].set()

    def snapshot(self) -> dict[str, Any]:
        """Per child: pid, start time (epoch seconds), ready, restarts, ports, log path."""
        return {
            name: {
                "pid": child.identity.pid if child.identity else None,
                "started": child.identity.started if child.identity else None,
                "ready": child.ready.is_set(),
                "restarts": child.restarts,
                "ports": {key: self._port_base + offset for key, offset in child.spec.ports.items()},
                "log": str(self._log_for(name)),
            }
            for name, child in self.children.items()
        }


def _report_end(keeper: asyncio.Task[None]) -> None:
    """A keeper that ends with an error leaves its process unsupervised: that must be seen."""
    if not keeper.cancelled() and keeper.exception() is not None:
        log.error("keeper.failed", child=keeper.get_name(), error=str(keeper.exception()))


def own_identity() -> Identity:
    """This process's pid and start time."""
    found = Identity.of(os.getpid())
    assert found is not None
    return found
