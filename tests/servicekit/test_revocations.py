"""A service that machines come to directly learns which tokens were revoked, and forgets none while nobody says."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends

from servicekit import revocations
from servicekit.auth import Guard, Principal, issue_token
from servicekit.revocations import Revocations
from servicekit.service import Service
from servicekit.settings import ServiceSettings

SECRET = "0123456789abcdef0123456789abcdef"


async def until(is_so: Any) -> None:
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.sleep(0.005)


async def test_what_was_revoked_stays_so_while_the_gateway_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocations, "PAUSE_SECONDS", 0.01)
    (tmp_path / "secret").write_text(SECRET)
    told: list[httpx.Response | Exception] = [httpx.Response(200, json={"ids": []})]
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if isinstance(told[0], Exception):
            raise told[0]
        return told[0]

    revoked = Revocations(
        "http://gateway", tmp_path / "secret", "door", lambda: httpx.AsyncClient(transport=httpx.MockTransport(answer))
    )
    settings = ServiceSettings(service_data=tmp_path, kafka="-", secret_file=tmp_path / "secret")
    service, router = Service("door", settings), APIRouter()

    @router.get("/v1/x", response_model=None)
    async def x(who: Annotated[Principal, Depends(Guard(settings.secret_file, "integrator", revoked=revoked))]) -> None:
        return None

    service.routers.append(router)
    job = asyncio.create_task(revoked.run())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(service.asgi()), base_url="http://door") as client:

        async def status(id: str | None) -> int:
            claims = {} if id is None else {"jti": id}
            token = issue_token(SECRET, "boss", "integrator", **claims)
            return (await client.get("/v1/x", headers={"authorization": f"Bearer {token}"})).status_code

        assert await status("t1") == 200 and await status(None) == 200
        told[0] = httpx.Response(200, json={"ids": ["t1"]})
        await until(lambda: "t1" in revoked)
        assert [await status(id) for id in ("t1", "t2", None)] == [401, 200, 200]
        for fault in (
            httpx.ConnectError("away"), httpx.Response(503, json={}), httpx.Response(200, text="<html>"),
            httpx.Response(200, json=[]), httpx.Response(401, json={"ids": []}),
        ):  # fmt: skip
            told[0], before = fault, len(asked)
            await until(lambda before=before: len(asked) > before + 2)
            assert await status("t1") == 401
        told[0] = httpx.Response(200, json={"ids": ["t2"]})
        await until(lambda: "t2" in revoked)
    assert asked[0].url.path == revocations.REVOKED_TOKENS
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)
