"""The benchmarks' own arithmetic."""

import pytest
from bench.figures import is_growing, percentile


@pytest.mark.parametrize(
    ("values", "share", "is_"),
    [([5], 0.99, 5), (range(1, 101), 0.99, 99), (range(1, 101), 0.5, 50), ([3, 1, 2], 1.0, 3), ([3, 1, 2], 0.0, 1)],
)
def test_a_percentile_is_one_of_the_values(values: list[float], share: float, is_: float) -> None:
    assert percentile(list(values), share) == is_


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


@pytest.mark.parametrize(
    ("delays", "grows"),
    [
        ([0.2] * 100, False),
        ([9.0] * 20 + [0.2] * 80, False),  # a cold start is no growth
        ([0.1 * n for n in range(100)], True),
        ([0.001 * n for n in range(100)], False),  # it doubles, and nobody feels it
        ([], False),
    ],
)
def test_growing_is_what_is_felt(delays: list[float], grows: bool) -> None:
    assert is_growing(delays, 1.0) is grows
