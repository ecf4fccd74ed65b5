"""One supervised process: its description, its start under the guard, its log, its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

GUARD = Path(__file__).with_name("guard.py")
#: a log larger than this (bytes) is set aside as <name>.log.1 when its process starts
LOG_LIMIT = 20 * 1024 * 1024


@dataclass(frozen=True)
class ProcessSpec:
    """What the supervisor has to know of one child.

    ``ports`` name → offset from the instance's port base; the one called ``http`` answers ``ready_path``.
    ``prepare`` runs in a thread before every start (write configuration, format storage). ``probe`` answers whether
    the process is ready, given its port numbers and the log written since this start; it replaces ``ready_path``.
    A process with neither is ready once it runs. ``needs`` are names of nodes that must be ready before.
    """

    name: str
    argv: Sequence[str]
    ports: Mapping[str, int] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    ready_path: str | None = None
    probe: Callable[[Started], Awaitable[bool]] | None = None
    prepare: Callable[[], None] | None = None
    #: seconds between SIGTERM and SIGKILL
    grace: float = 10.0
    #: how far it gives way to others where processors are scarce (0 to 19, as ``nice``)
    nice: int = 0


@dataclass(frozen=True)
class TaskSpec:
    """A step of the start that is not a process (topics); ``run`` returns a short note for the progress line."""

    name: str
    run: Callable[[], Awaitable[str]]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Started:
    """A process just started, as its probe sees it."""

    ports: Mapping[str, int]
    log: Path
    log_offset: int

    def log_since(self) -> str:
        """What the process has written since this start."""
        try:
            with self.log.open("rb") as file:
                file.seek(self.log_offset)
                return file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""


@dataclass(frozen=True, slots=True)
class Identity:
    """A pid alone may be reused; with the start time (seconds since the epoch) it names one process for ever."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except psutil.NoSuchProcess:
            return None

    def alive(self) -> bool:
        """True while this very process runs (a zombie does not)."""
        try:
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.started) < 1 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def signal(self, number: int) -> None:
        """Send a signal to this very process; nothing happens when it is gone."""
        if self.alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return


def guarded(argv: Sequence[str]) -> list[str]:
    """*argv* run under the guard, to be started by this very process."""
    return [sys.executable, "-I", "-S", str(GUARD), str(os.getpid()), *argv]


def rotate(log: Path, limit: int = LOG_LIMIT) -> None:
    """Set a log that has grown past *limit* bytes aside, keeping one generation."""
    if log.exists() and log.stat().st_size > limit:
        log.replace(log.with_name(log.name + ".1"))


def tail(log: Path, lines: int = 20, offset: int = 0) -> list[str]:
    """The last *lines* lines of a log, read from at most its last 64 KiB."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(offset, size - 65536))
            return file.read().decode("utf-8", "replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []


async def spawn(spec: ProcessSpec, log: Path, env: Mapping[str, str]) -> tuple[asyncio.subprocess.Process, int]:
    """Start the process in a session of its own, output appended to *log*; returns it and the log's size before.

    Its own session keeps a terminal's Ctrl-C from it: the supervisor alone decides the order of the end. Must be
    called on the main thread, whose life the guard's death signal is tied to.
    """
    rotate(log)
    with log.open("ab") as output:
        offset = output.seek(0, os.SEEK_END)
        process = await asyncio.create_subprocess_exec(
            *guarded(spec.argv),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(env),
            start_new_session=True,
        )
    if spec.nice:
        with contextlib.suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, process.pid, spec.nice)
    return process, offset


async def terminate(process: asyncio.subprocess.Process, grace: float) -> bool:
    """SIGTERM, then SIGKILL after *grace* seconds; True when the process went by itself."""
    if process.returncode is not None:
        return True
    try:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), grace)
        return True
    except ProcessLookupError:
        await process.wait()
        return True
    except TimeoutError:
        process.kill()
        await process.wait()
        return False


async def http_ready(host: str, port: int, path: str, timeout: float = 2.0) -> tuple[bool, str]:
    """Whether ``GET path`` answers 2xx within *timeout* seconds, and what its ``status`` says; empty without one."""
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
                await writer.drain()
                head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False, ""
    status = head.split(maxsplit=2)
    try:
        says = json.loads(body)["status"]
    except (ValueError, KeyError, TypeError):
        says = ""
    return len(status) > 1 and status[1].startswith(b"2"), str(says)
