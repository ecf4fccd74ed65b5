"""What may lie in the inbox and happen to its disk: nothing of it ends the loader, everything gets its receipt."""

import errno
import gzip
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import structlog

from billing_sync.nightly import inbox as inbox_module
from billing_sync.nightly import loader as loader_module
from billing_sync.nightly.chunks import RejectFile
from billing_sync.nightly.inbox import Inbox
from billing_sync.nightly.names import safe_name
from harness.boss_files import COLUMNS, write_pair
from harness.intake import Producer
from harness.nightly import CITY, DAY, Night, bill, customer, night
from harness.waiting import eventually
from servicekit.memory_store import MemoryStore

STRANGE = {
    "GBK": "账单_20260630.dat.gz".encode("gbk"),
    "GBK control file": "账单_20260630.chk".encode("gbk"),
    "249 bytes": b"a" * 249,
    "255 bytes": "账".encode() * 85,
    "line break": b"a\nb\x1b[31m.dat.gz",
    "surrogate in UTF-8": b"\xed\xa0\x80.dat.gz",
    "a pair's name without extension": b"BILL_320100_20260531_0001",
    "like a reject file": b"BILL_320100_20260531_0001.rej",
}


async def _rejected(boss: Night) -> list[dict[str, Any]]:
    """Receipts in ``rejected/``, once the inbox has nothing to deal with any more."""
    boss.loader.wake()
    await eventually(lambda: not boss.loader.waiting())
    return [json.loads(path.read_text()) for path in sorted(boss.path("rejected", "").glob("*.rcp"))]


# --- defect 8: names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", STRANGE.values(), ids=STRANGE.keys())
async def test_defect_8_a_strange_name_is_turned_away_and_the_next_file_loads(tmp_path: Path, raw: bytes) -> None:
    store = MemoryStore()
    async with night(tmp_path, store) as boss:
        await eventually(lambda: boss.inbox.exists())
        boss.path("inbox", os.fsdecode(raw)).write_bytes(b"what")
        (receipt,) = await _rejected(boss)
        assert receipt["result"] == "rejected" and "rename it" in receipt["reason_en"] and receipt["reason_zh"]
        assert len(receipt["file"].encode()) <= 210 and receipt["file"].isprintable()
        assert (await boss.loader.status(receipt["file"]))[-1].file == receipt["file"]
        assert boss.path("rejected", receipt["file"]).read_bytes() == b"what"
        assert not list(boss.inbox.iterdir())
        assert (await boss.put("BILL", [bill()]))["result"] == "accepted"
        told = [event["data"]["file"] for event in boss.producer.of("feed.events") if "rejected" in event["type"]]
        assert told == [receipt["file"]]
    async with night(tmp_path, store) as boss:
        assert (await boss.put("BILL", [bill()], sequence=2))["result"] == "accepted"


def test_safe_names_tell_raw_names_apart_and_stay_as_they_are() -> None:
    raws = [*STRANGE.values(), b"\xff", b"\xfe", b"a" * 201, b"a" * 202]
    names = [os.fsdecode(raw) for raw in raws]
    safe = [safe_name(name) for name in names]
    assert len(set(safe)) == len(safe)
    assert [safe_name(name) for name in safe] == safe
    assert safe_name("hello 你好.txt") == "hello 你好.txt"


@pytest.mark.parametrize("what", ["folder", "dangling link", "link", "pipe"])
@pytest.mark.parametrize("name", ["old", "BILL_320100_20260531_0001.chk"])
async def test_defect_8_what_is_no_plain_file_is_turned_away(boss: Night, tmp_path: Path, what: str, name: str) -> None:
    await eventually(lambda: boss.inbox.exists())
    path, target = boss.path("inbox", name), tmp_path / "elsewhere"
    target.write_text("secret")
    write_pair(boss.inbox, "BILL", CITY, DAY, 1, [bill()], only=[".dat.gz"])
    match what:
        case "folder":
            path.mkdir()
            (path / "file").write_text("?")
        case "dangling link":
            path.symlink_to("nowhere")
        case "link":
            path.symlink_to(target)
        case "pipe":
            os.mkfifo(path)
    (receipt,) = await _rejected(boss)
    assert receipt["file"] == name and "no plain file" in receipt["reason_en"]
    assert name in {path.name for path in boss.path("rejected", "").iterdir()} and target.read_text() == "secret"
    # Its other half waits for the control file, and is taken with it.
    write_pair(boss.inbox, "BILL", CITY, DAY, 1, [bill()], only=[".chk"])
    receipt = await boss.receipt("BILL_320100_20260531_0001", int(name.endswith(".chk")))
    assert receipt["result"] == "accepted"


async def test_a_name_with_a_date_that_is_none_says_so(boss: Night) -> None:
    boss.path("inbox", "BILL_320100_20260230_0001.dat.gz").write_text("?")
    (receipt,) = await _rejected(boss)
    assert "20260230, and there is no such date" in receipt["reason_en"]


async def test_defect_8_what_cannot_be_moved_is_said_once_and_left(tmp_path: Path, monkeypatch: Any) -> None:
    move = inbox_module._move

    def refuses(source: Path, target: Path) -> None:
        if source.name == "mount":
            raise PermissionError(errno.EPERM, "Operation not permitted")
        move(source, target)

    monkeypatch.setattr(inbox_module, "_move", refuses)
    store = MemoryStore()
    for sequence in (1, 2):
        async with night(tmp_path, store) as boss:
            boss.path("inbox", "mount").mkdir(parents=True, exist_ok=True)
            assert (await boss.put("BILL", [bill()], sequence=sequence))["result"] == "accepted"
            (receipt,) = await _rejected(boss)
            assert "stays where it is" in receipt["notes"][0]
            assert {"file": "mount", "result": "stuck"} in boss.loader.listing()
    assert (tmp_path / "inbox" / "mount").is_dir()


async def test_defect_8_a_file_without_read_permission_is_rejected(boss: Night, monkeypatch: Any) -> None:
    opened = Path.open

    def refuses(path: Path, *more: Any, **named: Any) -> Any:
        if path.name == "BILL_320100_20260531_0001.dat.gz" and path.parent.name == ".work":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, *more, **named)

    monkeypatch.setattr(Path, "open", refuses)
    receipt = await boss.put("BILL", [bill()])
    assert receipt["result"] == "rejected" and "make it readable" in receipt["reason_en"]
    assert (await boss.put("BILL", [bill()], sequence=2))["result"] == "accepted"


async def test_a_file_that_cannot_be_read_again_and_again_lets_others_pass(boss: Night, monkeypatch: Any) -> None:
    opened, times = gzip.open, []

    def fails(path: Any, *more: Any, **named: Any) -> Any:
        if "0001" in Path(path).name:
            times.append(path)
            boss.loader.wake()
            raise OSError(errno.EIO, "Input/output error", str(path))
        return opened(path, *more, **named)

    monkeypatch.setattr(gzip, "open", fails)
    monkeypatch.setattr("billing_sync.nightly.loader._FIRST_PAUSE", 0.001)
    monkeypatch.setattr("billing_sync.nightly.loader._LONGEST_PAUSE", 0.001)
    receipt = await boss.put("BILL", [bill()])
    assert receipt["result"] == "rejected" and "again and again" in receipt["reason_en"] and len(times) == 8
    assert (await boss.put("BILL", [bill()], sequence=2))["result"] == "accepted"


# --- trouble with the disk -------------------------------------------------------------------------------------------


async def test_a_full_disk_in_the_middle_is_waited_out_and_told_once(boss: Night, monkeypatch: Any) -> None:
    add, full = RejectFile.add, [6]

    def fails(file: RejectFile, rows: Any) -> None:
        if file.length > 30 and full[0]:
            full[0] -= 1
            boss.loader.wake()
            raise OSError(errno.ENOSPC, "No space left on device")
        add(file, rows)

    monkeypatch.setattr(RejectFile, "add", fails)
    monkeypatch.setattr("billing_sync.nightly.loader._FIRST_PAUSE", 0.001)
    monkeypatch.setattr("billing_sync.nightly.loader._LONGEST_PAUSE", 0.001)
    rows: list[Any] = [bill(str(n), "bad" if n % 3 == 0 else 100) for n in range(10)]
    with structlog.testing.capture_logs() as logs:
        receipt = await boss.put("BILL", rows)
        await eventually(lambda: any(line["event"] == "files.recovered" for line in logs))
    assert (receipt["rows_read"], receipt["loaded"], receipt["rejected"]) == (10, 6, 4)
    rejected = boss.path("partial", "BILL_320100_20260531_0001.rej").read_text().splitlines()
    assert [line.split("\t")[0] for line in rejected] == ["line", "2", "5", "8", "11"]
    assert len(boss.events()) == 6 and full == [0]
    assert len([line for line in logs if line["event"] == "files.trouble"]) == 1


@pytest.mark.long
async def test_a_folder_that_is_away_for_a_while_ends_nothing(boss: Night, monkeypatch: Any) -> None:
    monkeypatch.setattr("billing_sync.nightly.loader._LONGEST_PAUSE", 0.01)
    assert (await boss.put("BILL", [bill()]))["result"] == "accepted"
    away = boss.boss / "accepted"
    shutil.move(away, boss.boss / "kept")
    away.write_text("in its place")
    write_pair(boss.inbox, "BILL", CITY, DAY, 2, [bill("2")])
    await eventually(lambda: len(boss.events()) == 2)
    assert boss.loader.waiting()
    away.unlink()
    shutil.move(boss.boss / "kept", away)
    assert (await boss.receipt("BILL_320100_20260531_0002"))["result"] == "accepted"
    shutil.rmtree(boss.inbox)
    await eventually(lambda: boss.inbox.exists())
    assert (await boss.put("BILL", [bill("3")], sequence=3))["result"] == "accepted"


# --- defect 16: taking over ------------------------------------------------------------------------------------------


async def test_defect_16_a_file_replaced_while_loading_is_a_new_file(tmp_path: Path) -> None:
    async with night(tmp_path, rows=1) as boss:
        name = write_pair(boss.inbox, "COMP", CITY, DAY, 1, [_complaint(n, "old") for n in range(30)])
        await eventually(lambda: len(boss.events()) >= 3, every=0)
        write_pair(boss.inbox, "COMP", CITY, DAY, 1, [_complaint(n, "NEW") for n in range(40)])
        await eventually(lambda: not boss.loader.waiting())
        first, second = await boss.loader.status(name)
    assert (first.result, first.rows_read) == ("accepted", 30)
    accepted = gzip.decompress((tmp_path / "accepted" / f"{name}.dat.gz").read_bytes())
    assert (accepted.count(b"old"), accepted.count(b"NEW")) == (30, 0)
    # The same sequence with other content is a correction that forgot to count up: it is told so, unread rows and all.
    assert second.result == "rejected" and "next sequence" in second.reason_en
    assert b"NEW" in gzip.decompress((tmp_path / "rejected" / f"{name}.dat.gz").read_bytes())


def _complaint(number: int, category: str) -> dict[str, Any]:
    opened = f"{DAY}T10:00:00+08:00"
    return {
        "complaint_id": f"k{number}",
        "customer_id": "1",
        "opened_at": opened,
        "status": "opened",
        "category": category,
    }


@pytest.mark.parametrize("steps", range(1, 9))
async def test_a_kill_between_any_two_steps_of_moving_loses_nothing(
    tmp_path: Path, monkeypatch: Any, steps: int
) -> None:
    """The process dies before its n-th change of a folder."""
    left, dead = [steps], []
    for where, names in ((inbox_module, ["_move"]), (Inbox, ["write"])):
        for name in names:
            monkeypatch.setattr(where, name, _mortal(getattr(where, name), left, dead))
    store, producer = MemoryStore(), Producer()
    rows: list[Any] = [bill("1"), bill("2", "bad"), bill("3")]
    write_pair(tmp_path / "inbox", "BILL", CITY, DAY, 1, rows)
    (tmp_path / "inbox" / "stray").write_text("?")
    async with night(tmp_path, store, producer=producer) as boss:
        await eventually(lambda: dead or not boss.loader.waiting())
    left[0] = 1000
    dead.clear()
    async with night(tmp_path, store, producer=producer) as boss:
        receipt = await boss.receipt("BILL_320100_20260531_0001")
        assert len(await boss.loader.status("BILL_320100_20260531_0001")) == 1
        assert len(await boss.loader.status("stray")) == 1
    assert (receipt["result"], receipt["rows_read"], receipt["loaded"], receipt["rejected"]) == ("partial", 3, 2, 1)
    for suffix in (".dat.gz", ".chk", ".rcp", ".rej"):
        assert (tmp_path / "partial" / f"BILL_320100_20260531_0001{suffix}").exists()
    assert {p.name for p in (tmp_path / "rejected").iterdir()} == {"stray", "stray.rcp", "stray.why"}
    assert not list((tmp_path / "inbox").iterdir()) and not list((tmp_path / ".work").iterdir())
    assert len({event["id"] for event in producer.of("boss.events")}) == 2


class _Killed(BaseException):
    pass


def _mortal(step: Any, left: list[int], dead: list[int]) -> Any:
    def mortal(*args: Any) -> Any:
        left[0] -= 1
        if left[0] <= 0:
            dead.append(1)
            raise _Killed
        return step(*args)

    return mortal


async def test_a_pair_half_taken_over_goes_back_and_a_newer_one_wins(tmp_path: Path) -> None:
    inbox, work = tmp_path / "inbox", tmp_path / ".work"
    write_pair(work, "BILL", CITY, DAY, 1, [bill("old")], only=[".chk"])
    write_pair(inbox, "BILL", CITY, DAY, 1, [bill("old")], only=[".dat.gz"])
    write_pair(work, "BILL", CITY, DAY, 2, [bill("old")], only=[".chk"])
    write_pair(inbox, "BILL", CITY, DAY, 2, [bill("new")])
    write_pair(work, "BILL", CITY, DAY, 3, [bill("whole")])
    async with night(tmp_path) as boss:
        await eventually(lambda: len(boss.events()) == 3 and not boss.loader.waiting())
        assert {event["data"]["customer_id"] for event in boss.events()} == {"old", "new", "whole"}
        first, second = await boss.loader.status("BILL_320100_20260531_0002")
        assert (first.result, second.result) == ("rejected", "accepted") and "interrupted" in first.reason_en


async def test_a_pair_that_is_none_any_more_when_it_is_taken_goes_back(boss: Night, monkeypatch: Any) -> None:
    """The sender draws back its control file, or puts a pipe there, between looking and taking."""
    look = Inbox.look

    def sees_a_pair(inbox: Inbox) -> Any:
        found = look(inbox)
        return found._replace(pairs=[*found.pairs, *found.halves], halves=[])

    monkeypatch.setattr("billing_sync.nightly.loader.Loader._is_arriving", lambda self, name: False)
    name = write_pair(boss.inbox, "BILL", CITY, DAY, 1, [bill()], only=[".dat.gz"])
    with monkeypatch.context() as patched:
        patched.setattr(Inbox, "look", sees_a_pair)
        await eventually(lambda: not boss.path("inbox", f"{name}.dat.gz").exists(), every=0)
    await eventually(lambda: not boss.loader.waiting())
    assert boss.path("inbox", f"{name}.dat.gz").exists()
    os.mkfifo(boss.path("inbox", f"{name}.chk"))
    (receipt,) = await _rejected(boss)
    assert "no plain file" in receipt["reason_en"]
    write_pair(boss.inbox, "BILL", CITY, DAY, 1, [bill()], only=[".chk"])
    assert (await boss.receipt(name, 1))["result"] == "accepted"


async def test_a_loading_begun_by_an_earlier_release_goes_on(tmp_path: Path) -> None:
    """Up to 0.5 files were read where they lay, in the inbox."""
    from hashlib import sha256

    from billing_sync.domain.keys import LOAD
    from billing_sync.nightly.loading import Loading
    from billing_sync.store import encode
    from harness.intake import NOW
    from servicekit.store import Batch

    name = write_pair(tmp_path / "inbox", "BILL", CITY, DAY, 1, [bill("1"), bill("2"), bill("3")])
    packed = (tmp_path / "inbox" / f"{name}.dat.gz").read_bytes()
    begun = Loading(name, sha256(packed).hexdigest(), NOW, done=1, loaded=1)
    store = MemoryStore()
    await store.commit(Batch({LOAD: (encode(begun), None)}, [], [], {}, {}, 1))
    async with night(tmp_path, store) as boss:
        receipt = await boss.receipt(name)
        assert (receipt["result"], receipt["rows_read"], len(boss.events())) == ("accepted", 3, 2)


async def test_files_taken_away_in_the_middle_get_a_receipt(tmp_path: Path, monkeypatch: Any) -> None:
    store = MemoryStore()
    write_pair(tmp_path / "inbox", "BILL", CITY, DAY, 1, [bill(str(n)) for n in range(30)])
    async with night(tmp_path, store, rows=1) as boss:
        await eventually(lambda: len(boss.events()) >= 3, every=0)
    for path in (tmp_path / ".work").iterdir():
        path.unlink()
    async with night(tmp_path, store) as boss:
        receipt = await boss.receipt("BILL_320100_20260531_0001")
        assert receipt["result"] == "rejected" and "taken away" in receipt["reason_en"] and receipt["rows_read"] >= 3
        assert (await boss.put("BILL", [bill(str(n)) for n in range(30)]))["result"] == "accepted"
        assert len({event["subject"] for event in boss.events()}) <= 30


# --- defect 23: sizes ------------------------------------------------------------------------------------------------


async def test_defect_23_a_file_that_unpacks_without_end_is_read_no_further_than_declared(boss: Night) -> None:
    header = COLUMNS["SERV"].replace(" ", "|").encode() + b"\n"
    bomb = gzip.compress(header + b"\n" * (32 << 20))
    receipt = await boss.put("SERV", [], damage=lambda _: bomb, control={"rows": 1})
    assert receipt["result"] == "rejected" and "more data rows, the .chk says 1;" in receipt["reason_en"]
    assert boss.loader._delivery.progress["percent"] == 0


async def test_defect_23_unpacked_bytes_lines_and_columns_are_bounded(tmp_path: Path) -> None:
    header = COLUMNS["SERV"].replace(" ", "|").encode()
    async with night(tmp_path, unpacked=4 << 20) as boss:
        for sequence, (text, says) in enumerate(
            [
                (header + b"\n" + b"\n" * (8 << 20), "unpacks to more than"),
                (header + b"\n" + b"x" * (3 << 20), "a line is over"),
                (header + b"|" * 100_000 + b"\n", "columns, at most"),
                (header + b"|x" * 400 + b"\n", "twice"),
            ],
            1,
        ):
            packed = gzip.compress(text)
            receipt = await boss.put(
                "SERV", [], sequence=sequence, damage=lambda _, p=packed: p, control={"rows": 10**15}
            )
            assert receipt["result"] == "rejected" and says in receipt["reason_en"]
            assert len(receipt["reason_en"]) < 1000


async def test_a_file_without_header_or_line_breaks_tells_nobodys_data(boss: Night) -> None:
    header, row = COLUMNS["CUST"].replace(" ", "|"), "c1|person|王芳|13900001111".encode()
    for sequence, (text, says) in enumerate(
        [
            (f"{header}\r".encode() + row, "CR"),
            (f"{header}|王芳|王芳".encode(), "names … twice"),
            (row, "lacks"),
        ],
        1,
    ):
        packed = gzip.compress(text)
        receipt = await boss.put("CUST", [], sequence=sequence, damage=lambda _, p=packed: p, control={"rows": 1})
        assert receipt["result"] == "rejected" and says in receipt["reason_en"]
        assert "王芳" not in str(receipt) and "13900001111" not in str(receipt)


async def test_defect_23_a_control_file_is_read_no_further_than_64_kib(boss: Night) -> None:
    name = write_pair(boss.inbox, "BILL", CITY, DAY, 1, [bill()], only=[".dat.gz"])
    with boss.path("inbox", f"{name}.chk").open("wb") as file:
        file.truncate(1 << 40)
    receipt = await boss.receipt(name)
    assert receipt["result"] == "rejected" and "over 64 KiB" in receipt["reason_en"]


async def test_amounts_that_no_number_holds_are_rejected(boss: Night) -> None:
    rows: list[Any] = ["1|202605|2026-05-31|2026-06-20|9007199254740992||||"] * 2100 + [bill("2", "?")]
    receipt = await boss.put("BILL", rows)
    assert receipt["result"] == "rejected" and "18 digits" in receipt["reason_en"]
    assert (await boss.put("BILL", [bill("1", "9" * 4301)] * 2, sequence=2))["result"] == "partial"


# --- defect 27: missing and late -------------------------------------------------------------------------------------


def _told(boss: Night, verb: str) -> list[str]:
    return [e["data"]["file"] for e in boss.producer.of("feed.events") if e["type"] == f"kam.feed.file.{verb}.v1"]


async def test_defect_27_a_data_file_without_control_file_is_told_once_and_stays_visible(tmp_path: Path) -> None:
    store, producer = MemoryStore(), Producer()
    name = write_pair(tmp_path / "inbox", "BILL", CITY, DAY, 1, [bill()], only=[".dat.gz"])
    for _ in range(2):
        async with night(tmp_path, store, producer=producer, half=0.1) as boss:
            await eventually(lambda: boss.loader._told)
            await eventually(lambda: _told(boss, "missing"))
            (here,) = json.loads(json.dumps(await boss.loader.status(name)))
            assert (here["file"], here["result"]) == (f"{name}.dat.gz", "waiting") and "deliver the .chk" in here[
                "reason_en"
            ]
            assert boss.loader.listing() == [here]
    assert _told(boss, "missing") == [f"{name}.chk"]
    write_pair(tmp_path / "inbox", "BILL", CITY, DAY, 1, [bill()], only=[".chk"])
    async with night(tmp_path, store, producer=producer) as boss:
        assert (await boss.receipt(name))["result"] == "accepted"
        assert boss.loader.listing() == []


async def test_defect_27_gaps_late_files_and_nights_without_a_snapshot_are_told(boss: Night) -> None:
    await boss.put("CUST", [customer()], "2026-05-30", 1)
    await boss.put("BILL", [bill()], "2026-05-30", 1)
    await boss.put("BILL", [bill()], "2026-05-31", 3)
    assert _told(boss, "missing") == ["BILL_320100_20260531_0003.dat.gz"]
    await boss.put("BILL", [bill(amount=5)], "2026-05-30", 2)
    assert _told(boss, "late") == ["BILL_320100_20260530_0002.dat.gz"]
    # A new night begins, and no customers came in the last.
    await boss.put("BILL", [bill("9")], "2026-06-01", 4)
    assert _told(boss, "missing")[1:] == ["CUST_320100_20260531_0002.dat.gz"]
    await boss.put("BILL", [bill("8")], "2026-06-02", 5)
    assert len(_told(boss, "missing")) == 2 and len(_told(boss, "late")) == 1


async def test_two_loaders_of_one_inbox_take_turns(tmp_path: Path) -> None:
    """What the other has in .work is not an interrupted file of one's own: both loaded it, each into its store."""
    async with night(tmp_path, rows=1) as first:
        name = write_pair(first.inbox, "BILL", CITY, DAY, 1, [bill(str(n)) for n in range(20)])
        await eventually(lambda: len(first.events()) >= 2, every=0)
        async with night(tmp_path) as second:
            assert (await first.receipt(name))["loaded"] == 20
            assert second.events() == [] and await second.loader.status(name) == []
            assert second.loader.waiting()


async def test_folders_on_other_file_systems_get_their_files(boss: Night, monkeypatch: Any) -> None:
    """partial/ mounted from elsewhere: a reject file could not be renamed into it, and nothing was loaded any more."""
    replace = Path.replace

    def across(path: Path, target: Path) -> Path:
        if path.parent != target.parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", across)
    name = write_pair(boss.inbox, "BILL", CITY, DAY, 1, [bill("1"), bill("2", "bad")])
    assert (await boss.receipt(name))["result"] == "partial"
    for suffix in (".dat.gz", ".chk", ".rcp", ".rej"):
        assert boss.path("partial", name + suffix).exists()


@pytest.mark.long
async def test_a_thousand_strays_do_not_hold_up_the_pairs(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(loader_module, "_A_ROUND", 3)
    (tmp_path / "inbox").mkdir()
    for n in range(60):
        (tmp_path / "inbox" / f"stray-{n}").write_text("?")
    write_pair(tmp_path / "inbox", "BILL", CITY, DAY, 1, [bill()])
    async with night(tmp_path, grace=0.0) as boss:
        await eventually(boss.events, every=0)
        assert len(list(os.scandir(boss.inbox))) > 30
        await eventually(lambda: not boss.loader.waiting(), timeout=60)
        assert len(list(os.scandir(tmp_path / "rejected"))) == 3 * 60
