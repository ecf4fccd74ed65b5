"""What a trial counts is what detection has warned of in the end, where nothing but figures changed."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts import rules
from alerts.rules import Rules
from alerts.trial.order import Found, Order, Ruled
from alerts.trial.run import run
from harness.archived import Archivist
from harness.detection_feed import Feed
from servicekit.clock import iso
from servicekit.documents.in_force import Edition

SEEDS = rules.load()


def plain(id: str) -> dict[str, Any]:
    document = msgspec.to_builtins(next(rule for rule in SEEDS.documents if rule.id == id))
    del document["version"]
    return dict(document)


def condition(when: dict[str, Any], *on: str) -> dict[str, Any]:
    return {"id": "tried", "type": "condition", "alert": "attention", "name_zh": "试", "name_en": "x",
            "severity": "minor", "on": list(on), "when": when}  # fmt: skip


DAYS = {"figure": "usage.active_days", "op": "<=", "value": 3}
FALLS = {"figure": "usage.voice_minutes", "falls_percent": 40, "months": 2}
RISES = {"figure": "bill.amount_fen", "rises_percent": 30, "months": 2}
HELD = {"figure": "usage.care_calls", "op": ">=", "value": 2, "for_months": 2}
DOCUMENTS = {
    "drop-30": plain("drop-30"),
    "stop-request": plain("stop-request"),
    "usage": condition({"all": [DAYS, FALLS]}, "USAGE"),
    "poor": condition({"figure": "balance.balance_fen", "op": "known"}, "BILL"),
    "both": condition({"any": [{"all": [RISES, HELD]}, {"not": FALLS}]}, "USAGE", "BILL"),
}


@pytest.fixture
def archivist(tmp_path: Path) -> Iterator[Archivist]:
    made = Archivist(tmp_path / "archive")
    yield made
    made.close()


def in_force(document: dict[str, Any]) -> Rules:
    """The seeds, with this one in force from the beginning."""
    return SEEDS.switched([Edition(1, "rule", document["id"], 2, "active", document)])


def random_life(feed: Feed, dice: random.Random) -> None:
    months = dice.sample(range(1, 13), 12) + [dice.randrange(1, 13) for _ in range(8)]
    for step, month in enumerate(months):
        when, period = f"2026-01-{1 + step:02}", f"2025{month:02}"
        value = dice.choice([None, 0, 40, 60, 100, 100, 140])
        if dice.random() < 0.3:
            feed.boss("balance.changed", when, at=f"{when}T08:00:00Z", balance_fen=step)
        if dice.random() < 0.8:
            feed.boss("bill.issued", when, period=period, amount_fen=value, voice_fen=1)
        if dice.random() < 0.8:
            feed.boss("usage.summarised", when, period=period, voice_minutes=dice.choice([value, 70, 100]),
                      active_days=dice.randrange(8), care_calls=dice.choice([None, 1, 2, 3]))  # fmt: skip
        if dice.random() < 0.3:
            feed.boss("service.requested", when, request_id=f"{feed.customer_id}-{step}",
                      requested_at=f"{when}T08:00:00Z", kind=dice.choice(["stop", "change"]))  # fmt: skip


@pytest.mark.parametrize("name", DOCUMENTS)
def test_agrees_with_detection(archivist: Archivist, name: str) -> None:
    document, dice = DOCUMENTS[name], random.Random(name)
    warned: set[tuple[str, str]] = set()
    for n in range(25):
        feed = Feed(f"c{n}", in_force(document))
        feed.boss("customer.changed", "2025-01-01", status="active", opened_on="2020-01-01")
        random_life(feed, dice)
        for alert in feed.alerts():
            if alert.outcome != "withdrawn" and any(reason.rule.id == document["id"] for reason in alert.reasons):
                warned.add((feed.customer_id, alert.period or ""))
        for type_, data, context in feed.heard:
            archivist.tell(type_.removeprefix("kam.boss.").removesuffix(".v1"), context.time,
                           revision=context.revision, clock=iso(context.now), **data)  # fmt: skip
    archivist.write()
    scratch = archivist.root.parent / "scratch"
    scratch.mkdir()
    fall = Ruled(1, plain("drop-30"))
    order = Order(str(archivist.root), str(scratch), Ruled(2, document), None, fall, "202501", "202601")
    found = run(order, lambda done, of: None)
    assert isinstance(found, Found) and found.unreadable == 0
    assert {(each.customer_id, each.period) for each in found.added} == warned and len(warned) > 5


def test_the_newest_months_are_those_of_boss_s_records(archivist: Archivist) -> None:
    """Whenever a rule was switched, which is told in system time, beside a fed clock of years ago."""
    archivist.tell("customer.changed", "2019-05-01T10:00:00+08:00", customer_id="c1", status="active")
    for month in range(1, 5):
        archivist.tell(
            "usage.summarised", "2019-05-02T10:00:00+08:00", customer_id="c1", period=f"2019{month:02}", active_days=1
        )
    archivist.tell("something.else", "2026-11-27T10:00:00+08:00", customer_id="c1")
    archivist.write()
    scratch = archivist.root.parent / "scratch"
    scratch.mkdir()
    order = Order(
        str(archivist.root), str(scratch), Ruled(1, condition(DAYS, "USAGE")), None, Ruled(1, plain("drop-30"))
    )
    found = run(order, lambda done, of: None)
    assert isinstance(found, Found) and (found.from_, found.to, found.alerts) == ("201806", "201905", 4)
