"""Start a supervisor in a session of its own and follow it until all is ready; stop one from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from kam.embedded.process import Identity
from kam.embedded.progress import Event, Reporter, decode
from kam.embedded.table import Options
from kam.instance import Layout, describe, supervised

#: seconds a supervisor may take to end: 10 for services, 20 for the database, 30 for Kafka, and some
STOP_TIMEOUT = 75.0


def start(options: Options, reporter: Reporter, module: str = "kam.embedded.run") -> int:
    """Start a detached supervisor and pass its events to *reporter*; returns 0 when all is ready, 1 when not.

    *module* is run with the options as JSON and the descriptor for its events. Ctrl-C while waiting ends what has
    been started.
    """
    place = options.place
    place.logs.mkdir(parents=True, exist_ok=True)
    reader, writer = os.pipe()
    with place.log("supervisor.stderr").open("ab") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", module, options.to_json(), str(writer)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(writer,),
            start_new_session=True,
        )
    os.close(writer)
    told = False
    try:
        with os.fdopen(reader, encoding="utf-8") as events:
            for line in events:
                event = decode(line)
                reporter.emit(event)
                told = told or event.kind == "failed"
                if event.kind == "up":
                    return 0
        status = supervisor.wait()
        if not told:
            log = place.log("supervisor.stderr")
            zh, en = f"监督进程退出（{status}），见 {log}", f"the supervisor ended ({status}), see {log}"
            reporter.emit(Event("failed", "kam", zh, en))
        return 1
    except KeyboardInterrupt:
        supervisor.send_signal(signal.SIGTERM)
        supervisor.wait()
        return 1
    finally:
        reporter.close()


def _await(condition: Callable[[], bool], timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def stop(place: Layout) -> list[str] | None:
    """Stop the instance and wait until all its processes are gone.

    Returns the names of processes that are still there (none, if all is well), or None when nothing was running.
    """
    description = describe(place)
    if description is None:
        return None
    supervisor = Identity(**description["supervisor"])
    if not supervised(place) or not supervisor.alive():
        return _sweep(description) or None
    supervisor.signal(signal.SIGTERM)
    if not _await(lambda: not supervisor.alive(), STOP_TIMEOUT):
        # Its children die with it: the guard sees to that.
        supervisor.signal(signal.SIGKILL)
        _await(lambda: not supervisor.alive(), 5.0)
    return _sweep(description)


def _sweep(description: dict[str, object]) -> list[str]:
    """Await the end of the processes that *description* names, by force after 5 s; returns those still there."""
    processes = description.get("processes")
    known = processes.items() if isinstance(processes, dict) else ()
    children = {name: Identity(p["pid"], p["started"]) for name, p in known if p.get("pid")}
    if not _await(lambda: not any(child.alive() for child in children.values()), 5.0):
        for child in children.values():
            child.signal(signal.SIGKILL)
        _await(lambda: not any(child.alive() for child in children.values()), 5.0)
    return [name for name, child in children.items() if child.alive()]
