"""Events into rows: what each gives, in any order and any number of times; what can't be read; who moves along."""

import itertools
import random
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.registry import EVENTS
from gateway.projection.fewest import fewest
from gateway.projection.follow import TOPICS
from gateway.projection.rows import _HANDLERS, Unreadable
from gateway.projection.schema import NEVER
from harness.read_model import (
    ROWS,
    alert,
    alert_data,
    at,
    customer,
    everything,
    left,
    manager,
    message,
    opened,
    rows_of,
    sms,
    table,
    unit,
    work,
)
from servicekit.envelope import Message

ALERT = "SELECT state, open, stage, outcome, due_at, revision FROM alerts"
STORIES: list[tuple[str, list[Message], str, list[tuple[Any, ...]]]] = [
    ("raised", [alert("raised")], ALERT, [("raised", 1, "reminder", None, NEVER, 1)]),
    (
        "a rule of staff asks for attention",
        [
            alert(
                "raised",
                kind="attention",
                stage=None,
                values={"balance_balance_fen": 100, "balance_balance_fen_limit": 1000, "arrears_suspended": False},
                period="202603",
            )
        ],
        "SELECT kind, state, open, stage, amount_fen FROM alerts",
        [("attention", "raised", 1, None, None)],
    ),
    (
        "what a rule in shadow raises is no alert",
        [
            alert("shadow.raised", "x1", kind="churn_warning", shadow=True),
            alert("shadow.resolved", "x1", 2, "resolved", kind="churn_warning", outcome="withdrawn", at=at(1)),
        ],
        "SELECT alert_id, open, outcome, rule_id, (SELECT count(*) FROM alerts) FROM shadow_alerts",
        [("x1", 0, "withdrawn", "arrears", 0)],
    ),
    (
        "a step further",
        [alert("raised"), alert("changed", revision=2, stage="final_notice")],
        ALERT,
        [("raised", 1, "final_notice", None, NEVER, 2)],
    ),
    (
        "taken, and a step further: it stays taken",
        [
            alert("raised"),
            alert("acknowledged", state="acknowledged", at=at(1)),
            alert("changed", revision=2, stage="final_notice", at=at(2)),
        ],
        ALERT,
        [("acknowledged", 1, "final_notice", None, NEVER, 2)],
    ),
    (
        "taken of what had gone a step further meanwhile",
        [
            alert("raised"),
            alert("changed", revision=2, stage="final_notice", at=at(2)),
            alert("acted", state="acted", at=at(3)),
        ],
        ALERT,
        [("acted", 1, "final_notice", None, NEVER, 2)],
    ),
    (
        "resolved, and a word that comes late",
        [
            alert("raised"),
            alert("resolved", revision=2, state="resolved", outcome="cleared", at=at(2)),
            alert("acted", state="acted", at=at(3)),
        ],
        ALERT,
        [("resolved", 0, "reminder", "cleared", NEVER, 2)],
    ),
    (
        "reopened: what was done before does not count",
        [
            alert("raised"),
            alert("acted", state="acted", at=at(1)),
            alert("resolved", revision=2, state="resolved", outcome="closed", at=at(2)),
            alert("changed", revision=3, reopened=True, at=at(3)),
            alert("acted", state="acted", at=at(4)),
        ],
        ALERT,
        [("raised", 1, "reminder", None, NEVER, 3)],
    ),
    (
        "due when its work item is, whichever comes first",
        [alert("raised"), work("opened"), work("due_changed", revision=2, due_at=at(90))],
        ALERT,
        [("raised", 1, "reminder", None, at(90), 1)],
    ),
    (
        "the work item was faster",
        [work("opened"), alert("raised")],
        ALERT,
        [("raised", 1, "reminder", None, at(60), 1)],
    ),
    (
        "escalated until it ends",
        [alert("raised"), alert("escalated", at=at(1))],
        "SELECT state, escalated FROM alerts",
        [("raised", 1)],
    ),
    (
        "how far up: the furthest counts",
        [
            alert("raised"),
            alert("escalated", at=at(1), escalation={"level": "city_head"}),
            alert("escalated", at=at(2), escalation={"level": "head"}),
        ],
        "SELECT escalated FROM alerts",
        [(2,)],
    ),
    (
        "how far up for which cause",
        [
            alert("raised"),
            alert("escalated", at=at(1), escalation={"level": "city_head", "cause": "not_acknowledged"}),
            alert("acknowledged", at=at(2), state="acknowledged"),
            alert("escalated", at=at(3), state="acknowledged", escalation={"level": "head", "cause": "not_begun"}),
            alert("escalated", at=at(4), state="acknowledged", escalation={"level": "moon", "cause": "boredom"}),
        ],
        "SELECT not_acknowledged, not_begun, escalated FROM alerts",
        [(2, 1, 2)],
    ),
    (
        "a new life begins below",
        [
            alert("raised"),
            alert("escalated", at=at(1), escalation={"level": "province"}),
            alert("resolved", revision=2, state="resolved", outcome="closed", at=at(2)),
            alert("changed", revision=3, reopened=True, at=at(3)),
        ],
        "SELECT escalated FROM alerts",
        [(0,)],
    ),
    (
        "held by maintenance until it is told",
        [alert("raised", suppressed={"reason": "割接", "until": at(9)}), work("opened", calendar={"id": "office"})],
        "SELECT suppressed, json_extract(CAST(shown AS TEXT), '$.suppressed.reason'),"
        " (SELECT json_extract(CAST(calendar AS TEXT), '$.id') FROM work) FROM alerts",
        [(1, "割接", "office")],
    ),
    (
        "what a row shows",
        [alert("raised")],
        "SELECT amount_fen, json_extract(shown, '$.evidence'), json_extract(shown, '$.reasons[0].code') FROM alerts",
        [(12900, 1, "arrears")],
    ),
    (
        "work in hand and closed",
        [work("opened", manager_id=None, queue="city:320100"), work("accepted", revision=2, state="accepted")],
        "SELECT state, open, holder_id, queue FROM work",
        [("accepted", 1, "m1", None)],
    ),
    (
        "an SMS: the number masked, no text",
        [sms("planned"), sms("delivered", revision=4, state="delivered")],
        "SELECT state, phone FROM sms",
        [("delivered", "139****0123")],
    ),
    (
        "a customer: of the number the last digits",
        [customer()],
        "SELECT name, phone, phone_tail, name_sort, known FROM customers",
        [("王小明", "139****0123", "0123", "wangxiaoming", 1)],
    ),
    (
        "a customer's unit is the manager's",
        [customer(), manager()],
        "SELECT manager_id, unit_id FROM customers",
        [("m1", "u1")],
    ),
    ("the manager came first", [manager(), customer()], "SELECT manager_id, unit_id FROM customers", [("m1", "u1")]),
    (
        "the manager moves on to another unit",
        [manager(), customer(), alert("raised"), manager(revision=2, unit_id="u2")],
        "SELECT c.unit_id, a.unit_id FROM customers c JOIN alerts a USING (customer_id)",
        [("u2", "u2")],
    ),
    (
        "another manager takes all along",
        [
            manager(),
            manager("m2", unit_id="u2"),
            customer(),
            alert("raised"),
            work("opened"),
            sms("planned"),
            customer(revision=2, manager_id="m2", city="320200"),
        ],
        "SELECT a.manager_id, w.unit_id, s.city FROM alerts a, work w, sms s",
        [("m2", "u2", "320200")],
    ),
    ("left", [customer(), left()], "SELECT status, name FROM customers", [("left", "王小明")]),
    (
        "left, and a record that says nothing of it",
        [customer(), left(), customer(revision=3, status=None, time=at(1))],
        "SELECT status FROM customers",
        [("left",)],
    ),
    (
        "won back",
        [customer(), left(), customer(revision=3, time=at(1))],
        "SELECT status FROM customers",
        [("active",)],
    ),
    ("left, of whom nothing else is known", [left()], "SELECT status, known FROM customers", [("left", 1)]),
    ("only named by an alert", [alert("raised")], "SELECT customer_id, known FROM customers", [("c1", 0)]),
    (
        "of no number a search finds a part",
        [customer(phone="12")],
        "SELECT phone, phone_tail, phone_key FROM customers",
        [("****", None, None)],
    ),
]


@pytest.mark.parametrize(("story", "events", "sql", "told"), STORIES, ids=[story[0] for story in STORIES])
async def test_rows_of_events(
    tmp_path: Path, story: str, events: list[Message], sql: str, told: list[tuple[Any, ...]]
) -> None:
    store = await opened(tmp_path)
    await store.apply(rows_of(events), {})
    assert await table(store, sql) == told
    # All of it once more, as after a crash behind the rows and before the offsets of a producer.
    await store.apply(rows_of(events), {})
    assert await table(store, sql) == told


@pytest.mark.parametrize(("story", "events", "sql", "told"), STORIES, ids=[story[0] for story in STORIES])
async def test_topics_in_any_order(
    tmp_path: Path, story: str, events: list[Message], sql: str, told: list[tuple[Any, ...]]
) -> None:
    """Within a topic events stand in their order; which topic is read first is chance."""
    by_topic = [list(group) for _, group in itertools.groupby(sorted(events, key=_topic), key=_topic)]
    for number, order in enumerate(itertools.permutations(by_topic)):
        store = await opened(tmp_path / str(number))
        for group in order:
            await store.apply(rows_of(group), {})
        assert await table(store, sql) == told


async def test_what_is_later_by_both_begins_anew(tmp_path: Path) -> None:
    """Revisions begin at 1 again where detection has lost store and journal."""
    store = await opened(tmp_path)
    events = [alert("raised", revision=7), alert("changed", revision=1, stage="suspended", at=at(9))]
    await store.apply(rows_of(events), {})
    assert await table(store, "SELECT stage, revision FROM alerts") == [("suspended", 1)]


def _topic(event: Message) -> str:
    return EVENTS[event.type].topic


@given(st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_repeats_and_old_events_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, rng: random.Random
) -> None:
    """A producer that was killed sends the end of what it had sent again; so may several."""
    events = [
        work("opened"),
        work("accepted", revision=2, state="accepted", at=at(1)),
        work("acted", revision=3, state="acted", at=at(2)),
        work("closed", revision=4, state="closed", outcome="paid", at=at(3)),
        work("reopened", revision=5, state="accepted", at=at(4)),
    ]
    told: list[Message] = []
    for number, event in enumerate(events):
        told.append(event)
        if rng.random() < 0.5:
            told += events[rng.randrange(number + 1) : number + 1]
    once, again = await opened(tmp_path_factory.mktemp("once")), await opened(tmp_path_factory.mktemp("again"))
    await once.apply(rows_of(events), {})
    await again.apply(rows_of(told), {})
    assert await everything(once) == await everything(again)


_STATES = st.sampled_from(["queued", "sent"])
_SMS = st.tuples(st.sampled_from(["s1", "s2"]), st.integers(1, 5), _STATES, st.integers(0, 5))
_TOLD = "SELECT sms_id, revision, at, state, city FROM sms ORDER BY sms_id"
_ALERTS = st.tuples(
    st.sampled_from(["raised", "changed", "delivered", "acknowledged", "escalated"]),
    st.sampled_from(["a1", "a2"]),
    st.integers(1, 4),
    st.sampled_from(["reminder", "final_notice"]),
    st.integers(0, 5),
)


@given(st.lists(_SMS | st.none(), max_size=12), st.integers(0, 12))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_fewest_rows_of_a_batch_come_to_the_same(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[str, int, str, int] | None], cut: int
) -> None:
    """In whatever order revisions and times come, and wherever one batch ends and the next begins."""
    events = [
        customer() if each is None else sms("planned", each[0], each[1], each[2], at=at(each[3])) for each in told
    ]
    one_by_one, batches = await opened(tmp_path_factory.mktemp("all")), await opened(tmp_path_factory.mktemp("few"))
    await one_by_one.apply(rows_of(events), {})
    for batch in (events[:cut], events[cut:]):
        await batches.apply(fewest(rows_of(batch)), {})
    assert await table(batches, _TOLD) == await table(one_by_one, _TOLD)
    assert await everything(batches) == await everything(one_by_one)


@given(st.lists(_ALERTS, max_size=12), st.integers(0, 12))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_fewest_rows_of_alerts_come_to_the_same(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[str, str, int, str, int]], cut: int
) -> None:
    events = [
        alert(
            verb, id_, revision, verb if verb == "acknowledged" else "raised", stage=stage, at=at(minute),
            escalation={"level": "head", "at": at(minute)} if verb == "escalated" else None,
        )
        for verb, id_, revision, stage, minute in told
    ]  # fmt: skip
    one_by_one, batches = await opened(tmp_path_factory.mktemp("all")), await opened(tmp_path_factory.mktemp("few"))
    await one_by_one.apply(rows_of(events), {})
    for batch in (events[:cut], events[cut:]):
        await batches.apply(fewest(rows_of(batch)), {})
    assert await everything(batches) == await everything(one_by_one)


def test_an_alert_delivered_within_a_batch_is_one_row() -> None:
    events = [alert("raised", revision=2), alert("delivered", revision=2), alert("delivered", "a2")]
    progress = ["alert progress", "alert heard of"]
    assert [name for name, _ in fewest(rows_of(events))] == [
        "customer named", "alert", *progress, "alert told", *progress
    ]  # fmt: skip


async def test_an_alert_that_comes_with_its_work_is_changed_once(tmp_path: Path) -> None:
    """Read in the order of ``TOPICS``, its row is the last, and due with the work at once."""
    store = await opened(tmp_path)
    events = sorted([alert("raised"), work("opened", due_at=at(60))], key=lambda event: TOPICS.index(_topic(event)))
    rows = list(rows_of(events))
    await store.apply(rows, {})
    assert rows[-1][0] == "alert"
    assert await table(store, "SELECT due_at, seq FROM alerts") == [(at(60), len(rows))]


def test_an_sms_sent_within_a_batch_is_one_row() -> None:
    events = [sms("planned"), sms("intended", revision=2), sms("submitted", revision=3), sms("planned", "s2")]
    rows = list(fewest(rows_of(events)))
    assert [name for name, _ in rows] == ["customer named", "sms", "sms"]
    assert [row["revision"] for name, row in rows if name == "sms"] == [3, 1]


def test_every_event_of_the_topics_is_known() -> None:
    own = {name for name, event in EVENTS.items() if event.topic in ("alert.events", "work.events", "sms.outbound")}
    assert own - {"kam.clock.ticked.v1"} <= _HANDLERS.keys() <= EVENTS.keys()


@pytest.mark.parametrize("type_", sorted(_HANDLERS))
def test_golden_examples_can_be_read(type_: str) -> None:
    import json

    path = Path(__file__).parents[2] / "schemas" / "examples" / f"{type_}.json"
    assert ROWS.of_event(message(type_, json.loads(path.read_text())["data"]))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"alert_id": 7}',
        b"[" * 100_000,
        msgspec.json.encode(alert_data(raised_at="yesterday")),
        msgspec.json.encode(alert_data(revision=1 << 70)),
        b'{"alert_id": "\\ud800"' + msgspec.json.encode(alert_data())[8:],
    ],
)
def test_what_can_not_be_read_is_said(body: bytes) -> None:
    with pytest.raises(Unreadable):
        ROWS.of_event(message("kam.alert.raised.v1", body))


def test_a_revision_that_is_none_is_said() -> None:
    bad = customer()
    bad.headers["ce_revision"] = b"many"
    with pytest.raises(Unreadable):
        ROWS.of_event(bad)


@pytest.mark.parametrize(
    "text",
    ["'; DROP TABLE alerts; --", "a\x00b", "\u202e\u2028\x85", "😀" * 300, "x" * 4000, "\U0010ffff", "=1+1", "*", '"'],
)
async def test_hostile_texts_stay_texts(tmp_path: Path, text: str) -> None:
    store = await opened(tmp_path)
    events = [customer(name=text, manager_id=text, district=text), alert("raised", stage=text, kind=text)]
    _, refused = await store.apply(rows_of(events), {"t/0": 1})
    assert refused == 0
    assert await table(store, "SELECT name, manager_id FROM customers") == [(text, text)]
    assert await table(store, "SELECT kind, stage FROM alerts") == [(text, text)]


async def test_huge_numbers_in_what_is_only_shown(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    values = {"amount_fen": True, "other": 10**30, "deep": "x"}
    _, refused = await store.apply(rows_of([alert("raised", values=values)]), {})
    assert refused == 0
    assert await table(store, "SELECT amount_fen FROM alerts") == [(None,)]


async def test_a_row_that_no_table_takes_keeps_nobody_else_out(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    bad = ("unit", {"unit_id": "u9", "nothing": 1})
    seq, refused = await store.apply([*ROWS.of_event(unit()), bad, *ROWS.of_event(unit("u2"))], {"t/0": 3})
    assert (seq, refused) == (3, 1)
    assert await table(store, "SELECT unit_id FROM units ORDER BY 1") == [("u1",), ("u2",)]


async def test_rows_and_offsets_are_one(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    await store.apply(rows_of([unit()]), {"boss.events/0": 1})

    def interrupted() -> Any:
        yield from ROWS.of_event(unit("u2"))
        raise RuntimeError("killed here")

    with pytest.raises(RuntimeError):
        await store.apply(interrupted(), {"boss.events/0": 2})
    assert await table(store, "SELECT unit_id FROM units") == [("u1",)]
    await store.close()
    again = await opened(tmp_path)
    assert (await again.open()).offsets == {"boss.events/0": 1}
    seq, _ = await again.apply(rows_of([unit("u2")]), {"boss.events/0": 2})
    assert seq == 2


async def test_a_file_of_another_version_or_secret_or_none_at_all_is_made_anew(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    await store.apply(rows_of([unit()]), {"boss.events/0": 1}, whole="1")
    await store.close()
    other = type(store)(tmp_path, "another secret")
    assert (await other.open()).offsets == {}
    await other.close()
    (tmp_path / "projection.sqlite").write_bytes(b"no database at all" * 500)
    for name in ("-wal", "-shm"):
        (tmp_path / f"projection.sqlite{name}").unlink(missing_ok=True)
    third = type(store)(tmp_path, ROWS.identity)
    with pytest.raises(Exception, match="not a database"):
        await third.open()
    assert (await third.open()).offsets == {}
    assert await table(third, "SELECT count(*) FROM customers") == [(0,)]


async def test_readers_see_the_new_file(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    await store.apply(rows_of([unit()]), {})
    assert await table(store, "SELECT count(*) FROM units") == [(1,)]
    await store.begin_anew({"boss.events/0": 5})
    assert await table(store, "SELECT count(*) FROM units") == [(0,)]
    assert await table(store, "SELECT * FROM offsets") == [("boss.events/0", 5)]


async def test_a_query_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gateway.projection import store as module
    from servicekit.decision import Refused

    store = await opened(tmp_path)
    monkeypatch.setattr(module, "QUERY_SECONDS", 0.05)
    endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    with pytest.raises(Refused) as refused:
        await table(store, endless)
    assert refused.value.status == 503
    assert await table(store, "SELECT 1") == [(1,)]


async def test_queries_can_not_write(tmp_path: Path) -> None:
    from servicekit.decision import Refused

    store = await opened(tmp_path)
    with pytest.raises(Refused):
        await table(store, "DELETE FROM units")
    assert sqlite3.sqlite_version_info >= (3, 35)
