"""What has come by before is known by its producer's number."""

import random

import pytest

from harness.seeds import seeds
from servicekit.repeats import Repeats


def test_a_number_that_does_not_rise_is_a_repeat() -> None:
    marks = {"seen/t/0/p.0.e1": "5"}
    repeats = Repeats(marks.get)
    heard = [repeats.is_repeat("t", 0, b"p.0.e1:%d" % n) for n in (4, 5, 6, 6, 9, 7, 10)]
    assert heard == [True, True, False, True, False, True, False]
    assert repeats.marks() == {"seen/t/0/p.0.e1": "10"}


def test_what_only_repeats_changes_nothing() -> None:
    repeats = Repeats({"seen/t/0/p": "5"}.get)
    assert repeats.is_repeat("t", 0, b"p:5") and repeats.is_repeat("t", 0, b"q:0") and repeats.marks() == {}


def test_a_sequence_without_a_colon_is_none() -> None:
    repeats = Repeats({}.get)
    assert not repeats.is_repeat("t", 0, b"7") and not repeats.is_repeat("t", 0, b"7") and repeats.marks() == {}


@pytest.mark.parametrize("sequence", [b"p:", b"p:x", b"p:1x", b"\xff:1"])
def test_one_that_nobody_can_read_is_an_error_and_leaves_no_trace(sequence: bytes) -> None:
    repeats = Repeats({}.get)
    assert not repeats.is_repeat("t", 0, b"p:1")
    for _ in range(2):
        with pytest.raises(ValueError):
            repeats.is_repeat("t", 0, sequence)
    assert repeats.is_repeat("t", 0, b"p:1") and not repeats.is_repeat("t", 0, b"p:2")
    assert repeats.marks() == {"seen/t/0/p": "2"}


@pytest.mark.parametrize("seed", seeds(10, 50))
def test_runs_of_producers_whose_names_begin_alike_are_told_apart(seed: int) -> None:
    dice = random.Random(seed)
    highest: dict[tuple[str, int, str], int] = {}
    repeats = Repeats({}.get)
    for _ in range(300):
        place = dice.choice("tu"), dice.randrange(2), dice.choice(["p", "p:1", "p:1:1", "", "1", "p.1"])
        number = dice.choice([highest.get(place, 0) + 1, dice.randrange(1, 12)])
        is_old = number <= highest.get(place, 0)
        topic, partition, producer = place
        assert repeats.is_repeat(topic, partition, f"{producer}:{number}".encode()) == is_old
        highest[place] = max(number, highest.get(place, 0))
    assert repeats.marks() == {f"seen/{t}/{p}/{producer}": str(n) for (t, p, producer), n in highest.items()}
