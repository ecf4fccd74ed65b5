"""Never twice, by the books of both: whatever the moment of a crash, and whatever became of the answer, a message is
with the provider or with the SMSC, and there once.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from alerts.notifications.channel.transport import DeliveryReceipt, SubmitOutcome
from harness.notifications_feed import BOOK
from harness.sms_http import callbacks_of, provider, served, signed, transport_to
from harness.sms_life import QUICK, FakeSmsc, Killed, Process, phone
from harness.waiting import eventually
from kam.sim.sms_http_engine import Provider
from kam.sim.smsc_links import free_port
from servicekit import fault_injection
from servicekit.clock import system_now
from servicekit.memory_store import MemoryStore

KNOWN = [replace(t, provider_ids={"http": "SMS_1"}) for t in BOOK.templates.values()]
HTTP_FIRST = replace(QUICK, channels={"any": ("http", "smpp")}, failover_seconds=1)
SMPP_FIRST = replace(QUICK, failover_seconds=1)


class House:
    """Lives of the service over one store, one SMSC and one provider, whose callbacks go to the life that runs."""

    def __init__(self, simulator: Provider, url: str, callback_port: int, folder: Path) -> None:
        self.simulator, self._url, self._port, self._folder = simulator, url, callback_port, folder
        self.store, self.smsc = MemoryStore(), FakeSmsc()

    @asynccontextmanager
    async def life(self, policy: Any = HTTP_FIRST) -> AsyncIterator[Process]:
        transport = transport_to(self._url, response_timeout=0.3)
        async with (
            served(callbacks_of(transport, self._folder), self._port),
            Process(self.store, self.smsc, policy, others={"http": transport}, templates=KNOWN) as life,
        ):
            yield life

    def taken(self, customer: str = "c1") -> list[str]:
        """Channels that have it."""
        number = "86" + phone(customer)
        by_http = ["http" for record in self.simulator.messages() if record.destination == number]
        return by_http + ["smpp" for part in self.smsc.accepted if part.destination == number]


@asynccontextmanager
async def house(folder: Path, **faults: Any) -> AsyncIterator[House]:
    port = free_port()
    url = f"http://127.0.0.1:{port}/v1/sms/callbacks"
    async with provider(folder, callback_url=url, **faults) as (simulator, there):
        yield House(simulator, there, port, folder)


async def until(life: Process, state: str, customer: str = "c1") -> dict[str, Any]:
    """The state, with what the log was told in between read."""

    async def heard() -> bool:
        await life.hear()
        return bool(life.sms(customer)["state"] == state)

    async with asyncio.timeout(10):
        while not await heard():
            await asyncio.sleep(0.01)
    return life.sms(customer)


def dying(point: str, armed: Callable[[], object], died: list[str]) -> Callable[[str, str], None]:
    """A replacement of ``fault_injection.hit``: ends the process at that point once ``armed``."""

    def hit(service: str, where: str) -> None:
        if not died and where == point and armed():
            died.append(where)
            raise Killed(where)

    return hit


#: when it dies -> whether anybody may have taken it by then
STEPS: dict[str, tuple[str, Callable[[House, Process], object], int]] = {
    "before the intent is written": ("before_commit", lambda house, life: True, 0),
    "behind the intent's commit": ("after_commit", lambda house, life: life.store.documents.get("sms"), 0),
    "before it is submitted": ("sms_after_intent", lambda house, life: True, 0),
    "behind the answer": ("sms_after_submit", lambda house, life: True, 1),
    "before the answer is written": ("before_commit", lambda house, life: house.taken(), 1),
    "behind the answer's commit": ("after_commit", lambda house, life: house.taken(), 1),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("policy", [HTTP_FIRST, SMPP_FIRST], ids=["http first", "smpp first"])
@pytest.mark.parametrize("fault", [{}, {"lose_answer_every": 1}], ids=["answered", "answer lost"])
async def test_killed_between_any_two_steps(
    tmp_path: Path, step: str, policy: Any, fault: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    point, armed, taken = STEPS[step]
    async with house(tmp_path, **fault) as home:
        if policy is SMPP_FIRST:
            home.smsc.answers = [SubmitOutcome.REFUSED_FOR_NOW]  # so that it comes to the provider as well
        died: list[str] = []
        async with home.life(policy) as life:
            with monkeypatch.context() as patch:
                patch.setattr(fault_injection, "hit", dying(point, lambda: armed(home, life), died))
                life.start()
                complaining = asyncio.create_task(life.complain("c1"))
                await eventually(lambda: died)
                for task in (life.sender_run, life.processor_run, complaining, *life.sender._tasks):
                    task.cancel()
                await asyncio.gather(life.sender_run, life.processor_run, complaining, return_exceptions=True)
        assert len(home.taken()) <= 1 and (policy is SMPP_FIRST or len(home.taken()) == taken)
        home.simulator.change(home.simulator.faults.model_copy(update={"lose_answer_every": 0}))
        for _ in range(2):  # and again
            async with home.life(policy) as life:
                life.start()
                await life.complain("c1", "c2")
                await eventually(lambda: life.sender.pending() == 0)
                await until(life, "delivered", "c2") if life.sms("c2")["channel"] == "http" else None
                assert len(home.taken()) <= 1 and len(home.taken("c2")) == 1
                assert home.simulator.repeated == 0, "no order was made twice, whatever the provider makes of it"
        (record,) = [r for r in home.store.documents["sms"].values() if r["customer_id"] == "c1"]
        assert len(home.taken()) == 1 or record["state"] == "unknown"
        if home.taken() == ["http"]:
            assert record["channel"] == "http"


@pytest.mark.parametrize("echo", [True, False], ids=["our reference", "no reference"])
async def test_a_receipt_that_comes_before_the_answer_finds_its_message(tmp_path: Path, echo: bool) -> None:
    faults = {"callback_before_answer": True, "callback_echo_reference": echo, "answer_delay_ms": 50}
    async with house(tmp_path, **faults) as home, home.life() as life:
        life.start()
        await life.complain("c1")
        row = await until(life, "delivered")
        assert home.taken() == ["http"] and {r["state"] for r in row["receipts"]} == {"DELIVRD"}


async def test_a_receipt_whose_answer_was_lost_says_that_it_was_taken(tmp_path: Path) -> None:
    async with house(tmp_path, lose_answer_every=1, callback_repeat=2) as home, home.life() as life:
        life.start()
        await life.complain("c1")
        row = await until(life, "delivered")
        assert home.taken() == ["http"] and home.simulator.repeated == 0
        assert len(row["receipts"]) == 1, "told three times"


async def test_callbacks_that_somebody_else_signed_wait_for_those_that_are_right(tmp_path: Path) -> None:
    async with house(tmp_path, callback_bad_signature_every=2, callback_repeat=1) as home, home.life() as life:
        life.start()
        await life.complain("c1", "c2")
        for customer in ("c1", "c2"):
            await until(life, "delivered", customer)


async def test_an_unknown_one_is_not_sent_by_the_other_channel(tmp_path: Path) -> None:
    async with house(tmp_path, drop_before_taking_every=1) as home, home.life() as life:
        life.start()
        await life.complain("c1")
        row = await life.until("unknown")
        assert (row["channel"], row["reason"]) == ("http", "no_answer")
        await eventually(lambda: life.sender.pending() == 0)
        assert home.taken() == [] and home.smsc.submitted == []


async def test_nobody_is_there_and_the_other_channel_has_it_once(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        home._url = f"http://127.0.0.1:{free_port()}"
        async with home.life() as life:
            life.start()
            await life.complain("c1")
            row = await life.until("sent")
            assert (row["channel"], home.taken()) == ("smpp", ["smpp"])


async def test_receipts_of_one_channel_are_nothing_to_messages_of_another(tmp_path: Path) -> None:
    """Both count their messages from one."""
    async with house(tmp_path, receipt_lose_every=1) as home, home.life() as life:
        life.start()
        await life.complain("c1")
        row = await life.until("sent")
        assert row["channel"] == "http"
        message_id, reference = row["parts"][0]["message_id"], row["parts"][0]["reference"]
        for receipt in (
            DeliveryReceipt(message_id, "UNDELIV", None, "86" + phone("c1"), "011", None, ""),
            DeliveryReceipt("other", "UNDELIV", reference, "86" + phone("c1"), "011", None, ""),
            DeliveryReceipt("third", "UNDELIV", None, "86" + phone("c1"), "011", None, ""),
        ):
            await home.smsc.on_receipt(receipt)
        await life.hear()
        assert life.sms()["state"] == "sent" and life.sms()["receipts"] == []
        assert len(home.store.documents["unmatched_receipts"]) == 3


@pytest.mark.parametrize("named", [{}, {"message_id": "mo-1"}], ids=["caught and sent again", "told again"])
async def test_so_does_one_without_its_own_time(tmp_path: Path, named: dict[str, str]) -> None:
    number = "86" + phone("c1")

    def body(text: str, **more: str) -> bytes:
        return json.dumps({"events": [{"type": "inbound", "from": number, "text": text, **more}]}).encode()

    async with (
        house(tmp_path) as home,
        home.life() as life,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{home._port}", trust_env=False) as http,
    ):
        life.start()
        await eventually(lambda: life.sender._is_open)
        out, at = body("TD", **named), system_now() - timedelta(seconds=9)
        for told, when in ((out, at), (body("订阅"), at), (out, system_now() if named else at)):
            answer = await http.post("/v1/sms/callbacks", content=told, headers=signed(told, at=when))
            assert answer.json() == {"taken": 1, "unreadable": 0}
            await life.hear()
        assert number not in life.blocked
    async with home.life() as life:
        assert number not in life.blocked, "and after a start"


async def test_a_word_that_is_told_again_changes_nothing_that_was_said_since(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.life() as life:
        life.start()
        await life.complain("c1")
        await until(life, "delivered")
        number = "86" + phone("c1")
        at = system_now() - timedelta(seconds=10)
        for text, when in (("TD", at), ("订阅", at + timedelta(seconds=5)), ("TD", at)):
            assert await home.simulator.inbound(number, text, when) == 200
            await life.hear()
        assert number not in life.blocked
        assert await home.simulator.inbound(number, "TD") == 200
        await life.hear()
        assert number in life.blocked
