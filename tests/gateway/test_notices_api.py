"""One's own notices over HTTP, and all the way to a real mail server and a real robot."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.notices import dispatch, watch
from gateway.notices.api import MOST_TESTS
from gateway.notices.preferences import PREFERENCES, WEBHOOKS
from gateway.settings import Settings
from harness.mail import MailServer, Robot, mail_server, robot, said
from harness.people import Gateway, gateway
from harness.read_model import alert, customer, manager, unit
from servicekit.memory_store import MemoryDocuments, MemoryStore

URL = "http://127.0.0.1:23000"
TOLD = {"boss.events": [unit("U11"), manager("M0001", unit_id="U11"), customer("c1", manager_id="M0001")]}


class World:
    """A gateway, a mail server, a robot, and what the gateway keeps."""

    def __init__(self, house: Gateway, mail: MailServer, robot: Robot, documents: MemoryDocuments) -> None:
        self.house, self.mail, self.robot, self.documents = house, mail, robot, documents

    async def settled(self, browser: httpx.AsyncClient) -> dict[str, Any]:
        """The last notice, once nothing of it waits for a first try."""
        async with asyncio.timeout(10):
            while True:
                recent: list[dict[str, Any]] = (await browser.get("/v1/me/notices")).json()["recent"]
                if recent and all(each["attempts"] for each in recent[0]["deliveries"]):
                    return recent[0]
                await asyncio.sleep(0.02)


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    for module in (watch, dispatch):
        monkeypatch.setattr(module, "PACE_SECONDS", 0.02)
    documents = MemoryDocuments(MemoryStore())
    async with mail_server() as mail, robot() as group:
        more: dict[str, Any] = {"smtp": f"127.0.0.1:{mail.port}", "smtp_tls": "none", "smtp_sender": "kam@corp.example"}
        more |= {"public_url": URL, "notice_webhook_hosts": group.host, "notice_mail_domains": "corp.example"}
        async with gateway(tmp_path, documents, told=TOLD, **more) as house:
            yield World(house, mail, group, documents)


def body(**more: Any) -> dict[str, Any]:
    return {"mail_address": "wang@corp.example", "quiet": None, **more}


async def saved(browser: httpx.AsyncClient, version: int = 0, **more: Any) -> httpx.Response:
    return await browser.put("/v1/me/notices", json=body(**more), headers={"if-match": f'"{version}"'})


async def test_who_never_chose_is_told_nothing_and_sees_what_there_is(world: World) -> None:
    browser = await world.house.signed_in("M0001")
    answer = await browser.get("/v1/me/notices")
    found = answer.json()
    assert answer.headers["etag"] == '"0"' and found["version"] == 0 and found["recent"] == []
    assert found["preferences"] == {
        "language": "zh",
        "mail_address": None,
        "wecom_webhook": None,
        "digest": {"channels": [], "at": "08:30"},
        "urgent": {"channels": [], "severity": "critical", "kinds": []},
        "quiet": {"begins": "21:00", "ends": "08:00"},
    }
    channels = {each["channel"]: each["missing"] and each["missing"]["code"] for each in found["channels"]}
    assert channels == {"mail": None, "wecom": None, "sms": "no_numbers"}


async def test_an_urgent_alert_reaches_a_mailbox_and_a_group(world: World) -> None:
    browser = await world.house.signed_in("M0001")
    answer = await saved(browser, wecom_webhook=world.robot.url, urgent={"channels": ["mail", "wecom"]})
    assert answer.status_code == 200 and answer.headers["etag"] == '"1"'
    world.house.log.put("alert.events", alert("raised", severity="critical"))
    notice = await world.settled(browser)
    assert (notice["kind"], notice["alerts"]) == ("urgent", 1)
    assert [each["state"] for each in notice["deliveries"]] == ["sent", "sent"]
    (text,) = world.mail.texts
    assert f"{URL}/alerts/a1" in text and "王小明" not in text and world.mail.to == ["wang@corp.example"]
    assert f"{URL}/alerts/a1".encode() in world.robot.got[0]
    assert ("M0001", "notices.change", "M0001", "200", None) in world.house.audited
    metrics = (await browser.get("/metrics")).text
    assert 'kam_notices_total{channel="mail",kind="urgent",result="sent"}' in metrics and "c1" not in metrics


async def test_a_test_goes_to_oneself_a_few_times(world: World) -> None:
    browser = await world.house.signed_in("M0001")
    answer = await browser.post("/v1/me/notices/test", json={"channel": "mail"})
    assert (answer.status_code, answer.json()["error"]) == (409, "no_destination")
    await saved(browser, quiet={"begins": "00:00", "ends": "23:59"})
    for n in range(MOST_TESTS):
        for _ in range(2):
            key = {"idempotency-key": f"k{n}"}
            answer = await browser.post("/v1/me/notices/test", json={"channel": "mail"}, headers=key)
            assert answer.status_code == 202 and answer.json()["kind"] == "test"
    other = await browser.post("/v1/me/notices/test", json={"channel": "wecom"}, headers=key)
    assert (other.status_code, other.json()["error"]) == (422, "idempotency_key_used")
    answer = await browser.post("/v1/me/notices/test", json={"channel": "mail"})
    assert (answer.status_code, answer.json()["error"], answer.headers["retry-after"]) == (
        429, "too_many_tries", "600",
    )  # fmt: skip
    async with asyncio.timeout(10):
        while len(world.mail.got) < MOST_TESTS:
            await asyncio.sleep(0.02)
    assert (await world.settled(browser))["deliveries"][0]["state"] == "sent" and len(world.mail.got) == MOST_TESTS
    world.house.clock.passes(minutes=11)
    assert (await browser.post("/v1/me/notices/test", json={"channel": "mail"})).status_code == 202


async def test_what_was_refused_is_shown_in_words(world: World) -> None:
    browser = await world.house.signed_in("M0001")
    await saved(browser, mail_address="nobody@corp.example", wecom_webhook=world.robot.url)
    world.mail.refused = {"nobody@corp.example"}
    world.robot.answers = [said(b'{"errcode":93000}')]
    for channel, reason in (("mail", "address_refused"), ("wecom", "webhook_refused")):
        await browser.post("/v1/me/notices/test", json={"channel": channel})
        (found,) = (await world.settled(browser))["deliveries"]
        assert (found["channel"], found["state"], found["reason"]["code"]) == (channel, "failed", reason)
        assert found["reason"]["zh"] and found["reason"]["en"]
        world.house.clock.passes(seconds=1)


async def test_the_webhook_is_a_secret(world: World) -> None:
    browser = await world.house.signed_in("M0001")
    first = (await saved(browser, wecom_webhook=world.robot.url)).json()
    shown = first["preferences"]["wecom_webhook"]
    assert shown.endswith("key=****9999") and "0123abcd" not in str(first)
    assert "0123abcd" not in str(await world.documents.find(f"{PREFERENCES}.versions"))
    kept = await saved(browser, 1, wecom_webhook=shown, language="en")
    assert kept.json()["preferences"]["wecom_webhook"] == shown
    await browser.post("/v1/me/notices/test", json={"channel": "wecom"})
    assert (await world.settled(browser))["deliveries"][0]["state"] == "sent"
    (row,) = await world.documents.find(WEBHOOKS)
    assert row["url"] == world.robot.url
    other = await world.house.signed_in("M0002")
    assert (await saved(other, wecom_webhook=shown)).status_code == 422, "a mask is nobody else's webhook"
    assert (await saved(browser, 2, wecom_webhook=None)).status_code == 200
    assert await world.documents.find(WEBHOOKS) == []


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"mail_address": "wang@elsewhere.example"}, "mail_address"),
    ({"mail_address": "wang@corp.example\r\nBcc: x@y.com"}, "mail_address"),
    ({"wecom_webhook": "http://169.254.169.254/cgi-bin/webhook/send?key=12345678"}, "wecom_webhook"),
    ({"wecom_webhook": "https://127.0.0.1:1/cgi-bin/webhook/send?key=12345678"}, "wecom_webhook"),
    ({"digest": {"channels": ["wecom"], "at": "08:30"}}, "digest.channels"),
    ({"mail_address": None, "urgent": {"channels": ["mail"]}}, "urgent.channels"),
    ({"digest": {"channels": [], "at": "24:00"}}, "body.digest.at"),
    ({"digest": {"channels": ["sms"], "at": "08:00"}}, "body.digest.channels.0"),
    ({"urgent": {"kinds": ["$where"]}}, "body.urgent.kinds.0"),
    ({"staff_no": "M0002"}, "body.staff_no"),
]


async def test_what_can_not_be_is_refused_and_nothing_is_kept(world: World) -> None:
    browser = await world.house.signed_in("M0001")
    for more, field in WRONG:
        answer = await saved(browser, **more)
        assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert (await browser.get("/v1/me/notices")).json()["version"] == 0
    assert await world.documents.find(WEBHOOKS) == []


async def test_of_two_who_save_at_once_one_is_told(world: World) -> None:
    browser = await world.house.signed_in("M0001")
    assert (await browser.put("/v1/me/notices", json=body())).status_code == 428
    answers = await asyncio.gather(*(saved(browser, wecom_webhook=world.robot.url) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert len(await world.documents.find(WEBHOOKS)) == 1


async def test_a_token_and_nobody_have_no_notices(world: World) -> None:
    machine = world.house.machine("manager", "M0001")
    for answer in (
        await machine.get("/v1/me/notices"),
        await saved(machine),
        await machine.post("/v1/me/notices/test", json={"channel": "mail"}),
    ):
        assert (answer.status_code, answer.json()["error"]) == (403, "people_only")
    assert (await world.house.browser().get("/v1/me/notices")).status_code == 401
    foreign = await world.house.signed_in("M0001")
    foreign.headers["origin"] = "https://evil.example"
    assert (await saved(foreign)).status_code == 403


async def test_where_nothing_is_set_up_nothing_can_be_chosen(tmp_path: Path) -> None:
    async with gateway(tmp_path) as house:
        browser = await house.signed_in("M0001")
        found = (await browser.get("/v1/me/notices")).json()
        assert [each["missing"]["code"] for each in found["channels"]] == ["not_set_up", "not_set_up", "no_numbers"]
        answer = await saved(browser, urgent={"channels": ["mail"]})
        assert (answer.status_code, answer.json()["field"]) == (422, "urgent.channels")
        assert (await saved(browser)).status_code == 200, "an address may be there before there is a mail server"
        answer = await browser.post("/v1/me/notices/test", json={"channel": "mail"})
        assert (answer.status_code, answer.json()["error"]) == (409, "not_set_up")


def test_a_password_goes_over_tls_alone() -> None:
    some: dict[str, Any] = {"service_data": Path(), "kafka": "-", "peers": {}, "smtp_user": "kam", "smtp_tls": "none"}
    with pytest.raises(ValueError, match="TLS only"):
        Settings(**some, smtp="mail.corp.example:25")
    Settings(**some, smtp="127.0.0.1:25")
