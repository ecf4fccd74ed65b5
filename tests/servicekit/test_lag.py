"""What is on its way is no lag, what stays behind is."""

import time

from servicekit.lag import given_a_second


async def test_what_catches_up_within_a_second_is_waited_for() -> None:
    left = [3, 1, 0, 7]

    async def ask() -> int:
        return left.pop(0)

    assert await given_a_second(ask, bool) == 0


async def test_what_stays_behind_is_told_after_a_second() -> None:
    async def ask() -> int:
        return 5

    began = time.monotonic()
    assert await given_a_second(ask, bool) == 5
    assert 1 <= time.monotonic() - began < 5
