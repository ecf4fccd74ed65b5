"""Policy and texts change at one place of the log; what waits leaves with the text of then."""

from typing import Any

import msgspec
import pytest

from alerts.notifications.send_policy import POLICY_KIND, TEMPLATE_KIND
from contracts.documents import DocumentSwitched, State
from contracts.registry import SWITCH
from harness.notifications_feed import BOOK
from harness.one_processor import NOON
from harness.sms_life import FakeSmsc, Process
from harness.waiting import eventually
from servicekit.documents.in_force import Edition
from servicekit.memory_store import MemoryStore

OPENED = {
    name: value for name, value in msgspec.to_builtins(BOOK.templates["complaint-opened"]).items() if name != "version"
}
POLICY = {name: value for name, value in msgspec.to_builtins(BOOK.policy).items() if name != "version"}


def text_of(words: str) -> dict[str, Any]:
    return {**OPENED, "en": words}


class Switches:
    """Records of switches for both topics that carry them."""

    def __init__(self, life: Process) -> None:
        self.life, self.number = life, 0

    async def place(self, kind: str, document: dict[str, Any], state: State = "active", *topics: str) -> None:
        self.number += 1
        switched = DocumentSwitched(
            number=self.number, kind=kind, document_id=document["id"], version=self.number + 1, state=state,
            document=document, by="li", why="改了", switched_at=NOON,
        )  # fmt: skip
        records = [
            self.life.desk.record(topic, SWITCH, switched, key=f"document/{kind}/{document['id']}")
            for topic in topics or ("boss.events", "alert.events")
        ]
        await self.life.desk.take(*records)


async def test_what_comes_behind_a_switch_and_what_still_waits_has_the_new_text() -> None:
    smsc = FakeSmsc()
    smsc.open.clear()
    store = MemoryStore()
    async with Process(store, smsc) as life:
        life.start()
        await eventually(lambda: life.sender._recovered)
        await life.complain("c1")
        old = life.sms("c1")["text"]
        switches = Switches(life)
        await switches.place(TEMPLATE_KIND, text_of("New words for {name}"), "active", "boss.events")
        await life.complain("c2")
        assert (life.sms("c2")["text"], life.sms("c2")["template_version"]) == (old, 1), "alerts stand on another topic"
        switches.number = 0
        await switches.place(TEMPLATE_KIND, text_of("New words for {name}"), "active", "alert.events")
        await life.complain("c3")
        assert (life.sms("c3")["text"], life.sms("c3")["template_version"]) == ("New words for Ann", 2)
        smsc.open.set()
        for customer in ("c1", "c2", "c3"):
            await life.until("sent", customer)
    assert {part.text for part in smsc.accepted} == {"New words for Ann"}
    async with Process(store, smsc) as life:
        life.start()
        await life.complain("c4")
        assert (await life.until("sent", "c4"))["text"] == "New words for Ann", "it is in the store"


async def test_a_stopped_template_plans_nothing_new_and_what_waits_goes() -> None:
    smsc = FakeSmsc()
    smsc.open.clear()
    async with Process(MemoryStore(), smsc) as life:
        life.start()
        await eventually(lambda: life.sender._recovered)
        await life.complain("c1")
        switches = Switches(life)
        await switches.place(TEMPLATE_KIND, OPENED, "stopped")
        await life.complain("c2")
        assert [row["customer_id"] for row in life.store.documents["sms"].values()] == ["c1"]
        await switches.place(TEMPLATE_KIND, OPENED, "active")
        await life.complain("c3")
        smsc.open.set()
        await life.until("sent", "c1")
        await life.until("sent", "c3")


async def test_the_sender_takes_rate_and_quiet_hours_at_its_next_look() -> None:
    async with Process(MemoryStore(), FakeSmsc()) as life:
        life.sender._in_force = lambda processor: life.desk.processor.committer.shelf.least() or life.send_policy
        life.start()
        switches = Switches(life)
        await switches.place(POLICY_KIND, {**POLICY, "rate_per_second": 7, "daily_cap": 1})
        assert life.sender._allowance.now() <= 7
        await life.complain("c1")
        await life.until("sent", "c1")
        await switches.place(POLICY_KIND, {**POLICY, "quiet": {"start": "09:00:00", "end": "13:00:00"}})
        await life.complain("c2")
        assert (await life.until("held", "c2"))["reason"] == "quiet_hours"


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        (TEMPLATE_KIND, text_of("{nothing}")),
        (TEMPLATE_KIND, {**OPENED, "en": "你好"}),
        (TEMPLATE_KIND, {"id": "x"}),
        (POLICY_KIND, {**POLICY, "daily_cap": 0}),
        (POLICY_KIND, {"id": "sms"}),
    ],
)
async def test_what_can_t_be_read_is_put_aside_and_the_set_before_holds(kind: str, document: dict[str, Any]) -> None:
    async with Process(MemoryStore(), FakeSmsc()) as life:
        life.start()
        await Switches(life).place(kind, document)
        assert len([m for m in await life.desk.outbox() if m.topic.endswith(".dlq")]) == 2
        await life.complain("c1")
        assert (await life.until("sent"))["template_version"] == 1


def test_of_two_texts_for_one_step_the_later_one_counts_and_the_set_before_is_as_it_was() -> None:
    twin = {**text_of("Another"), "id": "a-twin"}
    after = BOOK.switched([Edition(3, TEMPLATE_KIND, "a-twin", 1, "active", twin)])
    assert after.template("complaint_opened", "opened") is after.templates["a-twin"]
    assert "a-twin" not in BOOK.templates
    back = BOOK.switched(
        [
            Edition(3, TEMPLATE_KIND, "a-twin", 1, "active", twin),
            Edition(4, TEMPLATE_KIND, "a-twin", 1, "stopped", twin),
        ]
    )
    assert back.template("complaint_opened", "opened") is back.templates["complaint-opened"]
    assert back.blocked is BOOK.blocked and back.policy is BOOK.policy
