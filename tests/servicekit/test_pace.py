"""When small batches start, and how busy a process is."""

import random
from collections.abc import Callable

import pytest

from servicekit import pace
from servicekit.pace import Load, Pace


class Machine:
    """Both clocks that a pace goes by."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.spent = 100.0, 3.0
        monkeypatch.setattr(pace.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(pace.time, "process_time", lambda: self.spent)

    def works(self, seconds: float, share: float) -> None:
        self.now += seconds
        self.spent += seconds * share


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_small_batches_follow_each_other_at_once_until_there_are_many(machine: Machine) -> None:
    one, other = Pace(0.05), Pace(0.05, 0.005)
    for _ in range(8):
        assert one.rest(machine.now) == 0.0
        machine.now += 0.001
    assert machine.now + one.rest(machine.now) == pytest.approx(100.05), "then they start with the beat"
    machine.now = 100.051
    assert machine.now + one.rest(machine.now) == pytest.approx(100.1)
    for _ in range(9):
        rest = other.rest(machine.now)
    assert machine.now + rest == pytest.approx(100.055), "at the same moments for all, or a little behind"
    machine.now += 10
    assert one.rest(machine.now) == 0.0, "after a quiet moment at once again"


@pytest.mark.parametrize(
    ("spans", "is_light"),
    [
        ([(10, 0.0)], True),
        ([(10, 0.14)], True),
        ([(10, 0.16)], False),
        ([(10, 0.16), (10, 0.14)], False),
        ([(10, 0.16), (10, 0.08)], False),
        ([(10, 0.16), (10, 0.06)], True),
        ([(10, 0.05), (0.25, 0.6)], True),  # one batch more says nothing
        ([(10, 0.05), (1.0, 0.6)], False),
        ([(10, 0.6), (1.0, 0.0)], False),  # nor does one less
        ([(10, 0.6), (3600, 0.0)], True),
    ],
)
def test_a_process_has_little_to_do(machine: Machine, spans: list[tuple[float, float]], is_light: bool) -> None:
    load = Load()
    for seconds, share in spans:
        steps = max(1, round(min(seconds, 20) / 0.05))
        for _ in range(steps):
            machine.works(seconds / steps, share)
            found = load.is_light
    assert found is is_light


@pytest.mark.parametrize(
    ("cpu_us", "batch_us"),
    [(400, 100), (1000, 300), (1000, 1000), (2000, 500), (3000, 1500)],
)
def test_it_does_not_go_to_and_fro(machine: Machine, cpu_us: int, batch_us: int) -> None:
    """At any steady rate of events, each of which costs so much, as does each batch: it settles on a beat."""
    dice = random.Random(1)
    for rate in range(10, 400, 10):
        load, changes, before = Load(), 0, None
        for step in range(1200):
            seconds = 0.05 if load.is_light else 0.1
            work = rate * seconds * cpu_us + 4 * batch_us
            machine.works(seconds, dice.uniform(0.7, 1.3) * work / seconds / 1e6)
            if step > 200:
                changes += before is not None and before != load.is_light
            before = load.is_light
        assert changes <= 1, rate


def beats(of: Pace, machine: Machine, until: float) -> list[float]:
    """When batches start that begin again with each beat."""
    found = []
    while machine.now < until:
        machine.now += of.rest(machine.now)
        found.append(round(machine.now, 3))
        machine.now += 0.001
    return found


@pytest.mark.parametrize(
    ("share", "starts"),
    [(0.05, [0.01, 0.035, 0.06, 0.085, 0.11]), (0.5, [0.01, 0.06, 0.11])],
)
def test_the_beat_is_shorter_while_there_is_little_to_do(machine: Machine, share: float, starts: list[float]) -> None:
    of = Pace(0.05, 0.01, light_seconds=0.025, load=Load())
    for _ in range(100):
        machine.works(0.1, share)
        of.rest(machine.now)
    machine.now = 110.002
    for _ in range(9):
        of.rest(machine.now)
    assert beats(of, machine, 110.1) == pytest.approx([110 + start for start in starts])


@pytest.mark.parametrize(
    ("started", "now", "starts"),
    [
        (0.040, 0.042, 0.16),  # before its beat, which then passes
        (0.061, 0.062, 0.16),
        (0.061, 0.120, 0.16),
        (0.061, 0.170, 0.26),
        (0.140, 0.142, 0.26),
    ],
)
def test_starts_lie_apart_where_one_may_be_early(machine: Machine, started: float, now: float, starts: float) -> None:
    of = Pace(0.1, 0.06, apart=0.5)
    for _ in range(10):
        of.rest(machine.now)
    machine.now = 100 + now
    assert machine.now + of.rest(100 + started) == pytest.approx(100 + starts)


def test_all_of_a_process_keep_the_same_beat(machine: Machine) -> None:
    """One share for all: that of each processor alone would say that none of them is busy."""
    load = Load()
    paces = [Pace(0.1, light_seconds=0.05, load=load) for _ in range(8)]
    for share, beat in ((0.05, 0.05), (0.4, 0.1), (0.1, 0.1), (0.05, 0.05)):
        for _ in range(200):
            machine.works(0.05, share)
            assert len({of.beat for of in paces}) == 1
        assert paces[0].beat == beat


@pytest.mark.parametrize("pace_of", [lambda load: Pace(0.1, load=load), lambda load: Pace(0.0, load=load)])
def test_who_has_no_light_beat_keeps_the_one(machine: Machine, pace_of: Callable[[Load], Pace]) -> None:
    of = pace_of(Load())
    before = of.beat
    machine.works(10, 0.9)
    assert of.beat == before
