"""The other services over HTTP: kept-alive connections, tokens of our own, errors that name the service."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import msgspec

from contracts import worker_name
from gateway.domain import Collection, Standing
from gateway.settings import Settings
from servicekit import correlation
from servicekit.age import HEADER, seconds
from servicekit.auth import Principal, issue_token
from servicekit.decision import Refused
from servicekit.export import END
from servicekit.kafka import partition_of

_SETTLE_SECONDS = 2.0
#: A connection rests so long: less than the services let one rest, or a request would meet one that is being closed.
_IDLE_SECONDS = 2.0
#: A worker that another can stand in for has so long to answer; one that did not is asked last for a while.
_STAND_IN_SECONDS, _SILENT_SECONDS = 5.0, 10.0
_Query = dict[str, str | None]


class _Health(msgspec.Struct):
    status: str


class _Refusal(msgspec.Struct):
    error: str
    zh: str
    en: str


_decode_standing = msgspec.json.Decoder(Standing).decode
_decode_health = msgspec.json.Decoder(_Health).decode
_check_refusal = msgspec.json.Decoder(_Refusal).decode
_check_json = msgspec.json.Decoder(msgspec.Raw).decode


class _Request(NamedTuple):
    """What is asked of a service, of whichever of its workers."""

    service: str
    method: str
    path: str
    actor: Principal
    query: _Query | None = None
    body: Any = None
    headers: dict[str, str] | None = None
    streamed: bool = False


class Peers:
    """Calls to the other services. ``client`` may be replaced in tests."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient | None = None) -> None:
        self._settings = settings
        self._workers = {name: urls for name, urls in settings.peers.items() if name != "gateway"}
        #: base URL of every process; a service with several workers has several
        self.processes = {
            worker_name(service, number): url
            for service, urls in self._workers.items()
            for number, url in enumerate(urls, 1)
        }
        #: when a worker last did not answer, in monotonic seconds, by its URL
        self._silent: dict[str, float] = {}
        #: when a worker last said how many seconds old its documents are, and how many, by its URL
        self._told: dict[str, tuple[float, float]] = {}
        self._began = time.monotonic()
        self._client = client or httpx.AsyncClient(
            timeout=settings.peer_timeout,
            limits=httpx.Limits(max_keepalive_connections=None, keepalive_expiry=_IDLE_SECONDS),
            trust_env=False,
        )

    async def call(
        self,
        service: str,
        method: str,
        path: str,
        *,
        actor: Principal,
        query: _Query | None = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
        customer: str | None = None,
        owner_only: bool = False,
        is_repeatable: bool = False,
        streamed: bool = False,
    ) -> httpx.Response:
        """The answer of a service to a request on behalf of ``actor``: JSON; its refusals are answers too.

        Of several workers the owner of ``customer`` is asked, else the first, and where that one can't answer a read,
        or a change that ``is_repeatable``, the others, unless it is for the ``owner_only``. What another one than the
        owner answers is as old as the oldest documents of them all. Raises ``Refused`` 503 when none can be reached,
        502 when it fails, answers what is no JSON, or does not accept our token; 422 for a request that makes no
        address.
        A success that is ``streamed`` has not been read: whoever asked reads and closes it (``scoped.listed``).
        """
        urls = self._workers_of(service, customer)
        request = _Request(service, method, path, actor, query, body, headers, streamed)
        if owner_only or len(urls) == 1 or (method != "GET" and not is_repeatable):
            return await self._ask(urls[0], request)
        owner = None if customer is None else urls[0]
        *others, last = self._answering_first(urls)
        for url in others:
            try:
                spare = min(_STAND_IN_SECONDS, self._settings.peer_timeout)
                answer = await self._ask(url, request, spare)
                if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                    return await self._aged(answer, urls, url, owner)
            except Refused as refusal:
                if refusal.status == HTTPStatus.UNPROCESSABLE_ENTITY:
                    raise
        answer = await self._ask(last, request)
        return await self._aged(answer, urls, last, owner)

    async def _aged(
        self, answer: httpx.Response, urls: tuple[str, ...], answered: str, owner: str | None
    ) -> httpx.Response:
        """The answer of one worker, as old as the documents of all that it may tell of."""
        if HEADER in answer.headers and answered != owner:
            others = await asyncio.gather(*(self._age(url) for url in urls if url != answered))
            answer.headers[HEADER] = f"{max(seconds(answer.headers[HEADER]) or 0.0, *others):.3f}"
        return answer

    async def _age(self, url: str) -> float:
        """How many seconds old a worker's documents are; of one that is silent, as far as is known."""
        if self._silent.get(url, -math.inf) <= time.monotonic() - _SILENT_SECONDS:
            standing = await self._standing(url)
            if standing is None:
                self._silent[url] = time.monotonic()
            else:
                seconds = max((p.seconds_behind + p.documents_seconds for p in standing.processors), default=0.0)
                self._told[url] = time.monotonic(), seconds
                return seconds
        at, seconds = self._told.get(url, (self._began, 0.0))
        return seconds + time.monotonic() - at

    async def call_all(
        self, service: str, path: str, *, actor: Principal, query: _Query | None = None, timeout: float | None = None
    ) -> list[httpx.Response]:
        """The answers of all workers of a service to a read, as ``call`` gives the one of one; all must answer."""
        request = _Request(service, "GET", path, actor, query)
        return await asyncio.gather(*(self._ask(url, request, timeout) for url in self._workers_of(service)))

    async def call_each(self, service: str, path: str, *, actor: Principal) -> list[httpx.Response | Refused]:
        """As ``call_all``, and of a worker that gives no answer why."""
        request = _Request(service, "GET", path, actor)

        async def ask(url: str) -> httpx.Response | Refused:
            try:
                return await self._ask(url, request)
            except Refused as refused:
                return refused

        return await asyncio.gather(*map(ask, self._workers_of(service)))

    async def export(self, service: str, collection: str) -> AsyncIterator[bytes]:
        """All documents of a collection of a service, a line of JSON each. Raises what the client raises, and
        ``Refused`` where the service does or its answer is not whole."""
        url = self._answering_first(self._workers_of(service))[0]
        token = self._token(Principal("gateway", "service"))
        request = self._client.stream(
            "GET", f"{url}/internal/export/{collection}", headers={"authorization": f"Bearer {token}"}
        )
        async with request as answer:
            if not answer.is_success:
                raise failed(service, f"HTTP {answer.status_code}")
            rest, is_whole = b"", False
            async for chunk in answer.aiter_bytes():
                # At line feeds only: other ends of lines that Unicode knows stand within names.
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    if is_whole := line == END:
                        break
                    yield line
        if not is_whole:
            raise failed(service, "its documents broke off")

    def _workers_of(self, service: str, customer: str | None = None) -> tuple[str, ...]:
        """Base URLs of a service's workers, the owner of the customer first."""
        urls = self._workers.get(service)
        if urls is None:
            raise _unavailable(service)
        owner = 0 if customer is None else partition_of(customer, self._settings.partitions) % len(urls)
        return (*urls[owner:], *urls[:owner])

    def _answering_first(self, urls: tuple[str, ...]) -> list[str]:
        """Those last that did not answer lately."""
        since = time.monotonic() - _SILENT_SECONDS
        return sorted(urls, key=lambda url: self._silent.get(url, -math.inf) > since)

    async def _ask(self, url: str, request: "_Request", timeout: float | None = None) -> httpx.Response:
        try:
            sent = self._client.build_request(
                request.method,
                url + request.path,
                params={name: value for name, value in (request.query or {}).items() if value is not None},
                json=request.body,
                headers={
                    **(request.headers or {}),
                    "authorization": f"Bearer {self._token(request.actor)}",
                    correlation.HEADER: correlation.current(),
                },
                timeout=timeout or self._settings.peer_timeout,
            )
            answer = await self._client.send(sent, stream=request.streamed)
            if request.streamed and answer.is_success:
                return answer
            await answer.aread()
        except httpx.HTTPError as error:
            self._silent[url] = time.monotonic()
            raise _unavailable(request.service) from error
        except httpx.InvalidURL as error:
            raise Refused("bad_request", "请求地址过长或有误", "the address is too long or no address", 422) from error
        if not _is_answer(answer):
            raise failed(request.service, f"HTTP {answer.status_code}")
        return answer

    async def collect(self) -> Collection:
        """Where every process stands, asked in parallel."""
        found = await asyncio.gather(*map(self._standing, self.processes.values()))
        return dict(zip(self.processes, found, strict=True))

    async def feeds(self) -> Mapping[str, Any] | None:
        """Up to which business day files have come, by kind and city; None: billing-sync does not answer."""
        url = self.processes.get("billing-sync")
        standing = None if url is None else await self._standing(url)
        return None if standing is None else standing.freshness

    async def health(self, process: str) -> tuple[bool, str]:
        """Whether a process is ready, in its own words."""
        try:
            answer = await self._client.get(self.processes[process] + "/health/ready", timeout=_SETTLE_SECONDS)
            return answer.is_success, _decode_health(answer.content).status
        except (httpx.HTTPError, msgspec.MsgspecError, RecursionError):
            return False, "没有应答 / does not answer"

    async def close_at_end(self) -> None:
        """Job: keeps the connections until the service stops."""
        try:
            await asyncio.Event().wait()
        finally:
            await self._client.aclose()

    async def _standing(self, url: str) -> Standing | None:
        try:
            answer = await self._client.get(url + "/internal/settle", timeout=_SETTLE_SECONDS)
            return _decode_standing(answer.content) if answer.is_success else None
        except (httpx.HTTPError, msgspec.MsgspecError, RecursionError):
            return None

    def _token(self, actor: Principal) -> str:
        # The subject is the person we act for: that is who the services put into their records.
        secret = self._settings.secret_file
        if secret is None:
            raise Refused("no_secret", "网关没有密钥文件", "the gateway has no secret file", 503)
        return issue_token(secret.read_text().strip(), actor.subject, "service", hours=1, person_role=actor.person_role)


def segment(id: str) -> str:
    """An id as one segment of a path; dots alone would lead to another address."""
    return quote(id, safe="") if id.strip(".") else "%2E" * len(id)


def failed(service: str, what: str) -> Refused:
    """A service answered, but not what it should."""
    return Refused(
        "service_failed",
        f"服务 {service} 出错（{what}），请查看它的日志",
        f"service {service} failed ({what}), see its log",
        502,
    )


def _unavailable(service: str) -> Refused:
    return Refused(
        "service_unavailable",
        f"服务 {service} 暂时无法访问，请稍后再试（kam status 可查看）",
        f"service {service} can't be reached just now, try again soon (kam status shows it)",
        503,
    )


def _is_answer(answer: httpx.Response) -> bool:
    """Success in JSON, or a refusal with its reason. A service refuses with 503 while it starts or a part of it is
    away; any other 5xx is a fault, and so is a 401: our own token was not accepted."""
    if not (answer.is_success or answer.is_client_error or answer.status_code == 503) or answer.status_code == 401:
        return False
    try:
        (_check_json if answer.is_success else _check_refusal)(answer.content)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True
