"""Arithmetic of the benchmarks."""

from collections.abc import Awaitable, Callable, Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that at least this share of them does not exceed. Raises ``ValueError`` for none."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def is_growing(delays: Sequence[float], most: float) -> bool:
    """Whether delays, in the order of their causes, grow: the last fifth's median exceeds twice the second fifth's and
    ``most`` seconds. The first fifth is warming up."""
    fifth = len(delays) // 5
    if fifth == 0:
        return False
    early, late = percentile(delays[fifth : 2 * fifth], 0.5), percentile(delays[-fifth:], 0.5)
    return late > 2 * early and late > most


async def highest(is_held: Callable[[float], Awaitable[bool]], first: float, step: float, most: float) -> float | None:
    """The highest rate held, tried upwards by a factor, then once between the last held and the first not held; None if
    not even the first one is."""
    rate, best = first, None
    while rate <= most and await is_held(rate):
        best, rate = rate, rate * step
    if best is not None and rate <= most and await is_held(between := best * step**0.5):
        best = between
    return best
