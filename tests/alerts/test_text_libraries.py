"""A text and the SMS policy must go with each other, whichever of them is changed, in force or waiting for its day."""

from datetime import date
from typing import Any

import msgspec
import pytest

from alerts.control_topic import ControlTopic
from alerts.notifications.policybook import POLICY, read_policy
from alerts.notifications.send_policy import SmsPolicy, Template, seeds
from alerts.notifications.stops import Stops
from alerts.notifications.textbook import template_kind
from alerts.text_libraries import PolicyLibrary, TextLibrary
from harness.control_topic import Topic
from harness.switchboard import AT, Board
from servicekit.documents.fault import Faulty
from servicekit.documents.library import Library
from servicekit.memory_store import MemoryDocuments, MemoryStore

WHO = {"by": "A1", "why": "so"}
DAY = date(2026, 8, 1)


def plain(document: Any) -> dict[str, Any]:
    return {name: value for name, value in msgspec.to_builtins(document).items() if name != "version"}


SMS = plain(max(seeds("sms_policy.yaml", SmsPolicy), key=lambda p: p.version))
TEXTS = {text.id: plain(text) for text in seeds("templates.yaml", Template)}
REMINDER = TEXTS["arrears-reminder"]
#: four parts with names of 20 characters
LONG = {**REMINDER, "zh": REMINDER["zh"] + "长" * (4 * 67 - 20 - 60)}


class House:
    def __init__(self) -> None:
        self.board, self.rows = Board(), MemoryDocuments(MemoryStore())
        self.in_force = read_policy(SMS)
        kind = template_kind(lambda: self.in_force)
        topic = Topic()
        control = ControlTopic(Stops(), topic.connect, topic.write)
        control.read.set()  # nothing is stopped
        self.texts: Library = TextLibrary(
            kind, self.rows, self.board, lambda: AT, control=control, policies=lambda: self.policies
        )
        self.policies: Library = PolicyLibrary(POLICY, self.rows, self.board, lambda: AT, texts=self.texts)

    async def change(self, library: Library, document: dict[str, Any], *, on: date | None = None) -> None:
        """Saved and put in force, or made to wait for a day."""
        version = await self.save(library, document)
        await library.activate(document["id"], version, on=on, **WHO)
        if library is self.policies and on is None:
            self.in_force = read_policy(document)

    async def save(self, library: Library, document: dict[str, Any]) -> int:
        newest = (await library.get(document["id"])).version.version
        saved = await library.save(document["id"], document, after=newest, author="A1", why="so")
        return saved.version.version

    async def refused(self, library: Library, document: dict[str, Any]) -> list[tuple[str, str, str]]:
        with pytest.raises(Faulty) as refused:
            await self.save(library, document)
        return [(fault.field, fault.zh, fault.en) for fault in refused.value.faults]


@pytest.fixture
async def house() -> House:
    made = House()
    await made.texts.plant([(1, text) for text in TEXTS.values()], is_in_force=lambda id, version: True)
    await made.policies.plant([(1, SMS)], is_in_force=lambda id, version: True)
    return made


@pytest.mark.parametrize("on", [None, DAY])
async def test_longer_names_must_fit_into_the_texts_there_are(house: House, on: date | None) -> None:
    """They made texts of five parts, and nobody was told."""
    await house.change(house.texts, LONG, on=on)
    longer = {**SMS, "longest_name": 40}
    ((field, zh, en),) = await house.refused(house.policies, longer)
    assert field == "longest_name" and "arrears-reminder 第 2 版的 zh" in zh and "5 条" in zh
    assert "zh of the text arrears-reminder, version 2: takes up to 5 parts" in en
    await house.change(house.policies, {**SMS, "longest_name": 15})
    if on is None:
        await house.change(house.texts, REMINDER)
    else:
        await house.texts.take_back("arrears-reminder", 2, by="B2", why="no")
    await house.change(house.policies, longer)


async def test_it_is_looked_at_again_when_a_policy_comes_into_force(house: House) -> None:
    version = await house.save(house.policies, {**SMS, "longest_name": 40})
    await house.change(house.texts, LONG)
    with pytest.raises(Faulty, match="arrears-reminder"):
        await house.policies.activate("sms", version, **WHO)
    assert (await house.policies.get("sms", version)).state == "draft"


async def test_a_text_must_fit_the_policy_that_waits_for_its_day(house: House) -> None:
    version = await house.save(house.texts, LONG)
    await house.change(house.policies, {**SMS, "longest_name": 40}, on=DAY)
    ((field, zh, en),) = await house.refused(house.texts, LONG)
    assert (field, "第 2 版" in zh, "version 2 of the SMS policy" in en) == ("zh", True, True)
    with pytest.raises(Faulty):
        await house.texts.activate("arrears-reminder", version, **WHO)
    await house.policies.take_back("sms", 2, by="B2", why="no")
    await house.texts.activate("arrears-reminder", version, **WHO)


async def test_a_campaign_that_texts_name_stays(house: House) -> None:
    """Their SMS would have been paid by another one, or by none."""
    named = {**SMS, "campaigns": {"care": {"parts": 10}}}
    await house.change(house.policies, named)
    await house.change(house.texts, {**REMINDER, "campaign": "care"})
    ((field, zh, en),) = await house.refused(house.policies, SMS)
    assert field == "campaigns" and "arrears-reminder" in zh and "care" in en


async def test_an_order_of_stages_has_those_of_the_texts(house: House) -> None:
    """A kind that had no order and was given one sent nothing any more."""
    given = {**SMS, "ladders": {**SMS["ladders"], "complaint_opened": ["reported"]}}
    closed, opened = await house.refused(house.policies, given)
    for (field, zh, en), step in ((closed, "closed"), (opened, "opened")):
        assert field == "ladders.complaint_opened" and step in zh and "reported" in en


async def test_a_kind_that_goes_by_templates_alone_has_texts_the_provider_knows(house: House) -> None:
    """They left by another channel than the policy says, and nobody was told."""
    alone = {**SMS, "channels": {"arrears": ["http"]}}
    found = await house.refused(house.policies, alone)
    arrears = sorted(id for id, text in TEXTS.items() if text["kind"] == "arrears")
    assert [field for field, _, _ in found] == ["channels.arrears"] * len(arrears) and arrears
    assert all(id in zh and id in en for id, (_, zh, en) in zip(arrears, found, strict=True))
    for id in arrears:
        await house.change(house.texts, {**TEXTS[id], "provider_ids": {"http": f"SMS_{id}"}})
    await house.change(house.policies, alone)
    for ids in ({}, {"http": {"zh": "SMS_1"}}):
        ((field, zh, en),) = await house.refused(house.texts, {**REMINDER, "provider_ids": ids})
        assert field == "provider_ids" and "http" in zh and "http" in en and "smpp" in en
    assert await house.save(house.policies, {**alone, "channels": {"arrears": ["http", "smpp"]}})


async def test_what_people_write_goes_by_a_channel_that_takes_it(house: House) -> None:
    found = await house.refused(house.policies, {**SMS, "channels": {"any": ["http"]}})
    assert {field for field, _, _ in found} == {"channels.any"}
    assert any("manual" in zh for _, zh, _ in found)


async def test_a_text_that_is_stopped_keeps_no_policy_back(house: House) -> None:
    await house.change(house.texts, LONG)
    await house.texts.stop("arrears-reminder", **WHO)
    await house.change(house.policies, {**SMS, "longest_name": 40})
    with pytest.raises(Faulty):
        await house.texts.activate("arrears-reminder", 2, **WHO)


async def test_what_this_release_cant_read_stands_in_nobody_s_way(house: House) -> None:
    broken = {"document": {"id": "arrears-reminder"}}
    assert await house.rows.patch("template_documents.versions", "arrears-reminder@1", broken)
    await house.change(house.policies, {**SMS, "longest_name": 40})
