"""A text to oneself: the road of all SMS, to no number but one's own or an allowed one, in nobody's limits."""

from typing import Any

import pytest
from msgspec.structs import replace

from alerts.notifications.send_policy import SendPolicy
from alerts.notifications.to_oneself import MOST_A_DAY, SEND, Send, key_of
from harness.notifications_feed import BOOK, Story
from servicekit.decision import Refused

OWN, ALLOWED = "13900000009", "13900000008"
POLICY = replace(BOOK.policy, allowed=(ALLOWED,))


def at(hour: str = "12:00", *, guarded: bool = False, **asked: Any) -> Story:
    story = Story(key_of("li"), send_policy=SendPolicy(POLICY, list(BOOK.templates.values()), guarded=guarded, **asked))
    story.tick(f"2026-03-10T{hour}")
    return story


def test_it_goes_to_one_s_own_number_marked_as_a_test() -> None:
    s = at()
    answer = ask(s, values={"name": "李"})
    assert (answer["state"], answer["phone"], answer["segments"], answer["cost_fen"]) == ("queued", "139****0009", 1, 4)
    assert answer["text"].startswith("【大客户中心】尊敬的李")
    s.tick("2026-03-10T12:01")
    (intent,) = s.send()
    assert intent.phone == "86" + OWN
    (row,) = s.sms
    assert (row["step"], row["template"], row["by"], row["customer_id"], row["state"]) == (
        "test", "arrears-reminder", "li", "test|li", "sent",
    )  # fmt: skip


def ask(story: Story, to: str = OWN, key: str = "k1", **more: Any) -> dict[str, Any]:
    own = more.pop("own", OWN)
    template = more.pop("template", "arrears-reminder")
    answer: dict[str, Any] = story.command(SEND, Send(template, to, "li", key, own=own, **more))
    return answer


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"to": "13900000001"}, "not_own_number"),
        ({"own": None}, "not_own_number"),
        ({"to": "025-84000000"}, "bad_number"),
        ({"template": "nobody"}, "no_template"),
    ],
)
def test_to_others_it_goes_not(asked: dict[str, Any], code: str) -> None:
    s = at()
    with pytest.raises(Refused) as refusal:
        ask(s, **asked)
    assert refusal.value.code == code and refusal.value.zh and refusal.value.en
    assert s.states == []


@pytest.mark.parametrize(
    ("template", "values", "fits"),
    [
        ("arrears-reminder", {"debt": "9" * 200}, True),
        ("arrears-reminder", {"debt": "9" * 400}, False),
        ("arrears-reminder", {"debt": "9" * 20_000}, False),  # more parts than any SMS has
        ("arrears-reminder", {"debt": "\ud800"}, False),
        ("arrears-reminder", {"name": "9" * 20_000, "nobody": "9" * 20_000}, True),  # they stand nowhere
        ("manual", {"text": "欠" * 200}, True),
        ("manual", {"text": "欠" * 400}, False),
    ],
)
def test_whatever_is_put_in_it_has_five_parts_at_most(template: str, values: dict[str, str], fits: bool) -> None:
    s = at()
    if fits:
        assert 1 <= ask(s, template=template, values=values)["segments"] <= 5
        return
    with pytest.raises(Refused) as refusal:
        ask(s, template=template, values=values)
    assert (refusal.value.code, refusal.value.status, refusal.value.field) == ("bad_text", 422, "values")
    assert "5" in refusal.value.zh and "5" in refusal.value.en
    assert s.states == []


@pytest.mark.parametrize(
    ("ids", "language", "channel"),
    [
        ({"http": "SMS_7"}, "zh", "http"),
        ({"http": {"en": "SMS_7"}}, "en", "http"),
        ({"http": {"en": "SMS_7"}}, "zh", "smpp"),
        ({}, "zh", "smpp"),
    ],
)
def test_it_takes_the_channel_that_texts_of_its_kind_take(ids: Any, language: str, channel: str) -> None:
    policy = replace(POLICY, channels={"arrears": ("http", "smpp"), "any": ("smpp",)})
    texts = [replace(t, provider_ids=ids) if t.kind == "arrears" else t for t in BOOK.templates.values()]
    s = Story(key_of("li"), send_policy=SendPolicy(policy, texts, configured=("smpp", "http")))
    s.tick("2026-03-10T12:00")
    ask(s, language=language, values={"name": "Li", "debt": "7.00", "nobody": "x"})
    s.tick("2026-03-10T12:01")
    (intent,) = s.send()
    (part,) = intent.parts
    assert intent.channel == channel
    if channel == "http":
        assert part.template is not None and part.template.id == "SMS_7" and part.template.language == language
        text = next(t for t in texts if t.id == "arrears-reminder").text(part.template.language)
        assert text.format_map(part.template.variables) == s.sms[0]["text"]


def test_an_allowed_number_needs_no_account() -> None:
    s = at(guarded=True)
    assert ask(s, ALLOWED, own=None)["state"] == "queued"
    with pytest.raises(Refused) as refusal:
        ask(s, OWN, "k2")
    assert refusal.value.code == "not_allowed", "one's own number is no exception outside production"


def test_two_tests_to_two_numbers_go_where_each_was_meant_to() -> None:
    s = at()
    ask(s, OWN)
    ask(s, ALLOWED, "k2", language="en")
    s.tick("2026-03-10T12:01")
    assert sorted(intent.phone for intent in s.send()) == ["86" + ALLOWED, "86" + OWN]


def test_quiet_hours_hold_it_and_the_daily_cap_does_not() -> None:
    s = at("22:00")
    assert ask(s)["reason"] == "quiet_hours"
    s = at()
    for n in range(BOOK.policy.daily_cap + 1):
        ask(s, key=f"k{n}")
    s.tick("2026-03-10T12:01")
    assert len(s.send()) == BOOK.policy.daily_cap + 1


def test_under_the_same_key_it_is_sent_once() -> None:
    s = at()
    assert ask(s)["sms_id"] == ask(s)["sms_id"]
    assert s.states == ["test queued"]
    with pytest.raises(Refused, match="Idempotency-Key"):
        ask(s, ALLOWED)


def test_so_many_a_day() -> None:
    s = at()
    for n in range(MOST_A_DAY):
        ask(s, key=f"k{n}")
    with pytest.raises(Refused) as refusal:
        ask(s, key="more")
    assert (refusal.value.code, refusal.value.status) == ("too_many_tests", 429)
    s.tick("2026-03-10T12:01")
    s.send()
    with pytest.raises(Refused):
        ask(s, key="more")
    s.tick("2026-03-11T12:01")
    assert ask(s, key="more")["state"] == "queued"


def test_a_number_that_has_opted_out_is_left_alone() -> None:
    s = at(blocked=lambda phone: phone == "86" + OWN)
    with pytest.raises(Refused) as refusal:
        ask(s)
    assert refusal.value.code == "opted_out"
