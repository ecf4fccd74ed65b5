"""What people are told away from the screen, and when: one suite over the fake and over the real database."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient

from contracts.releases import StepView
from contracts.work_rules import Flood
from gateway.notices.ledger import LEASE, NOTICES
from gateway.notices.senders import Passing, Refusal
from harness.notices import URL, WEBHOOK, House, house
from harness.read_model import alert, customer, unit
from servicekit.decision import Refused
from servicekit.memory_store import MemoryDocuments, MemoryStore
from servicekit.mongo import MongoDocuments
from servicekit.store import Documents, Transient

FOR_REAL = pytest.param("real", marks=pytest.mark.embedded)
URGENT: dict[str, Any] = {"urgent": {"channels": ["mail"]}}
DIGEST: dict[str, Any] = {"digest": {"channels": ["mail"], "at": "08:30"}}
NIGHT = {"begins": "21:00", "ends": "08:00"}


@pytest.fixture(params=["fake", FOR_REAL])
async def documents(request: pytest.FixtureRequest) -> AsyncIterator[Documents]:
    if request.param == "fake":
        yield MemoryDocuments(MemoryStore())
        return
    client: Any = AsyncIOMotorClient(request.getfixturevalue("mongodb"), tz_aware=True)
    database = request.getfixturevalue("mongo_database")
    yield MongoDocuments(client[database])
    await client.drop_database(database)
    client.close()


@pytest.fixture
async def world(documents: Documents, tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, documents) as made:
        yield made


@pytest.fixture
async def quick(tmp_path: Path) -> AsyncIterator[House]:
    """Over the fake alone, where the database makes no difference."""
    async with house(tmp_path, MemoryDocuments(MemoryStore())) as made:
        yield made


def local(hour: int, minute: int = 0, day: int = 30) -> datetime:
    return datetime(2026, 6, day, hour, minute, tzinfo=UTC) - timedelta(hours=8)


async def delivery(world: House, staff_no: str = "M0001") -> tuple[Any, ...]:
    notice = (await world.ledger.recent(staff_no))[0]
    ((_, found),) = notice.deliveries
    return found.state, found.reason, found.attempts


# --- urgent ----------------------------------------------------------------------------------------------------------


async def test_an_urgent_alert_is_told_once_to_whom_it_concerns(world: House) -> None:
    for staff_no in ("M0001", "M0002"):
        await world.chooses(staff_no, **URGENT)
    (id_,) = await world.raised()
    for _ in range(3):
        await world.goes_on()
    ((to, text, _),) = world.mail.got
    assert to == "m0001@corp.example" and text.subject == "大客户预警：紧急 1"
    assert f"https://kam.example/alerts/{id_}" in text.lines
    assert await delivery(world) == ("sent", None, 1) and not await world.ledger.recent("M0002")
    assert not await world.ledger.open()


async def test_no_message_says_who_it_is_about(quick: House) -> None:
    await quick.chooses("M0001", wecom_webhook=WEBHOOK, urgent={"channels": ["mail", "wecom"]}, **DIGEST)
    await quick.it_is(local(8, 40) + timedelta(days=1))
    await quick.raised(values={"amount_fen": 987654, "days_overdue": 61})
    await quick.goes_on()
    assert len(quick.mail.got) == 2 and len(quick.wecom.got) == 1
    for _, text, _ in (*quick.mail.got, *quick.wecom.got):
        said = text.subject + text.body + text.short
        secrets = ("王小明", "13901000123", "0123", "320100X", "9876", "c1", "李经理")
        assert not any(secret in said for secret in secrets)


async def test_what_comes_in_a_moment_is_one_notice_and_so_is_what_comes_before_the_next(quick: House) -> None:
    await quick.chooses("M0001", **URGENT)
    await quick.raised(30)
    await quick.goes_on()
    await quick.raised(5)
    for _ in range(4):
        await quick.goes_on(minutes=0.2)
    assert [text.subject for _, text, _ in quick.mail.got] == ["大客户预警：紧急 30"]
    await quick.goes_on()
    assert [text.subject for _, text, _ in quick.mail.got][1:] == ["大客户预警：紧急 5"]


async def test_what_stood_when_somebody_asked_is_no_news_to_them(world: House) -> None:
    await world.raised(3)
    await world.chooses("M0001", **URGENT)
    await world.goes_on()
    assert not world.mail.got and not await world.ledger.recent("M0001")
    await world.raised()
    await world.goes_on()
    assert len(world.mail.got) == 1
    await world.chooses("M0001")
    await world.raised(2)
    await world.goes_on()
    await world.chooses("M0001", **URGENT)
    await world.goes_on()
    assert len(world.mail.got) == 1, "nor is what came while they did not want to be told"


async def _went_up(
    world: House, id_: str, level: str, cause: str = "not_acknowledged", hour: int = 14, **fields: Any
) -> None:
    """Notifications say so, by the revision that detection had given."""
    why = {"level": level, "cause": cause, "hours": 4, "since": "2026-06-30T02:00:00+00:00"}
    more = {"customer_id": "c1", "severity": "minor", "at": local(hour).isoformat(), **fields}
    await world.heard(alert("escalated", id_, escalation=why, **more))


async def _accepted(world: House, id_: str, hour: int) -> None:
    more = {"customer_id": "c1", "severity": "minor", "at": local(hour).isoformat()}
    await world.heard(alert("acknowledged", id_, state="acknowledged", **more))


async def _wants(world: House, staff_no: str, **grant: Any) -> None:
    """A head who is told of what is urgent."""
    await world.account(staff_no, **{"manager_id": None, **grant})
    await world.chooses(staff_no, **URGENT)


HEAD: dict[str, Any] = {"role": "head", "units": ("U11",)}
CITY: dict[str, Any] = {"role": "city_head", "cities": ("320100",)}


async def test_an_alert_that_went_up_is_told_to_the_heads_of_that_level_however_grave(world: House) -> None:
    for staff_no, grant in (
        ("H1", {"role": "head", "units": ("U11",), "manager_id": None}),
        ("C1", {"role": "city_head", "cities": ("320100",), "manager_id": None}),
        ("P1", {"role": "city_head", "manager_id": None}),
    ):
        await world.account(staff_no, **grant)
        await world.chooses(staff_no, **URGENT)
    await world.chooses("M0001", **URGENT)
    (id_,) = await world.raised(severity="minor")
    await world.goes_on()
    assert not world.mail.got
    for level, to in (("head", "h1"), ("city_head", "c1"), ("province", "p1")):
        await _went_up(world, id_, level)
        for _ in range(2):
            await world.goes_on()
        assert [mail.partition("@")[0] for mail, _, _ in world.mail.got][-1] == to
    assert len(world.mail.got) == 3 and "已上报" in world.mail.got[0][1].body


async def test_a_second_cause_at_the_same_level_is_told_once_to_those_whom_it_has_reached(quick: House) -> None:
    await _wants(quick, "H1", **HEAD)
    await _wants(quick, "C1", **CITY)
    (id_,) = await quick.raised(severity="minor")
    await _went_up(quick, id_, "head", hour=11)
    await quick.goes_on()
    await _went_up(quick, id_, "city_head", hour=12)
    await quick.goes_on()
    assert [to[:2] for to, _, _ in quick.mail.got] == ["h1", "c1"]
    await _accepted(quick, id_, hour=13)
    await quick.goes_on()
    for _ in range(2):
        await _went_up(quick, id_, "head", "not_begun", hour=15, state="acknowledged")
        await quick.goes_on()
    assert [to[:2] for to, _, _ in quick.mail.got] == ["h1", "c1", "h1"]
    assert ["知悉后未处理" in text.body for _, text, _ in quick.mail.got] == [False, False, True]
    link = next(line for line in quick.mail.got[-1][1].lines if line.startswith("全部"))
    assert "state=raised" not in link, "it has been taken in hand"
    await quick.heard(alert("unacknowledged", id_, customer_id="c1", severity="minor", at=local(16).isoformat()))
    await _went_up(quick, id_, "head", hour=17)
    await quick.goes_on()
    assert len(quick.mail.got) == 3, "given back and left again: the head knows of both"


async def test_what_was_taken_in_hand_before_the_notice_is_not_told(quick: House) -> None:
    await _wants(quick, "H1", **HEAD)
    (id_,) = await quick.raised(severity="minor")
    await _went_up(quick, id_, "head", hour=11)
    await _accepted(quick, id_, hour=12)
    await quick.goes_on()
    assert not quick.mail.got


async def test_what_goes_up_to_a_unit_without_a_head_goes_on_to_the_next_level(quick: House) -> None:
    await _wants(quick, "H2", role="head", units=("U99",))
    await _wants(quick, "C1", **CITY)
    await _wants(quick, "P1", role="head")
    (id_,) = await quick.raised(severity="minor")
    await _went_up(quick, id_, "head", hour=11)
    await quick.goes_on()
    assert [to[:2] for to, _, _ in quick.mail.got] == ["c1"], "the next one up, and nobody above"
    await _went_up(quick, id_, "city_head", hour=12)
    await quick.goes_on()
    assert len(quick.mail.got) == 1, "who knows of it already"


async def test_a_head_who_may_not_sign_in_any_more_is_none(quick: House) -> None:
    await _wants(quick, "H1", **HEAD)
    await _wants(quick, "P1", role="city_head")
    gone = await quick.users.get("H1")
    assert gone is not None
    await quick.users.documents.save("H1", gone.document, after=gone.version, author="x", reason="x", state="disabled")
    (id_,) = await quick.raised(severity="minor")
    await _went_up(quick, id_, "head")
    await quick.goes_on()
    assert [to[:2] for to, _, _ in quick.mail.got] == ["p1"], "nor is there a head of the city"


async def test_a_head_of_other_kinds_is_none_for_this_one(quick: House) -> None:
    await _wants(quick, "H1", **HEAD, kinds=("complaint_opened",))
    await _wants(quick, "C1", **CITY)
    (id_,) = await quick.raised(severity="minor", kind="arrears")
    await _went_up(quick, id_, "head", kind="arrears")
    await quick.goes_on()
    assert [to[:2] for to, _, _ in quick.mail.got] == ["c1"]


async def test_units_tied_into_a_ring_tell_both_their_heads_once(quick: House) -> None:
    ring = (unit("U11", "U12", revision=2), unit("U12", "U11"))
    await quick.heard(*ring, topic="boss.events")
    await _wants(quick, "H1", **HEAD)
    await _wants(quick, "H2", role="head", units=("U12",))
    (id_,) = await quick.raised(severity="minor")
    await _went_up(quick, id_, "head")
    for _ in range(3):
        await quick.goes_on()
    assert sorted(to[:2] for to, _, _ in quick.mail.got) == ["h1", "h2"]


async def test_a_customer_of_no_unit_goes_to_the_city(quick: House) -> None:
    await quick.heard(customer("c9", manager_id="M0404"), topic="boss.events")
    await _wants(quick, "H1", **HEAD)
    await _wants(quick, "C1", **CITY)
    (id_,) = await quick.raised(customer_id="c9", severity="minor")
    await _went_up(quick, id_, "head", customer_id="c9")
    await quick.goes_on()
    assert [to[:2] for to, _, _ in quick.mail.got] == ["c1"]


async def test_what_maintenance_holds_is_told_when_it_is_over(quick: House) -> None:
    await quick.chooses("M0001", **URGENT)
    held = {"reason": "割接", "until": "2026-06-30T06:00:00+00:00"}
    (id_,) = await quick.raised(suppressed=held)
    await quick.goes_on()
    assert not quick.mail.got
    await quick.heard(
        alert("changed", id_, customer_id="c1", severity="critical", revision=2, at=local(14).isoformat())
    )
    await quick.goes_on()
    assert len(quick.mail.got) == 1


async def test_very_many_become_one_notice_that_counts_them(quick: House) -> None:
    quick.flood = Flood(more_than=10, within_minutes=60)
    await quick.chooses("M0001", **URGENT)
    await quick.raised(8)
    await quick.goes_on()
    await quick.raised(2)
    await quick.goes_on()
    assert [text.subject for _, text, _ in quick.mail.got] == ["大客户预警：紧急 8", "大客户预警：紧急 2"]
    for _ in range(4):
        await quick.raised(6)
        await quick.goes_on(minutes=10)
    assert len(quick.mail.got) == 2, "ten in an hour is what they asked for"
    await quick.goes_on(minutes=30)
    assert [text.subject for _, text, _ in quick.mail.got][2:] == ["大客户预警汇总：24"]
    assert any(line.endswith("24") for line in quick.mail.got[-1][1].lines) and len(quick.mail.got[-1][1].lines) < 10


async def test_an_alert_that_becomes_graver_is_news(quick: House) -> None:
    await quick.chooses("M0001", **URGENT)
    await quick.raised(severity="major")
    await quick.goes_on()
    assert not quick.mail.got
    more = {"severity": "critical", "stage": "final_notice", "raised_at": "2026-01-01T00:00:00+00:00"}
    await quick.heard(alert("changed", "a0", 2, **more))
    await quick.goes_on()
    await quick.heard(alert("changed", "a0", 3, **more, values={"amount_fen": 1}))
    await quick.goes_on()
    assert len(quick.mail.got) == 1


async def test_severity_and_kinds_are_each_persons_own(quick: House) -> None:
    await quick.chooses("M0001", urgent={"channels": ["mail"], "severity": "major", "kinds": ["complaint_opened"]})
    await quick.raised(severity="major")
    await quick.raised(kind="complaint_opened", severity="minor")
    await quick.raised(kind="complaint_opened", severity="major")
    await quick.goes_on()
    ((_, text, _),) = quick.mail.got
    assert "https://kam.example/alerts/a2" in text.lines and text.subject == "大客户预警：重要 1"


async def test_quiet_hours_hold_all_and_tell_it_together_in_the_morning(world: House) -> None:
    await world.chooses("M0001", quiet=NIGHT, **URGENT)
    await world.raised()
    await world.watch.look()
    await world.it_is(local(21))
    await world.goes_on()
    assert not world.mail.got, "what was made before is held, too"
    await world.raised(2)
    for _ in range(3):
        await world.goes_on()
    await world.it_is(local(7, 59) + timedelta(days=1))
    await world.goes_on()
    assert not world.mail.got
    await world.it_is(local(8) + timedelta(days=1))
    await world.goes_on()
    assert sorted(text.subject for _, text, _ in world.mail.got) == ["大客户预警：紧急 1", "大客户预警：紧急 2"]


async def test_what_was_taken_in_hand_before_it_was_sent_is_not_told(quick: House) -> None:
    await quick.chooses("M0001", **URGENT)
    await quick.raised(2)
    await quick.watch.look()
    await quick.heard(alert("acknowledged", "a0", 1, "acknowledged", severity="critical"))
    await quick.goes_on()
    assert [text.subject for _, text, _ in quick.mail.got] == ["大客户预警：紧急 1"]
    await quick.raised()
    quick.clock.passes(minutes=2)
    await quick.watch.look()
    await quick.heard(alert("resolved", "a2", 2, "resolved", severity="critical"))
    await quick.goes_on()
    assert len(quick.mail.got) == 1 and await delivery(quick) == ("dropped", "nothing_left", 1)


async def test_a_scope_that_changed_before_it_was_sent_is_the_one_that_counts(world: House) -> None:
    await world.chooses("M0001", **URGENT)
    await world.raised()
    await world.watch.look()
    await world.heard(customer("c1", 2, manager_id="M0002"), topic="boss.events")
    await world.goes_on()
    assert not world.mail.got and await delivery(world) == ("dropped", "nothing_left", 1)
    await world.account("M0001", manager_id="M0002")
    await world.chooses("M0002", **URGENT)
    world.begin()  # as it is seen after a minute at the latest
    await world.raised()
    await world.goes_on()
    assert sorted(to for to, _, _ in world.mail.got) == ["m0001@corp.example", "m0002@corp.example"]


async def test_who_may_not_sign_in_is_told_nothing(quick: House) -> None:
    await quick.chooses("M0001", **URGENT)
    await quick.raised()
    await quick.watch.look()
    user = await quick.users.get("M0001")
    assert user is not None
    await quick.users.documents.save("M0001", user.document, after=1, author="x", reason="x", state="disabled")
    await quick.goes_on()
    await quick.raised()
    await quick.goes_on()
    assert not quick.mail.got and await delivery(quick) == ("dropped", "no_account", 1)


# --- digests ---------------------------------------------------------------------------------------------------------


async def test_a_digest_comes_once_each_morning(world: House) -> None:
    await world.raised(2)
    await world.chooses("M0001", **DIGEST)
    await world.it_is(local(8, 29) + timedelta(days=1))
    await world.goes_on()
    assert not world.mail.got
    await world.it_is(local(8, 30) + timedelta(days=1))
    for _ in range(3):
        await world.goes_on()
    world.begin()
    await world.goes_on()
    await world.it_is(local(9) + timedelta(days=2))
    await world.goes_on()
    assert world.mail.ids == ["M0001:digest:2026-07-01:mail", "M0001:digest:2026-07-02:mail"]
    assert world.mail.got[0][1].subject == "大客户晨报：待办预警 2，已超时 0，今日到期 0"
    assert "紧急 欠费 2 (昨日以来新增 2)" in world.mail.got[0][1].lines


async def test_a_digest_asked_for_after_its_time_begins_tomorrow(quick: House) -> None:
    await quick.chooses("M0001", **DIGEST)  # it is ten
    await quick.goes_on()
    assert not quick.mail.got


async def test_a_digest_is_in_the_language_that_was_chosen(quick: House) -> None:
    await quick.chooses("M0001", language="en", **DIGEST)
    await quick.it_is(local(9) + timedelta(days=1))
    await quick.goes_on()
    assert "Nothing stands open." in quick.mail.got[0][1].lines


async def test_whoever_may_decide_is_told_in_the_morning_what_waits_for_a_release(quick: House) -> None:
    quick.held.rows = [waits("s1"), waits("s2", city="320200"), waits("s3", state="released")]
    quick.held.missing = {"alerts": Refused("away", "无法访问", "away", 503)}
    await quick.account("X0001", role="analyst", manager_id=None, cities=("320100",))
    for who in ("M0001", "X0001"):
        await quick.chooses(who, **DIGEST)
    await quick.it_is(local(9) + timedelta(days=1))
    await quick.goes_on()
    lines = {id.partition(":")[0]: text.lines for _, text, id in quick.mail.got}
    line = f"等您放行 1: {URL}/documents/releases"
    assert line in lines["X0001"], "of their city, as far as it is known"
    assert not [told for told in lines["M0001"] if "放行" in told], "a manager decides nothing"


def waits(id: str, **more: Any) -> StepView:
    made = {
        **{"id": id, "source": "step", "effect": "raise", "state": "waiting", "city": "320100", "kind": "arrears"},
        **{"cause": "2026-07-01", "count": 250, "customers": 1000, "of": 1000, "share": 25.0, "percent": 20},
        "since": "2026-07-01T00:00:00+00:00",
    }
    return StepView(**{**made, **more})


# --- failures --------------------------------------------------------------------------------------------------------


async def test_a_passing_failure_is_tried_again_and_keeps_nobody_waiting(world: House) -> None:
    await world.chooses("M0001", wecom_webhook=WEBHOOK, urgent={"channels": ["mail", "wecom"]})
    await world.chooses("M0002", **URGENT)
    world.wecom.fails = [Passing("busy")] * 3
    await world.raised()
    await world.raised(customer_id="c2")
    await world.goes_on()
    assert len(world.mail.got) == 2 and not world.wecom.got
    await world.dispatch.send()
    (notice,) = await world.ledger.recent("M0001")
    assert notice.wecom is not None and (notice.wecom.reason, notice.wecom.attempts) == ("busy", 1)
    for _ in range(4):
        await world.goes_on(minutes=20)
    assert len(world.mail.got) == 2 and world.wecom.ids == ["M0001:urgent:2:wecom"]
    (notice,) = await world.ledger.recent("M0001")
    assert notice.wecom is not None and (notice.wecom.state, notice.wecom.attempts) == ("sent", 4)
    assert world.wecom.got[0][0] == WEBHOOK


async def test_a_failure_for_good_ends_it_and_is_shown(world: House) -> None:
    await world.chooses("M0001", **URGENT)
    world.mail.fails = [Refusal("address_refused")]
    await world.raised()
    for _ in range(3):
        await world.goes_on(minutes=20)
    assert not world.mail.got and await delivery(world) == ("failed", "address_refused", 1)
    await world.raised()
    await world.goes_on()
    assert len(world.mail.got) == 1, "the next one is tried"


async def test_what_nobody_takes_is_given_up(quick: House) -> None:
    await quick.chooses("M0001", **URGENT)
    quick.mail.fails = [Passing("no_answer")] * 1000
    await quick.raised()
    for _ in range(60):
        await quick.goes_on(minutes=15)
    state, reason, attempts = await delivery(quick)
    assert (state, reason) == ("failed", "gave_up") and attempts > 10
    assert not await quick.ledger.open()


async def test_a_fault_of_a_sender_is_no_fault_of_the_gateway(quick: House) -> None:
    await quick.chooses("M0001", **URGENT)
    await quick.chooses("M0002", **URGENT)
    quick.mail.fails = [RuntimeError("13901000123")]
    await quick.raised()
    await quick.raised(customer_id="c2")
    await quick.goes_on()
    assert len(quick.mail.got) == 1
    await quick.goes_on()
    assert sorted(to for to, _, _ in quick.mail.got) == ["m0001@corp.example", "m0002@corp.example"]


async def test_what_was_switched_off_meanwhile_is_not_sent(quick: House) -> None:
    await quick.chooses("M0001", **URGENT)
    await quick.raised()
    await quick.watch.look()
    await quick.chooses("M0001")
    await quick.goes_on()
    assert not quick.mail.got and await delivery(quick) == ("dropped", "switched_off", 1)


# --- processes that end, and two at once -----------------------------------------------------------------------------


class Killed(BaseException):
    """The process ends here."""


class Ending:
    """Documents of a process that ends at its ``n``-th write: before it, or right after it."""

    def __init__(self, rows: Documents, n: int, *, after: bool) -> None:
        self._rows, self._n, self._after = rows, n, after
        self.wrote = 0

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._rows, name)
        if name not in ("add", "put", "patch", "forget"):
            return call

        async def write(*args: Any, **more: Any) -> Any:
            self.wrote += 1
            if self.wrote > self._n or (self.wrote == self._n and not self._after):
                raise Killed
            answer = await call(*args, **more)
            if self.wrote == self._n:
                raise Killed
            return answer

        return write


@pytest.mark.parametrize("after", [False, True])
async def test_a_process_killed_between_any_two_writes_loses_nothing(quick: House, after: bool) -> None:
    await quick.chooses("M0001", wecom_webhook=WEBHOOK, urgent={"channels": ["mail", "wecom"]}, **DIGEST)
    sent_again, n, day, is_over = 0, 0, 0, False
    while not is_over:
        n, day = n + 1, day + 1
        await quick.it_is(local(9) + timedelta(days=day))
        await quick.raised()
        rows = Ending(quick.documents, n, after=after)
        quick.begin(rows)  # type: ignore[arg-type]
        try:
            await quick.goes_on()
            is_over = True
        except Killed:
            pass
        quick.begin()
        await quick.goes_on()
        await quick.goes_on(minutes=LEASE.total_seconds() / 60)
        assert not await quick.ledger.open()
        for outbox, ids in ((quick.mail, {"digest", "urgent"}), (quick.wecom, {"urgent"})):
            assert {id_.split(":")[1] for id_ in outbox.ids} == ids, (n, "nothing is lost")
            sent_again += len(outbox.ids) - len(set(outbox.ids))
            assert len(outbox.got) <= len(ids) + 1, (n, "where it ended before it wrote down what it sent")
            outbox.got.clear()
    assert n > 5 and (after or sent_again > 0)


async def test_a_process_killed_while_it_sends_leaves_the_try_to_another(world: House) -> None:
    await world.chooses("M0001", **URGENT)
    await world.raised()
    world.mail.fails, world.mail.after = [Killed()], True
    with pytest.raises(Killed):
        await world.goes_on()
    world.begin()
    await world.goes_on(minutes=1)
    assert len(world.mail.got) == 1, "it may be under way"
    await world.goes_on(minutes=LEASE.total_seconds() / 60)
    assert world.mail.ids == ["M0001:urgent:2:mail"] * 2, "better twice than never"
    assert await delivery(world) == ("sent", None, 2)


async def test_two_processes_tell_it_once(world: House, tmp_path: Path) -> None:
    await world.chooses("M0001", **URGENT, **DIGEST)
    async with house(tmp_path / "other", MemoryDocuments(MemoryStore())) as other:
        other.documents, other.clock, other.mail = world.documents, world.clock, world.mail
        other.begin()
        for n in range(4):
            for process in (world, other):
                await process.it_is(local(9) + timedelta(days=n))
                await process.raised(n)
            for process in (world, other) if n % 2 else (other, world):
                await process.goes_on()
            await world.dispatch.send()
        await world.goes_on()
    assert len(set(world.mail.ids)) == len(world.mail.ids)
    told = [line for _, text, id_ in world.mail.got if "urgent" in id_ for line in text.lines if "/alerts/" in line]
    assert len(told) == len(set(told)) == 6


async def test_over_a_read_model_that_was_made_anew_nothing_is_told_again(world: House, tmp_path: Path) -> None:
    await world.chooses("M0001", **URGENT)
    await world.raised(3)
    await world.goes_on()
    async with house(tmp_path / "anew", MemoryDocuments(MemoryStore())) as anew:
        anew.documents, anew.clock, anew.mail = world.documents, world.clock, world.mail
        anew.begin()
        await anew.raised(3)
        await anew.goes_on()
        assert len(world.mail.got) == 1
        await anew.raised(2)
        await anew.goes_on()
        assert [text.subject for _, text, _ in world.mail.got][1:] == ["大客户预警：紧急 2"]


async def test_while_the_database_is_away_nothing_is_lost(quick: House) -> None:
    await quick.chooses("M0001", **URGENT)
    await quick.raised()

    class Away:
        def __getattr__(self, name: str) -> Any:
            async def away(*_: Any, **__: Any) -> Any:
                raise Transient("away")

            return away

    quick.begin(Away())  # type: ignore[arg-type]
    with pytest.raises(Transient):
        await quick.goes_on()
    quick.begin()
    await quick.goes_on()
    assert len(quick.mail.got) == 1


async def test_the_ledger_is_short(world: House) -> None:
    await world.chooses("M0001", **URGENT, **DIGEST)
    for n in range(3):
        await world.it_is(local(9) + timedelta(days=n))
        await world.raised()
        await world.goes_on()
    rows = await world.documents.find(NOTICES)
    assert sum(bool(row["told"]) for row in rows) == 1, "the newest alone says what was told"
    assert "王小明" not in str(rows)
    world.clock.passes(days=31)
    await world.ledger.forget_old()
    kinds = [row["kind"] for row in await world.documents.find(NOTICES)]
    assert "digest" not in kinds and "urgent" in kinds
    await world.goes_on()
    assert len(world.mail.got) == 5
