"""Histories made by chance: a few in every run, many with ``make test-long``."""

from typing import Any

import pytest


def seeds(at_once: int, many: int, *, first: int = 0) -> list[Any]:
    """``many`` seeds from ``first`` on, to parametrize with; all but ``at_once`` of them are marked ``long``."""
    rest = range(first + at_once, first + many)
    return [*range(first, first + at_once), *(pytest.param(seed, marks=pytest.mark.long) for seed in rest)]
