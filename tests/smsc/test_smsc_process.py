"""The SMSC simulator as a process: control API, and kill -9 in the middle of traffic."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
import smpp34

from kam.sim.smsc_links import free_port

pytestmark = [pytest.mark.asyncio, pytest.mark.long]

NUMBER = "8613900000001"


@asynccontextmanager
async def process(path: Path, smpp_port: int) -> AsyncIterator[tuple[asyncio.subprocess.Process, httpx.AsyncClient]]:
    http_port = free_port()
    environment = {
        **os.environ,
        "KAM_SMSC": f"127.0.0.1:{smpp_port}",
        "KAM_SMSC_SYSTEM_ID": "kam",
        "KAM_SMSC_PASSWORD": "secret",
        "KAM_SMSC_LOG": str(path / "smsc.jsonl"),
        "KAM_HTTP_PORT": str(http_port),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", "kam.sim.smsc", env=environment)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{http_port}", trust_env=False) as http:
            async with asyncio.timeout(15):
                while child.returncode is None:
                    try:
                        if (await http.get("/health/ready")).status_code == 200:
                            break
                    except httpx.TransportError:
                        await asyncio.sleep(0.05)
            yield child, http
    finally:
        if child.returncode is None:
            child.terminate()
            async with asyncio.timeout(10):
                await child.wait()


async def connect(port: int) -> smpp34.Smsc:
    return await smpp34.Client("127.0.0.1", port, "kam", "secret", bind_type="TRX").connect()


async def test_control_api(tmp_path: Path) -> None:
    port = free_port()
    async with process(tmp_path, port) as (child, http), asyncio.timeout(10):
        assert (await http.post("/inbound", json={"source": NUMBER, "text": "TD"})).status_code == 503
        esme = await connect(port)
        assert (await http.put("/settings", json={"refuse_prefixes": ["8610"]})).json()["refuse_prefixes"] == ["8610"]
        changed = (await http.put("/settings", json={"receipt_delay_ms": 1})).json()
        assert (changed["refuse_prefixes"], changed["receipt_delay_ms"]) == (["8610"], 1)
        assert (await http.get("/settings")).json() == changed
        assert (await http.put("/settings", json={"no_such_fault": 1})).status_code == 422
        assert (await esme.submit_sm("861000000000", b"Hi")).command_status == 0x0B
        tlv = smpp34.Tlv(smpp34.TLV_USER_MESSAGE_REFERENCE, b"\x01\x00")  # type: ignore[attr-defined]
        answer = await esme.submit_sm(NUMBER, b"Hi", source_addr="10086", registered_delivery=1, tlvs=[tlv])
        [message] = (await http.get("/messages", params={"destination": NUMBER})).json()
        assert message == {
            "message_id": answer.message_id,
            "number": 1,
            "system_id": "kam",
            "reference": 256,
            "source": "10086",
            "destination": NUMBER,
            "encoding": "gsm7",
            "concat": None,
            "text": "Hi",
            "fate": "DELIVRD",
            "accepted_at": message["accepted_at"],
        }
        receipt = await esme.next()
        assert isinstance(receipt, smpp34.DeliverSmEvent)
        assert (await http.post("/inbound", json={"source": NUMBER, "text": "TD"})).json() == {"command_status": 0}
        inbound = await esme.next()
        assert isinstance(inbound, smpp34.DeliverSmEvent) and inbound.short_message == b"TD"
        assert (await http.get("/health/ready")).json() == {"accepted": 1, "bound": 1, "receipts_waiting": 0}
        assert (await http.post("/drop-links")).json() == {"dropped": 1}
        assert isinstance(await esme.next(), smpp34.Disconnected)
        child.terminate()
        assert await child.wait() == 0


async def test_every_answer_outlives_a_kill_and_receipts_follow(tmp_path: Path) -> None:
    port = free_port()
    answered: set[str] = set()
    async with process(tmp_path, port) as (child, http), asyncio.timeout(20):
        await http.put("/settings", json={"receipt_delay_ms": 60_000})
        esme = await connect(port)

        async def flood() -> None:
            while True:
                answer = await esme.submit_sm(NUMBER, b"Hi", source_addr="10086", registered_delivery=1)
                answered.add(answer.message_id or "")

        floods = [asyncio.create_task(flood()) for _ in range(10)]
        while len(answered) < 200:
            await asyncio.sleep(0.001)
        child.send_signal(signal.SIGKILL)
        await asyncio.gather(*floods, return_exceptions=True)
        await child.wait()
    logged = {msgspec.json.decode(line)["message_id"] for line in (tmp_path / "smsc.jsonl").open("rb")}
    assert answered <= logged
    async with process(tmp_path, port) as (child, http), asyncio.timeout(20):
        esme = await connect(port)
        receipted: set[str] = set()
        while receipted != logged:
            event = await esme.next()
            assert isinstance(event, smpp34.DeliverSmEvent)
            receipted.add(event.short_message.split(b" ")[0].removeprefix(b"id:").decode())
        answer = await esme.submit_sm(NUMBER, b"Hi", source_addr="10086")
        assert answer.message_id not in logged


async def test_a_missing_setting_is_said(tmp_path: Path) -> None:
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PATH": os.environ["PATH"]}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kam.sim.smsc", env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, said = await child.communicate()
    assert child.returncode == 2
    assert b"KAM_SMSC" in said
