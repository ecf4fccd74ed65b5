"""What services answer, narrowed to what somebody sees of it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager, AsyncExitStack
from http import HTTPStatus
from itertools import compress
from typing import Any

import httpx
import msgspec
from fastapi.responses import Response

from contracts.registry import SHADOW
from gateway.access.scope import Scope
from gateway.access.viewer import Access, not_found
from gateway.peers import failed
from gateway.projection.visible import About, List
from servicekit.age import HEADER, seconds
from servicekit.answer import BETWEEN, array_answer, json_answer
from servicekit.personal import FieldClass, shown_change, shown_record
from servicekit.problem import passed_on
from servicekit.query import while_there

_Raw = msgspec.Raw
_decode_rows = msgspec.json.Decoder(list[_Raw]).decode
_decode_about = msgspec.json.Decoder(About).decode
_decode_sums = msgspec.json.Decoder(list[dict[str, Any]]).decode
_decode_page = msgspec.json.Decoder(dict[str, _Raw]).decode
_decode_record = msgspec.json.Decoder(dict[str, Any]).decode
#: an event that is counted under a kind of alert
_OF_ALERTS = "alert."
_IN_SHADOW = SHADOW.removeprefix("kam.")
#: octets of a list that are judged at once
_PIECE = 1 << 18
#: whoever asked hears nothing any more; for the log
_GONE = 499


def same(answer: httpx.Response) -> Response:
    """The answer of a service as it is; a refusal as one of ours."""
    if answer.is_success:
        return Response(answer.content, answer.status_code, age(answer), "application/json")
    retry = {name: answer.headers[name] for name in ("Retry-After",) if name in answer.headers}
    return passed_on(answer.status_code, _decode_record(answer.content), {**age(answer), **retry})


def age(*answers: httpx.Response) -> dict[str, str]:
    """The header that says how old these are: the worst of them, as far as they tell."""
    told = [answer.headers[HEADER] for answer in answers if HEADER in answer.headers]
    ages = [behind for behind in map(seconds, told) if behind is not None]
    return {HEADER: f"{max(ages):.3f}"} if ages else {}


def whole(service: str, merge: Callable[[Iterable[bytes]], Any], answers: list[httpx.Response]) -> httpx.Response:
    """What the workers of a service say together; a refusal of one refuses it."""
    refused = [answer for answer in answers if not answer.is_success]
    if refused or len(answers) == 1:
        return (refused or answers)[0]
    try:
        content = msgspec.json.encode(merge([answer.content for answer in answers]))
    except msgspec.MsgspecError as error:
        raise failed(service, "not its counts") from error
    return httpx.Response(HTTPStatus.OK, content=content, headers=age(*answers))


async def rows(access: Access, scope: Scope, service: str, list_: List, answer: httpx.Response) -> bytes:
    """Those of the rows that a service answered which are in scope."""
    if scope.is_everything:
        return answer.content
    try:
        found = _decode_rows(answer.content)
        seen = await access.sees(scope, list_, *map(_decode_about, found))
    except msgspec.MsgspecError as error:
        raise failed(service, "not its rows") from error
    return msgspec.json.encode(list(compress(found, seen)))


async def listed(
    access: Access,
    scope: Scope,
    service: str,
    list_: List,
    ask: Callable[..., Awaitable[httpx.Response]],
    at_once: AbstractContextManager[None],
    is_gone: Callable[[], Awaitable[bool]],
) -> Response:
    """The list that a service answers, or its refusal. A year's list is long: it goes through piece by piece, and it is
    ``at_once`` from when the service is asked, which sorts it first, until it is read or whoever asked ``is_gone``."""
    found = await while_there(_listed(access, scope, service, list_, ask, at_once), is_gone)
    return Response(status_code=_GONE) if found is None else found


async def _listed(
    access: Access,
    scope: Scope,
    service: str,
    list_: List,
    ask: Callable[..., Awaitable[httpx.Response]],
    at_once: AbstractContextManager[None],
) -> Response:
    async with AsyncExitStack() as held:
        held.enter_context(at_once)
        answer = await ask(streamed=True)
        if not answer.is_success:
            return same(answer)
        held.push_async_callback(answer.aclose)
        rows = _each(access, scope, service, list_, answer, held.pop_all())
    return await array_answer(rows, headers=age(answer))


async def _each(
    access: Access,
    scope: Scope,
    service: str,
    list_: List,
    answer: httpx.Response,
    held: AsyncExitStack,
) -> AsyncIterator[_Raw]:
    async with held:
        try:
            async for piece in _pieces(answer):
                found = _decode_rows(piece)
                if not scope.is_everything:
                    seen = await access.sees(scope, list_, *map(_decode_about, found))
                    found = list(compress(found, seen))
                for row in found:
                    yield row
        except (msgspec.MsgspecError, RecursionError, httpx.HTTPError) as error:
            raise failed(service, "not its rows") from error


async def _pieces(answer: httpx.Response) -> AsyncIterator[bytes]:
    """An array (``servicekit.answer.array_answer``) as several, cut between its rows; it is whole, or an error."""
    rest = bytearray()
    async for chunk in answer.aiter_bytes():
        rest += chunk
        if len(rest) < _PIECE or (end := rest.rfind(BETWEEN)) < 0:
            continue
        yield bytes(rest[:end]) + b"]"
        rest[: end + len(BETWEEN)] = b"["
    yield bytes(rest)


async def item(access: Access, scope: Scope, service: str, list_: List, answer: httpx.Response) -> Response:
    """The item that a service answered. Raises ``Refused``: not found, where there is none or it is out of scope."""
    if not answer.is_success and answer.status_code != HTTPStatus.NOT_FOUND:
        return same(answer)
    try:
        about = _decode_about(answer.content) if answer.is_success else None
    except msgspec.MsgspecError as error:
        raise failed(service, "not an item") from error
    # What there is not takes the same way, and as long.
    (is_seen,) = await access.sees(scope, list_, about or About(""))
    if about is None or not is_seen:
        raise not_found()
    return same(answer)


def sums(scope: Scope, service: str, answer: httpx.Response) -> Response:
    """Of sums by city those of cities that are seen whole, and of kinds of alerts that are. What rules in shadow raise
    is in nobody's sums."""
    if not answer.is_success or (scope.is_everything and _IN_SHADOW not in answer.text):
        return same(answer)
    try:
        found = [
            cell
            for cell in _decode_sums(answer.content)
            if (scope.is_everything or _is_seen(scope, cell)) and not str(cell.get("kind", "")).startswith(_IN_SHADOW)
        ]
    except msgspec.MsgspecError as error:
        raise failed(service, "not its counts") from error
    return json_answer(found, headers=age(answer))


def _is_seen(scope: Scope, cell: Mapping[str, Any]) -> bool:
    event, _, kind = str(cell.get("kind", "")).partition(":")
    return scope.sees_city(cell.get("city"), kind if event.startswith(_OF_ALERTS) else None)


def page_of(answer: httpx.Response, clear: Collection[FieldClass]) -> dict[str, Any]:
    """A customer's page as customer-profile answered it: in clear, where anything of it is to be; then everything else
    is masked here."""
    try:
        page: dict[str, Any] = _decode_page(answer.content)
        if clear:
            page["customer"] = shown_record(_decode_record(page["customer"]), clear)
            page["history"] = [shown_change(change, clear) for change in _decode_sums(page["history"])]
    except (msgspec.MsgspecError, KeyError) as error:
        raise failed("customer-profile", "not a page") from error
    return page


def field_of(answer: httpx.Response, field: str) -> Any:
    """A field of the customer's record; None where it is not known."""
    try:
        return _decode_record(_decode_page(answer.content)["customer"]).get(field)
    except (msgspec.MsgspecError, KeyError) as error:
        raise failed("customer-profile", "not a page") from error
