"""The brake of alerts over any order of rows, ends of files, ticks, restarts and words of people who looked before."""

import random
from collections import Counter

import pytest

from alerts.detection import app
from contracts.brake import BOOK, Part
from harness.braked_city import PEOPLE, City
from harness.detection_feed import RULES
from servicekit.envelope import Message


@pytest.mark.parametrize("seed", range(60))
async def test_each_is_told_once_or_turned_away_by_a_word_about_those_who_were_listed(seed: int) -> None:
    chance = random.Random(seed)
    place = await City(app(RULES)).open()
    assert isinstance(place, City)
    await place.take(place.switch(percent=chance.choice([5, 20, 50])), *place.people(), place.beat())
    waits = [place.debt(n, replays=b"1" if chance.random() < 0.1 else b"") for n in range(PEOPLE)]
    chance.shuffle(waits)
    pending: list[Message] = []
    decided: dict[str, tuple[str, int]] = {}

    async def flush() -> None:
        while pending:
            size = chance.randint(1, 4)
            await place.take(*pending[:size])
            del pending[:size]
            if chance.random() < 0.2:
                await place.open()

    async def look() -> dict[str, tuple[Part, int]]:
        """What waits, as a person sees it: id -> what it is of, and how many."""
        await flush()
        rows = [row for row in await place.releases() if row.state == "waiting"]
        return {row.id: (Part(**row.parts[0].model_dump()), row.count) for row in rows}

    seen = await look()
    while waits or pending:
        match chance.choice(["row", "row", "row", "end", "tick", "look", "word"]):
            case "row" if waits:
                pending.append(waits.pop())
            case "end":
                pending.append(place.ended())
            case "tick":
                pending.append(place.beat())
            case "look":
                seen = await look()
            case "word" if seen:
                id, (part, count) = chance.choice(sorted(seen.items()))
                verdict = chance.choice(["released", "rejected"])
                pending.append(place.word(id, verdict, seen=part))
                decided.setdefault(id, (verdict, count))
            case _:
                await flush()
    for _ in range(PEOPLE):
        pending += [place.ended(), place.beat(), place.beat()]
        seen = await look()
        if not seen:
            break
        for id, (part, count) in seen.items():
            pending.append(place.word(id, seen=part))
            decided.setdefault(id, ("released", count))
    await flush()
    assert not await look()
    rows = {row.id: (row.state, row.count) for row in await place.releases()}
    assert rows == decided, "each word is about as many as were listed"
    told = Counter(alert.customer_id for verb, alert in await place.alerts() if verb == "raised")
    turned_away = sum(count for verdict, count in decided.values() if verdict == "rejected")
    assert set(told.values()) <= {1} and len(told) + turned_away == PEOPLE
    assert [key for key in await place.store.keys(BOOK, "", 100) if key != BOOK] == [], "no list is left"
