"""The SMSC simulator as a process: `python -m kam.sim.smsc`.

Environment: KAM_SMSC (host:port to listen on), KAM_SMSC_SYSTEM_ID, KAM_SMSC_PASSWORD (empty: anybody may bind),
KAM_SMSC_LOG (what it accepted, see smsc_log), KAM_HTTP_PORT (control, on loopback), KAM_SIM_SEED (default 1).
Exit codes: 0 after SIGTERM or SIGINT, 2 for a wrong setting.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import structlog
import uvloop
from fastapi import FastAPI, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from servicekit.settings import read_settings

from .serving import serve
from .settings import SmscEnvironment
from .smsc_engine import SmscSettings, SmscSimulator
from .smsc_faults import Faults
from .smsc_log import Accepted

log = structlog.get_logger()


class InboundBody(BaseModel):
    """A message that a customer sends; destination defaults to the number that last submitted."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(pattern=r"^\d{3,20}$")
    text: str = Field(min_length=1, max_length=70)
    destination: str | None = None


def control(simulator: SmscSimulator) -> FastAPI:
    """The HTTP API; it starts and stops the simulator with itself."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await simulator.start()
        yield
        await simulator.stop()

    app = FastAPI(title="SMSC simulator", lifespan=lifespan)

    @app.get("/health/ready")
    async def ready() -> dict[str, int]:
        """Listening, with the counts of SmscSimulator.state. 503 when it can't keep its books."""
        if not simulator.working:
            raise HTTPException(503, "the simulator has stopped working; see its log")
        return simulator.state

    @app.get("/settings")
    async def settings() -> Faults:
        return simulator.faults

    @app.put("/settings")
    async def change(changes: dict[str, Any]) -> Faults:
        """Fields given are changed, others kept; the "every" counters begin anew. 422 for an unknown field or value."""
        try:
            simulator.change(Faults.model_validate({**simulator.faults.model_dump(), **changes}))
        except ValueError as problem:
            raise HTTPException(422, str(problem)) from None
        return simulator.faults

    @app.post("/inbound")
    async def inbound(body: InboundBody) -> dict[str, int]:
        """A customer's message to the bound ESME, after its answer. 503 when none is bound or none answers."""
        status = await simulator.inbound(body.source, body.text, body.destination)
        if status is None:
            raise HTTPException(503, "no ESME is bound that answers")
        return {"command_status": status}

    @app.get("/messages")
    def messages(
        destination: Annotated[str | None, Query(pattern=r"^\d{3,20}$")] = None,
        limit: Annotated[int, Query(ge=1, le=1_000_000)] = 1_000,
    ) -> list[dict[str, Any]]:
        """The last accepted messages, oldest first, from the log."""
        return [_plain(record) for record in simulator.messages(destination, limit)]

    @app.post("/drop-links")
    async def drop_links() -> dict[str, int]:
        return {"dropped": simulator.drop_links()}

    return app


def _plain(record: Accepted) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}


def main() -> int:
    known = read_settings(SmscEnvironment)
    host, _, port = known.smsc.rpartition(":")
    settings = SmscSettings(
        log_path=known.smsc_log,
        host=host or "127.0.0.1",
        port=int(port),
        system_id=known.smsc_system_id,
        password=known.smsc_password,
        seed=known.sim_seed,
    )

    async def build_and_serve() -> None:
        await serve(control(SmscSimulator(settings)), known.http_port)

    uvloop.run(build_and_serve())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
