"""Repeats of the wire are known by their producer's sequence, which rises within a producer and a partition."""

from collections.abc import Callable


class Repeats:
    """The highest number of every producer on every partition: as marks hold it (``mark``), and as a batch goes on."""

    def __init__(self, mark: Callable[[str], str | None]) -> None:
        self._mark = mark
        self._numbers: dict[tuple[str, int, bytes], int] = {}
        # Messages come in runs of one producer on one partition.
        self._topic, self._partition, self._producer = "", -1, b""
        self._number = self._before = 0

    def is_repeat(self, topic: str, partition: int, sequence: bytes) -> bool:
        """Whether ``<producer>:<number>`` has come by before; takes note of it if not. Without a colon it is none.

        Raises ``ValueError`` where the number is none, or the producer no text.
        """
        text = sequence[len(self._producer) :]
        # The rest must be the number alone: one producer's name may begin as another's.
        if not (
            partition == self._partition
            and topic == self._topic
            and text.isdigit()
            and sequence.startswith(self._producer)
        ):
            end = sequence.rfind(b":") + 1
            if not end:
                return False
            self._turn_to(topic, partition, sequence[:end])
            text = sequence[end:]
        number = int(text)
        if number <= self._number:
            return True
        self._number = number
        return False

    def marks(self) -> dict[str, str]:
        """What has changed."""
        self._keep()
        return {_mark_of(*place): str(number) for place, number in self._numbers.items()}

    def _turn_to(self, topic: str, partition: int, producer: bytes) -> None:
        known = self._numbers.get((topic, partition, producer))
        if known is None:
            known = int(self._mark(_mark_of(topic, partition, producer)) or 0)
        self._keep()
        self._topic, self._partition, self._producer = topic, partition, producer
        self._number = self._before = known

    def _keep(self) -> None:
        if self._number != self._before:
            self._numbers[self._topic, self._partition, self._producer] = self._number


def _mark_of(topic: str, partition: int, producer: bytes) -> str:
    return f"seen/{topic}/{partition}/{producer[:-1].decode()}"
