"""What HTTP requests have in common."""

import base64
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Header, Path, Query

from servicekit.clock import at_local, iso
from servicekit.decision import Refused

T = TypeVar("T")
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


class AtMost:
    """``with`` it, something costly is under way only so many times at once; one more is refused (503)."""

    def __init__(self, most: int) -> None:
        self._most, self._now = most, 0

    def __enter__(self) -> None:
        if self._now >= self._most:
            raise Refused(
                "busy",
                f"已有 {self._most} 个同样的请求在处理，请稍后再试",
                f"{self._most} requests of this kind are under way, try again soon",
                503,
            )
        self._now += 1

    def __exit__(self, *_: object) -> None:
        self._now -= 1


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
