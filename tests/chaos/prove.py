"""Proof by killing: nothing lost, nothing twice (``make prove``, ``KILLS=N`` for more, ``SEED=S`` for another order).

Starts an empty province, lets traffic flow over HTTP, and meanwhile kills services, Kafka (at most three times) and
the database: at random, and at fault points (before commit; after commit; after send; between SMS intent and submit;
between submit and answer). Then lets everything settle and compares what BOSS sent, what was raised, what the SMSC's
own log holds and what managers have. Prints one JSON line; exit status 0 when nothing is lost, twice or unexplained.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from scenarios import Expected, Story, interleave, stories

SERVICES = ("billing-sync", "customer-profile", "alerts", "manager-work", "analytics")
POINTS = [
    *((service, point) for service in SERVICES for point in ("before_commit", "after_commit", "after_send")),
    *(("alerts", point) for point in ("sms_after_intent", "sms_after_submit") for _ in range(3)),
]
KAFKA_KILLS = 3
# How long after a kill an SMS may have been under way: the SMSC's answer, the restart and the next batch.
EXPLAINED_WITHIN = 60.0


@dataclass
class Proof:
    """One run: the instance, what was killed when, and what was sent."""

    kam: str
    data: Path
    faults: Path
    rng: random.Random
    sent: int = 0
    kills: list[tuple[float, str]] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def run(self, *words: str, timeout: float = 300) -> Any:
        """A ``kam`` command with ``--json``."""
        done = subprocess.run(
            [self.kam, *words, "--json", "--data", str(self.data)], capture_output=True, text=True, timeout=timeout
        )
        if done.returncode:
            raise RuntimeError(f"kam {' '.join(words)}: exit {done.returncode}: {(done.stderr or done.stdout)[-500:]}")
        return json.loads(done.stdout or "null")

    def pids(self) -> dict[str, int]:
        with contextlib.suppress(ValueError, OSError):
            return dict(json.loads((self.data / "instance.json").read_text())["pids"])
        return {}

    # --- traffic ------------------------------------------------------------------------------------------------

    def feed(self, events: list[dict[str, Any]], url: str, token: str, pause: float) -> None:
        """Send like an integrator does: in small batches, each until it was answered."""
        for start in range(0, len(events), 5):
            chunk = events[start : start + 5]
            while True:
                request = urllib.request.Request(
                    url + "/v1/events",
                    json.dumps(chunk).encode(),
                    {"Content-Type": "application/cloudevents-batch+json", "Authorization": f"Bearer {token}"},
                )
                try:
                    with urllib.request.urlopen(request, timeout=30) as answer:
                        bad = [r for r in json.loads(answer.read()) if r["status"] == "rejected"]
                    if bad:
                        raise RuntimeError(f"rejected: {bad[:3]}")
                    break
                except (urllib.error.URLError, OSError, ValueError):
                    time.sleep(0.2)
            self.sent += len(chunk)
            time.sleep(pause)
        self.done.set()

    # --- kills --------------------------------------------------------------------------------------------------

    def kill(self, name: str, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.kills.append((time.time(), name))
            say(f"kill {len(self.kills)}: {name} (pid {pid})")

    def kill_at(self, service: str, point: str) -> None:
        """Arm a fault point and wait until it has struck; a point not passed in time is disarmed again."""
        pid = self.pids().get(service)
        order = self.faults / f"{service}.{point}"
        order.touch()
        deadline = time.monotonic() + 8
        while order.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        try:
            order.unlink()
        except FileNotFoundError:
            self.kills.append((time.time(), f"{service} at {point}"))
            say(f"kill {len(self.kills)}: {service} at {point} (pid {pid})")

    def havoc(self, wanted: int) -> None:
        """Kill until the wanted number is reached; a process is left time to come back before it is killed again."""
        kafka = mongodb = 0
        while len(self.kills) < wanted:
            self.wait_up()
            choice = self.rng.random()
            if choice < 0.55 and not self.done.is_set():
                self.kill_at(*self.rng.choice(POINTS))
            elif choice < 0.65 and kafka < KAFKA_KILLS:
                kafka += 1
                self.kill("kafka", self.pids()["kafka"])
            elif choice < 0.72 and mongodb < KAFKA_KILLS:
                mongodb += 1
                self.kill("mongodb", self.pids()["mongodb"])
            else:
                name = self.rng.choice(SERVICES)
                self.kill(name, self.pids()[name])
            time.sleep(self.rng.uniform(0.3, 2.0))

    def wait_up(self, timeout: float = 180) -> None:
        """Until every process of the instance lives again."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            pids = self.pids()
            if {*SERVICES, "kafka", "mongodb"} <= pids.keys() and all(_alive(p) for p in pids.values()):
                return
            time.sleep(0.05)
        raise RuntimeError(f"not all processes came back: {self.pids()}")

    # --- judgement ----------------------------------------------------------------------------------------------

    def judge(self, told: list[Story]) -> dict[str, int]:
        """Compare what was sent with alerts, work items and the SMSC's own log."""
        alerts = _by_customer(self.run("alerts"))
        work = _by_customer(self.run("work"))
        sms = _by_customer(self.run("sms"))
        log = _smsc_log(self.data / "smsc" / "accepted.jsonl")
        totals = Counter(lost=0, sms_twice=0, sms_unknown=0, unexplained=0, sms_sent=sum(len(v) for v in log.values()))
        for story in told:
            expected = story.expected
            have = Counter((a["kind"], a["state"]) for a in alerts.get(story.customer, []))
            want = Counter(expected.alerts)
            self._note(totals, "lost", sum((want - have).values()), story, f"alerts {dict(have)}, want {dict(want)}")
            self._note(
                totals, "unexplained", sum((have - want).values()), story, f"alerts {dict(have)}, want {dict(want)}"
            )
            items = len(work.get(story.customer, []))
            self._note(totals, "lost", max(0, expected.work - items), story, f"{items} work items")
            self._note(totals, "unexplained", max(0, items - expected.work), story, f"{items} work items")
            self._judge_sms(
                totals,
                story,
                sms.get(story.customer, []),
                log.get("86" + story.phone, log.get(story.phone, [])),
                expected,
            )
        return dict(totals)

    def _judge_sms(
        self, totals: Counter[str], story: Story, rows: list[dict[str, Any]], log: list[str], expected: Expected
    ) -> None:
        seen = Counter(log)
        self._note(totals, "sms_twice", sum(n - 1 for n in seen.values()), story, f"SMSC has {log}")
        unknown = [r for r in rows if r["state"] == "unknown"]
        totals["sms_unknown"] += len(unknown)
        for row in unknown:
            if not self._explains(row):
                self._note(totals, "unexplained", 1, story, f"unknown without a kill: {row}")
        sure = [s for s in expected.sms if not s.endswith("?")]
        self._note(
            totals,
            "lost",
            max(0, len(sure) - len(seen) - len(unknown)),
            story,
            f"SMSC has {log}, rows {[r['state'] for r in rows]}",
        )
        self._note(totals, "unexplained", max(0, len(seen) - len(expected.sms)), story, f"SMSC has {log}")

    def _explains(self, row: dict[str, Any]) -> bool:
        """Whether something an SMS needs was killed while it was under way."""
        left = datetime.fromisoformat(row["submitted_at"]).timestamp()
        needed = ("alerts", "mongodb", "kafka", "smsc")
        return any(name.startswith(needed) and left - 1 <= at <= left + EXPLAINED_WITHIN for at, name in self.kills)

    def _note(self, totals: Counter[str], what: str, count: int, story: Story, detail: str) -> None:
        if count:
            totals[what] += count
            say(f"{what}: customer {story.customer}: {detail}")


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _by_customer(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["customer_id"], []).append(row)
    return found


def _smsc_log(path: Path) -> dict[str, list[str]]:
    """Whole messages the SMSC accepted, by destination: parts of a long one are joined by their concat reference."""
    whole: dict[str, list[str]] = {}
    parts: dict[tuple[str, int], Counter[int]] = {}
    texts: dict[tuple[str, int, int], str] = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        entry = json.loads(line)
        to = entry["destination"]
        if not entry.get("concat"):
            whole.setdefault(to, []).append(entry["text"])
            continue
        group, _, number = entry["concat"]
        parts.setdefault((to, group), Counter())[number] += 1
        texts[to, group, number] = entry["text"]
    for (to, group), numbers in parts.items():
        text = "".join(texts[to, group, n] for n in sorted(numbers))
        whole.setdefault(to, []).extend([text] * max(numbers.values()))
    return whole


def say(text: str) -> None:
    print(f"  {time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kam", default=".venv/bin/kam")
    parser.add_argument("--kills", type=int, default=int(os.environ.get("KILLS", "20")))
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED", "1")))
    parser.add_argument("--customers", type=int, default=400)
    parser.add_argument("--port-base", default="24000")
    parser.add_argument("--keep", action="store_true", help="keep the data folder")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="kam-prove-"))
    faults = folder / "faults"
    faults.mkdir()
    proof = Proof(args.kam, folder / "data", faults, random.Random(args.seed))
    say(f"{args.customers} customers, {args.kills} kills, seed {args.seed}, data in {folder}")
    try:
        up = [
            args.kam,
            "up",
            "--detach",
            "--json",
            "--no-sim",
            "--clock",
            "feed",
            "--data",
            str(proof.data),
            "--port-base",
            args.port_base,
        ]
        subprocess.run(
            up, check=True, stdout=subprocess.DEVNULL, timeout=600, env={**os.environ, "KAM_FAULTS_DIR": str(faults)}
        )
        instance = json.loads((proof.data / "instance.json").read_text())
        token = proof.run("token", "integrator")["token"]
        told = stories(args.customers, args.seed)
        events = list(interleave(told, args.seed))
        pause = max(0.01, args.kills * 2.5 / (len(events) / 5))
        traffic = threading.Thread(
            target=proof.feed, args=(events, instance["billing_sync"], token, pause), daemon=True
        )
        traffic.start()
        proof.havoc(args.kills)
        say("no more kills; the rest of the traffic, then everything settles")
        traffic.join(900)
        proof.wait_up()
        proof.run("wait", timeout=600)
        result = proof.judge(told)
        verdict = {"kills": len(proof.kills), "events": proof.sent} | {
            name: result[name] for name in ("lost", "sms_sent", "sms_twice", "sms_unknown", "unexplained")
        }
        print(json.dumps(verdict), flush=True)
        return int(traffic.is_alive() or any(result[k] for k in ("lost", "sms_twice", "unexplained")))
    finally:
        subprocess.run([args.kam, "down", "--data", str(proof.data)], capture_output=True, timeout=120)
        if not args.keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
