"""The SMS provider simulator as a process: `python -m kam.sim.sms_http`. Protocol: alerts' ``channel/http_protocol``.

Environment: KAM_HTTP_PORT (orders at /messages, control at all else; on loopback), KAM_SMS_HTTP_ACCOUNT,
KAM_SMS_HTTP_SECRET_FILE, KAM_SMS_HTTP_CALLBACK_SECRET_FILE, KAM_SMS_HTTP_CALLBACK_URL (who is told), KAM_SMS_HTTP_LOG
(what it accepted, see sms_http_log), KAM_SIM_SEED (default 1). Exit codes: 0 after SIGTERM or SIGINT, 2 for a wrong
setting.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

import msgspec
import uvloop
from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from servicekit.settings import read_settings

from .serving import Cut, serve
from .settings import SmsHttpEnvironment
from .sms_http_engine import Provider, ProviderSettings
from .sms_http_faults import HttpFaults


class InboundBody(BaseModel):
    """A message that a customer sends; ``at``: when, where not now."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(pattern=r"^\d{3,20}$")
    text: str = Field(min_length=1, max_length=70)
    at: datetime | None = None


def service(provider: Provider) -> FastAPI:
    """The HTTP side; it starts and stops the provider with itself."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await provider.start()
        yield
        await provider.stop()

    app = FastAPI(title="SMS provider simulator", lifespan=lifespan)

    @app.post("/messages")
    async def order(request: Request) -> Response:
        """An order of our client."""
        reply = await provider.order(dict(request.headers), await request.body())
        if reply.status is None:
            return Cut()
        return Response(reply.body, reply.status, media_type="application/json")

    @app.head("/messages")
    async def sign_of_life() -> None:
        """Answered as orders are: not while it is paused."""
        await provider.callbacks.running.wait()

    @app.get("/messages")
    def messages(
        destination: Annotated[str | None, Query(pattern=r"^\d{3,20}$")] = None,
        limit: Annotated[int, Query(ge=1, le=1_000_000)] = 1_000,
    ) -> list[dict[str, Any]]:
        """The last accepted messages, oldest first, from the log."""
        return [msgspec.to_builtins(record) for record in provider.messages(destination, limit)]

    @app.get("/health/ready")
    async def ready() -> dict[str, int]:
        return provider.state

    @app.get("/settings")
    async def settings() -> HttpFaults:
        return provider.faults

    @app.put("/settings")
    async def change(changes: dict[str, Any]) -> HttpFaults:
        """Fields given are changed, others kept; the "every" counters begin anew. 422 for an unknown field or value."""
        try:
            provider.change(HttpFaults.model_validate({**provider.faults.model_dump(), **changes}))
        except ValueError as problem:
            raise HTTPException(422, str(problem)) from None
        return provider.faults

    @app.post("/inbound")
    async def inbound(body: InboundBody) -> dict[str, int]:
        """A customer's message, told at once: the status of its answer. 503 where nobody answers."""
        status = await provider.inbound(body.source, body.text, body.at)
        if status is None:
            raise HTTPException(503, "nobody answers the callback")
        return {"status": status}

    return app


def main() -> int:
    known = read_settings(SmsHttpEnvironment)
    settings = ProviderSettings(
        log_path=known.sms_http_log,
        account=known.sms_http_account,
        secret=known.sms_http_secret_file.read_bytes().strip(),
        callback_url=known.sms_http_callback_url,
        callback_secret=known.sms_http_callback_secret_file.read_bytes().strip(),
        seed=known.sim_seed,
    )

    async def build_and_serve() -> None:
        await serve(service(Provider(settings)), known.http_port)

    uvloop.run(build_and_serve())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
