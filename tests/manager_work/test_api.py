"""The HTTP API of manager-work: who may do what, and what is answered."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts import boss
from contracts.alert import Alert, RuleRef
from harness.one_processor import NOON, OneProcessor
from harness.typed_answers import TypedAnswers
from manager_work import rules, worker
from manager_work.api import router
from manager_work.domain import work_id_of
from manager_work.settings import Settings
from servicekit.auth import ROLES, issue_token
from servicekit.envelope import Message
from servicekit.service import Service

SECRET = "a secret that is long enough for HS256"
WORK = work_id_of("a1")


class Client:
    """The service over one unit; calls as the gateway does for a person in a role. ``shown``: items whose view was
    waited for."""

    http: httpx.AsyncClient

    def __init__(self) -> None:
        self.shown: list[str] = []

    async def __call__(self, method: str, path: str, *, role: str = "manager", who: str = "m1", **how: Any) -> Any:
        token = issue_token(SECRET, who, "service", person_role=role)
        headers = {"authorization": f"Bearer {token}", **how.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **how)


@pytest.fixture
async def call(tmp_path: Path) -> AsyncIterator[Client]:
    settings = Settings(service_data=tmp_path, kafka="-", secret_file=tmp_path / "secret")
    (tmp_path / "secret").write_text(SECRET)
    unit = await OneProcessor(worker.app(rules.load(settings.work_rules), 4), *worker.TOPICS).open()
    for n, kind in enumerate(("churn_warning", "arrears", "arrears"), 1):
        raised = Alert(
            alert_id=f"a{n}",
            kind=kind,
            customer_id=f"c{n}",
            revision=1,
            state="raised",
            severity="major",
            rule=RuleRef(id="r", version=1),
            city="320100",
            raised_at=NOON,
            at=NOON,
        )
        await unit.take(unit.record("alert.events", "kam.alert.raised.v1", raised, clock=NOON + timedelta(days=n)))

    manager = boss.Manager(manager_id="m1", name="李经理", status="active")
    await unit.take(unit.record("boss.events", "kam.boss.manager.changed.v1", manager, key="m1"))

    async def send(order: Message) -> Any:
        (answer,) = await unit.take(commands=[(order.type, order.key, order.data)])
        if isinstance(answer, Exception):
            raise answer
        return answer

    client = Client()

    async def shown(collection: str, id: str) -> None:
        client.shown.append(id)

    service = Service("manager-work", settings)
    service.routers.append(router(unit.rows, send, shown, settings.secret_file))
    async with httpx.AsyncClient(transport=TypedAnswers(service.asgi()), base_url="http://kam") as client.http:
        yield client


async def test_an_answer_waits_until_the_next_list_shows_what_was_done(call: Client) -> None:
    assert (await call("POST", f"/v1/work/{WORK}/accept")).status_code == 200 and call.shown == [WORK]
    assert (await call("POST", "/v1/work/unknown/accept")).status_code == 404 and call.shown == [WORK]


async def test_the_whole_list_and_its_filters(call: Client) -> None:
    await call("POST", f"/v1/work/{WORK}/accept")

    async def ids(**query: str) -> list[str]:
        return [item["alert_id"] for item in (await call("GET", "/v1/work", params=query)).json()]

    assert await ids() == ["a1", "a2", "a3"]
    assert await ids(customer="c2") == ["a2"]
    assert await ids(kind="dunning") == ["a2", "a3"]
    assert await ids(kind="dunning", since="2026-07-04") == ["a3"]
    assert await ids(since="2026-07-04T12:00:00+08:00") == ["a3"]
    assert await ids(state="accepted") == ["a1"]
    assert await ids(manager="m1") == ["a1"]
    (item,) = (await call("GET", "/v1/work", params={"customer": "c1"})).json()
    assert {
        "work_id": WORK,
        "kind": "retention",
        "state": "accepted",
        "outcome": None,
        "queue": None,
    }.items() <= item.items()
    assert [entry["what"] for entry in item["log"]] == ["opened", "accepted"]


@pytest.mark.parametrize("role", ["manager", "analyst", "service"])
async def test_nobody_but_a_head_acts_in_anothers_name(call: Client, role: str) -> None:
    """Defect 10: what the body says of the actor is not believed."""
    for action, body in (("accept", {}), ("act", {"kind": "call"}), ("close", {"outcome": "lost"})):
        refused = await call("POST", f"/v1/work/{WORK}/{action}", who="m7", role=role, json={**body, "by": "m1"})
        assert (refused.status_code, refused.json()["error"]) == (403, "may_not_act_for_another")
    accepted = await call("POST", f"/v1/work/{WORK}/accept", who="m7", role=role, json={"by": "m7"})
    assert (accepted.json()["by"], accepted.json()["on_behalf_of"]) == ("m7", None)


@pytest.mark.parametrize("role", ["head", "city_head", "administrator"])
async def test_a_head_acts_for_another_and_it_is_recorded_as_such(call: Client, role: str) -> None:
    nobody = await call("POST", f"/v1/work/{WORK}/accept", who="h1", json={"by": "nobody"}, role=role)
    assert (nobody.status_code, nobody.json()["error"]) == (422, "unknown_manager")
    accepted = await call("POST", f"/v1/work/{WORK}/accept", who="h1", json={"by": "m1"}, role=role)
    assert {"by": "h1", "on_behalf_of": "m1", "manager_id": "m1"}.items() <= accepted.json().items()
    (item,) = (await call("GET", "/v1/work", params={"customer": "c1"})).json()
    assert {"by": "h1", "on_behalf_of": "m1"}.items() <= item["log"][-1].items()


async def test_who_is_no_manager_accepts_without_becoming_one(call: Client) -> None:
    """Defect: an item accepted from the command line had the manager ``cli:root``."""
    accepted = await call("POST", f"/v1/work/{WORK}/accept", who="cli:root", role="service")
    found = accepted.json()
    assert (found["state"], found["by"], found["manager_id"]) == ("accepted", "cli:root", None)
    assert found["queue"] == "city:320100"


@pytest.mark.parametrize(
    "path, body, status, error",
    [
        (f"{WORK}/act", {}, 422, "bad_request"),
        (f"{WORK}/act", {"kind": ""}, 422, "bad_request"),
        (f"{WORK}/close", None, 422, "bad_request"),
        (f"{WORK}/close", {"outcome": "withdrawn"}, 422, "bad_request"),
        (f"{WORK}/close", {"outcome": "lost", "extra": 1}, 422, "bad_request"),
        ("nobody/accept", None, 404, "unknown_work"),
    ],
)
async def test_what_is_refused_says_why_in_two_languages(
    call: Client, path: str, body: Any, status: int, error: str
) -> None:
    answer = await call("POST", f"/v1/work/{path}", json=body)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["zh"] and answer.json()["en"]


async def test_handed_over_to_whom_mgr_knows(call: Client) -> None:
    path = f"/v1/work/{WORK}/hand-over"
    refused = await call("POST", path, who="m7", json={"to": "nobody"})
    assert (refused.status_code, refused.json()["error"], refused.json()["field"]) == (
        422, "unknown_manager", "body.to"
    )  # fmt: skip
    given = await call("POST", path, who="m7", json={"to": "m1"})
    assert (given.json()["manager_id"], given.json()["state"], given.json()["by"]) == ("m1", "new", "m7")


async def test_an_acceptance_is_taken_back(call: Client) -> None:
    await call("POST", f"/v1/work/{WORK}/accept")
    assert (await call("POST", f"/v1/work/{WORK}/release")).json()["state"] == "new"
    assert (await call("POST", f"/v1/work/{WORK}/release")).status_code == 409


async def test_what_another_did_since_it_was_read_is_a_clash(call: Client) -> None:
    read = {"if-match": f'"{(await call("GET", f"/v1/work/{WORK}")).json()["revision"]}"'}
    assert (await call("POST", f"/v1/work/{WORK}/accept", headers=read)).status_code == 200
    clash = await call("POST", f"/v1/work/{WORK}/act", who="m7", headers=read, json={"kind": "call"})
    assert (clash.status_code, clash.json()["error"]) == (412, "changed_meanwhile")
    assert (
        await call("POST", f"/v1/work/{WORK}/act", headers={"if-match": "x"}, json={"kind": "call"})
    ).status_code == 412


async def test_a_wrong_state_is_409(call: Client) -> None:
    for expected in (200, 409):
        assert (await call("POST", f"/v1/work/{WORK}/close", json={"outcome": "lost"})).status_code == expected


async def test_an_idempotency_key_makes_a_repeat_harmless(call: Client) -> None:
    body, key = {"outcome": "lost"}, {"idempotency-key": "k1"}
    first, again = [await call("POST", f"/v1/work/{WORK}/close", json=body, headers=key) for _ in range(2)]
    assert first.status_code == again.status_code == 200 and first.json() == again.json()


@pytest.mark.parametrize("since", ["yesterday", "2026-07-04T12:00:00", "2026-13-01"])
async def test_since_is_a_date_or_an_instant(call: Client, since: str) -> None:
    answer = await call("GET", "/v1/work", params={"since": since})
    assert (answer.status_code, answer.json()["error"]) == (422, "bad_since")
    assert since not in answer.text, "what was sent may be personal data"


@pytest.mark.parametrize("role", [role for role in ROLES if role != "service"])
async def test_people_come_by_the_gateway(call: Client, role: str) -> None:
    headers = {"authorization": f"Bearer {issue_token(SECRET, 'm1', role)}"}
    for method, path in (("GET", "/v1/work"), ("POST", f"/v1/work/{WORK}/accept")):
        assert (await call.http.request(method, path, headers=headers)).status_code == 403


@pytest.mark.parametrize(
    ("since", "found"),
    [
        ("0001-01-01", 3),
        ("0001-01-01T00:00:00+23:59", 3),
        ("9999-12-31", 0),
        ("9999-12-31T23:59:59-23:59", 0),
    ],
)
async def test_the_first_and_the_last_day_there_are_can_be_asked_for(call: Client, since: str, found: int) -> None:
    assert len((await call("GET", "/v1/work", params={"since": since})).json()) == found


async def test_one_item(call: Client) -> None:
    item = (await call("GET", f"/v1/work/{WORK}")).json()
    assert item in (await call("GET", "/v1/work")).json()
    assert (await call("GET", "/v1/work/none")).status_code == 404
