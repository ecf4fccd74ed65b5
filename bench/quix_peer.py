"""The peer of ``detect-quix``: Quix Streams 3 with state and changelog, the same rule. Runs in an environment of its
own (``requirements.quix.lock``), so nothing of the project is imported here. Prints one JSON object.

As who knows Quix would write it: its own JSON (orjson), one read and one write of the state a message, months named
once. Exactly once, which the detector is in effect; all else is Quix's default (``SETTINGS`` says it).
"""

import json
import os
import sys
import time
from copy import deepcopy
from functools import lru_cache, partial
from typing import Any

from quixstreams import Application
from quixstreams.checkpointing import Checkpoint
from quixstreams.state import State

NAME, EVENTS, SECONDS = os.environ["BENCH_TOPIC"], int(os.environ["BENCH_EVENTS"]), 120
OUT = "alert.events"
SETTINGS = {
    "processing_guarantee": os.environ.get("BENCH_GUARANTEE", "exactly-once"),
    "commit_interval": 5.0,
    "use_changelog_topics": True,
    "producer_extra_config": {"enable.idempotence": True, "acks": "all", "compression.type": "none"},
}
seen = alerts = commits = 0
started = ended = (0.0, 0.0, 0.0)


def clocks() -> tuple[float, float, float]:
    """Seconds; CPU of this thread, which does everything in Python; CPU of the process."""
    return time.perf_counter(), time.thread_time(), time.process_time()


def commit(self: Checkpoint, *, _commit: Any = Checkpoint.commit, **how: Any) -> None:
    """What is measured ends with the last commit: state, changelog, alerts and offsets are written. Taking leave of the
    broker comes behind it."""
    global ended, commits
    _commit(self, **how)
    ended, commits = clocks(), commits + 1


@lru_cache
def period_of(month: int) -> str:
    return f"{month // 12}{month % 12 + 1:02}"


def fallen(known: dict[str, Any], month: int) -> list[dict[str, Any]]:
    """Figures that have fallen to 70 % of the three months before, in a month that is known."""
    reasons = []
    for figure in ("amount_fen", "voice_minutes"):
        values = known[figure]
        value = values.get(period_of(month))
        base = [values.get(period_of(m)) for m in (month - 3, month - 2, month - 1)] if value is not None else [None]
        if None not in base and 30 * value <= 7 * sum(base) > 0:
            reasons.append({"figure": figure, "value": value, "base": sum(base), "months": base})
    return reasons


def judge(
    app: Application, record: dict[str, Any], key: bytes, timestamp: int, headers: Any, state: State
) -> list[dict[str, Any]]:
    """drop-30 as the detector has it: repeats and older revisions dropped, both figures, each month that the new figure
    may touch, one alert a month with its reasons and evidence, withdrawn when the figures no longer say so."""
    global seen, alerts, started
    if seen == 0:
        started = clocks()
    seen += 1
    if seen == EVENTS:
        app.stop()  # after this message
    if "profile" in record:
        state.set("known", {**record, "revisions": {}, "alerts": {}, "sequence": 0})
        return []  # what is known of a customer before the bills that are measured
    about, known = dict(headers), state.get("known")
    sequence, revision = int(about["ce_sequence"].rpartition(b":")[2]), int(about["ce_revision"])
    period, amount = record["period"], record["amount_fen"]
    if sequence <= known["sequence"] or revision < known["revisions"].get(period, 0):
        return []
    known["sequence"], known["revisions"][period], known["amount_fen"][period] = sequence, revision, amount
    month, events = int(period[:4]) * 12 + int(period[4:]) - 1, []
    for each in range(month, month + 4):
        reasons, held = fallen(known, each), known["alerts"].get(period_of(each))
        if reasons and not held and known["profile"]["status"] == "active":
            known["alerts"][period_of(each)] = reasons
        elif held and not reasons:
            del known["alerts"][period_of(each)]
        elif reasons == (held or []):
            continue
        events.append({
            "customer_id": record["customer_id"], "period": period_of(each), "reasons": reasons,
            "evidence": about["ce_id"].decode(), "correlation": about["ce_correlationid"].decode(),
            "clock": about["ce_businessclock"].decode(),
        })  # fmt: skip
    state.set("known", known)
    alerts += len(events)
    return events


def main() -> None:
    Checkpoint.commit = commit
    app = Application(
        broker_address=os.environ["BENCH_KAFKA"],
        consumer_group=NAME,
        auto_offset_reset="earliest",
        state_dir=os.environ["BENCH_FOLDER"],
        loglevel="ERROR",
        **deepcopy(SETTINGS),
    )
    bills = app.topic(NAME, key_deserializer="bytes", value_deserializer="json")
    out = app.topic(OUT, value_serializer="json", key_serializer="bytes")
    frame = app.dataframe(bills).apply(partial(judge, app), stateful=True, metadata=True, expand=True)
    frame.to_topic(out)
    # Its ``count`` is of outputs, and waits for more of them.
    app.run(timeout=SECONDS, collect=False)
    seconds, cpu, process_cpu = (end - start for start, end in zip(started, ended, strict=True))
    line = {
        "events": seen, "seconds": seconds, "cpu_seconds": cpu, "process_cpu_seconds": process_cpu,
        "alert_events": alerts, "commits": commits, "settings": SETTINGS,
    }  # fmt: skip
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
