"""An SMS provider over HTTP on a port of its own, and the callbacks that it sends to ours."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from alerts.callback_routes import callback_routes
from alerts.notifications.channel.http import HttpSettings, HttpTransport
from alerts.notifications.channel.signature import SIGNATURE, TIMESTAMP, sign
from alerts.notifications.channel.transport import ProviderText, SubmitRequest
from harness.waiting import eventually
from kam.sim.serving import server_of
from kam.sim.sms_http import service
from kam.sim.sms_http_engine import Provider, ProviderSettings
from kam.sim.sms_http_faults import HttpFaults
from kam.sim.smsc_links import free_port
from servicekit.clock import system_now
from servicekit.service import Service
from servicekit.settings import ServiceSettings

SECRET, CALLBACK_SECRET = b"of our orders 0123", b"of its callbacks 0123"
QUICK: dict[str, Any] = {"callback_delay_ms": 5}
NUMBER = "8613900000001"


@asynccontextmanager
async def served(app: FastAPI, port: int = 0, **options: Any) -> AsyncIterator[str]:
    """Base URL of an app while it is served."""
    server = server_of(app, port, timeout_graceful_shutdown=1, **options)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    running = asyncio.create_task(server.serve())
    await eventually(lambda: server.started or running.done())
    if running.done():
        running.result()
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


@asynccontextmanager
async def provider(
    folder: Path, port: int = 0, callback_url: str = "http://127.0.0.1:1/", **faults: Any
) -> AsyncIterator[tuple[Provider, str]]:
    """The simulator, and where it is."""
    settings = ProviderSettings(folder / "sms-http.jsonl", "kam", SECRET, callback_url, CALLBACK_SECRET)
    simulator = Provider(settings, HttpFaults.model_validate({**QUICK, **faults}))
    async with served(service(simulator), port) as url:
        yield simulator, url


def transport_to(url: str, **changes: Any) -> HttpTransport:
    return HttpTransport(
        HttpSettings(
            **{
                "url": url,
                "account": "kam",
                "secret": SECRET,
                "signature": "大客户中心",
                "rate": 10_000.0,
                "response_timeout": 2.0,
                "close_timeout": 1.0,
                "pause_min": 0.02,
                "pause_max": 0.1,
                **changes,
            }
        )
    )


def callbacks_of(transport: HttpTransport, folder: Path, system_clock: Callable[[], datetime] = system_now) -> FastAPI:
    """Our side of the callbacks, with all that stands before a route."""
    home = Service("alerts", ServiceSettings(service_data=folder, kafka="-"))
    home.routers.append(callback_routes(transport, [b"the new secret 0123", CALLBACK_SECRET], system_clock))
    return home.asgi()


@asynccontextmanager
async def both_sides(folder: Path, **faults: Any) -> AsyncIterator[tuple[Provider, HttpTransport]]:
    """A provider, and a transport that hears what it tells once it is started."""
    here, there = free_port(), free_port()
    transport = transport_to(f"http://127.0.0.1:{there}")
    async with (
        served(callbacks_of(transport, folder), here),
        provider(folder, there, f"http://127.0.0.1:{here}/v1/sms/callbacks", **faults) as (simulator, _),
    ):
        yield simulator, transport


def part_of(id_: str = "s1", reference: int = 1, to: str = NUMBER, text: ProviderText | None = None) -> SubmitRequest:
    text = text or ProviderText("SMS_1", "zh", {"name": "张三"})
    return SubmitRequest(reference, to, "【大客户中心】尊敬的张三…", "ucs2", None, f"{id_}/1", text)


def signed(body: bytes, secret: bytes = CALLBACK_SECRET, at: datetime | None = None) -> dict[str, str]:
    timestamp = str(int((at or system_now()).timestamp()))
    return {TIMESTAMP: timestamp, SIGNATURE: sign(secret, timestamp, body)}
