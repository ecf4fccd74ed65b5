"""From acceptance to alert and SMS: what is counted, and what people see of the last minutes."""

from typing import Any
from uuid import uuid4

import pytest
from msgspec import Struct

from harness.one_processor import NOON, OneProcessor, header
from servicekit.app import App, HandlerEntry
from servicekit.dead_letter import REPLAY_FOR
from servicekit.decision import Context, Decision, OutgoingEvent
from servicekit.delay import Delay

NOW = 1_800_000_000.0


@pytest.fixture
def delay() -> Any:
    made = Delay(f"test_{uuid4().hex}", "test", lambda: made.now)  # type: ignore[attr-defined]
    made.now = NOW  # type: ignore[attr-defined]
    return made


def ago(seconds: float) -> bytes:
    return b"%d" % ((NOW - seconds) * 1000)


def test_p99_is_of_the_last_minutes(delay: Any) -> None:
    assert delay.p99() is None
    for _ in range(98):
        delay.observe_since(ago(0.04))
    delay.observe_since(ago(4))
    delay.observe_since(ago(4))
    assert 3 < delay.p99() <= 5
    delay.now += 600
    assert delay.p99() is None, "long ago"
    delay.observe_since(b"%d" % (delay.now * 1000 - 40))
    assert 0.035 < delay.p99() <= 0.05


def test_beyond_the_last_bucket_it_is_its_bound(delay: Any) -> None:
    delay.observe_since(ago(3600))
    assert delay.p99() == 300


@pytest.mark.parametrize("accepted", [b"", b"soon", b"\xff"])
def test_what_says_no_time_is_not_counted(delay: Any, accepted: bytes) -> None:
    delay.observe_since(accepted)
    assert delay.p99() is None


def test_clocks_that_disagree_do_not_go_below_zero(delay: Any) -> None:
    delay.observe_since(ago(-5))
    assert delay.p99() <= 0.01


class Bill(Struct):
    pass


def _tell(state: Any, data: Bill, ctx: Context) -> Decision:
    return Decision({"now": True}, (OutgoingEvent("kam.boss.bill.issued.v1", Bill()),), timer_at=ctx.now)


def _wake(state: Any, ctx: Context) -> Decision:
    return Decision(state, (OutgoingEvent("kam.boss.bill.issued.v1", Bill()),))


APP = App(
    name="x",
    service="x",
    state=dict,
    handlers={"kam.boss.bill.issued.v1": HandlerEntry(Bill, _tell)},
    on_timer=_wake,
    clock_topics=("boss.events",),
)


@pytest.mark.parametrize(
    ("headers", "carried"),
    [
        ([("ce_acceptedat", b"1800000000123")], "1800000000123"),
        ([("ce_acceptedat", b"nonsense")], "nonsense"),
        ([], ""),
        ([("ce_acceptedat", b"1800000000123"), (REPLAY_FOR, b"x")], ""),
    ],
)
async def test_what_follows_at_once_carries_the_time_of_acceptance_on(headers: Any, carried: str) -> None:
    one = await OneProcessor(APP).open()
    record = one.record("boss.events", "kam.boss.bill.issued.v1", Bill(), headers=headers)
    await one.take(record, one.tick("boss.events", 1, NOON))
    at_once, woken = await one.outbox()
    assert header(at_once, "ce_acceptedat") == carried
    assert header(woken, "ce_acceptedat") == "", "the clock brought that about"
