"""Asking analytics to write into the archive what has been accepted so far, before a trial reads it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import httpx
import structlog

from servicekit.auth import issue_token

log = structlog.get_logger()
_SECONDS = 60.0
BringUp = Callable[[], Awaitable[None]]


def bring_up(
    urls: Sequence[str], secret_file: Path | None, service: str, transport: httpx.AsyncBaseTransport | None = None
) -> BringUp:
    """All workers of analytics at once. One that is away keeps nobody waiting: the archive is then as it is, and the
    result says up to when."""

    async def ask() -> None:
        secret = "" if secret_file is None else await asyncio.to_thread(secret_file.read_text)
        headers = {"authorization": f"Bearer {issue_token(secret.strip(), service, 'service', hours=1)}"}
        async with httpx.AsyncClient(timeout=_SECONDS, trust_env=False, headers=headers, transport=transport) as client:
            await asyncio.gather(*(_ask(client, url) for url in urls))

    return ask


async def _ask(client: httpx.AsyncClient, url: str) -> None:
    try:
        (await client.post(f"{url}/v1/archive")).raise_for_status()
    except (httpx.HTTPError, OSError) as error:
        log.warning("trial.archive_not_brought_up", url=url, error=repr(error)[:200])
