"""The time of a batch by phase adds up to the whole."""

from typing import Any

import pytest
from msgspec import Struct
from prometheus_client import REGISTRY

from harness.one_processor import OneProcessor
from servicekit import phases
from servicekit.app import App, HandlerEntry
from servicekit.decision import Context, Decision
from servicekit.phases import Phases


class Bill(Struct):
    pass


def _count(state: Any, data: Bill, ctx: Context) -> Decision:
    return Decision({"n": (state or {"n": 0})["n"] + 1})


def spent(unit: str, phase: str) -> tuple[float, float]:
    """How often and how long, by what Prometheus sees."""
    labels = {"unit": unit, "phase": phase}
    count, total = (REGISTRY.get_sample_value(f"kam_batch_phase_seconds_{of}", labels) for of in ("count", "sum"))
    return count or 0.0, total or 0.0


def test_what_is_in_no_phase_is_handling(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 10.5, 20.0, 20.25, 30.0, 31.0])
    monkeypatch.setattr(phases.time, "perf_counter", lambda: next(clock))
    timed = Phases("timed.0")
    with timed.timing("load"):
        pass
    with timed.timing("load"):
        pass
    with pytest.raises(RuntimeError), timed.timing("store"):
        raise RuntimeError
    timed.end(4.0)
    assert {phase: spent("timed.0", phase) for phase in ("load", "journal", "store", "handle")} == {
        "load": (1, 0.75),
        "journal": (1, 0.0),
        "store": (1, 1.0),
        "handle": (1, 2.25),
    }
    timed.end(1.0)
    assert spent("timed.0", "handle") == (2, 3.25), "each batch begins anew"


async def test_a_batch_shows_its_phases() -> None:
    app = App(name="phased", service="x", state=dict, handlers={"kam.boss.bill.issued.v1": HandlerEntry(Bill, _count)})
    one = await OneProcessor(app).open()
    await one.take(one.record("boss.events", "kam.boss.bill.issued.v1", Bill()))
    by_phase = {phase: spent("phased.0", phase) for phase in ("load", "handle", "store")}
    assert all(count == 1 and total > 0 for count, total in by_phase.values())
    whole = REGISTRY.get_sample_value("kam_batch_seconds_sum", {"unit": "phased.0"})
    assert sum(total for _, total in by_phase.values()) == pytest.approx(whole)
