"""SMS that people write: within the policy, once, with the text as they wrote it."""

import pytest

from alerts.notifications.handwritten import WRITE, Write
from harness.notifications_feed import Story
from servicekit.decision import Refused

TEXT = "您的合约快到期了，我明天上午给您打电话。"


def write(story: Story, text: str = TEXT, key: str = "k1", *, preview: bool = False) -> dict[str, object]:
    answer: dict[str, object] = story.command(WRITE, Write("c1", text, "m1", key, preview))
    return answer


def at_noon() -> Story:
    story = Story().customer("2026-03-10T12:00")
    story.tick("2026-03-10T12:00")
    return story


def test_it_leaves_at_the_next_tick_and_its_receipt_settles_it() -> None:
    story = at_noon()
    planned = write(story)
    assert planned | {"sms_id": None} == {
        "sms_id": None, "text": "【大客户中心】" + TEXT, "language": "zh", "phone": "139****0001", "encoding": "ucs2",
        "characters": 27, "segments": 1, "cost_fen": 4, "state": "queued", "reason": None, "hold_until": None,
        "sent_today": 0, "waiting": 0, "daily_cap": 3,
    }  # fmt: skip
    assert story.states == ["manual queued"]
    story.tick("2026-03-10T12:01")
    (intent,) = story.send()
    assert intent.parts[0].text == "【大客户中心】" + TEXT
    story.receipt(intent.sms_id, f"m{intent.parts[0].reference}")
    assert story.states == ["manual delivered"]
    assert (story.sms[0]["by"], story.sms[0]["alert_id"]) == ("m1", "")
    assert write(story, preview=True)["sent_today"] == 1


def test_a_preview_leaves_nothing() -> None:
    story = at_noon()
    assert write(story, preview=True)["sms_id"] is None
    assert story.states == []


def test_under_the_same_key_it_is_sent_once() -> None:
    story = at_noon()
    first = write(story)
    story.tick("2026-03-10T12:01")
    story.send()
    assert write(story)["sms_id"] == first["sms_id"]
    assert story.states == ["manual sent"]
    with pytest.raises(Refused, match="Idempotency-Key"):
        write(story, "另一条")


@pytest.mark.parametrize(
    ("profile", "reason"),
    [({"do_not_disturb": True}, "do_not_disturb"), ({"status": "left"}, "left"), ({"phone": "0512-1"}, "no_phone")],
)
def test_who_must_not_get_any_gets_none(profile: dict[str, object], reason: str) -> None:
    story = at_noon()
    story.customer("2026-03-10T12:02", **profile)
    assert write(story, preview=True)["reason"] == reason
    with pytest.raises(Refused) as refusal:
        write(story)
    assert refusal.value.code == reason and story.states == []


def test_do_not_disturb_that_comes_before_the_tick_holds() -> None:
    story = at_noon()
    write(story)
    story.customer("2026-03-10T12:02", do_not_disturb=True)
    story.tick("2026-03-10T12:03")
    assert story.states == ["manual suppressed do_not_disturb"]


def test_it_waits_for_the_morning_and_for_the_cap() -> None:
    story = Story().customer("2026-03-10T22:00")
    story.tick("2026-03-10T22:00")
    assert (write(story)["state"], write(story)["hold_until"]) == ("held", "2026-03-11T00:00:00+00:00")
    story.tick("2026-03-10T22:01")
    assert story.states == ["manual held quiet_hours"]
    story.tick("2026-03-11T08:00")
    assert len(story.send()) == 1
    for key in ("k2", "k3", "k4"):
        last = write(story, key=key)
    assert (last["state"], last["reason"]) == ("held", "daily_cap")


@pytest.mark.parametrize("text", ["  ", "\ud800", "长" * 400])
def test_a_text_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refusal:
        write(at_noon(), text)
    assert refusal.value.field == "text"


def test_an_english_customer_gets_the_english_frame() -> None:
    story = at_noon()
    story.customer("2026-03-10T12:02", language="en")
    assert write(story, "See you {tomorrow}", preview=True)["text"] == "Key Account Care: See you {tomorrow}"
