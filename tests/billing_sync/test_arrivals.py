"""What has come of a business day and what has not; reject files in parts; who was heard."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing_sync.heard import _MOST, Heard
from billing_sync.nightly import inbox
from harness.nightly import CITY, DAY, Night, bill, customer

NEXT = "2026-06-01"


async def day(boss: Night, text: str) -> dict[str, Any]:
    return await boss.loader.day(datetime.fromisoformat(text).date())


async def test_a_day_has_its_files_and_misses_those_of_the_night_before(boss: Night) -> None:
    await boss.put("CUST", [customer()])
    await boss.put("CUST", [customer(city="320200")], city="320200")
    await boss.put("BILL", [bill(), bill(amount="12a")])
    found = await day(boss, DAY)
    assert [(f["kind"], f["city"], f["result"]) for f in found["files"]] == [
        ("CUST", CITY, "accepted"), ("CUST", "320200", "accepted"), ("BILL", CITY, "partial")
    ]  # fmt: skip
    assert found["missing"] == [], "nothing came the night before"

    await boss.put("CUST", [customer()], day=NEXT, sequence=2)
    found = await boss.loader.day(None)
    assert (found["date"], [f["city"] for f in found["files"]]) == (NEXT, [CITY])
    assert found["missing"] == [{"kind": "BILL", "city": CITY}, {"kind": "CUST", "city": "320200"}]


async def test_a_file_behind_its_successor_is_late(boss: Night) -> None:
    await boss.put("BILL", [bill("2")], day=NEXT, sequence=2)
    now = boss.intake.system_clock() + timedelta(hours=1)
    boss.intake.system_clock = lambda: now
    await boss.put("BILL", [bill()], sequence=1)
    assert [f["late"] for f in (await day(boss, DAY))["files"]] == [True]
    assert [f["late"] for f in (await day(boss, NEXT))["files"]] == [False]


async def test_what_only_looks_like_a_file_of_a_city_is_passed_over(boss: Night) -> None:
    for name in ("BILL_nonsense", "BILL_320100~x", "BILL_"):
        boss.inbox.joinpath(f"{name}.dat.gz").write_bytes(b"")
        await boss.receipt(name)
    await boss.put("BILL", [bill()], city="320300")
    assert [f["city"] for f in (await day(boss, DAY))["files"]] == ["320300"]


async def test_nothing_has_ever_come(boss: Night) -> None:
    found = await boss.loader.day(None)
    assert (found["date"], found["files"], found["missing"]) == (None, [], [])


async def test_a_reject_file_is_read_in_whole_lines(boss: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "_PART_BYTES", 120)
    receipt = await boss.put("BILL", [bill(str(n), amount="12a") for n in range(9)])
    name, offset, parts = receipt["file"], 0, []
    while (part := boss.loader.rejected(name, offset)) is not None:
        parts.append(part[0])
        if part[1] is None:
            break
        offset = part[1]
    assert len(parts) > 2
    stem = name.removesuffix(".dat.gz")
    assert "".join(parts) == boss.path("partial", f"{stem}.rej").read_text()


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "BILL_320100_20260531_0009", "x.rej", "", "\0"])
async def test_a_name_from_outside_is_no_path(boss: Night, name: str) -> None:
    assert boss.loader.rejected(name, 0) is None


def test_senders_are_heard_by_the_minute() -> None:
    heard, now = Heard(), datetime(2026, 6, 30, 2, 0, 10, tzinfo=UTC)
    for seconds in (0, 10, 40, 55):
        heard.note("boss/320100", now + timedelta(seconds=seconds))
    (told,) = heard.told(now + timedelta(seconds=65))
    assert (told["city"], told["events"], told["per_minute"]) == ("320100", 4, 3.2)
    (told,) = heard.told(now + timedelta(minutes=9))
    assert (told["events"], told["per_minute"]) == (4, 0)
    for number in range(_MOST + 5):
        heard.note(f"stranger {number}", now)
    assert len(list(heard.told(now))) == _MOST
