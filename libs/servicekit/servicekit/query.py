"""What HTTP requests have in common."""

import asyncio
import base64
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Header, Path, Query

from servicekit.clock import at_local, iso
from servicekit.decision import Refused

T = TypeVar("T")
#: who waits for something that takes long is looked after so often
_LOOK_SECONDS = 0.25
#: A caller's name for a request, so that its repeat changes nothing: printable ASCII, as a header carries it.
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200, pattern=r"^[!-~]+$")]

#: What a list is narrowed by, and an id in an address.
Filter = Annotated[str | None, Query(max_length=200)]
Id = Annotated[str, Path(max_length=500)]
#: A calendar month.
Period = Annotated[str | None, Query(pattern=r"^[0-9]{4}(0[1-9]|1[0-2])$", description="yyyymm")]


def write_cursor(place: Iterable[Any]) -> str:
    """The place behind which the next page begins, as it stands in an address."""
    return base64.urlsafe_b64encode(msgspec.json.encode(tuple(place))).decode().rstrip("=")


def read_cursor(cursor: str, decode: Callable[[bytes], T]) -> T:
    """The place of a cursor. Raises ``ValueError`` and ``msgspec.MsgspecError`` for what we never gave out."""
    return decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))


async def while_there(asked: Coroutine[Any, Any, T], is_gone: Callable[[], Awaitable[bool]]) -> T | None:
    """What was asked for; None where whoever asked has gone before it is there (``request.is_disconnected``): then it
    is given up, and what it holds is free."""
    work = asyncio.ensure_future(asked)
    try:
        while not (await asyncio.wait((work,), timeout=_LOOK_SECONDS))[0]:
            if await is_gone() and not work.done():
                return None
        return work.result()
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


class AtMost:
    """``with`` it, something costly is under way only so many times at once; one more is refused (503). With ``of`` a
    person only ``each`` times: nobody takes all places."""

    def __init__(self, most: int, each: int | None = None) -> None:
        self._most, self._each, self._now = most, each or most, 0
        self._by: Counter[str] = Counter()

    def __enter__(self) -> None:
        if self._now >= self._most:
            n = self._most
            raise _busy(
                f"已有 {n} 个同样的请求在处理，请稍后再试", f"{n} requests of this kind are under way, try again soon"
            )
        self._now += 1

    def __exit__(self, *_: object) -> None:
        self._now -= 1

    @contextmanager
    def of(self, who: str) -> Iterator[None]:
        if self._by[who] >= self._each:
            n = self._each
            raise _busy(
                f"你已有 {n} 个同样的请求在处理，请等它们完成",
                f"{n} requests of this kind of yours are under way, wait for them",
            )
        with self:
            self._by[who] += 1
            try:
                yield
            finally:
                self._by[who] -= 1
                self._by += Counter()  # whoever has none any more is forgotten


def _busy(zh: str, en: str) -> Refused:
    return Refused("busy", zh, en, 503)


def since_instant(text: str | None) -> str | None:
    """A ``since`` as documents hold it, from a date (its start in Asia/Shanghai) or an ISO 8601 time with offset.

    None stays None. Raises ``Refused`` (422) for anything else.
    """
    if text is None:
        return None
    try:
        at = at_local(date.fromisoformat(text)) if len(text) == 10 else datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError("no offset")
        return iso(at)
    except OverflowError:
        # Within a day of the first or the last instant there is: before or after everything.
        return iso((datetime.min if text.startswith("0001") else datetime.max).replace(tzinfo=UTC))
    except ValueError as error:
        raise Refused(
            "bad_since",
            "since 不是日期（yyyy-mm-dd）或带时区的 ISO 8601 时间",
            "since is neither a date (yyyy-mm-dd) nor an ISO 8601 time with offset",
            422,
        ) from error
