"""Which channel a message takes, and that another one only ever gets what the first surely did not take."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from msgspec.structs import replace

from alerts import notifications
from alerts.notifications.channel.channels import Channels
from alerts.notifications.channel.transport import ProviderText, SubmitOutcome
from alerts.notifications.send_policy import SendPolicy, SmsPolicy, Template
from harness.notifications_feed import BOOK, Story
from harness.one_processor import NOON
from harness.sms_life import QUICK, FakeSmsc, Process
from harness.waiting import eventually
from servicekit.memory_store import MemoryStore

BOTH = ("smpp", "http")
KNOWN = [replace(t, provider_ids={"http": f"SMS_{n}"}) for n, t in enumerate(BOOK.templates.values())]


# --- which of them there is -------------------------------------------------------------------------------------------


def transport(away: float | None) -> FakeSmsc:
    """Away for so many seconds."""
    found = FakeSmsc()
    if away is not None:
        found.open.clear()
        found.lost_at = monotonic() - away
    return found


@pytest.mark.parametrize(
    ("smpp", "http", "names", "chosen"),
    [
        (None, None, BOTH, "smpp"),
        (None, None, ("http", "smpp"), "http"),
        (30, None, BOTH, None),  # it may be back any moment
        (90, None, BOTH, "http"),
        (90, None, ("smpp",), None),
        (90, 90, BOTH, None),
        (90, 30, BOTH, None),
        (None, 90, ("http", "smpp"), "smpp"),
        (None, None, (), None),
    ],
)
def test_the_next_channel_is_for_when_the_first_has_been_away_for_long(
    smpp: float | None, http: float | None, names: Sequence[str], chosen: str | None
) -> None:
    channels = Channels({"smpp": transport(smpp), "http": transport(http)})
    assert channels.choose(names, 60) == chosen


def test_the_only_channel_is_taken_whatever_it_is_like() -> None:
    assert Channels({"smpp": transport(3600)}).choose(("smpp",), 60) == "smpp"


def policy_of(order: dict[str, tuple[str, ...]] | None = None, seconds: int = 60) -> SmsPolicy:
    return replace(QUICK, channels=order or {}, failover_seconds=seconds)


TEXT = KNOWN[5]


@pytest.mark.parametrize(
    ("order", "template", "language", "route"),
    [
        ({}, TEXT, "zh", ("smpp", "http")),
        ({}, replace(TEXT, provider_ids={}), "zh", ("smpp",)),
        ({}, None, "zh", ("smpp",)),
        ({}, replace(TEXT, provider_ids={"http": {"zh": "SMS_1"}}), "zh", ("smpp", "http")),
        ({}, replace(TEXT, provider_ids={"http": {"zh": "SMS_1"}}), "en", ("smpp",)),
        ({"any": ("http", "smpp")}, TEXT, "zh", ("http", "smpp")),
        ({"any": ("http",)}, TEXT, "zh", ("http",)),
        ({"any": ("http",)}, replace(TEXT, provider_ids={}), "zh", ("smpp",)),  # it takes any text
        ({"complaint_opened": ("http",), "any": ("smpp",)}, TEXT, "zh", ("http",)),
        ({"arrears": ("http",), "any": ("smpp",)}, TEXT, "zh", ("smpp",)),
    ],
)
def test_the_policy_names_channels_and_texts_what_they_are_called_there(
    order: dict[str, tuple[str, ...]], template: Template | None, language: Any, route: tuple[str, ...]
) -> None:
    policy = SendPolicy(policy_of(order), KNOWN, configured=BOTH)
    assert policy.channels("complaint_opened", template, language) == route


@pytest.mark.parametrize("configured", [("smpp",), ("file",)])
def test_what_is_not_set_up_is_not_there(configured: tuple[str, ...]) -> None:
    policy = SendPolicy(policy_of({"any": ("http", "smpp")}), KNOWN, configured=configured)
    assert policy.channels("complaint_opened", TEXT, "zh") == configured


# --- what its answers lead to -----------------------------------------------------------------------------------------


def story(
    *, long: bool = False, order: dict[str, tuple[str, ...]] | None = None, clock: Callable[[], Any] = lambda: NOON
) -> Story:
    """One message that may go; a long one has two parts by SMPP."""
    templates = [
        replace(t, en="Dear {name}, " + "x" * 200) if long and t.kind == "complaint_opened" else t for t in KNOWN
    ]
    patient = replace(policy_of(order), retry=BOOK.policy.retry)
    policy = SendPolicy(patient, templates, configured=BOTH, system_clock=clock)
    s = Story(send_policy=policy).customer(language="en", name="Ann")
    s.complains("2026-03-10")
    s.tick()
    return s


def intents(s: Story) -> list[tuple[str, int]]:
    """Channel and number of parts of what may go now."""
    return [(intent.channel, len(intent.parts)) for intent in s.intend()]


@pytest.mark.parametrize(
    ("answers", "status", "state", "then"),
    [
        (("accepted",), 0, "sent", []),
        (("unknown",), None, "unknown no_answer", []),
        (("refused",), 0x0B, "failed refused 0x0000000b", []),
        (("refused",), 0x08, "queued refused", [("http", 1)]),  # a system error passes
        (("refused_for_now",), None, "queued refused", [("http", 1)]),
        (("throttled",), 0x58, "queued throttled", [("smpp", 2)]),  # it is busy: all would come at once
        (("not_written",), None, "queued not_written", [("smpp", 2)]),
        (("refused", "refused"), 0x08, "queued refused", [("http", 1)]),
        (("accepted", "refused"), 0x08, "queued refused", [("smpp", 1)]),  # half of it is out: the rest stays
        (("unknown", "refused"), 0x08, "queued refused", [("smpp", 1)]),
        (("unknown", "not_written"), None, "queued not_written", [("smpp", 1)]),
        (("throttled", "refused"), 0x08, "queued refused", [("http", 1)]),
    ],
)
def test_the_next_channel_gets_only_what_was_surely_not_taken_and_whole(
    answers: tuple[str, ...], status: int | None, state: str, then: list[tuple[str, int]]
) -> None:
    s = story(long=True)
    (intent,) = s.intend()
    assert (intent.channel, len(intent.parts), s.sms[0]["channel"]) == ("smpp", 2, "smpp")
    s.answer(intent, *answers, status=status)
    assert s.states == [f"opened {state}"]
    assert intents(s) == then


@pytest.mark.parametrize(
    ("answers", "state", "then"),
    [
        (("accepted", "throttled"), "failed no_channel", []),  # two halves by two channels make no message
        (("unknown", "throttled"), "failed no_channel", []),
        (("throttled",), "queued throttled", [("file", 2)]),  # nothing of it has left
        (("unknown",), "unknown no_answer", []),
        (("accepted",), "sent", []),
    ],
)
def test_what_has_left_in_part_by_a_channel_that_is_no_more_ends(
    answers: tuple[str, ...], state: str, then: list[tuple[str, int]]
) -> None:
    s = story(long=True)
    (intent,) = s.intend()
    s.answer(intent, *answers)
    s.desk = notifications.app(SendPolicy(policy_of(), [], configured=("file",)))
    found = intents(s)
    assert (s.states, found) == ([f"opened {state}"], []) if not then else found == then


async def test_a_start_without_the_channel_of_what_waits_ends_nothing_else() -> None:
    """From the simulator to the file, in the middle of a message."""
    store, smsc = MemoryStore(), FakeSmsc()
    smsc.answers = [SubmitOutcome.ACCEPTED, SubmitOutcome.THROTTLED]
    texts = [replace(t, en="Dear {name}, " + "x" * 200) if t.kind == "complaint_opened" else t for t in KNOWN]
    async with Process(store, smsc, templates=texts) as life:
        life.start()
        smsc.answers += [SubmitOutcome.THROTTLED] * 1000
        await life.complain("c1")
        await eventually(lambda: life.sms()["reason"] == "throttled", every=0.001)
    file = FakeSmsc()
    async with Process(store, file, first="file", templates=texts) as life:
        life.start()
        assert (await life.until("failed"))["reason"] == "no_channel"
        await life.complain("c2")
        await life.until("sent", "c2")
    assert (len(smsc.accepted), {part.destination for part in file.accepted}) == (1, {"8613900000002"})


def test_what_all_have_refused_begins_with_the_first_again() -> None:
    s = story()
    seen = []
    for _ in range(4):
        (intent,) = s.intend()
        seen.append(intent.channel)
        s.answer(intent, "refused_for_now")
    assert seen == ["smpp", "http", "smpp", "http"]


@pytest.mark.parametrize("outcome", ["throttled", "not_written"])
@pytest.mark.parametrize(("seconds", "then"), [(59, "smpp"), (60, "http")])
def test_a_channel_that_keeps_it_waiting_for_too_long_gives_way(outcome: str, seconds: int, then: str) -> None:
    now = [NOON]
    s = story(clock=lambda: now[0])
    (intent,) = s.intend()
    now[0] += timedelta(seconds=seconds)
    s.answer(intent, outcome)
    assert intents(s) == [(then, 1)]


def test_a_late_answer_decides_and_not_the_silence_before_it() -> None:
    s = story()
    (intent,) = s.intend()
    s.answer(intent, "unknown")
    assert intents(s) == []
    s.answer(intent, "refused", status=0x08)
    assert intents(s) == [("http", 1)]


def test_the_provider_is_told_the_variables_of_the_text_and_gets_it_as_one() -> None:
    s = story(order={"any": ("http",)})
    (intent,) = s.intend()
    (part,) = intent.parts
    (id_,) = [t.provider_ids["http"] for t in KNOWN if t.id == "complaint-opened"]
    assert part.template == ProviderText(str(id_), "en", {"name": "Ann"})
    assert (part.text, part.concat, part.number) == (s.sms[0]["text"], None, 1)
    assert intent.about[0] == "channel/http"


def test_a_restart_leaves_it_where_it_was() -> None:
    s = story(order={"any": ("http", "smpp")})
    (intent,) = s.intend()
    s.lose(intent.sms_id)
    assert s.states == ["opened unknown restart"] and s.sms[0]["channel"] == "http"
    assert intents(s) == []


# --- with a sender ----------------------------------------------------------------------------------------------------


def life_of(smsc: FakeSmsc, http: FakeSmsc, store: MemoryStore | None = None, **policy: Any) -> Process:
    return Process(store or MemoryStore(), smsc, policy_of(**policy), others={"http": http}, templates=KNOWN)


async def test_away_for_a_moment_it_is_waited_for() -> None:
    smsc, http = transport(0), FakeSmsc()
    async with life_of(smsc, http) as life:
        life.start()
        await eventually(lambda: life.sender._recovered)
        await life.complain("c1", "c2")
        await eventually(lambda: len(life.sender._parked) == 2)
        assert life.sender.pending() == 2 and {life.sms(c)["state"] for c in ("c1", "c2")} == {"queued"}
        smsc.open.set()
        await life.until("sent", "c1")
        await life.until("sent", "c2")
    assert (len(smsc.accepted), len(http.submitted)) == (2, 0)


async def test_away_for_long_the_other_takes_what_it_can() -> None:
    smsc, http = transport(90), FakeSmsc()
    texts = [t if t.id == "complaint-opened" else replace(t, provider_ids={}) for t in KNOWN]
    async with Process(MemoryStore(), smsc, policy_of(), others={"http": http}, templates=texts) as life:
        life.start()
        await life.complain("c1")
        assert (await life.until("sent"))["channel"] == "http"
        assert http.accepted[0].template is not None
        assert smsc.submitted == []


async def test_what_only_the_absent_one_takes_is_in_nobody_s_way() -> None:
    smsc, http = transport(90), FakeSmsc()
    store = MemoryStore()
    plain = [replace(t, provider_ids={}) for t in KNOWN]
    async with Process(store, smsc, policy_of(), others={"http": http}, templates=plain) as life:
        life.start()
        await eventually(lambda: life.sender._recovered)
        await life.complain(*(f"c{n}" for n in range(1, 31)))
        await eventually(lambda: len(life.sender._parked) == 30)
        life.send_policy.templates.update({t.id: t for t in KNOWN})
        await life.complain("c99")
        assert (await life.until("sent", "c99"))["channel"] == "http"
        smsc.open.set()
        for n in range(1, 31):
            await life.until("sent", f"c{n}")
    assert len(smsc.accepted) == 30


async def test_what_waits_for_the_absent_one_takes_the_road_that_staff_open_meanwhile() -> None:
    smsc, http = transport(90), FakeSmsc()
    plain = [replace(t, provider_ids={}) for t in KNOWN]
    async with Process(MemoryStore(), smsc, policy_of(), others={"http": http}, templates=plain) as life:
        life.start()
        await eventually(lambda: life.sender._recovered)
        await life.complain("c1", "c2")
        await eventually(lambda: len(life.sender._parked) == 2)
        life.send_policy.templates.update({t.id: t for t in KNOWN})
        life.sender.look_at_policy()
        for customer in ("c1", "c2"):
            assert (await life.until("sent", customer))["channel"] == "http"
    assert (smsc.submitted, len(http.accepted)) == ([], 2)


async def test_what_is_held_with_its_channel_takes_the_road_that_staff_open_meanwhile() -> None:
    smsc, http = FakeSmsc(), FakeSmsc()
    plain = [replace(t, provider_ids={}) for t in KNOWN]
    async with Process(MemoryStore(), smsc, policy_of(), others={"http": http}, templates=plain) as life:
        life.start()
        life.say("channel/smpp")
        life.say("kind/arrears")
        await life.complain("c1", "c2")
        for customer in ("c1", "c2"):
            await life.until("held", customer)
        life.send_policy.templates.update({t.id: t for t in KNOWN})
        life.sender.look_at_policy()
        for customer in ("c1", "c2"):
            assert (await life.until("sent", customer))["channel"] == "http"
        assert len(life.sender._aside) == 0
    assert (smsc.submitted, len(http.accepted)) == ([], 2)


async def test_what_is_released_takes_the_road_that_was_opened_while_it_was_held() -> None:
    smsc, http = FakeSmsc(), FakeSmsc()
    plain = [replace(t, provider_ids={}) for t in KNOWN]
    async with Process(MemoryStore(), smsc, policy_of(), others={"http": http}, templates=plain) as life:
        life.start()
        life.say("kind/complaint_opened")
        await life.complain("c1")
        await life.until("held")
        life.send_policy.templates.update({t.id: t for t in KNOWN})
        life.sender.look_at_policy()
        smsc.open.clear()
        smsc.lost_at = monotonic() - 90
        life.say("kind/complaint_opened", stop=False)
        assert (await life.until("sent"))["channel"] == "http"


async def test_after_a_restart_it_may_take_the_channels_that_are_in_force() -> None:
    """Not those that were in force before the first switch."""
    smsc, http, store = transport(0), FakeSmsc(), MemoryStore()
    async with life_of(smsc, http, store) as life:
        life.start()
        await eventually(lambda: life.sender._recovered)
        await life.complain("c1")
        await eventually(lambda: len(life.sender._parked) == 1)
    smsc.lost_at -= 90
    async with life_of(smsc, http, store) as life:
        plain = [replace(t, provider_ids={}) for t in KNOWN]
        life.sender._send_policy = SendPolicy(policy_of(), plain, configured=BOTH)
        life.start()
        assert (await life.until("sent"))["channel"] == "http"
    assert (smsc.submitted, len(http.accepted)) == ([], 1)


async def test_a_stopped_channel_is_passed_over_and_with_all_stopped_it_is_held() -> None:
    smsc, http = FakeSmsc(), FakeSmsc()
    async with life_of(smsc, http) as life:
        life.start()
        life.say("channel/smpp")
        await life.complain("c1")
        assert (await life.until("sent"))["channel"] == "http"
        life.say("channel/http")
        await life.complain("c2")
        assert (await life.until("held", "c2"))["reason"] == "stopped"
        life.say("channel/smpp", stop=False)
        assert (await life.until("sent", "c2"))["channel"] == "smpp"
    assert (len(smsc.accepted), len(http.accepted)) == (1, 1)


async def test_a_stop_of_the_channel_counts_at_the_moment_of_writing() -> None:
    smsc, http = FakeSmsc(), FakeSmsc()
    smsc.has_room.clear()
    async with life_of(smsc, http) as life:
        life.start()
        await life.complain("c1")
        await eventually(lambda: life.sms()["state"] == "sending")
        life.say("channel/smpp")
        smsc.has_room.set()
        assert (await life.until("sent"))["channel"] == "http"
    assert (smsc.submitted, len(http.accepted)) == ([], 1)


async def test_a_stop_of_the_only_channel_that_takes_a_text_holds_it() -> None:
    smsc, http = FakeSmsc(), FakeSmsc()
    plain = [replace(t, provider_ids={}) for t in KNOWN]
    async with Process(MemoryStore(), smsc, policy_of(), others={"http": http}, templates=plain) as life:
        life.start()
        life.say("channel/smpp")
        await life.complain("c1")
        assert (await life.until("held"))["reason"] == "stopped"
        life.say("channel/smpp", stop=False)
        await life.until("sent")
    assert (len(smsc.accepted), http.submitted) == (1, [])


async def test_refused_for_now_it_goes_by_the_other_and_is_there_once() -> None:
    smsc, http = FakeSmsc(), FakeSmsc()
    smsc.answers = [SubmitOutcome.REFUSED_FOR_NOW]
    async with life_of(smsc, http) as life:
        life.start()
        await life.complain("c1")
        row = await life.until("sent")
        assert row["channel"] == "http"
    assert (len(smsc.accepted), len(http.accepted)) == (0, 1)
