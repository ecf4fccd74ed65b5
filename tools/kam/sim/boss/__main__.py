"""The BOSS simulator as a process: ``python -m kam.sim.boss``.

Environment: KAM_SERVICE_DATA, KAM_BOSS_DIR (with ``inbox/``; the journal lies here), KAM_PEERS (billing-sync's
address), KAM_KAFKA, KAM_SECRET_FILE, KAM_HTTP_PORT (control), KAM_SIM_CUSTOMERS, KAM_SIM_SEED, KAM_SIM_RATE.
Exit codes: 0 after SIGTERM or SIGINT, 1 when it can't go on, 2 for a wrong setting.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import Annotated, Any

import structlog
import uvicorn
from fastapi import FastAPI, HTTPException, Query

from kam.sim.boss.scenarios import SCENARIOS
from kam.sim.boss.sender import Sender
from kam.sim.boss.simulator import Settings, Simulator, UnknownCustomer, standing
from kam.sim.settings import BossEnvironment
from servicekit.settings import read_settings
from servicekit.telemetry import setup_logging

log = structlog.get_logger()


def control(simulator: Simulator) -> FastAPI:
    """The control API."""
    app = FastAPI(title="BOSS simulator")

    @app.get("/health/ready")
    async def ready() -> dict[str, Any]:
        """200 once the first nightly files have been taken."""
        if not simulator.ready.is_set():
            raise HTTPException(503, "首批文件尚未收完 / the first nightly files have not been taken yet")
        return standing(simulator)

    @app.get("/settings")
    async def settings() -> Settings:
        return simulator.settings

    @app.put("/settings")
    async def change(changes: dict[str, Any]) -> Settings:
        """Fields given are changed, others kept. 422 for an unknown field or value."""
        try:
            simulator.settings = Settings.model_validate({**simulator.settings.model_dump(), **changes})
        except ValueError as error:
            raise HTTPException(422, str(error)) from None
        return simulator.settings

    @app.post("/scenario/{name}/{customer_id}")
    async def scenario(name: str, customer_id: str) -> dict[str, Any]:
        """Make it happen now; receipts of the events sent."""
        if name not in SCENARIOS:
            raise HTTPException(422, f"只能是 {'、'.join(SCENARIOS)} / one of {', '.join(SCENARIOS)}")
        if not simulator.ready.is_set():
            raise HTTPException(503, "模拟 BOSS 还在启动，请稍候 / the simulator is starting, try again soon")
        try:
            return {"receipts": await simulator.scenario(name, customer_id)}
        except UnknownCustomer:
            first, last = simulator.range_of_ids()
            raise HTTPException(
                404,
                f"没有客户 {customer_id}；有 {first} 至 {last} / no customer {customer_id}: {first} to {last} exist",
            ) from None

    @app.get("/journal")
    async def journal(limit: Annotated[int, Query(ge=1, le=10_000)] = 100) -> list[dict[str, Any]]:
        """The last entries of the journal, oldest first."""
        return simulator.journal.last(limit)

    return app


async def _serve(simulator: Simulator, host: str, port: int) -> None:
    server = uvicorn.Server(uvicorn.Config(control(simulator), host=host, port=port, log_config=None, access_log=False))
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)

    async def work() -> None:
        await simulator.start()
        await simulator.run()

    http, traffic = asyncio.create_task(server.serve()), asyncio.create_task(work())
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait([http, traffic, stop], return_when=asyncio.FIRST_COMPLETED)
    traffic.cancel()
    server.should_exit = True
    ended = await asyncio.gather(traffic, http, return_exceptions=True)
    stop.cancel()
    await simulator.close()
    for problem in ended:
        if isinstance(problem, Exception):
            raise problem


def main() -> int:
    """Entry point."""
    known = read_settings(BossEnvironment)
    setup_logging("boss", known.log_format)
    simulator = Simulator(
        known.service_data,
        known.boss_dir,
        seed=known.sim_seed,
        customers=known.sim_customers,
        roads=Sender(known.peers["billing-sync"][0], known.kafka, known.secret_file),
        settings=Settings(rate=known.sim_rate),
    )
    asyncio.run(_serve(simulator, known.http_host, known.http_port))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
