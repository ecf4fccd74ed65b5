"""From intent to receipt: what each answer and receipt makes of a message, as tables."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from alerts.notifications.send_policy import SendPolicy
from alerts.notifications.sending import CONFIRM, Confirm
from harness.detection_feed import at
from harness.notifications_feed import BOOK, PHONE, Story
from harness.one_processor import NOON


def ready(*, long: bool = False, system_clock: Any = None) -> Story:
    """One message that may go; a long one has two parts."""
    send_policy = (
        BOOK
        if system_clock is None
        else SendPolicy(BOOK.policy, list(BOOK.templates.values()), system_clock=system_clock)
    )
    if long:
        text = "Dear {name}, " + "x" * 200
        templates = [replace(t, en=text) if t.id == "complaint-opened" else t for t in send_policy.templates.values()]
        send_policy = SendPolicy(send_policy.policy, templates, system_clock=send_policy.system_clock)
    s = Story(send_policy=send_policy).customer(language="en")
    s.complains("2026-03-10")
    s.tick()
    return s


def parts(s: Story) -> list[tuple[str, str | None]]:
    return [(part["state"], part["message_id"]) for part in s.sms[0]["parts"]]


@pytest.mark.parametrize(
    ("outcome", "status", "state", "offered"),
    [
        ("accepted", 0, "sent", 0),
        ("throttled", 0x58, "queued throttled", 1),
        ("not_written", None, "queued not_written", 1),
        ("refused", 0x08, "queued refused", 1),  # a system error passes
        ("refused", 0x0B, "failed refused 0x0000000b", 0),
        ("refused", None, "failed refused", 0),
        ("unknown", None, "unknown no_answer", 0),
    ],
)
def test_answers(outcome: str, status: int | None, state: str, offered: int) -> None:
    s = ready()
    s.send(outcome, status)
    assert s.states == [f"opened {state}"]
    assert len(s.may_go) == offered


def test_an_intent_is_frozen_before_anything_is_submitted() -> None:
    s = ready()
    (intent,) = s.intend()
    assert s.states == ["opened sending"]
    assert s.told_sms == ["planned opened", "intended opened"]
    (part,) = s.sms[0]["parts"]
    assert part["reference"] == intent.parts[0].reference
    assert intent.parts[0].concat is None
    assert (intent.phone, s.sms[0]["text"]) == ("8613900000001", intent.parts[0].text)


def test_a_second_intent_of_the_same_message_is_none() -> None:
    s = ready()
    twice = s.may_go * 2
    s.may_go = twice
    assert len(s.intend()) == 1


def test_back_off_grows_and_attempts_end() -> None:
    s = ready()
    delays = []
    for _ in range(8):
        s.send("refused", 0x08)
        delays += [r.delay for r in s.may_go]
    assert delays == [1, 2, 4, 8, 16, 32, 60]
    assert s.states == ["opened failed attempts"]


@pytest.mark.long
@pytest.mark.parametrize("outcome", ["throttled", "not_written"])
def test_what_the_smsc_never_took_is_no_attempt_and_waits_for_its_deadline(outcome: str) -> None:
    """Defect 21: two minutes of throttling gave a message up."""
    now = [NOON]
    s = ready(system_clock=lambda: now[0])
    for _ in range(3_000):
        s.send(outcome)
        assert s.states == [f"opened queued {outcome}"]
        assert s.may_go[0].delay <= 60
    now[0] += timedelta(hours=47)
    s.send("refused", 0x08)
    assert s.states == ["opened queued refused"]
    now[0] += timedelta(hours=1)
    s.send(outcome)
    assert s.states == ["opened failed deadline"]


def test_each_attempt_has_a_reference_of_its_own() -> None:
    s = ready()
    first = s.send("throttled")[0].parts[0].reference
    assert s.intend()[0].parts[0].reference != first


def test_a_long_message_has_an_intent_for_each_part() -> None:
    s = ready(long=True)
    (intent,) = s.intend()
    groups = {part.concat[0] for part in intent.parts if part.concat}
    assert len(groups) == 1
    assert [part.concat[1:] for part in intent.parts if part.concat] == [(2, 1), (2, 2)]
    assert len({part.reference for part in intent.parts}) == 2
    assert "".join(part.text for part in intent.parts) == s.sms[0]["text"]
    assert s.sms[0]["segments"] == 2


def test_a_part_that_was_accepted_is_never_sent_again() -> None:
    s = ready(long=True)
    (first,) = s.intend()
    s.answer(first, "accepted", "throttled")
    assert s.states == ["opened queued throttled"]
    (again,) = s.intend()
    assert [(p.number, p.text, p.concat) for p in again.parts] == [(2, first.parts[1].text, first.parts[1].concat)]
    s.answer(again, "accepted")
    assert s.states == ["opened sent"]


def test_a_message_half_accepted_goes_on_whatever_happens_to_its_alert() -> None:
    s = ready(long=True)
    (first,) = s.intend()
    s.answer(first, "accepted", "throttled")
    s.complains("2026-03-10 11:00", "closed")
    assert s.states[0] == "opened queued throttled"
    assert any(len(intent.parts) == 1 for intent in s.intend())


def half_accepted(answer: str = "accepted") -> Story:
    s = ready(long=True)
    (first,) = s.intend()
    s.answer(first, answer, "throttled")
    return s


@pytest.mark.parametrize("answer", ["accepted", "unknown"])
def test_the_rest_of_a_message_half_accepted_waits_for_the_morning(answer: str) -> None:
    s = half_accepted(answer)
    text = s.sms[0]["text"]
    s.now = at("2026-03-10 23:00")
    assert s.intend() == []
    assert s.states == ["opened held quiet_hours"]
    s.customer("2026-03-11 07:00", name="Li", phone="13900000009", language="zh")
    s.tick("2026-03-11 07:59")
    assert s.intend() == []
    s.tick("2026-03-11 08:00")
    (rest,) = s.intend()
    assert [part.number for part in rest.parts] == [2]
    assert (s.sms[0]["text"], rest.phone) == (text, "86" + PHONE), "half of it has been read"


def at_once(s: Story) -> None:
    s.intend()


def after_a_hold(s: Story) -> None:
    s.now = at("2026-03-10 23:00")
    s.intend()
    s.tick("2026-03-11 08:00")


@pytest.mark.parametrize("way", [at_once, after_a_hold])
@pytest.mark.parametrize("why", ["opted_out", "do_not_disturb", "left"])
def test_the_rest_of_a_message_half_accepted_stays_where_the_number_is_shut(why: str, way: Any) -> None:
    s = half_accepted()
    if way is after_a_hold:
        s.now = at("2026-03-10 23:00")
        s.intend()
    if why == "opted_out":
        s.opts_out()
    else:
        s.customer("2026-03-10 23:30", **{"do_not_disturb": True} if why == "do_not_disturb" else {"status": "left"})
    way(s)
    assert s.intend() == []
    assert s.states == [f"opened failed {why}"]
    s.receipt(s.sms[0]["sms_id"], s.sms[0]["parts"][0]["message_id"])
    assert [state for state, _ in parts(s)] == ["delivered", "failed"]


def test_the_rest_that_waited_long_is_confirmed_by_quiet_hours_and_td_too() -> None:
    for stop in (lambda s: s.opts_out(), lambda s: setattr(s, "now", at("2026-03-10 21:00"))):
        s = half_accepted()
        (rest,) = s.intend()
        assert s.command(CONFIRM, Confirm(rest.sms_id)) is not None
        stop(s)
        assert s.command(CONFIRM, Confirm(rest.sms_id)) is None


def test_an_unknown_part_is_not_sent_again_when_the_other_is() -> None:
    s = ready(long=True)
    (first,) = s.intend()
    s.answer(first, "unknown", "throttled")
    (again,) = s.intend()
    assert [p.number for p in again.parts] == [2]
    s.answer(again, "accepted")
    assert s.states == ["opened unknown no_answer"]


def test_a_crash_leaves_it_unknown_and_never_sends_it_again() -> None:
    s = ready()
    (intent,) = s.intend()
    s.lose(intent.sms_id)
    assert s.states == ["opened unknown restart"]
    s.tick("2026-03-12")
    assert not s.may_go
    s.lose(intent.sms_id)
    assert s.told_sms.count("unknown opened restart") == 1


@pytest.mark.parametrize(
    ("late", "state", "offered"),
    [("accepted", "sent", 0), ("throttled", "queued throttled", 1), ("refused", "failed refused", 0)],
)
def test_a_late_answer_settles_what_was_unknown(late: str, state: str, offered: int) -> None:
    s = ready()
    (intent,) = s.send("unknown")
    s.answer(intent, late)
    assert s.states == [f"opened {state}"]
    assert len(s.may_go) == offered


def test_a_late_answer_before_the_early_one() -> None:
    s = ready(long=True)
    (intent,) = s.intend()
    s.answer(replace(intent, parts=intent.parts[:1]), "accepted")
    s.answer(intent, "unknown", "accepted")
    assert s.states == ["opened sent"]


@pytest.mark.parametrize(
    ("receipt", "state"),
    [
        ("DELIVRD", "delivered"),
        ("UNDELIV", "failed UNDELIV 000"),
        ("EXPIRED", "failed EXPIRED 000"),
        ("REJECTD", "failed REJECTD 000"),
        ("DELETED", "failed DELETED 000"),
        ("ENROUTE", "sent"),
        ("ACCEPTD", "sent"),
        ("UNKNOWN", "sent"),
    ],
)
@pytest.mark.parametrize("before", ["accepted", "unknown", "lost", "nothing"])
def test_receipts(receipt: str, state: str, before: str) -> None:
    s = ready()
    (intent,) = s.intend()
    message_id = f"m{intent.parts[0].reference}"
    if before == "lost":
        s.lose(intent.sms_id)
    elif before != "nothing":
        s.answer(intent, before)
    s.receipt(intent.sms_id, message_id, receipt, part=None if before in ("lost", "unknown") else 1)
    assert s.states == [f"opened {state}"]
    assert parts(s) == [(state.split()[0], message_id)]
    told = list(s.told_sms)
    s.receipt(intent.sms_id, message_id, receipt)
    s.answer(intent, "accepted")
    assert s.states == [f"opened {state}"], "repeats and slower answers change nothing"
    assert s.told_sms == told
    assert len(s.sms[0]["receipts"]) == 1


def test_a_message_is_delivered_when_all_its_parts_are() -> None:
    s = ready(long=True)
    (intent,) = s.send()
    one, two = (f"m{part.reference}" for part in intent.parts)
    s.receipt(intent.sms_id, two, part=2)
    assert s.states == ["opened sent"]
    s.receipt(intent.sms_id, one, part=1)
    assert s.states == ["opened delivered"]
    assert [(r["part"], r["state"]) for r in s.sms[0]["receipts"]] == [(2, "DELIVRD"), (1, "DELIVRD")]


def test_receipts_of_unknown_parts_find_a_part_each() -> None:
    s = ready(long=True)
    (intent,) = s.intend()
    s.lose(intent.sms_id)
    for message_id in ("a", "b", "a"):
        s.receipt(intent.sms_id, message_id, part=None)
    assert s.states == ["opened delivered"]
    assert parts(s) == [("delivered", "a"), ("delivered", "b")]


def test_one_part_that_fails_fails_the_message_and_keeps_the_other_s_receipt() -> None:
    s = ready(long=True)
    (intent,) = s.send()
    one, two = (f"m{part.reference}" for part in intent.parts)
    s.receipt(intent.sms_id, one, "UNDELIV")
    s.receipt(intent.sms_id, two, part=2)
    assert s.states == ["opened failed UNDELIV 000"]
    assert parts(s) == [("failed", one), ("delivered", two)]


def test_a_receipt_of_nobody_is_kept() -> None:
    s = ready()
    s.receipt(None, "m1", part=None)
    (row,) = s.documents["unmatched_receipts"].values()
    assert (row["message_id"], row["state"]) == ("m1", "DELIVRD")


def test_settled_messages_leave_the_state_and_never_come_back() -> None:
    s = ready()
    (intent,) = s.send()
    s.receipt(intent.sms_id, f"m{intent.parts[0].reference}")
    state: Any = s.customer_state
    assert state.messages == {}
    assert next(iter(state.cases.values())).steps == ("opened",)


def test_the_chain_of_causes() -> None:
    s = ready()
    (intent,) = s.send()
    s.receipt(intent.sms_id, f"m{intent.parts[0].reference}")
    told = [e for e in s.desk_emits if e.type.startswith("kam.sms.")]
    assert [e.type.split(".")[2] for e in told] == ["planned", "intended", "submitted", "delivered"]
    assert [e.data.revision for e in told] == [1, 2, 3, 4]  # type: ignore[attr-defined]
    assert s.sms[0]["event"] not in [e.causation for e in told]
    assert intent.event == told[2].causation, "the answer was caused by the intent"
    assert len({e.correlation for e in told}) == 1


def test_parts_as_they_were_stored_before_are_read() -> None:
    """Names on disk stay: parts without a message id had none written."""
    s = ready()
    s.send()
    raw: Any = msgspec.msgpack.decode(s.desk_raw or b"")
    (message,) = raw["messages"].values()
    assert set(message["parts"][0]) == {"number", "reference", "state", "message_id"}
    message["parts"] = [{"number": 1, "reference": 7, "state": "unknown"}]
    s.desk_raw = msgspec.msgpack.encode(raw)
    s.receipt(message["sms_id"], "m9", part=None)
    assert (s.states, parts(s)) == (["opened delivered"], [("delivered", "m9")])
