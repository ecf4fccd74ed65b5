"""What both roads out of the house have in common: SMPP to the SMSC simulator, HTTP to the provider simulator."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from alerts.notifications.channel.smpp import SmppSettings, SmppTransport
from alerts.notifications.channel.transport import (
    DeliveryReceipt,
    InboundSms,
    SubmitOutcome,
    SubmitRequest,
    SubmitResult,
    Transport,
    TransportClosed,
)
from harness.sms_http import NUMBER, both_sides, part_of
from harness.waiting import eventually
from kam.sim.smsc_engine import SmscSettings, SmscSimulator
from kam.sim.smsc_faults import Faults

pytestmark = [pytest.mark.asyncio, pytest.mark.long]

#: what goes wrong -> how each simulator calls it
_FAULTS: dict[str, dict[str, dict[str, Any]]] = {
    "refuses": {"smpp": {"refuse_prefixes": ["86139"]}, "http": {"refuse_prefixes": ["86139"]}},
    "throttles": {"smpp": {"throttle_every": 1}, "http": {"refuse_every": 1, "refuse_code": "rate_limited"}},
    "answer_lost": {"smpp": {"drop_before_answer_every": 1}, "http": {"lose_answer_every": 1}},
    "dropped": {"smpp": {"drop_link_every": 1}, "http": {"drop_before_taking_every": 1}},
    "told_twice": {"smpp": {"receipt_repeat": 1}, "http": {"callback_repeat": 1}},
    "undelivered": {"smpp": {"deliver_fail_every": 1}, "http": {"deliver_fail_every": 1}},
    "silent": {"smpp": {"pause": True}, "http": {"pause": True}},
}


@dataclass
class World:
    """A transport, its simulator, and what was handed over; ``fail``: handlers raise that many times."""

    transport: Transport
    accepted: Callable[[], list[str]]
    misbehave: Callable[[str], None]
    inbound: Callable[[str], Awaitable[int | None]]
    receipts: list[DeliveryReceipt] = field(default_factory=list)
    inbounds: list[InboundSms] = field(default_factory=list)
    late: list[SubmitResult] = field(default_factory=list)
    fail: int = 0

    async def on_receipt(self, receipt: DeliveryReceipt) -> None:
        if self.fail:
            self.fail -= 1
            raise RuntimeError("the broker is away")
        self.receipts.append(receipt)

    async def on_inbound(self, inbound: InboundSms) -> None:
        if self.fail:
            self.fail -= 1
            raise RuntimeError("the broker is away")
        self.inbounds.append(inbound)

    async def on_late(self, answer: SubmitResult) -> None:
        self.late.append(answer)


class Permission:
    """A permit that is valid while ``given``."""

    def __init__(self, given: bool = True, renewed: bool = False) -> None:
        self.given, self.renewed, self.asked = given, renewed, 0

    def is_valid(self) -> bool:
        self.asked += 1
        return self.given

    async def renew(self) -> bool:
        self.given = self.renewed
        return self.renewed


@asynccontextmanager
async def _smpp(folder: Path) -> AsyncIterator[World]:
    def faults(**changes: Any) -> Faults:
        return Faults.model_validate({"receipt_delay_ms": 5, **changes})

    simulator = SmscSimulator(SmscSettings(folder / "smsc.jsonl", system_id="kam", password="secret"), faults())
    await simulator.start()
    transport = SmppTransport(
        SmppSettings(
            "127.0.0.1", simulator.port, "kam", "secret", response_timeout=2.0, reconnect_min=0.02, throttle_min=0.02,
            close_timeout=1.0,
        )
    )  # fmt: skip
    try:
        yield World(
            transport,
            lambda: [record.destination for record in simulator.messages()],
            lambda fault: simulator.change(faults(**(_FAULTS[fault]["smpp"] if fault else {}))),
            lambda text: simulator.inbound(NUMBER, text),
        )
    finally:
        await simulator.stop()


@asynccontextmanager
async def _http(folder: Path) -> AsyncIterator[World]:
    async with both_sides(folder) as (simulator, transport):

        def misbehave(fault: str) -> None:
            faults = _FAULTS[fault]["http"] if fault else {}
            simulator.change(type(simulator.faults).model_validate({"callback_delay_ms": 5, **faults}))

        yield World(
            transport,
            lambda: [record.destination for record in simulator.messages()],
            misbehave,
            lambda text: simulator.inbound(NUMBER, text),
        )


@pytest.fixture(params=[_smpp, _http], ids=["smpp", "http"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        found = await stack.enter_async_context(request.param(tmp_path))
        await found.transport.start(found.on_receipt, found.on_inbound, found.on_late)
        stack.push_async_callback(found.transport.close)
        async with asyncio.timeout(5):
            await found.transport.ready()
        yield found


def part(n: int = 1) -> SubmitRequest:
    return part_of(f"s{n}", n)


async def test_a_message_is_taken_once_and_its_receipt_says_whose_it_is(world: World) -> None:
    answer = await world.transport.submit(part())
    assert (answer.outcome, answer.part_id) == (SubmitOutcome.ACCEPTED, "s1/1")
    assert world.accepted() == [NUMBER]
    await eventually(lambda: world.receipts)
    (receipt,) = world.receipts
    assert (receipt.message_id, receipt.reference, receipt.destination) == (answer.message_id, 1, NUMBER)
    assert (receipt.state, receipt.error) == ("DELIVRD", "000")
    assert world.transport.connected and world.transport.is_ready and world.transport.down_since is None


async def test_many_at_once_are_taken_once_each(world: World) -> None:
    answers = await asyncio.gather(*(world.transport.submit(part(n)) for n in range(1, 121)))
    assert {answer.outcome for answer in answers} == {SubmitOutcome.ACCEPTED}
    assert len({answer.message_id for answer in answers}) == len(world.accepted()) == 120
    await eventually(lambda: {r.message_id for r in world.receipts} == {a.message_id for a in answers})


@pytest.mark.parametrize(
    ("fault", "outcome", "taken"),
    [
        ("refuses", SubmitOutcome.REFUSED, 0),
        ("throttles", SubmitOutcome.THROTTLED, 0),
        ("answer_lost", SubmitOutcome.UNKNOWN, 1),
        ("dropped", SubmitOutcome.UNKNOWN, 0),
        ("silent", SubmitOutcome.UNKNOWN, 0),
    ],
)
async def test_what_each_answer_means_and_that_it_gets_well_again(
    world: World, fault: str, outcome: SubmitOutcome, taken: int
) -> None:
    world.misbehave(fault)
    answer = await world.transport.submit(part())
    assert (answer.outcome, answer.message_id, len(world.accepted())) == (outcome, None, taken)
    world.misbehave("")
    async with asyncio.timeout(5):
        await world.transport.ready()
    assert (await world.transport.submit(part(2))).outcome is SubmitOutcome.ACCEPTED
    assert world.transport.down_since is None


async def test_a_permit_is_asked_at_the_moment_of_writing(world: World) -> None:
    permits = (
        (Permission(), SubmitOutcome.ACCEPTED),
        (Permission(False, renewed=True), SubmitOutcome.ACCEPTED),
        (Permission(False), SubmitOutcome.NOT_WRITTEN),
    )
    for n, (permit, outcome) in enumerate(permits):
        assert (await world.transport.submit(part(n), permit)).outcome is outcome
        assert permit.asked
    assert len(world.accepted()) == 2
    assert world.transport.connected, "it is not the provider's fault"


async def test_receipts_come_twice_and_of_failures_too(world: World) -> None:
    world.misbehave("told_twice")
    answer = await world.transport.submit(part())
    await eventually(lambda: len(world.receipts) == 2)
    assert {receipt.message_id for receipt in world.receipts} == {answer.message_id}
    world.misbehave("undelivered")
    await world.transport.submit(part(2))
    await eventually(lambda: len(world.receipts) == 3)
    assert (world.receipts[-1].state, world.receipts[-1].error) == ("UNDELIV", "011")


async def test_what_we_could_not_keep_is_told_again(world: World) -> None:
    world.fail = 1
    answer = await world.transport.submit(part())
    await eventually(lambda: world.receipts)
    assert world.receipts[0].message_id == answer.message_id and world.fail == 0


async def test_a_subscriber_s_word_is_ok_only_when_it_is_kept(world: World) -> None:
    async def told(text: str) -> int | None:
        return await world.inbound(text)

    fine = {await told("TD"), await told("订阅")}
    assert [inbound.text for inbound in world.inbounds] == ["TD", "订阅"]
    assert {inbound.source for inbound in world.inbounds} == {NUMBER} and fine <= {0, 200}
    world.fail = 1
    assert await told("TD") not in {0, 200}


async def test_closed_it_writes_nothing_more(world: World) -> None:
    await world.transport.close()
    await world.transport.close()
    assert (await world.transport.submit(part())).outcome is SubmitOutcome.NOT_WRITTEN
    assert not world.transport.is_ready
    with pytest.raises(TransportClosed):
        await world.transport.ready()
    assert world.accepted() == []
