"""Receipts that come within some milliseconds are published in one go; each is answered for when all are durable."""

import asyncio

import pytest

from alerts.notifications.receipts import PublishedTogether
from servicekit.envelope import OutgoingMessage


class Broker:
    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.acknowledges = asyncio.Event()
        self.error: Exception | None = None

    async def publish(self, messages: list[OutgoingMessage]) -> None:
        self.calls.append([message.partition for message in messages])
        await self.acknowledges.wait()
        if self.error is not None:
            raise self.error


def told(publish: PublishedTogether, *numbers: int) -> list["asyncio.Task[None]"]:
    return [asyncio.create_task(publish("sms.receipts", n, b"k", b"v", [])) for n in numbers]


async def test_what_comes_together_is_one_call_in_its_order_and_ends_with_it() -> None:
    broker = Broker()
    publish = PublishedTogether(broker.publish)
    first = told(publish, 3, 1, 2)
    await asyncio.wait(first, timeout=0.1)
    assert broker.calls == [[3, 1, 2]] and not any(task.done() for task in first), "no OK before it is durable"
    second = told(publish, 4)
    await asyncio.wait(second, timeout=0.1)
    assert broker.calls == [[3, 1, 2], [4]], "who comes later does not wait for the answer"
    broker.acknowledges.set()
    await asyncio.gather(*first, *second)


async def test_an_error_is_everybody_s_and_the_next_begin_anew() -> None:
    broker = Broker()
    broker.acknowledges.set()
    broker.error = OSError("away")
    publish = PublishedTogether(broker.publish)
    assert {repr(e) for e in await asyncio.gather(*told(publish, 1, 2), return_exceptions=True)} == {"OSError('away')"}
    broker.error = None
    await asyncio.gather(*told(publish, 3))
    assert broker.calls == [[1, 2], [3]]


async def test_one_that_is_given_up_takes_nobody_with_it() -> None:
    broker = Broker()
    publish = PublishedTogether(broker.publish)
    one, other = told(publish, 1, 2)
    await asyncio.sleep(0)
    one.cancel()
    with pytest.raises(asyncio.CancelledError):
        await one
    broker.acknowledges.set()
    await other
    assert broker.calls == [[1, 2]]
