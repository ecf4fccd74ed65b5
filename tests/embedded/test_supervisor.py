"""The supervisor with stand-in processes: order, readiness, restarts, the end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from embedded.stub_instance import stub
from harness.embedded_servers import free_port_base
from harness.waiting import eventually
from kam.embedded.process import Identity, ProcessSpec, TaskSpec
from kam.embedded.progress import Silent
from kam.embedded.supervisor import Child, Node, Policy, StartError, Supervisor

pytestmark = pytest.mark.long

FAST = Policy(ready_timeout=10, poll=0.02, backoff_first=0.05, backoff_most=0.2)
Make = Callable[..., Supervisor]


@pytest.fixture
def base() -> int:
    return free_port_base()


@pytest.fixture
async def make(tmp_path: Path, base: int) -> AsyncIterator[Make]:
    made = []

    def build(*nodes: Node, policy: Policy = FAST) -> Supervisor:
        supervisor = Supervisor(
            nodes,
            host="127.0.0.1",
            port_base=base,
            log_for=lambda name: tmp_path / f"{name}.log",
            env=dict(os.environ),
            reporter=Silent(),
            policy=policy,
        )
        made.append(supervisor)
        return supervisor

    yield build
    for supervisor in made:
        await supervisor.stop()


def kinds(supervisor: Supervisor, kind: str) -> list[str]:
    reporter = supervisor._reporter
    assert isinstance(reporter, Silent)
    return [event.name for event in reporter.events if event.kind == kind]


def _is_back(child: Child, restarts: int) -> bool:
    return child.restarts == restarts and child.ready.is_set()


async def test_needs_decide_the_order_of_start_and_of_end(make: Make, base: int) -> None:
    async def work() -> str:
        return "3 made"

    supervisor = make(
        stub("service", 1, base, "topics"), stub("store", 0, base), TaskSpec("topics", work, needs=("store",))
    )
    await supervisor.start()
    assert kinds(supervisor, "ready") == ["store", "topics", "service"]
    pids = supervisor.pids()
    await supervisor.stop()
    assert kinds(supervisor, "stopped") == ["service", "store"]
    assert not any(Identity.of(pid) for pid in pids.values())


async def test_a_child_that_dies_comes_back_later_each_time(make: Make, base: int) -> None:
    supervisor = make(stub("service", 0, base))
    await supervisor.start()
    child = supervisor.children["service"]
    for restarts in (1, 2, 3):
        assert child.identity is not None
        before = child.identity
        before.signal(signal.SIGKILL)
        await eventually(partial(_is_back, child, restarts))
        assert child.identity != before
    reporter = supervisor._reporter
    assert isinstance(reporter, Silent)
    pauses = [event.en for event in reporter.events if event.kind == "restart"]
    assert pauses == [f"ended (signal 9), again in {pause} s" for pause in ("0.05", "0.1", "0.2")]


async def test_a_bad_start_names_the_child_and_shows_its_last_lines(make: Make, base: int) -> None:
    supervisor = make(stub("good", 0, base), stub("bad", 1, base, mode="broken"))
    with pytest.raises(StartError) as failure:
        await supervisor.start()
    assert failure.value.name == "bad"
    assert failure.value.lines == ["the sky is falling"]
    await supervisor.stop()
    assert supervisor.pids() == {}


async def test_a_failed_step_stops_the_start(make: Make, base: int) -> None:
    async def work() -> str:
        raise ValueError("no such contract")

    supervisor = make(stub("store", 0, base), TaskSpec("topics", work, needs=("store",)))
    with pytest.raises(StartError, match=r"topics.*no such contract"):
        await supervisor.start()


async def test_never_ready_is_a_failed_start(make: Make, base: int) -> None:
    supervisor = make(stub("slow", 0, base, mode="slow"), policy=Policy(ready_timeout=0.5, poll=0.02))
    with pytest.raises(StartError, match="not ready within"):
        await supervisor.start()


async def test_who_rebuilds_its_state_is_waited_for_as_long_as_it_gets_on_and_told(make: Make, base: int) -> None:
    supervisor = make(
        stub("rebuilding", 0, base, mode="rebuilding"), policy=Policy(ready_timeout=1.0, tell=0.05, poll=0.2)
    )
    began = time.monotonic()
    await supervisor.start()
    assert time.monotonic() - began > 1.5
    reporter = supervisor._reporter
    assert isinstance(reporter, Silent)
    told = [event.en for event in reporter.events if event.kind == "waiting"]
    assert told[0] == "waiting: rebuilding 1" and len(told) == len(set(told)) > 3


async def test_who_does_not_get_on_is_a_failed_start_that_says_where(make: Make, base: int) -> None:
    supervisor = make(stub("stuck", 0, base, mode="stuck"), policy=Policy(ready_timeout=1.0, poll=0.02))
    with pytest.raises(StartError, match=r"not ready within 1 s, without progress \(rebuilding 7\)"):
        await supervisor.start()


async def test_a_child_that_will_not_stop_is_killed(make: Make, base: int) -> None:
    supervisor = make(stub("service", 0, base, mode="stubborn", grace=0.2))
    await supervisor.start()
    pid = supervisor.pids()["service"]
    await supervisor.stop()
    assert Identity.of(pid) is None
    reporter = supervisor._reporter
    assert isinstance(reporter, Silent)
    assert reporter.events[-1].en == "would not stop, killed"


async def test_a_preparation_that_fails_is_told(make: Make, base: int) -> None:
    def prepare() -> None:
        raise OSError("no space left")

    spec = ProcessSpec(name="store", argv=("true",), prepare=prepare)
    with pytest.raises(StartError) as failure:
        await make(spec).start()
    assert failure.value.lines == ["prepare: no space left"]


async def test_a_need_that_names_nothing_is_refused(make: Make, base: int) -> None:
    with pytest.raises(ValueError, match="kafak"):
        make(stub("service", 0, base, "kafak"))
