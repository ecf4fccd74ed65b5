"""Stops over HTTP, and of rules: what is refused, who said it, what a rule's stop does to its SMS."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import msgspec
import pytest

from alerts import store
from alerts.control_topic import ControlTopic
from alerts.customer_lists import Purpose
from alerts.notifications.send_policy import SmsPolicy, Template, seeds
from alerts.notifications.stops import Stops
from alerts.notifications.textbook import template_kind
from alerts.rule_library import RuleLibrary
from alerts.stop_routes import stop_routes
from alerts.stopping_library import StoppingLibrary
from contracts.answers import RuleView
from harness.control_topic import Topic
from harness.switchboard import AT, Board
from harness.typed_answers import TypedAnswers
from servicekit.auth import Guard, issue_token
from servicekit.authored import AuthoredDocuments
from servicekit.decision import Refused
from servicekit.documents.routes import document_routes
from servicekit.memory_store import MemoryDocuments, MemoryStore
from servicekit.service import Service
from servicekit.settings import ServiceSettings

SECRET = "stops-secret-that-is-long-enough-32"
KNOWN = {"channel": {"smpp"}, "template": {"arrears-reminder", "manual"}, "kind": {"arrears"}, "rule": {"drop-30"}}
WHAT, WHY = "template/arrears-reminder", {"why": "金额写错"}


async def no_lists() -> dict[str, Purpose]:
    """None is in force."""
    return {}


class House:
    """alerts' routes of rules and stops, over a control topic and a switchboard."""

    def __init__(self, folder: Path) -> None:
        (folder / "secret").write_text(SECRET)
        self.folder, self.topic, self.board = folder, Topic(), Board()
        self.now = AT - timedelta(hours=1)
        self.rows = MemoryDocuments(MemoryStore())
        self.control = ControlTopic(Stops(), self.topic.connect, self.topic.write, lambda: self.now)
        self.library = self.another_worker_s()

    def another_worker_s(self) -> RuleLibrary:
        return RuleLibrary(self.rows, self.board, lambda: AT, control=self.control, purposes=no_lists)

    async def client(self) -> httpx.AsyncClient:
        authored = AuthoredDocuments(self.rows, store.AUTHORED, self.folder / "copy")
        await authored.read()
        await store.plant_rules(self.library, authored)
        service = Service("alerts", ServiceSettings(service_data=self.folder, kafka="-"))
        guard = Guard(self.folder / "secret", "service")
        service.routers += [
            document_routes("/v1/rules", "rule", self.library, guard, RuleView),
            stop_routes(self.control, lambda: KNOWN, guard),
        ]
        headers = {"authorization": f"Bearer {issue_token(SECRET, 'li', 'service')}"}
        return httpx.AsyncClient(transport=TypedAnswers(service.asgi()), base_url="http://alerts", headers=headers)

    def standing(self) -> list[str]:
        return [stop.what for stop in self.control.stops.all()]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    following = asyncio.create_task(house.control.run())
    await house.control.read.wait()
    yield house
    following.cancel()


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with await house.client() as client:
        yield client


async def test_what_is_stopped_is_listed_with_who_and_why_until_it_is_released(client: httpx.AsyncClient) -> None:
    said = await client.post("/v1/stops", json={"what": WHAT, **WHY})
    assert said.status_code == 200
    assert said.json() == {"what": WHAT, "by": "li", "why": "金额写错", "at": "2026-06-30T23:00:00+00:00"}
    again = await client.post("/v1/stops", json={"what": WHAT, "why": "又一次"})
    assert again.status_code == 200
    assert [stop["why"] for stop in (await client.get("/v1/stops")).json()] == ["又一次"]
    released = await client.delete(f"/v1/stops/{WHAT}", params={"why": "已更正"})
    assert (released.status_code, released.json()["why"]) == (200, "已更正")
    assert (await client.get("/v1/stops")).json() == []
    missing = await client.delete(f"/v1/stops/{WHAT}", params={"why": "已更正"})
    assert (missing.status_code, missing.json()["error"]) == (404, "not_stopped")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"what": "template/arrears-remainder", **WHY}, "unknown_stop"),
        ({"what": "channel/pigeon", **WHY}, "unknown_stop"),
        ({"what": "rule/drop-31", **WHY}, "unknown_stop"),
        ({"what": "everything", **WHY}, None),
        ({"what": "template/", **WHY}, None),
        ({"what": "template/A B", **WHY}, None),
        ({"what": WHAT}, None),
        ({"what": WHAT, "why": ""}, None),
        ({"what": WHAT, "why": "ok\x1b[2J"}, None),
        ({"what": WHAT, "why": "ok\u202ekorp"}, None),
        ({"what": WHAT, "by": "wang", **WHY}, None),
    ],
)
async def test_bad_stops_are_refused(house: House, client: httpx.AsyncClient, body: dict[str, str], error: str) -> None:
    answer = await client.post("/v1/stops", json=body)
    assert answer.status_code == 422 and answer.json()["zh"] and answer.json()["en"]
    if error is not None:
        assert answer.json()["error"] == error and answer.json()["field"] == "what"
    assert house.topic.there == []


@pytest.mark.parametrize(
    "path", ["everything/x", "template/A", "template/arrears-reminder", "template/arrears-reminder?why=%1b"]
)
async def test_bad_releases_are_refused(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.delete(f"/v1/stops/{path}")).status_code == 422


async def test_while_the_broker_is_away_nothing_is_confirmed(house: House, client: httpx.AsyncClient) -> None:
    house.topic.away = True
    answer = await client.post("/v1/stops", json={"what": WHAT, **WHY})
    assert (answer.status_code, answer.json()["error"]) == (503, "stop_not_confirmed")
    answer = await client.post("/v1/rules/drop-30/stop", json=WHY)
    assert (answer.status_code, answer.json()["error"]) == (503, "stop_not_confirmed")
    assert house.board.asked == [] and house.standing() == []


# --- rules ------------------------------------------------------------------------------------------------------------


async def test_a_rule_s_stop_holds_its_sms_first(house: House, client: httpx.AsyncClient) -> None:
    house.board.away = True
    answer = await client.post("/v1/rules/drop-30/stop", json=WHY)
    assert (answer.status_code, answer.json()["error"]) == (503, "switches_away")
    assert "its SMS are stopped" in answer.json()["en"] and house.standing() == ["rule/drop-30"]
    house.board.away = False
    assert (await client.post("/v1/rules/drop-30/stop", json=WHY)).json()["state"] == "stopped"
    assert (await client.post("/v1/rules/nothing/stop", json=WHY)).status_code == 404
    assert house.standing() == ["rule/drop-30"]


async def test_to_stop_what_was_never_in_force_holds_nothing(house: House, client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/rules/silent/stop", json=WHY)
    assert (answer.status_code, answer.json()["error"]) == (409, "not_active") and house.topic.there == []
    on = {"on": "2026-07-09", **WHY}
    assert (await client.post("/v1/rules/silent/versions/1/activate", json=on)).json()["state"] == "scheduled"
    assert (await client.post("/v1/rules/silent/stop", json=WHY)).json()["state"] == "draft"
    assert house.topic.there == [] and house.standing() == []


async def test_a_text_s_stop_holds_what_waits_of_it(house: House) -> None:
    """Who stops a wrong text means the messages that wait, too."""
    policy = max(seeds("sms_policy.yaml", SmsPolicy), key=lambda each: each.version)
    kind = template_kind(lambda: policy)
    texts = StoppingLibrary(kind, house.rows, house.board, lambda: AT, control=house.control)
    text = next(each for each in seeds("templates.yaml", Template) if each.id == "arrears-reminder")
    document = {name: value for name, value in msgspec.to_builtins(text).items() if name != "version"}
    await texts.plant([(1, document)], is_in_force=lambda id, version: True)
    assert (await texts.stop("arrears-reminder", by="li", why="金额写错")).state == "stopped"
    assert house.standing() == [WHAT]
    assert (await texts.activate("arrears-reminder", 1, by="li", why="好了")).state == "active"
    assert house.standing() == []


async def test_in_force_again_its_sms_go(house: House, client: httpx.AsyncClient) -> None:
    await client.post("/v1/rules/drop-30/stop", json=WHY)
    on = {"on": "2026-07-09", **WHY}
    assert (await client.post("/v1/rules/drop-30/versions/1/activate", json=on)).is_success
    assert house.standing() == ["rule/drop-30"], "not before its day"
    house.board.reach_the_day()
    await house.another_worker_s().look()
    assert house.standing() == []
    assert (await client.get("/v1/rules/drop-30")).json()["state"] == "active"


async def test_a_stop_said_after_an_activation_stays(house: House, client: httpx.AsyncClient) -> None:
    """Every start hears of all switches anew."""
    await client.post("/v1/rules/drop-30/stop", json=WHY)
    await client.post("/v1/rules/drop-30/versions/1/activate", json=WHY)
    house.now = datetime.fromisoformat("2026-07-01T00:00:05+00:00")
    await client.post("/v1/stops", json={"what": "rule/drop-30", **WHY})
    await house.another_worker_s().look()
    assert house.standing() == ["rule/drop-30"]


async def test_an_activation_whose_noting_was_lost_releases_all_the_same(
    house: House, client: httpx.AsyncClient
) -> None:
    await client.post("/v1/rules/drop-30/stop", json=WHY)
    house.board.dies = True
    with pytest.raises(ConnectionError):
        await house.library.activate("drop-30", 1, by="li", why="好了")
    assert house.standing() == ["rule/drop-30"]
    await asyncio.gather(house.library.look(), house.another_worker_s().look())
    assert house.standing() == []


async def test_a_process_that_does_not_know_yet_what_is_stopped_notes_no_activation(
    house: House, client: httpx.AsyncClient
) -> None:
    """Else its SMS would be held for ever: a switch is noted once."""
    await client.post("/v1/rules/drop-30/stop", json=WHY)
    house.board.dies = True
    with pytest.raises(ConnectionError):
        await house.library.activate("drop-30", 1, by="li", why="好了")
    control = house.control = ControlTopic(Stops(), house.topic.connect, house.topic.write, lambda: house.now)
    started = house.another_worker_s()
    with pytest.raises(Refused, match="still being read"):
        await started.look()
    following = asyncio.create_task(control.run())
    await control.read.wait()
    assert house.standing() == ["rule/drop-30"]
    await started.look()
    assert house.standing() == []
    following.cancel()
