"""Runs of a benchmark, each a process of its own."""

import asyncio
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any


async def child(
    *words: str, env: dict[str, str] | None = None, seconds: float = 300, python: Path = Path(sys.executable)
) -> dict[str, Any]:
    """Run a module, or a file, in a process of its own; the line of its output that is JSON. Raises RuntimeError if it
    fails."""
    with tempfile.TemporaryFile() as errors:
        process = await asyncio.create_subprocess_exec(
            python,
            "-X",
            "faulthandler",
            *(() if words[0].endswith(".py") else ("-m",)),
            *words,
            env={**os.environ, **(env or {})},
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
        try:
            out, _ = await asyncio.wait_for(process.communicate(), seconds)
        except TimeoutError:
            process.send_signal(signal.SIGABRT)  # faulthandler writes where it hangs
            await process.wait()
            out = b""
        lines = [line for line in out.decode().splitlines() if line.startswith("{")]
        if process.returncode or not lines:
            errors.seek(0)
            raise RuntimeError(f"{words}: exit {process.returncode}: {errors.read().decode()[-3000:]}")
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def rate(run: dict[str, Any]) -> float:
    """Events a second."""
    return float(run["events"]) / float(run["seconds"])


def say(text: str) -> None:
    """How far it is, to whoever waits."""
    print(text, file=sys.stderr, flush=True)
