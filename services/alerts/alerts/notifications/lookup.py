"""Messages of the customers that this process owns, found by the index of their states (``state.entries``)."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from functools import partial

from alerts.notifications.state import Customer, Notification, local_number
from servicekit.pipeline import StreamProcessor

_PAGE = 1000


class Lookup:
    """``processors``: those of notifications in this process. What they have committed is found."""

    def __init__(self, processors: Callable[[], Sequence[StreamProcessor]]) -> None:
        self._processors = processors

    async def open_messages(self, index: str = "sms") -> AsyncIterator[tuple[StreamProcessor, Customer, Notification]]:
        """All that the sender has or had, those whose answers may still come, and those that a stop holds back; by the
        index ``held`` those that wait for a time."""
        for processor in self._processors():
            async for entries in pages(processor, index):
                for customer, message in await _messages(processor, entries):
                    yield processor, customer, message

    async def message(self, sms_id: str) -> tuple[StreamProcessor, Notification] | None:
        """An open message by its id."""
        for processor in self._processors():
            async for entries in pages(processor, "sms", sms_id):
                for _, message in await _messages(processor, entries):
                    return processor, message
        return None

    async def submitted_to(self, phone: str) -> list[Notification]:
        """Unsettled messages that were submitted to a number, with or without country code."""
        return [m for processor in self._processors() for m in await submitted_to(processor, phone)]


async def submitted_to(processor: StreamProcessor, phone: str) -> list[Notification]:
    """Those of the customers of one processor."""
    number, found = local_number(phone), []
    async for entries in pages(processor, "phone", number):
        states = await _load(processor, (key for _, key in entries))
        found += [m for state in states.values() for m in state.messages.values()]
    return [m for m in found if m.phone is not None and m.submitted_at is not None and local_number(m.phone) == number]


async def pages(
    processor: StreamProcessor, index: str, value: str | None = None
) -> AsyncIterator[list[tuple[str, str]]]:
    """Entries (value, key) of an index, of one value or all."""
    after: tuple[str, str] | None = None
    find = processor.store.find
    while found := await processor.committer.patiently(partial(find, index, value, after=after, limit=_PAGE)):
        yield found
        after = found[-1]


async def _messages(processor: StreamProcessor, entries: list[tuple[str, str]]) -> list[tuple[Customer, Notification]]:
    states = await _load(processor, (key for _, key in entries))
    found = ((states.get(key), sms_id) for sms_id, key in entries)
    return [(state, state.messages[sms_id]) for state, sms_id in found if state and sms_id in state.messages]


async def _load(processor: StreamProcessor, keys: Iterable[str]) -> dict[str, Customer]:
    wanted, committer = list(dict.fromkeys(keys)), processor.committer
    states = await committer.patiently(partial(processor.store.load, wanted))
    return {key: committer.decode_state(raw) for key, raw in states.items()}
