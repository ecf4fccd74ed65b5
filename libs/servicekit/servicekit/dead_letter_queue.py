"""What a processor does with a message it can't handle: one dead letter, in the same commit as the offset behind it."""

from pathlib import Path

import structlog

from servicekit import dead_letter, telemetry
from servicekit.app import App
from servicekit.decision import Invalid
from servicekit.envelope import Message
from servicekit.store import Transient
from servicekit.unit_of_work import UnitOfWork

log = structlog.get_logger()


class DeadLetterQueue:
    """Dead letters of one processor. ``in_a_row`` counts errors of ours with no handled message between them.

    ``keep``: folder for originals that are too large for a letter.
    """

    def __init__(self, name: str, app: App, most_in_a_row: int, keep: Path | None) -> None:
        self._name, self._app, self._most, self._keep = name, app, most_in_a_row, keep
        self.in_a_row = 0

    def add(self, work: UnitOfWork, message: Message, error: Exception) -> None:
        """Put the letter into the commit. Raises ``TooMany`` and ``Transient``."""
        self.keep_whole(message)
        # Whoever writes to a topic may send what he likes, without end: only errors of our own code say that something
        # is wrong here, and through an open door not even those.
        self.in_a_row += not (self._app.open_door or isinstance(error, Invalid))
        if self.in_a_row > self._most:
            raise dead_letter.TooMany(
                f"{self.in_a_row} dead letters in a row on {message.topic}/{message.partition}"
            ) from error
        log.error(
            "message.dead_lettered",
            processor=self._name,
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            type=message.type,
            error=repr(error),
        )
        telemetry.DEAD_LETTERS.labels(self._name, message.topic, type(error).__name__).inc()
        work.send(dead_letter.letter(message, self._app.name, error))

    def keep_whole(self, message: Message) -> None:
        """A message that is too large for its dead letter is written to disk, durably, before the letter is. Raises
        ``Transient`` where that can't be done just now."""
        if self._keep is not None and dead_letter.is_too_large(message):
            try:
                path = dead_letter.keep(self._keep, message)
            except OSError as error:
                raise Transient(f"a message can't be kept: {error}") from error
            log.error("message.kept", processor=self._name, path=str(path))
