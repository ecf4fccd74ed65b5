"""Dead letters of a running instance for the command line: a broker that does not answer is said in two languages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from aiokafka.errors import KafkaError

from kam.client import Failed
from servicekit import dead_letter_log
from servicekit.dead_letter_log import Letter


@contextmanager
def _answering(bootstrap: str) -> Iterator[None]:
    try:
        yield
    except KafkaError as error:
        raise Failed(
            f"Kafka 没有应答（{bootstrap}）；看 kam status", f"Kafka does not answer: {error!r}; see kam status"
        ) from error


async def waiting(bootstrap: str) -> list[Letter]:
    """All dead letters that have not been replayed, oldest first."""
    with _answering(bootstrap):
        return await dead_letter_log.waiting(bootstrap)


async def replay(bootstrap: str, letters: Iterable[Letter]) -> tuple[list[str], list[str]]:
    """Ids that were replayed, and those in quarantine."""
    with _answering(bootstrap):
        return await dead_letter_log.replay(bootstrap, letters)


async def partitions(bootstrap: str) -> dict[str, int]:
    """Name and number of partitions of every topic."""
    with _answering(bootstrap):
        return await dead_letter_log.partitions(bootstrap)
