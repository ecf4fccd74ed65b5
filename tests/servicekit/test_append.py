"""What a broker may answer to a journal's record: only an offset counts, and any error is one that passes."""

from types import SimpleNamespace
from typing import Any

import pytest

from servicekit.kafka import Publisher
from servicekit.kafka_journal import JournalReader, KafkaJournal
from servicekit.store import Transient


class Batch:
    def append(self, **_: Any) -> object:
        return object()

    def close(self) -> None: ...


class Producer:
    """Answers in turn: an offset, or an error."""

    def __init__(self, answers: list[Any]) -> None:
        self._answers = answers

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, *_: Any, **__: Any) -> Any:
        async def answered() -> Any:
            answer = self._answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return SimpleNamespace(offset=answer)

        return answered()

    async def stop(self) -> None: ...


@pytest.mark.parametrize("answer", [-1, RuntimeError("a bug of the driver"), OSError("no route")])
async def test_what_is_not_surely_written_is_written_again_as_it_is(answer: Any) -> None:
    """A batch with another content under the same number of a commit would make two truths of it."""
    answers = [answer, 7]

    async def start() -> Any:
        return Producer(answers)

    journal = KafkaJournal("adds", 0, JournalReader("", ""), Publisher(start))
    with pytest.raises(Transient):
        await journal.append([([], b"batch")])
    assert await journal.append([([], b"batch")]) == 8
