"""By what else a state is found: the index is what the states say, whatever became of them in a batch."""

import random
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from contracts.boss import Arrears, Balance
from harness.one_processor import NOON, OneProcessor
from servicekit.app import App, HandlerEntry
from servicekit.decision import Context, Decision, Invalid
from servicekit.rocksdb_store import LocalStore

SET, OPEN = "kam.boss.balance.changed.v1", "kam.boss.arrears.changed.v1"


class Account(msgspec.Struct, frozen=True):
    """State of the toy app: what was set last, and what is open."""

    last: int
    open: tuple[int, ...] = ()


def on_set(state: Account | None, paid: Balance, context: Context) -> Decision:
    if paid.balance_fen == -1:
        return Decision(None)
    if paid.balance_fen < -1:
        raise Invalid("never")
    return Decision(Account(paid.balance_fen, () if state is None else state.open))


def on_open(state: Account | None, owes: Arrears, context: Context) -> Decision:
    state = state or Account(0)
    return Decision(Account(state.last, tuple({*state.open} ^ {owes.amount_fen})))


def index(state: Account) -> Iterable[tuple[str, str]]:
    yield "last", str(state.last)
    for number in state.open:
        yield "open", str(number)


APP = App(
    name="toy",
    service="toy-service",
    state=Account,
    handlers={SET: HandlerEntry(Balance, on_set), OPEN: HandlerEntry(Arrears, on_open)},
    index=index,
)


@pytest.mark.parametrize("kind", ["memory", "local"])
@pytest.mark.parametrize("seed", range(3))
async def test_the_index_is_what_the_states_say(kind: str, seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    toy = await OneProcessor(APP, store=LocalStore(tmp_path) if kind == "local" else None).open()
    keys = [f"客户{n}" for n in range(5)]
    for _ in range(40):
        records = []
        for _ in range(chance.randrange(1, 8)):
            key, number = chance.choice(keys), chance.randrange(-2, 4)
            payload = (
                Balance(customer_id=key, at=NOON, balance_fen=number)
                if chance.random() < 0.6
                else Arrears(customer_id=key, as_of=NOON.date(), amount_fen=number)
            )
            records.append(toy.record("boss.events", SET if isinstance(payload, Balance) else OPEN, payload, key=key))
        await toy.take(*records)
        states = {k: msgspec.msgpack.decode(raw, type=Account) for k, raw in (await toy.store.load(keys)).items()}
        said = {(name, value, key) for key, state in states.items() for name, value in index(state)}
        kept = {(name, *entry) for name in ("last", "open") for entry in await toy.store.find(name)}
        assert kept == said
    await toy.store.close()
