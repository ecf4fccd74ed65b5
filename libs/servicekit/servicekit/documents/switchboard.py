"""Where an owner of documents asks for switches: billing-sync, which alone writes them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from contracts.documents import Placed
from servicekit.auth import issue_token
from servicekit.decision import Refused
from servicekit.documents.steps import Step

T = TypeVar("T")
_SECONDS = 5.0
#: by these not a byte of the order went out
_NOT_ASKED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, OSError)
#: it says itself that it took nothing: whom it does not know, and while it starts
_NOT_TAKEN = (401, 403, 503)
_decode_one, _decode_all = msgspec.json.Decoder(Placed).decode, msgspec.json.Decoder(list[Placed]).decode


class _Refusal(msgspec.Struct):
    error: str
    zh: str
    en: str
    field: str | None = None


class Switchboard(Protocol):
    """Raises ``Refused``: what billing-sync refuses; 503 ``switches_away`` where it can't be reached, so that nothing
    was asked; 503 ``switch_unanswered`` where it may have been, and may still be carried out."""

    async def place(self, kind: str, step: Step, document: Mapping[str, Any]) -> Placed:
        """Let a version come into force, or wait for its day; the same order again gets the same answer."""

    async def take_back(self, order: str) -> bool:
        """Give up an order that waits; whether it did."""

    async def after(self, number: int, kind: str) -> Sequence[Placed]:
        """What was placed behind a number, by number, then what waits."""


class HttpSwitchboard:
    """billing-sync over HTTP; ``service`` names who asks. Without its ``url`` it is always away."""

    def __init__(
        self, url: str | None, secret_file: Path | None, service: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._url, self._secret_file, self._service, self._transport = url, secret_file, service, transport
        self._client: httpx.AsyncClient | None = None

    async def place(self, kind: str, step: Step, document: Mapping[str, Any]) -> Placed:
        order = {
            "id": step.order,
            "kind": kind,
            "document_id": step.id,
            "version": step.version,
            "state": step.state,
            "document": document,
            "by": step.by,
            "why": step.why,
            "on": None if step.on is None else step.on.isoformat(),
        }
        return _read(_decode_one, await self._ask("POST", "/v1/switches", json=order))

    async def take_back(self, order: str) -> bool:
        return (await self._ask("DELETE", f"/v1/switches/{quote(order, safe='')}", missing=True)).is_success

    async def after(self, number: int, kind: str) -> Sequence[Placed]:
        return _read(_decode_all, await self._ask("GET", "/v1/switches", params={"after": number, "kind": kind}))

    async def _ask(self, method: str, path: str, *, missing: bool = False, **more: Any) -> httpx.Response:
        if self._url is None:
            raise _away()
        if self._client is None:  # made once: to make one costs more than to ask
            self._client = httpx.AsyncClient(timeout=_SECONDS, trust_env=False, transport=self._transport)
        try:
            headers = {"authorization": f"Bearer {self._token()}"}
            answer = await self._client.request(method, self._url + path, headers=headers, **more)
        except _NOT_ASKED as error:
            raise _away() from error
        except httpx.HTTPError as error:
            raise _unanswered() from error
        if answer.is_success or (missing and answer.status_code == httpx.codes.NOT_FOUND):
            return answer
        try:
            told = msgspec.json.decode(answer.content, type=_Refusal)
        except msgspec.MsgspecError as error:
            raise _unanswered() from error
        if answer.status_code in _NOT_TAKEN:
            raise _away()
        if not answer.is_client_error:
            raise _unanswered()
        raise Refused(told.error, told.zh, told.en, answer.status_code, told.field)

    def _token(self) -> str:
        secret = "" if self._secret_file is None else self._secret_file.read_text().strip()
        return issue_token(secret, self._service, "service", hours=1)


def _read(decode: Callable[[bytes], T], answer: httpx.Response) -> T:
    try:
        return decode(answer.content)
    except msgspec.MsgspecError as error:
        raise _unanswered() from error


def _away() -> Refused:
    return Refused(
        "switches_away",
        "billing-sync 暂时无法访问，现在不能启用或停用；其余照常，请稍后再试",
        "billing-sync can't be reached just now, so nothing can come into force or be stopped; try again soon",
        503,
    )


def _unanswered() -> Refused:
    return Refused(
        "switch_unanswered",
        "billing-sync 没有及时答复；所要求的启用、停用或撤回稍后仍可能生效，请先查看规则列表（kam rule list）再重试",
        "billing-sync did not answer in time: what was asked may still come into force, be stopped or be taken back; "
        "look at the list (kam rule list) before you ask again",
        503,
    )
