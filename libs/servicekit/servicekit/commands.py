"""Commands of the own process, which take their turn among the messages of a processor."""

import asyncio
from typing import Any

from servicekit.decision import Refused
from servicekit.envelope import Message

#: a command and where its answer is awaited
Command = tuple[Message, "asyncio.Future[Any]"]
_MOST_WAITING = 1000


def answer(future: "asyncio.Future[Any]", result: Any) -> None:
    """Give an answer, unless nobody waits for it any more."""
    if not future.done():
        future.set_result(result)


def fail(future: "asyncio.Future[Any]", error: Exception) -> None:
    """Give an error for an answer, unless nobody waits for it any more."""
    if not future.done():
        future.set_exception(error)


class Commands:
    """Commands in the order they were asked; from ``close`` on each is refused, those at hand too."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[Command] = asyncio.Queue(_MOST_WAITING)
        self._asked: set[asyncio.Future[Any]] = set()
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many have not had their turn."""
        return self._waiting.qsize()

    @property
    def unanswered(self) -> bool:
        """Whether somebody waits for an answer."""
        return bool(self._asked)

    async def ask(self, message: Message) -> Any:
        """The answer, once the command had its turn and is committed. Raises ``Refused``."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked.add(future)
        try:
            if self._closed:
                raise _stopping()
            await self._waiting.put((message, future))
            return await future
        finally:
            self._asked.discard(future)

    def post(self, message: Message) -> None:
        """A command whose answer nobody waits for."""
        self._waiting.put_nowait((message, asyncio.get_running_loop().create_future()))

    async def take(self) -> list[Command]:
        """Wait for the first; with it come all that wait."""
        taken = [await self._waiting.get()]
        while not self._waiting.empty():
            taken.append(self._waiting.get_nowait())
        return taken

    def close(self) -> None:
        """Refuse what had no turn, and what is asked from now on."""
        self._closed = True
        while not self._waiting.empty():
            self._waiting.get_nowait()
        for future in self._asked:
            fail(future, _stopping())


def _stopping() -> Refused:
    zh, en = "服务正在停止，请稍候再试", "the service is stopping; ask again shortly"
    return Refused("stopping", zh, en, 503)
