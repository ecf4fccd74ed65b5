"""A running province for the proof: its commands, its processes, its traffic, and what was done to it when."""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SERVICES = ("billing-sync", "customer-profile", "alerts", "manager-work", "analytics")
PARTITIONS, WORKERS, CHECKPOINT_BYTES = 6, 2, 8 << 10


def say(text: str) -> None:
    """A line for whoever watches; the verdict alone goes to standard output."""
    print(f"  {time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


class Province:
    """An instance under ``folder``, with two workers of each partitioned service. ``upsets``: (from, until, name) of
    all that was killed or held up; ``guests``: processes that a trial started beside it.
    """

    def __init__(self, kam: str, folder: Path, port_base: int, seed: int) -> None:
        self.kam, self.data, self.faults, self.port_base = kam, folder / "data", folder / "faults", port_base
        self.rng = random.Random(seed)
        self.sent = self.kills = self.restarts_by_input = 0
        self.upsets: list[tuple[float, float, str]] = []
        self.all_sent, self.hurry = threading.Event(), threading.Event()
        self.guests: list[subprocess.Popen[bytes]] = []
        self.faults.mkdir()

    def up(self) -> None:
        """Start it empty; its business clock follows the feed. Checkpoints are taken early and often."""
        options = ["--no-sim", "--clock", "feed", "--port-base", str(self.port_base)]
        options += ["--partitions", str(PARTITIONS), "--workers", str(WORKERS)]
        command = [self.kam, "up", "--detach", "--json", *options, "--data", str(self.data)]
        env = {**os.environ, "KAM_FAULTS_DIR": str(self.faults), "KAM_CHECKPOINT_BYTES": str(CHECKPOINT_BYTES)}
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=600, env=env)
        self.urls: dict[str, str] = json.loads((self.data / "instance.json").read_text())
        self.token = self.run("token", "integrator")["token"]

    def down(self) -> None:
        """End it, and what was started beside it."""
        for guest in self.guests:
            guest.kill()
            guest.wait()
        subprocess.run([self.kam, "down", "--data", str(self.data)], capture_output=True, timeout=120, check=False)

    def run(self, *words: str, timeout: float = 300) -> Any:
        """A ``kam`` command with ``--json``."""
        command = [self.kam, *words, "--json", "--data", str(self.data)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        if done.returncode:
            raise RuntimeError(f"kam {' '.join(words)}: exit {done.returncode}: {(done.stderr or done.stdout)[-500:]}")
        return json.loads(done.stdout or "null")

    # --- processes --------------------------------------------------------------------------------------------------

    def pids(self) -> dict[str, int]:
        with contextlib.suppress(ValueError, OSError):
            return dict(json.loads((self.data / "instance.json").read_text())["pids"])
        return {}

    @property
    def processes(self) -> list[str]:
        """Names of every process of the services: workers, and those there is one of."""
        return [name for name in self._described()["processes"] if re.sub(r"-\d+$", "", name) in SERVICES]

    def _described(self) -> dict[str, Any]:
        return dict(json.loads((self.data / "instance.json").read_text()))

    def restarts(self) -> dict[str, int]:
        """How often each process was started again."""
        return {name: process["restarts"] for name, process in self._described()["processes"].items()}

    def wait_up(self, timeout: float = 180) -> None:
        """Until every process of the instance lives again."""
        wait_for(lambda: self._is_up(), timeout, "not all processes came back")

    def _is_up(self) -> bool:
        pids = self.pids()
        return {*self.processes, "kafka", "mongodb"} <= pids.keys() and all(_alive(p) for p in pids.values())

    def wait_ready(self, timeout: float = 180) -> None:
        """Until ``kam status`` says that all of it is ready."""
        wait_for(lambda: self._is_ready(), timeout, "not ready again")

    def _is_ready(self) -> bool:
        command = [self.kam, "status", "--json", "--data", str(self.data)]
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0

    def kill(self, name: str) -> None:
        pid = self.pids()[name]
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.killed(f"{name} (pid {pid})")

    def lose_folder(self, name: str) -> None:
        """Delete the data folder of a process under its hands, and kill it; its supervisor starts it again."""
        pid = self.pids()[name]
        os.kill(pid, signal.SIGSTOP)  # or it would come back before the folder is gone
        shutil.rmtree(self.data / "services" / name)
        os.kill(pid, signal.SIGKILL)
        self.killed(f"{name} (pid {pid}), its folder deleted")
        wait_for(lambda: self.pids().get(name, pid) != pid, 60, f"{name} did not come back")

    def digests(self, name: str) -> dict[str, str]:
        """What each processor of a process holds, as a hash."""
        port = self._described()["processes"][name]["ports"]["http"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/internal/digest", timeout=60) as answer:
            return dict(json.loads(answer.read())["digests"])

    def sms_taken(self, phone: str = "") -> int:
        """Parts that the SMSC accepted so far (for a number)."""
        log = self.data / "smsc" / "accepted.jsonl"
        return sum(phone in line for line in log.read_text().splitlines()) if log.exists() else 0

    def killed(self, what: str) -> None:
        self.kills += 1
        self.upsets.append((time.time(), time.time(), what))
        say(f"kill {self.kills}: {what}")

    @contextmanager
    def stopped(self, name: str) -> Iterator[int]:
        """The process does nothing at all (SIGSTOP) until the block ends."""
        pid, began = self.pids()[name], time.time()
        os.kill(pid, signal.SIGSTOP)
        say(f"stop {name} (pid {pid})")
        try:
            yield pid
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
            self.upsets.append((began, time.time(), name))
            say(f"continue {name} after {time.time() - began:.0f} s")

    # --- traffic ----------------------------------------------------------------------------------------------------

    def feed(self, events: list[dict[str, Any]], seconds: float) -> None:
        """Send like an integrator does: in small batches, each until it was answered, spread over the time; without a
        pause from ``hurry`` on.
        """
        chunks = [events[start : start + 5] for start in range(0, len(events), 5)]
        until = time.monotonic() + seconds
        for number, chunk in enumerate(chunks):
            self.post(chunk)
            self.hurry.wait(max(0.01, (until - time.monotonic()) / (len(chunks) - number)))
        self.all_sent.set()

    def post(self, chunk: list[dict[str, Any]]) -> None:
        """Returns once they are accepted."""
        while not self._post(chunk):
            time.sleep(0.2)
        self.sent += len(chunk)

    def _post(self, chunk: list[dict[str, Any]]) -> bool:
        request = urllib.request.Request(
            self.urls["billing_sync"] + "/v1/events",
            json.dumps(chunk).encode(),
            {"Content-Type": "application/cloudevents-batch+json", "Authorization": f"Bearer {self.token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                bad = [r for r in json.loads(answer.read()) if r["status"] == "rejected"]
        except (urllib.error.URLError, OSError, ValueError):
            return False
        if bad:
            raise RuntimeError(f"rejected: {bad[:3]}")
        return True


def wait_for(condition: Any, timeout: float, otherwise: str) -> None:
    """Returns when the condition holds; RuntimeError when it does not in time."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(otherwise)
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
