"""The benchmarks' own arithmetic."""

import pytest
from bench.cost import shares
from bench.figures import highest, is_growing, percentile


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


@pytest.mark.parametrize(
    ("holds", "found", "tries"),
    [(50, None, [100]), (450, 400, [100, 200, 400, 800, 566]), (600, 566, None), (9e9, 800, None)],
)
async def test_the_highest_rate_is_searched_in_few_steps(
    holds: float, found: float | None, tries: list[float] | None
) -> None:
    tried = []

    async def is_held(rate: float) -> bool:
        tried.append(round(rate))
        return rate <= holds

    best = await highest(is_held, 100, 2, 800)
    assert (best and round(best)) == found
    assert tries is None or tried == tries


def test_cpu_is_told_by_what_it_is_for() -> None:
    before = {"alerts": 1.0, "kafka": 5.0, "mongodb": 2.0}
    after = {"alerts": 2.0, "alerts-1": 0.5, "kafka": 6.0, "mongodb": 2.1, "smsc": 0.2}
    found = {name: round(us) for name, us in shares(before, after, 1000).items()}
    assert found == {"services": 1500, "database": 100, "jvm": 1000, "smsc": 200}
