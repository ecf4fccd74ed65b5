"""A command that was answered is not carried out once more because others of its batch could not be written."""

import asyncio
from typing import Any

import msgspec

from contracts.boss import Balance
from harness.one_processor import NOON, OneProcessor
from servicekit.app import App, HandlerEntry
from servicekit.decision import Context, Decision, Refused

PAID = "kam.boss.balance.changed.v1"


class Taken(msgspec.Struct, frozen=True):
    by: Any


def on_paid(state: Taken | None, paid: Balance, context: Context) -> Decision:
    if state is not None:
        raise Refused("taken", "已被占用", "somebody has it")
    # The first one's state can't be written, which is only seen at the commit.
    return Decision(Taken(object() if paid.balance_fen == 1 else paid.balance_fen), answer=paid.balance_fen)


async def test_what_was_refused_stays_refused() -> None:
    app = App(name="toy", service="toy", state=Taken, handlers={PAID: HandlerEntry(Balance, on_paid)})
    one = await OneProcessor(app).open()
    pays = [(PAID, "c1", Balance(customer_id="c1", at=NOON, balance_fen=fen)) for fen in (1, 2)]
    first, second = await one.take(commands=pays)
    assert isinstance(first, TypeError) and isinstance(second, Refused)
    await asyncio.sleep(0)
    assert await one.store.load(["c1"]) == {}, "who was refused has nothing"
