"""Every bad pair of files gets a clear answer in two languages, is kept as it came, and hurts nothing else."""

from typing import Any

import pytest

from harness.boss_files import COLUMNS, write_pair
from integration.house import House, Month, Row

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(180)]

BILL = COLUMNS["BILL"].split()
# what is wrong with the pair, and what the answer must name: in Chinese, in English
BAD_PAIRS: dict[str, tuple[Row, str, str]] = {
    "checksum": ({"control": {"sha256": "0" * 64}}, "校验和", "checksum"),
    "rows": ({"control": {"rows": 3}}, ".chk 声明 3", "the .chk says 3"),
    "amount": ({"control": {"amount_fen": 9}}, "相差", "amounts add up to"),
    "truncated": ({"damage": lambda packed: packed[:-12]}, "截断", "truncated"),
    "gb18030 as utf-8": ({"written_in": "gb18030"}, "encoding 可能应为 gb18030", "declare gb18030"),
    "utf-8 as gb18030": ({"encoding": "gb18030", "written_in": "utf-8"}, "utf-8", "declare utf-8"),
    "missing column": ({"columns": [c for c in BILL if c != "due_on"]}, "缺列：due_on", "lacks due_on (line 1"),
}


def test_bad_pairs_are_turned_away_whole_and_the_rest_is_loaded(house: House, month: Month) -> None:
    folder, day = house.folder(month), month.day(2)
    rows = [month.bill(n, 1000 + n) for n in range(1, 40)]
    write_pair(folder, "CUST", month.city(), day, 1, [month.profile(n) for n in range(1, 40)])
    names: dict[str, str] = {}
    for number, (what, (how, _, _)) in enumerate(BAD_PAIRS.items(), 1):
        kind, some = ("CUST", [month.profile(n) for n in (1, 2)]) if "utf-8" in what else ("BILL", rows)
        more = how if kind == "BILL" else {**how, "columns": COLUMNS["CUST"].split()}
        names[what] = write_pair(folder, kind, month.city(1), day, number, some, **more)
    good = write_pair(folder, "BILL", month.city(), day, 1, rows)
    kept = {name: (folder / f"{name}.dat.gz").read_bytes() for name in names.values()}

    receipts = {r["file"].removesuffix(".dat.gz"): r for r in house.deliver(folder)}
    assert (receipts[good]["result"], receipts[good]["loaded"]) == ("accepted", 39)
    for what, (_, zh, en) in BAD_PAIRS.items():
        name = names[what]
        receipt = receipts[name]
        assert (receipt["result"], receipt["loaded"]) == ("rejected", 0), receipt
        assert zh in receipt["reason_zh"] and en in receipt["reason_en"], receipt
        why = house.result("rejected", f"{name}.why")
        assert receipt["reason_zh"] in why and receipt["reason_en"] in why and f"{name}.dat.gz" in why
        assert (house.boss / "rejected" / f"{name}.dat.gz").read_bytes() == kept[name]
        assert (house.boss / "rejected" / f"{name}.chk").exists()
    assert bills_counted(house, month) == 39
    # Mended, under the same name, one of them is taken; it says nothing new.
    mended = house.folder(month, "mended")
    write_pair(mended, "BILL", month.city(1), day, 1, rows)
    (receipt,) = house.deliver(mended)
    assert (receipt["result"], receipt["loaded"], receipt["unchanged"]) == ("accepted", 0, 39)
    assert bills_counted(house, month) == 39


def bills_counted(house: House, month: Month) -> int:
    """Changes of bills that analytics has counted on the day of these tests."""
    counts = house.get("counts", kind="boss.bill.issued", day=str(month.day(3)))
    return sum(c["count"] for c in counts if c["city"] in (month.city(), None))


def test_bad_rows_stand_beside_the_file_with_line_field_value_and_reason(house: House, month: Month) -> None:
    folder, day = house.folder(month), month.day(2)
    write_pair(folder, "CUST", month.city(), day, 1, [month.profile(n) for n in (1, 2)])
    rows: list[Any] = [
        month.bill(1, 1000),
        month.bill(2, "12.5"),
        f"{month.customer(3)}|{month.period()}|{day}",
        month.bill(4, 100, period="202613"),
        month.bill(5, 500),
        month.bill(6, 100, issued_on=str(month.day(20))),
    ]
    name = write_pair(folder, "BILL", month.city(), day, 1, rows, columns=[*BILL, "colour"])
    _, receipt = house.deliver(folder)
    assert (receipt["result"], receipt["rows_read"], receipt["loaded"], receipt["rejected"]) == ("partial", 6, 2, 4)
    assert receipt["unknown_customer"] == 1
    notes = " ".join(receipt["notes"])
    assert "多余的列" in notes and "extra columns not used: colour" in notes
    assert "合计未强制核对" in notes and "total not enforced" in notes
    head, *lines = [line.split("\t") for line in house.result("partial", f"{name}.rej").splitlines()]
    assert head == ["line", "field", "value", "reason"]
    assert [line[:2] for line in lines] == [["3", "amount_fen"], ["4", ""], ["5", "period"], ["7", "issued_on"]]
    assert lines[0][2] == "12.5"
    assert all(" / " in reason for *_, reason in lines)
    assert (house.boss / "partial" / f"{name}.dat.gz").exists()
    # A bill of a customer nobody knows waits for him; the alert comes with his profile.
    assert house.alerts(month.customer(5)) == []


def test_what_waits_for_a_customer_is_judged_when_he_arrives(house: House, month: Month) -> None:
    one = month.customer(1)
    folder = house.folder(month)
    bills = [month.bill(1, amount, back) for back, amount in ((1, 700), (2, 1000), (3, 1000), (4, 1000))]
    write_pair(folder, "BILL", month.city(), month.day(2), 1, bills)
    (receipt,) = house.deliver(folder)
    assert (receipt["result"], receipt["loaded"], receipt["unknown_customer"]) == ("accepted", 4, 4)
    assert house.alerts(one) == []
    house.accept(month.newcomer(day=3))
    assert (house.alert(one)["kind"], house.alert(one)["period"]) == ("churn_warning", month.period(1))


def test_the_same_file_twice_and_the_same_sequence_with_other_content(house: House, month: Month) -> None:
    folder, other = house.folder(month), house.folder(month, "other")
    write_pair(folder, "CUST", month.city(), month.day(2), 1, [month.profile()])
    name = write_pair(folder, "ARR", month.city(), month.day(2), 1, [month.debt(1, 5000, 2)])
    assert write_pair(other, "ARR", month.city(), month.day(2), 1, [month.debt(1, 7000, 2)]) == name
    assert [r["result"] for r in house.deliver(folder, name)] == ["accepted"]
    assert [(r["result"], r["loaded"]) for r in house.deliver(folder, name)] == [("duplicate", 0)]
    (receipt,) = house.deliver(other, name)
    assert receipt["result"] == "rejected"
    assert "更正请用下一个序号" in receipt["reason_zh"] and "next sequence" in receipt["reason_en"]
    assert (house.boss / "rejected" / f"{name}.dat.gz").read_bytes() == (other / f"{name}.dat.gz").read_bytes()
    house.deliver(folder)
    assert house.alert(month.customer(1))["values"]["amount_fen"] == 5000


def test_a_control_file_without_its_data(house: House, month: Month) -> None:
    folder = house.folder(month)
    name = write_pair(folder, "BILL", month.city(), month.day(2), 1, [month.bill(1, 5)], only=[".chk"])
    (receipt,) = house.deliver(folder, name)
    assert receipt["result"] == "rejected"
    assert "只有 .chk" in receipt["reason_zh"] and f"a .chk without {name}.dat.gz" in receipt["reason_en"]
    assert (house.boss / "rejected" / f"{name}.chk").exists()
