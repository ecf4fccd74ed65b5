"""From an alert to a manager's work item and back: one item an alert, whatever the order and however often."""

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from harness.one_processor import NOON, header
from harness.work_items import RULES, WORK, Desk, alert
from manager_work import worker
from manager_work.domain import LOG_KEPT, WAITING_KEPT, Ended, Item, Manager, work_id_of
from servicekit.decision import Refused


@pytest.fixture
async def desk() -> Desk:
    desk = Desk(worker.app(RULES, 4), *worker.TOPICS)
    await desk.open()
    return desk


# --- opening ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind, severity, due_at, work, hours",
    [
        ("churn_warning", "major", None, "retention", 48),
        ("churn_warning", "critical", None, "retention", 24),
        ("arrears", "minor", None, "dunning", 72),
        ("contract_expiring", "minor", None, "renewal", 168),
        ("attention", "major", None, "attention", 72),
        ("complaint_opened", "major", NOON + timedelta(hours=30), "complaint_follow_up", 30),
        ("complaint_opened", "major", None, "complaint_follow_up", 48),
    ],
)
async def test_an_alert_means_work(desk: Desk, kind: str, severity: str, due_at: Any, work: str, hours: int) -> None:
    await desk.take(desk.alert("raised", kind=kind, severity=severity, due_at=due_at))
    item = await desk.item()
    assert (item["kind"], item["state"], item["queue"]) == (work, "new", "city:320100")
    assert item["due_at"] == (NOON + timedelta(hours=hours)).isoformat()


@pytest.mark.parametrize(
    "status, manager, queue", [("active", "m1", None), ("", "m1", None), ("left", None, "city:320100")]
)
async def test_to_the_manager_who_is_loaded_and_works(desk: Desk, status: str, manager: Any, queue: Any) -> None:
    await desk.take(desk.manager("m1", status), desk.alert("raised", manager_id="m1"))
    assert await desk.told() == [("opened", manager, queue)]


async def test_a_manager_who_comes_later_gets_what_waits_for_him(desk: Desk) -> None:
    await desk.take(
        desk.alert("raised", manager_id="m1"),
        desk.alert("raised", manager_id="m1", alert_id="a2", customer_id="c2"),
        desk.alert("raised", manager_id="m2", alert_id="a3", customer_id="c3"),
        desk.alert("raised", alert_id="a4", customer_id="c4"),
    )
    await desk.open()
    await desk.take(desk.manager("m1"))
    await desk.take(desk.manager("m1", "busy"))
    waiting = [("opened", None, "city:320100")] * 4
    assert await desk.told() == [*waiting, ("reassigned", "m1", None), ("reassigned", "m1", None)]
    assert (await desk.item())["manager_id"] == "m1"


async def test_a_manager_who_was_away_gets_what_waits_when_he_is_back(desk: Desk) -> None:
    await desk.take(desk.manager("m1", "left"), desk.alert("raised", manager_id="m1"))
    await desk.take(desk.manager("m1", "active"))
    assert await desk.told() == [("opened", None, "city:320100"), ("reassigned", "m1", None)]


async def test_a_late_alert_has_no_work(desk: Desk) -> None:
    await desk.take(desk.alert("raised", late=True), desk.alert("changed", late=True, reopened=True))
    assert await desk.events() == [] and await desk.rows.find("work") == []


async def test_one_item_an_alert_whatever_is_repeated(desk: Desk) -> None:
    await desk.take(*(desk.alert("raised", manager_id="m1", id=f"copy-{n}") for n in range(3)))
    await desk.take(desk.manager("m1"))
    await desk.take(desk.alert("raised", manager_id="m1", id="copy-4"), desk.alert("changed", id="copy-5"))
    assert [what for what, *_ in await desk.told()] == ["opened", "reassigned"]


# --- following the alert ----------------------------------------------------------------------------------------


async def test_closes_and_reopens_with_its_alert(desk: Desk) -> None:
    tomorrow = NOON + timedelta(days=1)
    await desk.take(desk.alert("raised"), desk.alert("resolved", outcome="withdrawn"))
    closed = await desk.item()
    assert (closed["state"], closed["outcome"], closed["log"][-1]["by"]) == ("closed", "withdrawn", None)
    await desk.take(desk.alert("changed", reopened=True, at=tomorrow))
    item = await desk.item()
    assert (item["state"], item["outcome"]) == ("new", None)
    assert item["due_at"] == (tomorrow + timedelta(hours=48)).isoformat()
    assert [what for what, *_ in await desk.told()] == ["opened", "closed", "reopened"]


async def test_reopens_as_accepted_where_it_had_been(desk: Desk) -> None:
    await desk.take(desk.alert("raised"))
    await desk.ask("accept", taker="m1")
    await desk.take(desk.alert("resolved", outcome="recovered"), desk.alert("changed", reopened=True))
    assert ((await desk.item())["state"], (await desk.item())["manager_id"]) == ("accepted", "m1")


async def test_a_manager_who_came_while_it_was_closed_has_it_when_it_reopens(desk: Desk) -> None:
    await desk.take(desk.alert("raised", manager_id="m1"), desk.alert("resolved", outcome="withdrawn"))
    await desk.take(desk.manager("m1"))
    await desk.take(desk.alert("changed", reopened=True, manager_id="m1"))
    assert [what for what, *_ in await desk.told()] == ["opened", "closed", "reopened", "reassigned"]
    assert (await desk.item())["manager_id"] == "m1"


async def test_a_change_of_a_resolved_alert_reopens_nothing(desk: Desk) -> None:
    """The manager closes while the detector, not knowing yet, adds a reason."""
    await desk.take(desk.alert("raised"))
    await desk.ask("close", outcome="retained")
    await desk.take(desk.alert("changed"))
    assert (await desk.item())["state"] == "closed"


async def test_the_due_time_follows_a_complaint(desk: Desk) -> None:
    first, second = NOON + timedelta(hours=48), NOON + timedelta(hours=60)
    await desk.take(
        desk.alert("raised", kind="complaint_opened", due_at=first),
        desk.alert("changed", kind="complaint_opened", due_at=second, stage="reopened"),
    )
    item = await desk.item()
    assert item["due_at"] == second.isoformat()
    assert [entry["what"] for entry in item["log"]] == ["opened", "due_changed"]
    *_, (type_, told) = await desk.events("work.events")
    assert (type_, told.due_at, told.revision) == ("kam.work.due_changed.v1", second, 2)


async def test_the_end_of_an_alert_without_item_is_nothing(desk: Desk) -> None:
    await desk.take(desk.alert("resolved", outcome="cleared"), desk.alert("expired"))
    assert await desk.events() == []


# --- what is older never overwrites (defect 7), and what is later does (25, 30, 31) ------------------------------


@pytest.mark.parametrize("verb", ["raised", "changed"])
async def test_an_older_alert_event_reopens_nothing(desk: Desk, verb: str) -> None:
    older = desk.alert(verb, reopened=True)
    await desk.take(desk.alert("raised"), desk.alert("resolved", outcome="cleared"), older)
    assert ((await desk.item())["state"], (await desk.item())["outcome"]) == ("closed", "cleared")


async def test_an_older_resolved_event_closes_nothing(desk: Desk) -> None:
    raised, resolved = desk.alert("raised"), desk.alert("resolved", outcome="withdrawn")
    await desk.take(raised, desk.alert("changed", reopened=True), resolved)
    assert (await desk.item())["state"] == "new"


async def test_a_raised_event_replayed_after_its_resolved_opens_no_work(desk: Desk) -> None:
    raised = desk.alert("raised")
    await desk.take(desk.alert("resolved", outcome="closed"))
    await desk.open()
    await desk.take(raised)
    assert await desk.events() == []
    await desk.take(desk.alert("changed", reopened=True))
    assert [what for what, *_ in await desk.told()] == ["opened"], "what is newer does"


async def test_an_older_mgr_record_changes_nothing(desk: Desk) -> None:
    day = timedelta(days=1)
    await desk.take(desk.manager("m1", "left", revision=2, time=NOON), desk.alert("raised", manager_id="m1"))
    await desk.take(desk.manager("m1", "active", revision=1, time=NOON - day))
    assert (await desk.item())["manager_id"] is None
    # A BOSS side that began to count anew is not older for it.
    await desk.take(desk.manager("m1", "active", revision=1, time=NOON + day))
    assert (await desk.item())["manager_id"] == "m1"


async def test_an_alert_raised_anew_after_400_days_reopens_its_item(desk: Desk) -> None:
    later = NOON + timedelta(days=500)
    await desk.take(desk.alert("raised"), desk.alert("resolved", outcome="closed"))
    await desk.take(desk.alert("raised", revision=1, at=later))
    assert [what for what, *_ in await desk.told()] == ["opened", "closed", "reopened"]
    assert ((await desk.item())["state"], (await desk.item())["outcome"]) == ("new", None)
    await desk.take(desk.alert("resolved", revision=2, at=later, outcome="closed"))
    assert (await desk.item())["state"] == "closed"


@pytest.mark.parametrize("verb", ["resolved", "changed"])
async def test_the_outcome_moves_with_its_alert_while_closed(desk: Desk, verb: str) -> None:
    await desk.take(desk.alert("raised"), desk.alert("resolved", outcome="superseded"))
    await desk.take(desk.alert(verb, outcome="recovered"), desk.alert("resolved", outcome="recovered"))
    assert (await desk.item())["outcome"] == "recovered"
    told = [(type_, work.outcome) for type_, work in await desk.events("work.events")]
    assert told[1:] == [("kam.work.closed.v1", "superseded"), ("kam.work.closed.v1", "recovered")]


async def test_a_managers_own_outcome_stays(desk: Desk) -> None:
    await desk.take(desk.alert("raised"))
    await desk.ask("close", outcome="retained")
    await desk.take(desk.alert("resolved", outcome="retained"))
    item = await desk.item()
    assert (item["outcome"], item["log"][-1]["by"]) == ("retained", "m1")


async def test_an_alert_that_ended_by_itself_while_a_manager_closed_its_item_says_the_outcome(desk: Desk) -> None:
    """Detection does not hear the manager any more: alert and item would contradict each other for ever."""
    await desk.take(desk.alert("raised"))
    await desk.ask("close", outcome="retained")
    await desk.take(desk.alert("resolved", outcome="left"))
    assert (await desk.item())["outcome"] == "left"
    told = [(type_, work.outcome) for type_, work in await desk.events("work.events")]
    assert told[1:] == [("kam.work.closed.v1", "retained"), ("kam.work.closed.v1", "left")]


async def test_a_moved_record_ends_the_old_customers_item_and_opens_the_new_ones(desk: Desk) -> None:
    await desk.take(desk.alert("raised"), desk.alert("resolved", outcome="withdrawn"))
    await desk.take(desk.alert("raised", alert_id="a1-moved", customer_id="c2"))
    old, new = await desk.item(), await desk.item(work_id_of("a1-moved"))
    assert (old["customer_id"], old["state"], old["outcome"]) == ("c1", "closed", "withdrawn")
    assert (new["customer_id"], new["state"]) == ("c2", "new")


async def test_a_kind_of_alert_that_staff_added_means_work_too(desk: Desk) -> None:
    await desk.take(desk.alert("raised", kind="something_new"))
    assert (await desk.item())["kind"] == "follow_up"


# --- people -----------------------------------------------------------------------------------------------------


async def test_accept_act_close_and_the_log_writes_itself(desk: Desk) -> None:
    await desk.take(desk.alert("raised"))
    assert (await desk.ask("accept", taker="m1")).manager_id == "m1", "who accepts from the queue has it"
    acted = await desk.ask("act", kind="visit", note="谈了新套餐")
    assert (acted.state, acted.action.kind, acted.action.by) == ("acted", "visit", "m1")
    closed = await desk.ask("close", outcome="retained", note="已办理")
    assert (closed.state, closed.outcome, closed.by) == ("closed", "retained", "m1")
    await desk.take(desk.alert("resolved", outcome="retained"))
    assert [what for what, *_ in await desk.told()] == ["opened", "accepted", "acted", "closed"], "no loop"
    log = (await desk.item())["log"]
    assert [(entry["what"], entry["by"], entry["kind"], entry["note"]) for entry in log] == [
        ("opened", None, None, None),
        ("accepted", "m1", None, None),
        ("acted", "m1", "visit", "谈了新套餐"),
        ("closed", "m1", None, "已办理"),
    ]


async def test_the_chain_of_causes_goes_back_to_the_alert(desk: Desk) -> None:
    await desk.take(desk.record("alert.events", "kam.alert.raised.v1", alert(), id="the-alert", correlation="file:B#7"))
    await desk.ask("accept")
    await desk.ask("close", outcome="retained")
    opened, accepted, closed = await desk.outbox()
    causes = [header(m, "ce_causationid") for m in (opened, accepted, closed)]
    assert causes == ["the-alert", header(opened, "ce_id"), header(accepted, "ce_id")]
    assert {header(m, "ce_correlationid") for m in (opened, accepted, closed)} == {"file:B#7"}
    assert {header(m, "ce_subject") for m in (opened, accepted, closed)} == {"c1"}


@pytest.mark.parametrize(
    "before, command, code",
    [
        ([], ("accept", {}), None),
        (["accept"], ("accept", {}), "work_accepted"),
        (["act"], ("accept", {}), "work_accepted"),
        ([], ("act", {"kind": "call"}), None),
        (["accept", "act"], ("act", {"kind": "call"}), None),
        ([], ("close", {"outcome": "lost"}), None),
        (["close"], ("close", {"outcome": "lost"}), "work_closed"),
        (["close"], ("act", {"kind": "call"}), "work_closed"),
        (["close"], ("accept", {}), "work_closed"),
    ],
)
async def test_what_may_follow_what(desk: Desk, before: list[str], command: tuple[str, Any], code: str | None) -> None:
    fields: dict[str, dict[str, Any]] = {"accept": {}, "act": {"kind": "call"}, "close": {"outcome": "other"}}
    await desk.take(desk.alert("raised"))
    for what in before:
        await desk.ask(what, **fields[what])
    count = len(await desk.outbox())
    answer = await desk.ask(command[0], **command[1])
    if code is None:
        assert not isinstance(answer, Exception) and len(await desk.outbox()) == count + 1
    else:
        assert isinstance(answer, Refused) and answer.code == code and answer.zh and answer.en
        assert len(await desk.outbox()) == count


async def test_an_acceptance_is_taken_back_by_whom_it_came_from(desk: Desk) -> None:
    await desk.take(desk.alert("raised"))
    await desk.ask("accept", taker="m1")
    other = await desk.ask("release", by="m2")
    assert isinstance(other, Refused) and (other.code, other.status) == ("cannot_be_undone", 409)
    released = await desk.ask("release")
    assert (released.state, released.manager_id, released.queue, released.by) == ("new", None, "city:320100", "m1")
    again = await desk.ask("release")
    assert isinstance(again, Refused) and again.code == "cannot_be_undone"
    await desk.take(desk.alert("resolved", outcome="closed"), desk.alert("changed", reopened=True))
    assert (await desk.item())["state"] == "new", "nobody has had it in hand"
    assert (await desk.ask("accept", taker="m2")).manager_id == "m2"
    assert [what for what, *_ in await desk.told()][:3] == ["opened", "accepted", "released"]


async def test_what_has_gone_on_since_cannot_be_undone(desk: Desk) -> None:
    await desk.take(desk.manager("m1"), desk.alert("raised", manager_id="m1"))
    await desk.ask("accept")
    await desk.take(desk.alert("changed", manager_id="m1", due_at=NOON + timedelta(days=9)))
    assert (await desk.ask("release")).manager_id == "m1", "a due time that moved is nobody's doing"
    await desk.ask("accept")
    await desk.ask("act", kind="call")
    assert isinstance(await desk.ask("release"), Refused)


async def test_released_it_waits_again_for_whom_it_waited(desk: Desk) -> None:
    await desk.take(desk.alert("raised", manager_id="m9"))
    await desk.ask("accept", taker="m1")
    assert await waiting(desk, "m9") == ()
    await desk.ask("release")
    assert await waiting(desk, "m9") == (WORK,)
    await desk.ask("accept", taker="m1")
    await desk.take(desk.manager("m9"))
    assert (await desk.ask("release")).manager_id is None
    assert (await desk.item())["manager_id"] == "m9", "who has come in the meantime gets it"


async def test_handed_over_it_is_new_to_who_gets_it(desk: Desk) -> None:
    await desk.take(desk.manager("m1"), desk.alert("raised", manager_id="m1"))
    await desk.ask("act", kind="call", result="no_answer", follow_up_on=date(2026, 7, 6))
    given = await desk.ask("hand_over", to="m2", note="他更熟")
    assert (given.state, given.manager_id) == ("new", "m2")
    same = await desk.ask("hand_over", to="m2")
    assert isinstance(same, Refused) and same.code == "already_theirs"
    log = (await desk.item())["log"]
    assert [(e["what"], e["result"], e["follow_up_on"], e["to"]) for e in log[1:]] == [
        ("acted", "no_answer", "2026-07-06", None),
        ("reassigned", None, None, "m2"),
    ]
    assert [what for what, *_ in await desk.told()] == ["opened", "acted", "reassigned"]


async def test_two_people_on_one_item(desk: Desk) -> None:
    await desk.take(desk.manager("m1"), desk.alert("raised", manager_id="m1"))
    seen = (await desk.item())["revision"]
    assert (await desk.ask("act", by="m1", kind="call", after=seen)).revision == 2
    clash = await desk.ask("close", by="h1", outcome="paid", after=seen)
    assert isinstance(clash, Refused) and clash.status == 412 and "m1" in clash.zh and "m1" in clash.en
    assert (await desk.ask("act", by="m1", kind="sms", after=seen)).revision == 3, "one's own doing is no clash"
    await desk.take(desk.alert("changed", manager_id="m1", due_at=NOON + timedelta(days=9)))
    assert (await desk.ask("act", by="h1", kind="visit", after=3)).revision == 5
    assert isinstance(await desk.ask("close", by="m1", outcome="paid", after=3), Refused)
    assert (await desk.ask("close", by="m1", outcome="paid", after=5)).state == "closed"


async def test_a_repeated_command_answers_the_same_and_changes_nothing(desk: Desk) -> None:
    await desk.take(desk.alert("raised"))
    first = await desk.ask("act", key="k1", kind="call", note="无人接听")
    await desk.ask("act", key="k2", kind="call", note="已接通")
    again = await desk.ask("act", key="k1", kind="call", note="无人接听")
    assert again == first and len(await desk.outbox()) == 3
    other = await desk.ask("close", key="k1", outcome="lost")
    assert isinstance(other, Refused) and other.code == "idempotency_key_used"
    assert (await desk.item())["state"] == "acted"


async def test_there_is_no_work_without_an_alert(desk: Desk) -> None:
    answer = await desk.ask("accept")
    assert isinstance(answer, Refused) and (answer.code, answer.status) == ("unknown_work", 404)


async def test_a_poison_alert_is_set_aside_and_the_rest_goes_on(desk: Desk) -> None:
    await desk.take(
        desk.record("alert.events", "kam.alert.raised.v1", b"{not json"),
        desk.record("alert.events", "kam.alert.raised.v1", b'{"alert_id": "a9"}'),
        desk.alert("raised"),
    )
    assert [m.topic for m in await desk.outbox()] == ["alert.events.manager-work.dlq"] * 2 + ["work.events"]


async def test_a_record_that_calls_itself_a_command_is_none(desk: Desk) -> None:
    body = {"alert_id": "a1", "by": "somebody", "outcome": "lost"}
    await desk.take(desk.alert("raised"), desk.record("alert.events", "close", msgspec.json.encode(body)))
    assert (await desk.item())["state"] == "new"
    assert [m.topic for m in await desk.outbox()] == ["work.events", "alert.events.manager-work.dlq"]


# --- bounds -----------------------------------------------------------------------------------------------------


async def test_a_log_keeps_its_opening_and_its_newest_lines(desk: Desk) -> None:
    """A document beyond 16 MiB could never be written again, and the service would stand still over it."""
    await desk.take(desk.alert("raised"))
    await desk.ask("accept")
    for n in range(LOG_KEPT + 20):
        await desk.ask("act", kind="call", note=f"{n}")
    log = (await desk.item())["log"]
    assert len(log) == LOG_KEPT and log[0]["what"] == "opened"
    assert [entry["note"] for entry in log[1:]] == [f"{n}" for n in range(21, LOG_KEPT + 20)]
    assert len(await desk.events("work.events")) == LOG_KEPT + 22, "the whole story is told"


async def test_who_has_had_it_in_hand_is_remembered_longer_than_its_log(desk: Desk) -> None:
    await desk.take(desk.alert("raised"))
    await desk.ask("accept")
    for _ in range(LOG_KEPT):
        await desk.take(desk.alert("resolved", outcome="closed"), desk.alert("changed", reopened=True))
    assert not any(entry["what"] == "accepted" for entry in (await desk.item())["log"])
    assert (await desk.item())["state"] == "accepted"


async def waiting(desk: Desk, manager_id: str = "m1") -> tuple[str, ...]:
    raw = (await desk.store.load([f"M/{manager_id}"]))[f"M/{manager_id}"]
    found = msgspec.msgpack.decode(raw, type=Item | Ended | Manager)
    assert isinstance(found, Manager)
    return found.waiting


async def test_nothing_closed_or_taken_waits_for_a_manager_who_never_comes(desk: Desk) -> None:
    for n in range(1, 4):
        await desk.take(desk.alert("raised", manager_id="m1", alert_id=f"a{n}"))
    assert len(await waiting(desk)) == 3
    await desk.take(desk.alert("resolved", manager_id="m1", alert_id="a2", outcome="cleared"))
    await desk.ask("accept", taker="m2")
    assert await waiting(desk) == (work_id_of("a3"),)
    await desk.take(desk.alert("changed", manager_id="m1", alert_id="a2", reopened=True))
    assert await waiting(desk) == (work_id_of("a3"), work_id_of("a2"))


async def test_so_many_wait_for_a_manager_and_no_more(desk: Desk) -> None:
    raised = [desk.alert("raised", manager_id="m1", alert_id=f"a{n}") for n in range(WAITING_KEPT + 10)]
    await desk.take(*raised)
    assert len(await waiting(desk)) == WAITING_KEPT
    await desk.take(desk.manager("m1"))
    items = await desk.rows.find("work")
    assert sum(item["manager_id"] == "m1" for item in items) == WAITING_KEPT
    assert sum(item["queue"] == "city:320100" for item in items) == 10, "the rest waits in the queue of its city"


@pytest.mark.parametrize(
    "type_", ["close", "accept", "release", "hand_over", "placed", "find", "leave", "wait", "is_known"]
)
async def test_a_record_that_calls_itself_a_command_speaks_in_nobodys_name(desk: Desk, type_: str) -> None:
    await desk.take(desk.alert("raised"))
    body = {"by": "m1", "outcome": "lost", "work_id": WORK, "manager_id": "m7", "alert": msgspec.to_builtins(alert())}
    await desk.take(desk.record("alert.events", type_, msgspec.json.encode({**body, "alert_id": "a1"}), key=WORK))
    assert [what for what, *_ in await desk.told()] == ["opened"]
    (letter,) = [m for m in await desk.outbox() if m.topic.endswith(".dlq")]
    assert letter.topic == "alert.events.manager-work.dlq"
