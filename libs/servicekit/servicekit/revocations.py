"""Tokens that nobody may use any more, for services which strangers come to directly: the gateway says which."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec
import structlog

from servicekit.auth import issue_token

log = structlog.get_logger()
REVOKED_TOKENS = "/internal/revoked-tokens"
PAUSE_SECONDS, _PATIENCE_SECONDS = 2.0, 5.0


class _Told(msgspec.Struct):
    ids: frozenset[str]


_decode = msgspec.json.Decoder(_Told).decode


class Revocations:
    """A set of ids that is asked for every two seconds. While the gateway is away what it said last stays: its outage
    must neither stop a feed nor let anybody in again."""

    def __init__(
        self,
        gateway: str,
        secret_file: Path | None,
        service: str,
        client: Callable[[], httpx.AsyncClient] = lambda: httpx.AsyncClient(trust_env=False),
    ) -> None:
        self._gateway, self._secret_file, self._service, self._client = gateway, secret_file, service, client
        self._ids: frozenset[str] = frozenset()
        self._is_away = False

    def __contains__(self, id: object) -> bool:
        return id in self._ids

    async def run(self) -> None:
        """Job: ask until the service stops."""
        async with self._client() as client:
            while True:
                try:
                    answer = await client.get(
                        self._gateway + REVOKED_TOKENS,
                        headers={"authorization": f"Bearer {self._token()}"},
                        timeout=_PATIENCE_SECONDS,
                    )
                    self._ids = _decode(answer.raise_for_status().content).ids
                    self._is_away = False
                except (httpx.HTTPError, msgspec.MsgspecError, OSError, ValueError) as error:
                    if not self._is_away:
                        log.warning("revocations.unknown", error=repr(error)[:200])
                    self._is_away = True
                await asyncio.sleep(PAUSE_SECONDS)

    def _token(self) -> str:
        secret = "" if self._secret_file is None else self._secret_file.read_text().strip()
        return issue_token(secret, self._service, "service", hours=1)
