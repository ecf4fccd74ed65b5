"""Our SMPP transport against the SMSC simulator, whose protocol engine (smpp34.Server) is not ours."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import pytest

from alerts.notifications.channel.segments import plan
from alerts.notifications.channel.smpp import SmppSettings, SmppTransport
from alerts.notifications.channel.transport import (
    DeliveryReceipt,
    InboundSms,
    SubmitOutcome,
    SubmitRequest,
    SubmitResult,
    TransportClosed,
)
from kam.sim.smsc_engine import SmscSettings, SmscSimulator
from kam.sim.smsc_faults import Faults

pytestmark = [pytest.mark.asyncio, pytest.mark.long]

NUMBER = "8613900000001"
LONG_ZH = "尊敬的客户，您本月话费已欠费123.45元，请及时缴纳，以免影响使用😀。" * 6
LONG_EN = "Dear customer, you owe 123.45 {€} on your account; please pay soon. " * 6
FAST = {"receipt_delay_ms": 5}
T = TypeVar("T")


@dataclass
class Desk:
    """Stands in for the desk: keeps what the transport hands over; `fail` makes its handlers raise that many times."""

    transport: SmppTransport
    receipts: asyncio.Queue[DeliveryReceipt] = field(default_factory=asyncio.Queue)
    inbounds: asyncio.Queue[InboundSms] = field(default_factory=asyncio.Queue)
    late: asyncio.Queue[SubmitResult] = field(default_factory=asyncio.Queue)
    fail: int = 0
    calls: int = 0

    async def on_receipt(self, receipt: DeliveryReceipt) -> None:
        self.calls += 1
        if self.fail:
            self.fail -= 1
            raise RuntimeError("the database is away")
        self.receipts.put_nowait(receipt)

    async def on_inbound(self, inbound: InboundSms) -> None:
        self.inbounds.put_nowait(inbound)

    async def on_late(self, answer: SubmitResult) -> None:
        self.late.put_nowait(answer)

    async def send(self, text: str, reference: int = 1, destination: str = NUMBER) -> list[SubmitResult]:
        planned = plan(text)
        total = len(planned.parts)
        parts = [
            SubmitRequest(
                reference=reference + n,
                destination=destination,
                text=part,
                encoding=planned.encoding,
                concat=(7, total, n + 1) if total > 1 else None,
                part_id=f"sms-{reference}/{n + 1}",
            )
            for n, part in enumerate(planned.parts)
        ]
        return list(await asyncio.gather(*map(self.transport.submit, parts)))


@asynccontextmanager
async def smsc(path: Path, port: int = 0, **faults: object) -> AsyncIterator[SmscSimulator]:
    simulator = SmscSimulator(
        SmscSettings(path / "smsc.jsonl", port=port, system_id="kam", password="secret"),
        Faults.model_validate({**FAST, **faults}),
    )
    await simulator.start()
    try:
        yield simulator
    finally:
        await simulator.stop()


@asynccontextmanager
async def desk_at(port: int, wait: bool = True, **changes: object) -> AsyncIterator[Desk]:
    settings = SmppSettings("127.0.0.1", port, "kam", "secret", reconnect_min=0.02, throttle_min=0.02, close_timeout=1)
    transport = SmppTransport(replace(settings, **changes))  # type: ignore[arg-type]
    desk = Desk(transport)
    await transport.start(desk.on_receipt, desk.on_inbound, desk.on_late)
    try:
        if wait:
            async with asyncio.timeout(5):
                await transport.ready()
        yield desk
    finally:
        await transport.close()


async def soon(queue: "asyncio.Queue[T]") -> T:
    async with asyncio.timeout(5):
        return await queue.get()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(("text", "encoding"), [(LONG_ZH, "ucs2"), (LONG_EN, "gsm7"), ("你好", "ucs2"), ("Hi", "gsm7")])
async def test_a_message_arrives_whole(tmp_path: Path, text: str, encoding: str) -> None:
    async with smsc(tmp_path) as simulator, desk_at(simulator.port) as desk:
        answers = await desk.send(text, reference=500)
        assert {answer.outcome for answer in answers} == {SubmitOutcome.ACCEPTED}
        taken = sorted(simulator.messages(NUMBER), key=lambda record: record.concat or (0, 1, 1))
        assert "".join(record.text for record in taken) == text
        assert {record.encoding for record in taken} == {encoding}
        total = len(answers)
        expected = [(7, total, n) for n in range(1, total + 1)] if total > 1 else [None]
        assert [record.concat for record in taken] == expected
        assert [record.reference for record in taken] == [500 + n for n in range(total)]
        assert {record.message_id for record in taken} == {answer.message_id for answer in answers}


@pytest.mark.parametrize("echo", [True, False])
async def test_receipts_with_and_without_our_reference(tmp_path: Path, echo: bool) -> None:
    async with smsc(tmp_path, receipt_echo_reference=echo) as simulator, desk_at(simulator.port) as desk:
        [answer] = await desk.send("Hi", reference=65_535)
        receipt = await soon(desk.receipts)
        assert receipt.message_id == answer.message_id
        assert receipt.reference == (65_535 if echo else None)
        assert (receipt.state, receipt.destination, receipt.error) == ("DELIVRD", NUMBER, "000")
        assert receipt.done_at is not None and len(receipt.done_at) == 10
        assert receipt.text.startswith(f"id:{answer.message_id} sub:001 dlvrd:001 submit date:")


async def test_failed_lost_and_repeated_receipts(tmp_path: Path) -> None:
    faults = {"deliver_fail_every": 2, "receipt_lose_every": 3, "receipt_repeat": 1}
    async with smsc(tmp_path, **faults) as simulator, desk_at(simulator.port) as desk:
        ids = [str((await desk.send("Hi", reference=n))[0].message_id) for n in range(1, 5)]
        got = [await soon(desk.receipts) for _ in range(6)]
        assert sorted(receipt.message_id for receipt in got) == sorted([ids[0], ids[1], ids[3]] * 2)
        assert {receipt.state for receipt in got if receipt.message_id in (ids[1], ids[3])} == {"UNDELIV"}
        assert [record.fate for record in simulator.messages()] == ["DELIVRD", "UNDELIV", "LOST", "UNDELIV"]


async def test_a_receipt_is_repeated_until_it_has_been_handled(tmp_path: Path) -> None:
    async with smsc(tmp_path) as simulator, desk_at(simulator.port) as desk:
        desk.fail = 1
        [answer] = await desk.send("Hi")
        assert (await soon(desk.receipts)).message_id == answer.message_id
        assert desk.calls == 2
        await until(lambda: simulator.state["receipts_waiting"] == 0)


async def test_a_receipt_comes_after_both_sides_restarted(tmp_path: Path) -> None:
    async with smsc(tmp_path, receipt_delay_ms=60_000) as simulator, desk_at(simulator.port) as desk:
        [answer] = await desk.send("Hi", reference=9)
    async with smsc(tmp_path) as simulator, desk_at(simulator.port) as desk:
        receipt = await soon(desk.receipts)
        assert (receipt.message_id, receipt.reference) == (answer.message_id, 9)
        [second] = await desk.send("Hi", reference=10)
        assert second.message_id != answer.message_id


async def test_throttling_is_obeyed(tmp_path: Path) -> None:
    async with smsc(tmp_path, throttle_above_per_s=20) as simulator, desk_at(simulator.port, throttle_min=0.2) as desk:
        sent, refused = 0, 0
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for n in itertools.count(1):
            await desk.transport.ready()
            [answer] = await desk.send("Hi", reference=n)
            assert answer.outcome in (SubmitOutcome.ACCEPTED, SubmitOutcome.THROTTLED)
            if answer.outcome is SubmitOutcome.ACCEPTED:
                sent += 1
            else:
                refused += 1
                assert answer.command_status == 0x58
            if sent == 41:
                break
        assert loop.time() - begun > 1.0  # 41 messages at 20 a second touch three seconds of the clock
        assert 1 <= refused <= 12  # doubling pauses, not a storm
        assert len(simulator.messages()) == 41


async def test_a_refusal_is_final(tmp_path: Path) -> None:
    async with smsc(tmp_path, refuse_prefixes=["8610"]) as simulator, desk_at(simulator.port) as desk:
        [answer] = await desk.send("Hi", destination="861000000000")
        assert (answer.outcome, answer.command_status) == (SubmitOutcome.REFUSED, 0x0B)
        assert simulator.messages() == []


async def test_what_cannot_be_encoded_is_refused_without_being_written(tmp_path: Path) -> None:
    async with smsc(tmp_path) as simulator, desk_at(simulator.port) as desk:
        for part in (
            SubmitRequest(1, NUMBER, "客", "gsm7", None, "a/1"),
            SubmitRequest(70_000, NUMBER, "Hi", "gsm7", None, "b/1"),
            SubmitRequest(1, "+86 139", "Hi", "gsm7", None, "c/1"),
            SubmitRequest(1, NUMBER, "a" * 255, "gsm7", None, "d/1"),
        ):
            answer = await desk.transport.submit(part)
            assert (answer.outcome, answer.command_status) == (SubmitOutcome.REFUSED, None)
        assert [answer.outcome for answer in await desk.send("Hi")] == [SubmitOutcome.ACCEPTED]
        assert len(simulator.messages()) == 1


async def test_link_cut_between_acceptance_and_answer_is_unknown_and_settled_by_the_receipt(tmp_path: Path) -> None:
    async with smsc(tmp_path, drop_before_answer_every=2) as simulator, desk_at(simulator.port) as desk:
        assert [answer.outcome for answer in await desk.send("Hi", reference=1)] == [SubmitOutcome.ACCEPTED]
        assert [answer.outcome for answer in await desk.send("Hi", reference=2)] == [SubmitOutcome.UNKNOWN]
        receipts = {(await soon(desk.receipts)).reference, (await soon(desk.receipts)).reference}
        assert receipts == {1, 2}
        assert [record.reference for record in simulator.messages()] == [1, 2]  # accepted once, never sent again
        await desk.transport.ready()
        assert [answer.outcome for answer in await desk.send("Hi", reference=3)] == [SubmitOutcome.ACCEPTED]


async def test_link_cut_before_acceptance_is_unknown_too(tmp_path: Path) -> None:
    async with smsc(tmp_path, drop_link_every=1) as simulator, desk_at(simulator.port) as desk:
        assert [answer.outcome for answer in await desk.send("Hi")] == [SubmitOutcome.UNKNOWN]
        assert simulator.messages() == []


async def test_not_connected_is_not_written(tmp_path: Path) -> None:
    async with smsc(tmp_path) as simulator:
        port = simulator.port
    async with desk_at(port, wait=False) as desk:
        assert not desk.transport.connected
        assert [answer.outcome for answer in await desk.send("Hi")] == [SubmitOutcome.NOT_WRITTEN]
        async with smsc(tmp_path, port=port):
            async with asyncio.timeout(5):
                await desk.transport.ready()
            assert [answer.outcome for answer in await desk.send("Hi")] == [SubmitOutcome.ACCEPTED]


async def test_beyond_the_window_nothing_is_written_when_the_link_is_cut(tmp_path: Path) -> None:
    async with smsc(tmp_path) as simulator, desk_at(simulator.port, window=3) as desk:
        simulator.change(Faults(pause=True))
        sending = [asyncio.create_task(desk.send("Hi", reference=n)) for n in range(10)]
        await until(lambda: simulator.waiting == 3)
        simulator.drop_links()
        outcomes = [answer.outcome for [answer] in await asyncio.gather(*sending)]
        assert outcomes == [SubmitOutcome.UNKNOWN] * 3 + [SubmitOutcome.NOT_WRITTEN] * 7


async def test_an_answer_after_the_response_timer_is_reported(tmp_path: Path) -> None:
    async with smsc(tmp_path) as simulator, desk_at(simulator.port, response_timeout=0.1) as desk:
        simulator.change(Faults(pause=True, receipt_lose_every=1))
        [answer] = await desk.send("Hi", reference=3)
        assert answer.outcome is SubmitOutcome.UNKNOWN
        cancelled = asyncio.create_task(desk.send("Hi", reference=4))
        await until(lambda: simulator.waiting == 2)
        cancelled.cancel()
        simulator.change(Faults(receipt_lose_every=1))
        late = {(await soon(desk.late)).part_id, (await soon(desk.late)).part_id}
        assert late == {"sms-3/1", "sms-4/1"}
        assert len(simulator.messages()) == 2


async def test_inbound_td_in_both_alphabets(tmp_path: Path) -> None:
    async with smsc(tmp_path) as simulator, desk_at(simulator.port) as desk:
        assert await simulator.inbound(NUMBER, "TD") == 0
        assert await soon(desk.inbounds) == InboundSms(NUMBER, "10086", "TD")
        assert await simulator.inbound(NUMBER, "退订", "1008611") == 0
        assert await soon(desk.inbounds) == InboundSms(NUMBER, "1008611", "退订")


async def test_the_client_binds_again_after_a_restart_of_the_smsc(tmp_path: Path) -> None:
    async with smsc(tmp_path) as simulator:
        port = simulator.port
        async with desk_at(port) as desk:
            await desk.send("Hi", reference=1)
            await simulator.stop()
            await until(lambda: not desk.transport.connected)
            async with smsc(tmp_path, port=port) as again, asyncio.timeout(5):
                await desk.transport.ready()
                assert desk.transport.connected
                await desk.send("Hi", reference=2)
                assert [record.reference for record in again.messages()] == [1, 2]


async def test_a_wrong_password_never_binds(tmp_path: Path) -> None:
    async with smsc(tmp_path) as simulator, desk_at(simulator.port, wait=False, password="wrong") as desk:
        await until(lambda: desk.transport._failures >= 2)
        assert not desk.transport.connected


async def test_close_waits_for_outstanding_answers(tmp_path: Path) -> None:
    async with smsc(tmp_path) as simulator, desk_at(simulator.port, window=2, close_timeout=5) as desk:
        simulator.change(Faults(pause=True))
        sending = [asyncio.create_task(desk.send("Hi", reference=n)) for n in range(4)]
        await until(lambda: simulator.waiting == 2)
        ready = asyncio.create_task(desk.transport.ready())
        closing = asyncio.create_task(desk.transport.close())
        await asyncio.sleep(0)
        simulator.change(Faults())
        await closing
        outcomes = [answer.outcome for [answer] in await asyncio.gather(*sending)]
        assert outcomes == [SubmitOutcome.ACCEPTED] * 2 + [SubmitOutcome.NOT_WRITTEN] * 2
        with pytest.raises(TransportClosed):
            await ready
        await desk.transport.close()
        assert [answer.outcome for answer in await desk.send("Hi")] == [SubmitOutcome.NOT_WRITTEN]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_under_faults_no_outcome_contradicts_the_log_of_the_smsc(tmp_path: Path, seed: int) -> None:
    """Each part is submitted again only after an outcome that allows it; the SMSC's log is the judge."""
    rng = random.Random(seed)
    faults = {"throttle_every": 17, "drop_link_every": 61, "drop_before_answer_every": 53, "receipt_repeat": 1}
    async with smsc(tmp_path, **faults) as simulator, desk_at(simulator.port, window=8) as desk:
        final: dict[int, SubmitResult] = {}

        async def send(reference: int) -> None:
            await asyncio.sleep(rng.random() * 0.5)
            while True:
                await desk.transport.ready()
                [answer] = await desk.send("Hi", reference)
                if answer.outcome not in (SubmitOutcome.THROTTLED, SubmitOutcome.NOT_WRITTEN):
                    final[reference] = answer
                    return

        async def cut() -> None:
            for _ in range(5):
                await asyncio.sleep(rng.random() * 0.2)
                simulator.drop_links()

        async with asyncio.timeout(20):
            await asyncio.gather(cut(), *(send(reference) for reference in range(300)))
        simulator.change(Faults.model_validate(FAST))
        accepted = {reference for reference, answer in final.items() if answer.outcome is SubmitOutcome.ACCEPTED}
        unknown = {reference for reference, answer in final.items() if answer.outcome is SubmitOutcome.UNKNOWN}
        assert accepted | unknown == set(range(300)) and unknown
        receipted: set[int | None] = set()
        # The SMSC may still accept what it read before a cut; the receipts tell which of the unknown were taken.
        while simulator.waiting or receipted != {record.reference for record in simulator.messages()}:
            receipted.add((await soon(desk.receipts)).reference)
        logged = [record.reference for record in simulator.messages()]
        assert len(logged) == len(set(logged))  # never twice
        assert accepted <= set(logged) <= accepted | unknown
