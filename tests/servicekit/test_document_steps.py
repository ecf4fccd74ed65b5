"""What a version is follows from what was placed, and from nothing else."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from servicekit.decision import Refused
from servicekit.documents import steps as stepping
from servicekit.documents.steps import Step

AT, DAY = datetime(2026, 7, 1, tzinfo=UTC), date(2026, 8, 1)


def history(text: str) -> list[Step]:
    """Such as ``1 2s 2 2x 3@``: version 1 in force, 2 in shadow, in force, stopped; 3 waits for its day."""
    made = []
    for number, word in enumerate(text.split()):
        state: Any = {"s": "shadow", "x": "stopped"}.get(word[-1], "active")
        waits = word.endswith("@")
        version = int(word.rstrip("sx@"))
        made.append(
            Step(
                word,
                "r",
                version,
                state,
                "",
                "",
                None if waits else number,
                None if waits else AT,
                DAY if waits else None,
            )
        )
    return made


@pytest.mark.parametrize(
    ("text", "standings"),
    [
        ("", "draft draft"),
        ("1", "active draft"),
        ("1 2", "retired active"),
        ("1 2@", "active scheduled"),
        ("1 2s", "active shadow"),
        ("1 2s 2", "retired active"),
        ("1 2s 1x", "stopped retired"),
        ("1 2 2x", "retired stopped"),
        ("1 2 2x 1", "active retired"),
        ("1 2 1@", "scheduled active"),
        ("1s 2s", "retired shadow"),
        ("1s 2", "shadow active"),
        ("1s 1x", "stopped draft"),
        ("1 2s 2x", "active retired"),
        ("1 2s 2x 2s", "active shadow"),
        ("1 2s 2 2x", "retired stopped"),
        ("1 1x 2s 2x", "stopped retired"),
    ],
)
def test_standings(text: str, standings: str) -> None:
    steps = history(text)
    assert [stepping.standing_of(version, steps) for version in (1, 2)] == standings.split()
    assert [stepping.standing_of(version, steps[::-1]) for version in (1, 2)] == standings.split(), "in any order"


@pytest.mark.parametrize(
    ("text", "before"),
    [("", None), ("1", None), ("1 2", 1), ("1 2 1", 2), ("1 2 2x", 1), ("1 2 3s", 1), ("1 1x 1", None)],
)
def test_what_a_roll_back_goes_to(text: str, before: int | None) -> None:
    assert stepping.before(history(text)) == before


def test_since_when() -> None:
    steps = history("1 2@")
    assert [stepping.active_from(version, steps) for version in (1, 2, 3)] == [AT, DAY, None]


def test_the_order_of_who_asks_again_is_the_same_until_it_was_placed() -> None:
    def order(text: str, state: Any = "active") -> str:
        return stepping.order_id("rule", "r", 2, state, history(text))

    assert order("1") == order("1 2@") != order("1 2") == order("1 2 1")
    assert order("1", "stopped") != order("1")


@pytest.mark.parametrize(
    ("text", "version", "state", "code"),
    [
        ("1 2", 2, "active", "already_active"),
        ("1 2s", 2, "shadow", "already_shadow"),
        ("1", 1, "shadow", "already_active"),
        ("1 2", 1, "active", None),
        ("1 1x", 1, "active", None),
        ("1 2s", 2, "active", None),
        ("1 2@", 2, "active", None),
    ],
)
def test_activations_that_change_nothing_are_refused(text: str, version: int, state: Any, code: str | None) -> None:
    if code is None:
        stepping.refuse_activation(version, state, history(text))
    else:
        with pytest.raises(Refused) as refused:
            stepping.refuse_activation(version, state, history(text))
        assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "may"), [("1", True), ("1 1x", False), ("1 1x 2@", True), ("1 1x 2s", True), ("", False)]
)
def test_only_what_is_in_force_or_will_be_is_stopped(text: str, may: bool) -> None:
    if may:
        stepping.refuse_stop(history(text))
    else:
        with pytest.raises(Refused, match="nothing to stop"):
            stepping.refuse_stop(history(text))
