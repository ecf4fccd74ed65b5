"""Lists, counts and search over a small province: filters, orders, pages, and what somebody does not see."""

import asyncio
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.projection import lists, search
from gateway.projection.names import asked_words, search_words
from gateway.projection.store import ProjectionStore
from gateway.projection.visible import List, Visible
from harness.read_model import NOW, ROWS, alert, at, customer, manager, opened, rows_of, sms, unit, work
from servicekit.decision import Refused
from servicekit.query import write_cursor

ALL = Visible()
OWN = Visible("r.manager_id = ?", ("m2",))
DAY = 24 * 60


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> ProjectionStore:
    """Two cities; U1 over U11 and U12, U2; a manager each; customers c1 … c6, each with an alert, work and SMS."""

    async def make() -> ProjectionStore:
        store = await opened(tmp_path_factory.mktemp("province"))
        events = [unit("U1"), unit("U11", "U1"), unit("U12", "U1"), unit("U2", city="320200")]
        events += [manager("m1", unit_id="U11"), manager("m2", unit_id="U12"), manager("m3", unit_id="U2")]
        names = ["王小明", "曾华", "重庆长安汽车有限公司", "张伟", "John Smith", "欧阳娜娜"]
        managers = ["m1", "m1", "m2", "m3", "m3", None]
        kinds = ["arrears", "churn_warning", "arrears", "complaint_opened", "contract_expiring", "arrears"]
        # Overdue, later today, tomorrow, this week (Thursday), later, not due.
        due = [-30, 60, DAY, 2 * DAY, 20 * DAY, None]
        for n, (name, manager_id, kind, minutes) in enumerate(zip(names, managers, kinds, due, strict=True), 1):
            city = "320200" if manager_id == "m3" else "320100"
            corporate: dict[str, Any] = {"kind": "corporate"} if n == 3 else {}
            events.append(
                customer(f"c{n}", name=name, manager_id=manager_id, city=city, phone=f"1390100012{n}", **corporate)
            )
            about: dict[str, Any] = {"customer_id": f"c{n}", "alert_id": f"a{n}"}
            severity = ("critical", "major", "minor")[n % 3]
            values = {"amount_fen": n * 100} if n < 4 else {}
            common: dict[str, Any] = {"customer_id": f"c{n}", "kind": kind, "severity": severity, "values": values}
            held = {"suppressed": {"reason": "割接", "until": at(9)}} if n == 4 else {}
            events.append(alert("raised", f"a{n}", raised_at=at(-n), **common, **held))
            if minutes is not None:
                events.append(
                    work("opened", f"w{n}", due_at=at(minutes), opened_at=at(-n), **about, manager_id=manager_id)
                )
            events.append(sms("planned", f"s{n}", planned_at=at(-n), **about))
        events.append(alert("acknowledged", "a2", state="acknowledged", customer_id="c2", kind="churn_warning"))
        ended = {"outcome": "cleared", "at": at(1), "raised_at": at(-6), "severity": "critical", "values": {}}
        events.append(alert("resolved", "a6", 2, "resolved", customer_id="c6", **ended))
        events.append(alert("escalated", "a1", customer_id="c1", at=at(1)))
        await store.apply(rows_of(events), {})
        await store.analyse()
        return store

    return asyncio.run(make())


async def ids(
    store: ProjectionStore, list_: List, sort: str | None = None, visible: Visible = ALL, **asked: Any
) -> list[str]:
    where = lists.where(list_, visible, asked, NOW)

    def query(connection: sqlite3.Connection) -> list[str]:
        rows, total, _ = lists.page(connection, where, sort, None, 200)
        assert total == len(rows)
        return [row[where.spec.id] for row in rows]

    return await store.read(query)


@pytest.mark.parametrize(
    ("list_", "asked", "found"),
    [
        ("alerts", {}, "a1 a2 a3 a4 a5 a6"),
        ("alerts", {"state": "raised,acknowledged,acted"}, "a1 a2 a3 a4 a5"),
        ("alerts", {"state": "acknowledged"}, "a2"),
        ("alerts", {"state": "resolved"}, "a6"),
        ("alerts", {"open": "0"}, "a6"),
        ("alerts", {"kind": "arrears", "open": "1"}, "a1 a3"),
        ("alerts", {"kind": "arrears,churn_warning"}, "a1 a2 a3 a6"),
        ("alerts", {"severity": "critical"}, "a3 a6"),
        ("alerts", {"escalated": "1"}, "a1"),
        ("alerts", {"suppressed": "1"}, "a4"),
        ("alerts", {"suppressed": "0"}, "a1 a2 a3 a5 a6"),
        ("alerts", {"city": "320200"}, "a4 a5"),
        ("alerts", {"unit": "U1"}, "a1 a2 a3"),
        ("alerts", {"unit": "U12"}, "a3"),
        ("alerts", {"unit": "U12,U2"}, "a3 a4 a5"),
        ("alerts", {"unit": "none"}, "a6"),
        ("alerts", {"unit": "U2,none"}, "a4 a5 a6"),
        ("alerts", {"manager": "m1"}, "a1 a2"),
        ("alerts", {"manager": "none"}, "a6"),
        ("alerts", {"customer": "c4"}, "a4"),
        ("alerts", {"outcome": "cleared"}, "a6"),
        ("alerts", {"due": "overdue"}, "a1"),
        ("alerts", {"due": "today"}, "a2"),
        ("alerts", {"due": "tomorrow"}, "a3"),
        ("alerts", {"due": "week"}, "a4"),
        ("alerts", {"due": "later"}, "a5"),
        ("alerts", {"due": "none"}, "a6"),
        ("alerts", {"due": "overdue,later"}, "a1 a5"),
        ("alerts", {"since": at(-3)}, "a1 a2 a3"),
        ("alerts", {"since": at(-3), "until": at(-1)}, "a2 a3"),
        ("alerts", {"since": "2026-07-01"}, ""),
        ("alerts", {"period": "none"}, "a1 a2 a3 a4 a5 a6"),
        ("alerts", {"kind": 'no\'such "kind"'}, ""),
        ("work", {}, "w1 w2 w3 w4 w5"),
        ("work", {"holder": "m3", "due": "week"}, "w4"),
        ("work", {"alert": "a3"}, "w3"),
        ("work", {"type": "dunning", "state": "new"}, "w1 w2 w3 w4 w5"),
        ("work", {"queue": "none"}, "w1 w2 w3 w4 w5"),
        ("sms", {}, "s1 s2 s3 s4 s5 s6"),
        ("sms", {"alert": "a2", "state": "queued"}, "s2"),
        ("sms", {"unit": "U2"}, "s4 s5"),
        ("customers", {}, "c3 c5 c6 c1 c2 c4"),
        ("customers", {"kind": "corporate"}, "c3"),
        ("customers", {"manager": "m1,m3"}, "c5 c1 c2 c4"),
        ("customers", {"unit": "U1", "area": "urban"}, "c3 c1 c2"),
    ],
)
async def test_filters(province: ProjectionStore, list_: List, asked: dict[str, Any], found: str) -> None:
    order = {"alerts": None, "work": None, "sms": "-planned", "customers": None}[list_]
    assert await ids(province, list_, order, **asked) == found.split()


@pytest.mark.parametrize(
    ("list_", "sort", "found"),
    [
        ("alerts", "due", "a1 a2 a3 a4 a5 a6"),
        ("alerts", "-due", "a6 a5 a4 a3 a2 a1"),
        ("alerts", "severity", "a3 a6 a1 a4 a2 a5"),
        ("alerts", "-raised", "a1 a2 a3 a4 a5 a6"),
        ("alerts", "-amount", "a3 a2 a1 a6 a5 a4"),
        ("work", "opened", "w5 w4 w3 w2 w1"),
        ("customers", "name", "c3 c5 c6 c1 c2 c4"),
        ("customers", "-id", "c6 c5 c4 c3 c2 c1"),
    ],
)
async def test_orders(province: ProjectionStore, list_: List, sort: str, found: str) -> None:
    assert await ids(province, list_, sort) == found.split()


@pytest.mark.parametrize("list_", ["alerts", "work", "sms", "customers"])
@pytest.mark.parametrize("visible", [ALL, OWN, Visible("r.city = ?", ("320200",)), Visible("0")])
async def test_pages_are_the_whole_list_in_every_order(
    province: ProjectionStore, list_: List, visible: Visible
) -> None:
    where = lists.where(list_, visible, {}, NOW)
    for name in where.spec.sorts:
        for sort in (name, f"-{name}"):
            whole = await ids(province, list_, sort, visible)
            found, cursor = [], None
            while True:
                rows, total, cursor = await province.read(
                    lambda c, sort=sort, cursor=cursor: lists.page(c, where, sort, cursor, 2)  # type: ignore[misc]
                )
                assert total == len(whole) and len(rows) <= 2
                found += [row[where.spec.id] for row in rows]
                if cursor is None:
                    break
            assert found == whole


@pytest.mark.parametrize("list_", ["alerts", "work", "sms", "customers"])
async def test_what_somebody_does_not_see_is_not_counted(province: ProjectionStore, list_: List) -> None:
    seen = await ids(province, list_, visible=OWN)
    assert [id_[1:] for id_ in seen] == ["3"]
    for asked in ({}, {"manager": "m1"}, {"customer": "c1"}, {"unit": "U11"}, {"city": "320200"}):
        where = lists.where(list_, OWN, asked, NOW)
        facets = await province.read(lambda c, where=where: lists.facets(c, where, NOW))  # type: ignore[misc]
        assert facets["total"] == len(await ids(province, list_, visible=OWN, **asked)) == (0 if asked else 1)


async def test_counts(province: ProjectionStore) -> None:
    alerts = await _facets(province, "alerts")
    assert alerts["total"] == 6 and alerts["by"]["state"] == {"raised": 4, "acknowledged": 1, "resolved": 1}
    assert alerts["by"]["kind"] == {"arrears": 3, "churn_warning": 1, "complaint_opened": 1, "contract_expiring": 1}
    badges = {
        name: alerts[name] for name in ("open", "unacknowledged", "escalated", "suppressed", "overdue", "due_today")
    }
    assert badges == {"open": 5, "unacknowledged": 4, "escalated": 1, "suppressed": 1, "overdue": 1, "due_today": 1}
    work = await _facets(province, "work")
    assert (work["open"], work["unclaimed"], work["unacknowledged"]) == (5, 0, 5)
    assert (await _facets(province, "customers"))["by"]["kind"] == {"corporate": 1, "person": 5}
    assert (await _facets(province, "sms"))["by"] == {"state": {"queued": 6}, "reason": {"none": 6}}


async def _facets(store: ProjectionStore, list_: List) -> dict[str, Any]:
    where = lists.where(list_, ALL, {}, NOW)
    return await store.read(lambda c: lists.facets(c, where, NOW))


@pytest.mark.parametrize(
    ("list_", "asked"),
    [
        ("alerts", {"colour": "red"}),
        ("sms", {"due": "today"}),
        ("customers", {"since": "2026-01-01"}),
        ("alerts", {"due": "soon"}),
        ("alerts", {"since": "yesterday"}),
        ("alerts", {"kind": ""}),
        ("alerts", {"kind": ","}),
        ("alerts", {"kind": ",".join(map(str, range(lists.MOST_VALUES + 1)))}),
    ],
)
def test_filters_that_are_none(list_: List, asked: dict[str, str]) -> None:
    with pytest.raises(Refused) as refused:
        lists.where(list_, ALL, asked, NOW)
    assert refused.value.status == 422


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "AAAA", "W10", "WyJkdWUiXQ", "e30", "W1tdXQ", "%%%", "é" * 9, write_cursor(["due", 1 << 70, "a1"])],
)
async def test_cursors_that_are_none(province: ProjectionStore, cursor: str) -> None:
    where = lists.where("alerts", ALL, {}, NOW)
    with pytest.raises(Refused) as refused:
        await province.read(lambda c: lists.page(c, where, "due", cursor, 2))
    assert refused.value.status == 422


async def test_a_cursor_goes_with_its_order(province: ProjectionStore) -> None:
    where = lists.where("alerts", ALL, {}, NOW)
    _, _, cursor = await province.read(lambda c: lists.page(c, where, "due", None, 2))
    for sort in ("severity", "-due", "--due", "colour"):
        with pytest.raises(Refused):
            await province.read(lambda c, sort=sort: lists.page(c, where, sort, cursor, 2))  # type: ignore[misc]


async def test_units_in_a_ring_end(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    events = [unit("U1", "U2"), unit("U2", "U1"), unit("U3", "U3"), manager("m1", unit_id="U1"), customer()]
    await store.apply(rows_of(events), {})
    assert await ids(store, "customers", unit="U2") == ["c1"]
    assert await ids(store, "customers", unit="U3") == []


# --- search ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("c4", "c4"),
        ("王小明", "c1"),
        ("小明", "c1"),
        ("王小", "c1"),
        ("明", "c1"),
        ("曾华", "c2"),
        ("曾", "c2"),
        ("zeng", "c2"),
        ("zenghua", "c2"),
        ("zh", "c3 c2 c4"),
        ("xiaoming", "c1"),
        ("wang xiao", "c1"),
        ("wxm", "c1"),
        ("wangxm", "c1"),
        ("WXM", "c1"),
        ("ｗｘｍ", "c1"),
        ("chongqing", "c3"),
        ("cqca", "c3"),
        ("长安", "c3"),
        ("汽车有限公司", "c3"),
        ("smith", "c5"),
        ("JOHN s", "c5"),
        ("ouyang", "c6"),
        ("娜娜", "c6"),
        ("oynn", "c6"),
        ("0124", "c4"),
        ("13901000122", "c2"),
        ("+86 139-0100-0122", "c2"),
        ("13901000999", ""),
        ("  张伟 ", "c4"),
        ("zhw", ""),
        ("😀", ""),
        ("' OR 1=1 --", ""),
        ('"*', ""),
        ("NEAR(", ""),
        ("\x00", ""),
        ("%", ""),
        ("王 OR 曾", ""),
    ],
)
async def test_customers_are_found(province: ProjectionStore, text: str, found: str) -> None:
    assert await _search(province, ALL, text) == found.split()


async def test_search_sees_what_somebody_sees(province: ProjectionStore) -> None:
    assert await _search(province, OWN, "c") == ["c3"]
    for text in ("c1", "王小明", "wxm", "0121", "13901000121"):
        assert await _search(province, OWN, text) == []


async def test_the_surest_comes_first(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    people = [("王小明明", "x1"), ("王小明", "x2"), ("小王小明", "x3"), ("李四", "王小明")]
    await store.apply(rows_of([customer(id_, name=name) for name, id_ in people]), {})
    assert await _search(store, ALL, "王小明") == ["王小明", "x2", "x1", "x3"]


async def test_a_name_that_changes_is_found_by_the_new_one_only(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    await store.apply(rows_of([customer(), customer(revision=2, name="李四")]), {})
    assert (await _search(store, ALL, "小明"), await _search(store, ALL, "ls")) == ([], ["c1"])
    await store.apply(rows_of([customer(revision=3, name=None)]), {})
    assert await _search(store, ALL, "ls") == []


async def _search(store: ProjectionStore, visible: Visible, text: str) -> list[str]:
    key = ROWS.phone_key(text)
    rows = await store.read(lambda c: search.find_customers(c, visible, text, key, 20))
    return [row["customer_id"] for row in rows]


async def test_items_are_found_by_the_beginning_of_their_id(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    await store.apply(
        rows_of([customer(), alert("raised", "abcdef-1"), work("opened", "abcdef-2", alert_id="abcdef-1")]), {}
    )
    sights: dict[List, Visible] = {"alerts": ALL, "work": ALL, "sms": ALL}
    found = await store.read(lambda c: search.find_items(c, sights, "abcdef"))
    assert [(hit["list"], hit["id"], hit["customer_name"]) for hit in found] == [
        ("alerts", "abcdef-1", "王*"),
        ("work", "abcdef-2", "王*"),
    ]
    assert await store.read(lambda c: search.find_items(c, sights, "abcde")) == []
    assert await store.read(lambda c: search.find_items(c, dict.fromkeys(sights, OWN), "abcdef")) == []


@given(st.text(max_size=80), st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_any_part_of_a_name_finds_it(name: str, rng: random.Random) -> None:
    """Of each word any tail, as far as it is kept, and any beginning of that; for whatever characters there are."""
    words = search_words(name).split(" ")
    for asked in asked_words(name):
        tail = asked[rng.randrange(len(asked)) :] if not asked.isascii() else asked
        assert any(word.startswith(tail[:12]) for word in words)
    assert all(len(word) <= 24 for word in words) and len(words) < 64 * 10
