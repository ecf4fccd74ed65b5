"""The other services over HTTP: kept-alive connections, tokens of our own, errors that name the service."""

import asyncio
from typing import Any

import httpx
import msgspec

from gateway.domain import Collection, Standing
from gateway.settings import Settings
from servicekit.auth import Principal, issue_token
from servicekit.decision import Refused

_SETTLE_SECONDS = 2.0
#: A connection rests so long: less than the services let one rest, or a request would meet one that is being closed.
_IDLE_SECONDS = 2.0


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


class Peers:
    """Calls to the other services. ``client`` may be replaced in tests."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient | None = None) -> None:
        self._settings = settings
        self.urls = {name: url for name, url in settings.peers.items() if name != "gateway"}
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
        query: dict[str, str | None] | None = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
        timeout: float | None = None,
    ) -> httpx.Response:
        """The answer of a service to a request on behalf of ``actor``: JSON; its refusals are answers too.

        Raises ``Refused`` 503 when it can't be reached, 502 when it fails, answers what is no JSON, or does not accept
        our token; 422 for a request that makes no address.
        """
        try:
            answer = await self._client.request(
                method,
                self.urls[service] + path,
                params={name: value for name, value in (query or {}).items() if value is not None},
                json=body,
                headers={**(headers or {}), "authorization": f"Bearer {self._token(actor)}"},
                timeout=timeout or self._settings.peer_timeout,
            )
        except (httpx.HTTPError, KeyError) as error:
            raise Refused(
                "service_unavailable",
                f"服务 {service} 暂时无法访问，请稍后再试（kam status 可查看）",
                f"service {service} can't be reached just now, try again soon (kam status shows it)",
                503,
            ) from error
        except httpx.InvalidURL as error:
            raise Refused("bad_request", "请求地址过长或有误", "the address is too long or no address", 422) from error
        if not _is_answer(answer):
            raise failed(service, f"HTTP {answer.status_code}")
        return answer

    async def collect(self) -> Collection:
        """Where every service stands, asked in parallel."""
        names = list(self.urls)
        return dict(zip(names, await asyncio.gather(*map(self._standing, names)), strict=True))

    async def health(self, service: str) -> tuple[bool, str]:
        """Whether a service is ready, in its own words."""
        try:
            answer = await self._client.get(self.urls[service] + "/health/ready", timeout=_SETTLE_SECONDS)
            return answer.is_success, _decode_health(answer.content).status
        except (httpx.HTTPError, msgspec.MsgspecError, RecursionError):
            return False, "没有应答 / does not answer"

    async def close_at_end(self) -> None:
        """Job: keeps the connections until the service stops."""
        try:
            await asyncio.Event().wait()
        finally:
            await self._client.aclose()

    async def _standing(self, service: str) -> Standing | None:
        try:
            answer = await self._client.get(self.urls[service] + "/internal/settle", timeout=_SETTLE_SECONDS)
            return _decode_standing(answer.content) if answer.is_success else None
        except (httpx.HTTPError, msgspec.MsgspecError, RecursionError):
            return None

    def _token(self, actor: Principal) -> str:
        # The subject is the person we act for: that is who the services put into their records.
        secret = self._settings.secret_file
        if secret is None:
            raise Refused("no_secret", "网关没有密钥文件", "the gateway has no secret file", 503)
        return issue_token(secret.read_text().strip(), actor.subject, "service", hours=1, person_role=actor.person_role)


def failed(service: str, what: str) -> Refused:
    """A service answered, but not what it should."""
    return Refused(
        "service_failed",
        f"服务 {service} 出错（{what}），请查看它的日志",
        f"service {service} failed ({what}), see its log",
        502,
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
