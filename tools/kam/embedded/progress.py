"""What a person sees while an instance starts and stops: a spinner on a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Event:
    """One step. ``kind``: start | waiting | ready | restart | failed | stopping | stopped | up (everything ready).

    ``seconds`` counts from the begin of this node's start, for ``up`` from the begin of all. ``lines`` are the last
    lines of a failed process's log.
    """

    kind: str
    name: str = ""
    zh: str = ""
    en: str = ""
    seconds: float | None = None
    lines: list[str] = field(default_factory=list)

    def text(self) -> str:
        time = "" if self.seconds is None else f"  {self.seconds:.1f} s"
        return f"{self.name}: {self.zh} / {self.en}{time}" if self.name else f"{self.zh} / {self.en}{time}"


class Reporter(Protocol):
    """Receives the events of a supervisor."""

    def emit(self, event: Event) -> None: ...

    def close(self) -> None: ...


class Lines:
    """Plain lines on stderr. ``failed`` is the last step that did."""

    failed: Event | None = None

    def emit(self, event: Event) -> None:
        if event.kind == "failed":
            self.failed = event
        print(event.text(), file=sys.stderr, flush=True)
        for line in event.lines:
            print(f"    {line}", file=sys.stderr, flush=True)

    def close(self) -> None:
        return


class Spinner(Lines):
    """Plain lines above a rich spinner which names what is still awaited."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False)
        self._status = self._console.status("…")
        self._pending: dict[str, None] = {}
        self._status.start()

    def emit(self, event: Event) -> None:
        if event.kind == "start":
            self._pending[event.name] = None
        else:
            if event.kind != "waiting":
                self._pending.pop(event.name, None)
            super_text = event.text()
            mark = {"ready": "✓ ", "up": "✓ ", "failed": "✗ "}.get(event.kind, "  ")
            self._console.print(mark + super_text, markup=False, soft_wrap=True)
            for line in event.lines:
                self._console.print(f"    {line}", markup=False, soft_wrap=True)
        if event.kind in ("up", "failed"):
            self._status.stop()
        elif self._pending:
            self._status.update("等待 / waiting for " + ", ".join(self._pending))

    def close(self) -> None:
        self._status.stop()


class Pipe:
    """JSON lines to a file descriptor, for the ``kam up --detach`` which waits at its other end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def emit(self, event: Event) -> None:
        if self._descriptor is None:
            return
        try:
            os.write(self._descriptor, (json.dumps(asdict(event), ensure_ascii=False) + "\n").encode())
        except BrokenPipeError:
            self.close()

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class Silent:
    """No output at all (tests)."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def close(self) -> None:
        return


def decode(line: str) -> Event:
    """An Event from a line that Pipe wrote."""
    found: dict[str, Any] = json.loads(line)
    return Event(**found)


def for_terminal() -> Reporter:
    """A spinner when stderr is a terminal, else plain lines."""
    return Spinner() if sys.stderr.isatty() else Lines()
