"""A stop holds back what waits, whatever the log is at; released, it leaves once."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from alerts.control_topic import ControlTopic, NotStopped
from alerts.notifications.blocked import Said
from alerts.notifications.channel.transport import SubmitOutcome
from alerts.notifications.state import AlertProgress, Notification, about
from alerts.notifications.stops import Stops
from contracts.alert import Reason, RuleRef
from contracts.control import RELEASED, STOPPED, TOPIC, Stop
from harness.control_topic import Topic
from harness.one_processor import NOON
from harness.sms_life import FakeSmsc, Process, complaint
from harness.waiting import eventually
from servicekit.decision import Refused
from servicekit.envelope import Message
from servicekit.memory_store import MemoryStore

TEMPLATE, KIND, RULE = "template/complaint-opened", "kind/complaint_opened", "rule/complaint-opened"


def word(what: str, type_: str = STOPPED, seconds: float = 0) -> Message:
    body = msgspec.json.encode(Stop(what=what, by="li", why="wrong", at=NOON + timedelta(seconds=seconds)))
    return Message(TOPIC, 0, 0, what.encode(), {"ce_type": type_.encode()}, body)


# --- what stands ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "stands"),
    [
        ([], None),
        ([word(TEMPLATE)], TEMPLATE),
        ([word(KIND)], KIND),
        ([word(RULE)], RULE),
        ([word("rule/another")], None),
        ([word(TEMPLATE), word(TEMPLATE)], TEMPLATE),
        ([word(TEMPLATE), word(TEMPLATE, RELEASED)], None),
        ([word(TEMPLATE, RELEASED), word(TEMPLATE)], TEMPLATE),
        ([word(TEMPLATE), word(KIND), word(TEMPLATE, RELEASED)], KIND),
        ([word(TEMPLATE), Message(TOPIC, 0, 1, b"x", {"ce_type": RELEASED.encode()}, b"{}")], TEMPLATE),
        ([word(TEMPLATE), Message(TOPIC, 0, 1, b"x", {"ce_type": RELEASED.encode()}, None)], TEMPLATE),
        ([word(TEMPLATE), word(TEMPLATE, "kam.control.postponed.v1")], TEMPLATE),
        ([word(TEMPLATE, STOPPED, 2), word(TEMPLATE, RELEASED, 1)], TEMPLATE),
        ([word(TEMPLATE, RELEASED, 2), word(TEMPLATE, STOPPED, 1)], TEMPLATE),
    ],
)
def test_the_last_word_stands(said: list[Message], stands: str | None) -> None:
    stops = Stops()
    for message in said:
        stops.take(message)
    found = stops.of((TEMPLATE, KIND, RULE))
    assert (None if found is None else found.what) == stands


async def test_it_is_read_whole_before_anybody_hears_of_it_and_followed_from_then_on() -> None:
    topic = Topic(word(TEMPLATE), word(KIND), word(TEMPLATE, RELEASED), word(RULE), word(KIND, RELEASED))
    control = ControlTopic(Stops(), topic.connect, topic.write, lambda: NOON)
    heard: list[list[str]] = []
    control.changed = lambda: heard.append([stop.what for stop in control.stops.all()])
    assert not control.read.is_set()
    running = asyncio.create_task(control.run())
    await asyncio.wait_for(control.read.wait(), 2)
    assert heard == [[RULE]]
    stop = await control.stop(TEMPLATE, "li", "金额写错")
    assert heard[-1] == [RULE, TEMPLATE] and control.stops.get(TEMPLATE) == stop
    await control.release(RULE, "wang", "好了")
    assert heard[-1] == [TEMPLATE]
    assert (topic.there[-1].type, topic.there[-1].key, topic.there[-1].headers["ce_source"]) == (
        RELEASED,
        RULE,
        b"kam/alerts",
    )
    with pytest.raises(NotStopped):
        await control.release(RULE, "wang", "好了")
    running.cancel()


async def test_a_release_that_comes_late_releases_nothing_and_the_stop_is_the_last_word_again() -> None:
    topic = Topic(word(TEMPLATE, RELEASED))
    control = ControlTopic(Stops(), topic.connect, topic.write, lambda: NOON + timedelta(seconds=9))
    running = asyncio.create_task(control.run())
    await asyncio.wait_for(control.read.wait(), 2)
    await control.stop(TEMPLATE, "li", "…")
    topic.there.append(word(TEMPLATE, RELEASED, 3))
    topic.new.set()
    await eventually(lambda: len(topic.there) == 4)
    assert control.stops.of([TEMPLATE]) and topic.there[-1].type == STOPPED
    later = Stops()
    later.take(topic.there[-1])  # as the topic is when it has been compacted
    assert later.of([TEMPLATE])
    control._system_clock = lambda: NOON  # another process, whose clock is behind
    await control.release(TEMPLATE, "li", "…")
    assert control.stops.all() == []
    running.cancel()


async def test_a_late_release_that_an_earlier_process_took_is_answered_by_the_next() -> None:
    """Else the topic, compacted, would say that nothing is stopped."""
    topic = Topic(word(TEMPLATE, STOPPED, 9), word(KIND, STOPPED, 9), word(TEMPLATE, RELEASED, 3))
    topic.there += [word(KIND, RELEASED, 3), word(KIND, RELEASED, 10)]
    control = ControlTopic(Stops(), topic.connect, topic.write, lambda: NOON)
    running = asyncio.create_task(control.run())
    await eventually(lambda: len(topic.there) == 6)
    compacted = Stops()
    compacted.take(topic.there[-1])
    assert compacted.of([TEMPLATE]) and [stop.what for stop in control.stops.all()] == [TEMPLATE]
    running.cancel()


async def test_what_stands_outlives_a_topic_that_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alerts.control_topic._RECONNECT_SECONDS", 0.01)
    topic = Topic(word(TEMPLATE), word(KIND), word(RULE), word(RULE, RELEASED))
    control = ControlTopic(Stops(), topic.connect, topic.write, lambda: NOON)
    running = asyncio.create_task(control.run())
    await asyncio.wait_for(control.read.wait(), 2)
    topic.away, was = True, topic.asked
    topic.new.set()
    await eventually(lambda: topic.asked > was)
    topic.there = [word(KIND, RELEASED, 5)]
    topic.away = False
    await eventually(lambda: len(topic.there) == 2)
    assert [stop.what for stop in control.stops.all()] == [TEMPLATE], "KIND was released meanwhile"
    assert (topic.there[-1].type, topic.there[-1].key) == (STOPPED, TEMPLATE), "so that a restart finds it"
    running.cancel()


async def test_a_broker_that_is_away_confirms_nothing_and_what_is_known_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alerts.control_topic._RECONNECT_SECONDS", 0.01)
    topic = Topic(word(TEMPLATE), word(TEMPLATE, RELEASED), word(TEMPLATE))
    control = ControlTopic(Stops(), topic.connect, topic.write, lambda: NOON)
    with pytest.raises(Refused, match="not confirmed"):
        await control.release(TEMPLATE, "li", "…")
    running = asyncio.create_task(control.run())
    await asyncio.wait_for(control.read.wait(), 2)
    standing = set[bool]()
    control.changed = lambda: standing.add(control.stops.of([TEMPLATE]) is not None)
    topic.away = True
    topic.new.set()
    await eventually(lambda: topic.asked > 2)
    for said in (control.stop(KIND, "li", "…"), control.release(TEMPLATE, "li", "…")):
        with pytest.raises(Refused) as refused:
            await said
        assert (refused.value.code, refused.value.status) == ("stop_not_confirmed", 503)
    assert control.stops.of([TEMPLATE]) is not None
    topic.away = False
    await control.stop(KIND, "li", "…")
    assert standing == {True}, "read anew from the beginning, it was never released in between"
    running.cancel()


# --- what it holds back -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [TEMPLATE, KIND, RULE])
async def test_what_waits_is_held_and_leaves_once_when_released(what: str) -> None:
    smsc = FakeSmsc()
    smsc.open.clear()
    customers = [f"c{n}" for n in range(1, 301)]
    async with Process(MemoryStore(), smsc) as life:
        life.start()
        await eventually(lambda: life.sender._recovered)
        await life.complain(*customers)
        assert life.sender.pending() == len(customers)
        life.say(what)
        smsc.open.set()
        await eventually(lambda: {life.sms(c)["state"] for c in customers} == {"held"})
        assert {life.sms(c)["reason"] for c in customers} == {"stopped"}
        assert {(life.sms(c)["stop"]["what"], life.sms(c)["stop"]["by"]) for c in customers} == {(what, "li")}
        await eventually(lambda: life.sender.pending() == 0)
        await life.complain("c999")
        assert (await life.until("held", "c999"))["reason"] == "stopped", "what comes later as well"
        assert smsc.submitted == []
        life.say("rule/another")
        life.say("rule/another", stop=False)
        await asyncio.sleep(0.02)
        assert smsc.submitted == []
        life.say(what, stop=False)
        for customer in (*customers, "c999"):
            await life.until("sent", customer)
        assert {life.sms(c)["stop"] for c in customers} == {None}
    assert len(smsc.accepted) == len({part.destination for part in smsc.accepted}) == len(customers) + 1


def test_an_alert_s_sms_is_of_the_rule_that_raised_it() -> None:
    reasons = tuple(
        Reason(rule=RuleRef(id=rule, version=1), code=rule, values={}, evidence=())
        for rule in ("complaint-opened", "joined")
    )
    message = Notification(
        sms_id="s", alert_id="a", customer_id="c1", kind="complaint_opened", step="opened", template="complaint-opened",
        template_version=1, priority=1, planned_at=NOON, at=NOON, correlation="c",
    )  # fmt: skip
    case = AlertProgress(alert=msgspec.structs.replace(complaint("c1"), reasons=reasons))
    assert about(message, {"a": case}) == (TEMPLATE, KIND, RULE)
    assert about(message, {}) == (TEMPLATE, KIND)


async def test_of_two_stops_both_must_be_released() -> None:
    async with Process(MemoryStore(), FakeSmsc()) as life:
        life.start()
        life.say(TEMPLATE)
        life.say(KIND)
        await life.complain("c1")
        assert (await life.until("held"))["stop"]["what"] == TEMPLATE
        life.say(TEMPLATE, stop=False)
        await eventually(lambda: life.sms()["stop"]["what"] == KIND)
        await eventually(lambda: held_by(life) == [TEMPLATE, KIND])
        assert life.sms()["state"] == "held"
        life.say(KIND, stop=False)
        await life.until("sent")


def held_by(life: Process) -> list[str]:
    """What stopped a message, as its events tell it."""
    told = [msgspec.json.decode(value or b"") for topic, _, value in life.desk.producer.sent if topic == "sms.outbound"]
    return [sms["stop"]["what"] for sms in told if sms["stop"] is not None]


async def test_what_waits_for_the_morning_says_at_once_who_stopped_it_and_why() -> None:
    night = NOON.replace(hour=14)  # 22:00 in Asia/Shanghai
    smsc = FakeSmsc()
    async with Process(MemoryStore(), smsc) as life:
        life.start()
        await life.complain("c1", clock=night)
        assert (await life.until("held"))["reason"] == "quiet_hours"
        life.say("template/another")
        life.say(TEMPLATE)
        await eventually(lambda: life.sms()["reason"] == "stopped")
        assert {**life.sms()["stop"], "at": None} == {"what": TEMPLATE, "by": "li", "why": "金额写错", "at": None}
        life.say(TEMPLATE, stop=False)
        await eventually(lambda: life.sms()["reason"] == "quiet_hours")
        assert life.sms()["stop"] is None and life.sms()["hold_until"] is not None
        await eventually(lambda: held_by(life) == [TEMPLATE])
    assert smsc.submitted == []


async def test_others_are_not_in_its_way() -> None:
    """A stop on what comes first in line takes neither rate nor room from the rest."""
    smsc = FakeSmsc()
    async with Process(MemoryStore(), smsc) as life:
        life.say("rule/none")
        await life.complain(*(f"c{n}" for n in range(1, 51)))
        life.say(TEMPLATE)
        life.start()
        await life.until("held", "c50")
        assert life.sender._allowance.now() > 50 and smsc.submitted == []


async def test_it_is_looked_at_when_the_part_is_written() -> None:
    """Its intent is committed, and it waits for room in the window."""
    smsc = FakeSmsc()
    smsc.has_room.clear()
    async with Process(MemoryStore(), smsc) as life:
        life.start()
        await life.complain("c1")
        await eventually(lambda: life.sms()["state"] == "sending")
        life.say(TEMPLATE)
        smsc.has_room.set()
        assert (await life.until("held"))["reason"] == "stopped"
        assert smsc.submitted == []
        life.say(TEMPLATE, stop=False)
        await life.until("sent")
    assert len(smsc.accepted) == 1


@pytest.mark.parametrize("outcome", [SubmitOutcome.THROTTLED, SubmitOutcome.NOT_WRITTEN])
async def test_what_waits_to_be_tried_again_is_held(outcome: SubmitOutcome) -> None:
    smsc = FakeSmsc()
    smsc.answers = [outcome]
    async with Process(MemoryStore(), smsc) as life:
        life.start()
        await life.complain("c1")
        await eventually(lambda: life.sms()["reason"] == outcome.value, every=0.001)
        life.say(KIND)
        assert (await life.until("held"))["reason"] == "stopped"
        accepted = len(smsc.accepted)
        life.say(KIND, stop=False)
        await life.until("sent")
    assert (accepted, len(smsc.accepted)) == (0, 1)


async def test_what_has_ended_meanwhile_does_not_leave_when_it_is_released() -> None:
    smsc = FakeSmsc()
    async with Process(MemoryStore(), smsc) as life:
        life.start()
        life.say(KIND)
        await life.complain("c1", "c2")
        await life.until("held", "c2")
        left = b'{"customer_id":"c1","left_on":"2026-07-01"}'
        await life.desk.take(life.desk.record("boss.events", "kam.boss.customer.left.v1", left))
        assert life.sms("c1")["state"] == "cancelled"
        life.blocked.hear(Said("8613900000002", NOON, wants=False))
        life.say(KIND, stop=False)
        assert (await life.until("suppressed", "c2"))["reason"] == "opted_out"
        await eventually(lambda: life.sender.pending() == 0)
    assert smsc.submitted == []


@pytest.mark.parametrize("is_standing", [True, False])
async def test_the_next_process_finds_what_is_held(is_standing: bool) -> None:
    store, smsc = MemoryStore(), FakeSmsc()
    async with Process(store, smsc) as life:
        life.start()
        life.say(RULE)
        await life.complain("c1", "c2")
        await life.until("held", "c2")
    stops = Stops()
    if is_standing:
        stops.take(word(RULE))
    async with Process(store, smsc, stops=stops) as life:
        life.start()
        if is_standing:
            await eventually(lambda: life.sender._recovered and life.sender._is_open)
            await asyncio.sleep(0.02)
            assert {life.sms(c)["state"] for c in ("c1", "c2")} == {"held"} and life.sender.pending() == 0
            life.say(RULE, stop=False)
        await life.until("sent", "c1")
        await life.until("sent", "c2")
    assert len(smsc.accepted) == 2


async def test_a_stop_said_while_nobody_ran_holds_back_what_may_go() -> None:
    store, smsc = MemoryStore(), FakeSmsc()
    smsc.open.clear()
    async with Process(store, smsc) as life:
        life.start()
        await life.complain("c1")
    smsc.open.set()
    stops = Stops()
    life = Process(store, smsc, stops=stops)
    life.heard.clear()
    async with life:
        life.start()
        await eventually(lambda: life.sender._recovered)
        stops.take(word(TEMPLATE))  # it is read before ``heard`` returns
        life.heard.set()
        assert (await life.until("held"))["reason"] == "stopped"
    assert smsc.submitted == []


async def test_the_rest_of_a_long_message_waits_and_leaves_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    smsc = FakeSmsc()
    smsc.answers = [SubmitOutcome.ACCEPTED, SubmitOutcome.THROTTLED]
    async with Process(MemoryStore(), smsc) as life:
        monkeypatch.setattr(life.send_policy, "text", lambda *_: "x" * 200)
        life.start()
        await life.complain("c1")
        await eventually(lambda: len(smsc.submitted) == 2)
        life.say(TEMPLATE)
        row = await life.until("held")
        assert row["reason"] == "stopped" and [part["state"] for part in row["parts"]] == ["sent", "queued"]
        monkeypatch.setattr(life.send_policy, "text", lambda *_: "y")
        life.say(TEMPLATE, stop=False)
        row = await life.until("sent")
        assert [part["state"] for part in row["parts"]] == ["sent", "sent"]
    assert [part.number for part in smsc.accepted] == [1, 2] and smsc.accepted[1].text.startswith("x")
