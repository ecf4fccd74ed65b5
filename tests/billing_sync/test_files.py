"""Nightly file pairs, from the inbox to receipts and boss.events; every bad pair of the issue."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from harness.boss_files import COLUMNS, write_pair
from harness.intake import Producer, feed
from harness.nightly import CITY, DAY, Night, bill, customer, debt, night
from harness.waiting import eventually
from servicekit.memory_store import MemoryStore

# --- good files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", ["|", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
async def test_a_file_becomes_events(boss: Night, encoding: str, separator: str) -> None:
    rows = [
        customer("1", name="王小明|" if separator == "\t" else "王小明"),
        customer("2", name="欧阳𠀀", do_not_disturb=True),
    ]
    columns = [*reversed(COLUMNS["CUST"].split())]
    receipt = await boss.put("CUST", rows, encoding=encoding, separator=separator, columns=columns, line_break="\r\n")
    assert receipt["result"] == "accepted", receipt
    assert (receipt["rows_read"], receipt["loaded"], receipt["unchanged"], receipt["rejected"]) == (2, 2, 0, 0)
    one, two = boss.events()
    assert one["data"]["name"].startswith("王小明")
    assert two["data"] == {**dict.fromkeys(COLUMNS["CUST"].split()), **rows[1]}
    name = "CUST_320100_20260531_0001"
    assert one["correlationid"] == f"file:{name}.dat.gz#2"
    assert one["time"] == "2026-05-31T16:00:00+00:00"
    assert one["businessclock"] == "2026-05-31T02:00:00+00:00"
    for suffix in (".dat.gz", ".chk", ".rcp"):
        assert boss.path("accepted", name + suffix).exists()
    assert json.loads(boss.path("accepted", name + ".rcp").read_text())["file"] == f"{name}.dat.gz"
    assert [e["type"] for e in boss.producer.of("feed.events")] == [
        "kam.feed.file.received.v1",
        "kam.feed.file.accepted.v1",
    ]


async def test_only_changes_pass(boss: Night) -> None:
    await boss.put("CUST", [customer("1"), customer("2")])
    receipt = await boss.put("CUST", [customer("1"), customer("2", status="suspended")], "2026-06-01", 2)
    assert (receipt["loaded"], receipt["unchanged"]) == (1, 1)
    assert [(e["subject"], e["revision"]) for e in boss.events()] == [("1", "1"), ("2", "1"), ("2", "2")]


async def test_older_never_overwrites_newer(boss: Night) -> None:
    await boss.put("BILL", [bill(amount=300)], "2026-06-02", 2)
    assert (await boss.put("BILL", [bill(amount=100)], "2026-06-01", 1))["stale"] == 1
    assert len(boss.events()) == 1


async def test_a_correction_wins_by_its_sequence(boss: Night) -> None:
    await boss.put("BILL", [bill("1", 100), bill("2", 200), bill("3", 300)])
    receipt = await boss.put("BILL", [bill("1", 150)], sequence=2)
    assert receipt["loaded"] == 1
    assert "2 rows of BILL_320100_20260531_0001 are not in this correction" in receipt["notes"][0]
    assert (await boss.put("BILL", [bill("1", 100)], sequence=4))["notes"] == [
        "序号不连续：缺 0003 至 0003 / sequence gap: 0003 to 0003 not received"
    ]
    assert (await boss.put("BILL", [bill("1", 999)], sequence=3))["stale"] == 1


async def test_unknown_customer_is_loaded_and_counted(boss: Night) -> None:
    await boss.put("CUST", [customer("1")])
    receipt = await boss.put("BILL", [bill("1"), bill("2")])
    assert (receipt["result"], receipt["loaded"], receipt["unknown_customer"], receipt["amount"]) == (
        "accepted",
        2,
        1,
        200,
    )


async def test_files_load_in_their_order_and_ticks_come_between_days(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    for day, sequence in (("2026-06-02", 3), ("2026-06-01", 2)):
        for kind, row in (
            ("ARR", debt("1", as_of=day)),
            ("BILL", bill(amount=sequence)),
            ("CUST", customer("1", brand=day)),
        ):
            write_pair(inbox, kind, CITY, day, sequence, [row])
    async with night(tmp_path) as boss:
        await boss.receipt("ARR_320100_20260602_0003")
        sent = [
            (m["type"].split(".")[2], m["businessclock"][:10])
            for m in map(_plain, boss.producer.messages)
            if "revision" in m or "clock.t" in m["type"]
        ]
    tick = ("ticked", "2026-06-01")
    first = [
        ("customer", "2026-06-01"),
        ("bill", "2026-06-01"),
        ("arrears", "2026-06-01"),
        *[("ticked", "2026-06-01")] * 4,
    ]
    second = [
        ("customer", "2026-06-02"),
        ("bill", "2026-06-02"),
        ("arrears", "2026-06-02"),
        *[("ticked", "2026-06-02")] * 4,
    ]
    assert sent == first + second, tick


def _plain(message: Any) -> dict[str, Any]:
    from harness.intake import plain

    return plain(message)


# --- bad rows -------------------------------------------------------------------------------------------------------


async def test_bad_rows_go_to_the_reject_file_and_the_rest_loads(boss: Night) -> None:
    rows: list[Any] = [
        bill("1", 100),
        bill("2", "12.5"),
        "3|202605|2026-05-31",
        bill("4", 100, period="202613"),
        bill("5", 100, issued_on="2026-06-02"),
        bill("", 100),
        bill("7", 100, issued_on="2026-06-01"),
    ]
    receipt = await boss.put("BILL", rows)
    assert (receipt["result"], receipt["rows_read"], receipt["loaded"], receipt["rejected"]) == ("partial", 7, 2, 5)
    assert "not enforced" in receipt["notes"][0]
    name = "BILL_320100_20260531_0001"
    lines = [line.split("\t") for line in boss.path("partial", f"{name}.rej").read_text().splitlines()]
    assert [line[:3] for line in lines] == [
        ["line", "field", "value", "reason"][:3],
        ["3", "amount_fen", "12.5"],
        ["4", "", "3|202605|2026-05-31"],
        ["5", "period", "202613"],
        ["6", "issued_on", "2026-06-02"],
        ["7", "customer_id", ""],
    ]
    assert all(" / " in line[3] for line in lines[1:])
    assert boss.path("partial", f"{name}.dat.gz").exists() and boss.path("partial", f"{name}.rcp").exists()


# --- bad files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "more", "says"),
    [
        ([bill()], {"control": {"sha256": "0" * 64}}, "checksum"),
        ([bill()], {"control": {"bytes": 3}}, "bytes"),
        ([bill()], {"control": {"rows": 2}}, "rows"),
        ([bill()], {"control": {"amount_fen": 101}}, "amounts add up to 100 fen"),
        ([bill()] * 50, {"damage": lambda packed: packed[:-20]}, "truncated"),
        ([bill()], {"damage": lambda packed: b"no gzip" + packed}, "damaged"),
        ([bill()], {"columns": COLUMNS["BILL"].replace(" due_on", "").split()}, "lacks due_on"),
        ([bill()], {"control": {"encoding": "big5"}}, "encoding"),
        ([bill()], {"control": {"sequence": 7}}, "sequence"),
        ([bill()], {"control": {"business_date": "2026-06-01"}}, "business_date"),
        ([bill()], {"control": {"rows": None}}, "lacks rows"),
        ([bill()], {"control": {"file": "other.dat.gz"}}, "other.dat.gz"),
    ],
)
async def test_a_bad_file_is_rejected_whole(boss: Night, rows: list[Any], more: dict[str, Any], says: str) -> None:
    receipt = await boss.put("BILL", rows, **more)
    assert receipt["result"] == "rejected"
    assert says in receipt["reason_en"] and receipt["reason_zh"]
    assert (receipt["rows_read"], boss.events()) == (0, [])
    why = boss.path("rejected", "BILL_320100_20260531_0001.why").read_text()
    assert receipt["reason_zh"] in why and receipt["reason_en"] in why
    assert boss.path("rejected", "BILL_320100_20260531_0001.dat.gz").exists()
    # Mended and sent again under the same name, it is taken.
    assert (await boss.put("BILL", [bill()]))["result"] == "accepted"


@pytest.mark.parametrize(("declared", "written"), [("utf-8", "gb18030"), ("gb18030", "utf-8")])
async def test_a_wrong_encoding_is_found_out(boss: Night, declared: str, written: str) -> None:
    receipt = await boss.put(
        "CUST", [customer(), customer("2", name="中文姓名")], encoding=declared, written_in=written
    )
    assert receipt["result"] == "rejected"
    assert written in receipt["reason_en"]


async def test_an_extra_column_is_reported(boss: Night) -> None:
    receipt = await boss.put("BILL", [bill(extra=1)], columns=[*COLUMNS["BILL"].split(), "extra"])
    assert receipt["result"] == "accepted"
    assert "extra" in receipt["notes"][0]


async def test_a_business_date_ahead_of_time_is_rejected(boss: Night) -> None:
    assert "after" in (await boss.put("BILL", [], "2026-07-02"))["reason_en"]
    assert (await boss.put("BILL", [], "2026-07-01"))["result"] == "accepted"


async def test_the_same_file_twice_is_loaded_once(boss: Night) -> None:
    await boss.put("BILL", [bill()])
    receipt = await boss.put("BILL", [bill()])
    assert (receipt["result"], receipt["loaded"], receipt["rows_read"]) == ("duplicate", 0, 0)
    assert len(boss.events()) == 1
    name = "BILL_320100_20260531_0001"
    assert json.loads(boss.path("accepted", f"{name}.rcp").read_text())["result"] == "accepted"
    assert json.loads(boss.path("accepted", f"{name}.2.rcp").read_text())["result"] == "duplicate"
    assert boss.path("accepted", f"{name}.2.dat.gz").exists()


async def test_the_same_sequence_with_other_content_is_rejected(boss: Night) -> None:
    await boss.put("BILL", [bill()])
    assert "next sequence" in (await boss.put("BILL", [bill(amount=7)]))["reason_en"]
    assert "next sequence" in (await boss.put("BILL", [bill(amount=7)], "2026-06-01", 1))["reason_en"]
    assert len(boss.events()) == 1


async def test_a_control_file_alone_is_rejected_after_a_while(boss: Night) -> None:
    name = write_pair(boss.inbox, "BILL", CITY, DAY, 1, [bill()], only=[".chk"])
    receipt = await boss.receipt(name)
    assert (receipt["result"], receipt["file"]) == ("rejected", f"{name}.dat.gz")
    assert boss.path("rejected", f"{name}.chk").exists() and boss.path("rejected", f"{name}.why").exists()


async def test_a_data_file_alone_waits(boss: Night) -> None:
    name = write_pair(boss.inbox, "BILL", CITY, DAY, 1, [bill()], only=[".dat.gz"])
    await eventually(lambda: not boss.loader.waiting())
    await boss.put("BILL", [bill()], sequence=2)
    assert boss.path("inbox", f"{name}.dat.gz").exists()
    write_pair(boss.inbox, "BILL", CITY, DAY, 1, [bill()], only=[".chk"])
    assert (await boss.receipt(name))["result"] == "accepted"


async def test_a_name_that_means_nothing_is_turned_away(boss: Night) -> None:
    boss.path("inbox", "hello.txt").write_text("?")
    for suffix in (".dat.gz", ".chk"):
        boss.path("inbox", "FOO_320100_20260531_0001" + suffix).write_text("?")
    assert (await boss.receipt("hello.txt"))["result"] == "rejected"
    receipt = await boss.receipt("FOO_320100_20260531_0001.dat.gz")
    assert (receipt["result"], receipt["file"]) == ("rejected", "FOO_320100_20260531_0001.dat.gz")
    for suffix in (".dat.gz", ".chk", ".why", ".rcp"):
        assert boss.path("rejected", "FOO_320100_20260531_0001" + suffix).exists()
    assert "KIND" in boss.path("rejected", "hello.txt.why").read_text()
    assert boss.path("rejected", "hello.txt").read_text() == "?"


# --- arrears and drift ----------------------------------------------------------------------------------------------


async def test_absence_clears_debts_of_that_city_only(boss: Night) -> None:
    await boss.put("CUST", [customer("1"), customer("2"), customer("moved")])
    await boss.put("CUST", [customer("9", city="320200")], city="320200")
    await boss.put("ARR", [debt("1"), debt("2"), debt("moved"), debt("nobody")])
    await boss.put("ARR", [debt("9")], city="320200")
    await boss.put("CUST", [customer("moved", city="320200")], "2026-06-01", 2, city="320200")
    boss.producer.messages.clear()
    receipt = await boss.put("ARR", [debt("1", as_of="2026-06-01")], "2026-06-01", 2)
    assert (receipt["cleared"], receipt["rows_read"], receipt["loaded"]) == (2, 1, 1)
    cleared = {e["subject"]: e for e in boss.events("arrears") if e["data"].get("amount_fen") == 0}
    assert cleared.keys() == {"2", "nobody"}
    assert cleared["2"]["correlationid"] == "file:ARR_320100_20260601_0002.dat.gz#absent"
    assert cleared["2"]["data"]["as_of"] == "2026-06-01"
    # Cleared once.
    assert (await boss.put("ARR", [debt("1", as_of="2026-06-02")], "2026-06-02", 3))["cleared"] == 0


async def test_absence_spares_newer_debts_and_clears_those_of_events(boss: Night) -> None:
    await boss.put("CUST", [customer("1"), customer("2"), customer("3")])
    await feed(boss.intake, "arrears.changed", debt("1"), time="2026-05-31T12:00:00+08:00")
    await feed(boss.intake, "arrears.changed", debt("2", as_of="2026-06-03"), time="2026-06-03T12:00:00+08:00")
    await feed(boss.intake, "arrears.changed", debt("elsewhere"), time="2026-05-31T12:00:00+08:00")
    receipt = await boss.put("ARR", [debt("3", as_of="2026-06-01")], "2026-06-01", 1)
    assert receipt["cleared"] == 1
    assert [e["subject"] for e in boss.events("arrears") if not e["data"].get("amount_fen", 1)] == ["1"]


async def test_rejected_rows_count_as_present_and_unreadable_ones_switch_absence_off(boss: Night) -> None:
    await boss.put("ARR", [debt("1"), debt("2"), debt("3")])
    receipt = await boss.put("ARR", [debt("1", "x", as_of="2026-06-01"), "2|2026-06-01"], "2026-06-01", 2)
    assert (receipt["result"], receipt["rejected"], receipt["cleared"]) == ("partial", 2, 1)
    receipt = await boss.put("ARR", ["??|"], "2026-06-02", 3)
    assert (receipt["cleared"], receipt["rejected"]) == (0, 1)
    assert "absence clears no debt" in receipt["notes"][-1]


async def test_a_debt_confirmed_at_a_later_time_is_told(boss: Night) -> None:
    await boss.put("ARR", [debt("1", as_of=DAY)])
    receipt = await boss.put("ARR", [debt("1", as_of=DAY)], "2026-06-01", 2)
    assert receipt["unchanged"] == 1
    # as_of bounds the effective time: the same as_of is no newer word.
    assert len(boss.events("arrears")) == 1
    await feed(boss.intake, "arrears.changed", debt("2", as_of="2026-06-02"), time="2026-06-02T09:00:00+08:00")
    await feed(boss.intake, "arrears.changed", debt("2", as_of="2026-06-02"), time="2026-06-02T11:00:00+08:00")
    (confirmed,) = boss.events("arrears.confirmed")
    assert confirmed["data"] == {"customer_id": "2", "confirmed_at": "2026-06-02T03:00:00Z"}


async def test_absence_from_a_snapshot_is_drift(boss: Night) -> None:
    await boss.put("CUST", [customer("1"), customer("2"), customer("3", status="left")])
    receipt = await boss.put("CUST", [customer("1")], "2026-06-01", 2)
    assert "drift: 1 known records are not in this file (nothing done), e.g. 2" in receipt["notes"][0]
    cont = {"contract_id": "c1", "customer_id": "1", "ends_on": "2026-12-31"}
    await boss.put("CONT", [cont, {**cont, "contract_id": "ended", "ends_on": "2026-05-01"}])
    receipt = await boss.put("CONT", [], "2026-06-01", 2)
    assert "e.g. c1" in receipt["notes"][0]
    assert len(boss.events("contract")) == 2


# --- kills ----------------------------------------------------------------------------------------------------------


class Dies(MemoryStore):
    """A store whose process is killed at the n-th commit, before or after it is written."""

    def __init__(self) -> None:
        super().__init__()
        self.until = -1
        self.after = False

    async def commit(self, batch: Any) -> None:
        self.until -= 1
        if self.until == 0 and not self.after:
            raise asyncio.CancelledError
        await super().commit(batch)
        if self.until == 0:
            raise asyncio.CancelledError


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 10))
async def test_a_kill_in_the_middle_loses_and_doubles_nothing(tmp_path: Path, at: int, after: bool) -> None:
    rows: list[Any] = [debt(str(n), "bad" if n in (4, 8) else 100) for n in range(1, 12)]
    store = Dies()
    async with night(tmp_path, store) as boss:
        await boss.put("ARR", [debt(f"gone{n}", as_of="2026-05-30") for n in range(5)], "2026-05-30")
    producer = Producer()
    write_pair(tmp_path / "inbox", "ARR", CITY, DAY, 2, rows)
    store.until, store.after = at, after
    try:
        async with night(tmp_path, store, producer=producer) as boss:
            async with asyncio.timeout(5):
                while store.until > 0 and not (tmp_path / "partial" / "ARR_320100_20260531_0002.rcp").exists():
                    await asyncio.sleep(0.005)
    except asyncio.CancelledError:
        pass
    store.until = -1
    async with night(tmp_path, store, producer=producer) as boss:
        receipt = await boss.receipt("ARR_320100_20260531_0002")
        assert len(await boss.loader.status("ARR_320100_20260531_0002")) == 1
    assert (receipt["result"], receipt["rows_read"], receipt["loaded"], receipt["rejected"]) == ("partial", 11, 9, 2)
    assert (receipt["cleared"], receipt["amount"]) == (5, 900)
    rejected = (tmp_path / "partial" / "ARR_320100_20260531_0002.rej").read_text().splitlines()
    assert [line.split("\t")[0] for line in rejected] == ["line", "5", "9"]
    events = {e["id"]: e for e in producer.of("boss.events")}
    assert len(events) == 14
    assert not list((tmp_path / "inbox").iterdir()) and not list((tmp_path / ".work").iterdir())
