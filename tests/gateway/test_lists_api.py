"""Lists, counts, search and single items over HTTP: shape, freshness, audit, refusals, and nothing out of sight."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.domain import Collection
from harness.people import asked_by_token
from harness.read_model import (
    alert,
    alert_data,
    customer,
    manager,
    sms,
    sms_data,
    unit,
    work,
    work_data,
)
from servicekit.auth import Principal, issue_token
from servicekit.decision import Refused

SECRET = "0123456789abcdef0123456789abcdef"
LISTS = ("alerts", "work", "sms", "customers")
NOT_FOUND = {
    "type": "urn:kam:problem:not_found",
    "title": "Not Found",
    "status": 404,
    "detail": "Not found, or outside your customers.",
    "error": "not_found",
    "zh": "没有找到，或不在你的客户范围内。",
    "en": "Not found, or outside your customers.",
}
RULE = {"id": "arrears", "version": 1}


def plain(answer: httpx.Response) -> Any:
    """What it says, but for the number of its request."""
    return {name: value for name, value in answer.json().items() if name != "correlation_id"}


class People:
    """What is asked of the services and of the audit log, and who sees what: manager ``m2`` their own customers."""

    def __init__(self) -> None:
        self.audited: list[tuple[str, str, str, str]] = []
        self.audit_works = True
        self.items: dict[str, dict[str, Any]] = {}

    def answer(self, request: httpx.Request) -> httpx.Response:
        found = self.items.get(request.url.path)
        if found is None:
            return httpx.Response(404, json={"error": "not_found", "zh": "没有", "en": "none"})
        return httpx.Response(200, json=found)

    async def audit(self, who: Principal, action: str, object_: str, result: str, reason: str | None = None) -> None:
        if not self.audit_works:
            raise Refused("audit_unavailable", "不能审计", "no audit", 503)
        self.audited.append((who.subject, action, object_, result))

    async def ends(self, _: Collection) -> dict[str, int] | None:
        return {}


@pytest.fixture
def people() -> People:
    return People()


@pytest.fixture
async def asks(people: People, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    told = {
        "boss.events": [
            unit(), manager(), manager("m2"), customer(), customer("c2", name="张伟", manager_id="m2"),
        ],
        "alert.events": [
            alert("raised"), alert("raised", "a2", customer_id="c2"),
        ],
        "work.events": [
            work("opened"), work("opened", "w2", alert_id="a2", customer_id="c2", manager_id=None),
        ],
        "sms.outbound": [
            sms("planned"), sms("planned", "s2", alert_id="a2", customer_id="c2"),
        ],
    }  # fmt: skip
    own = [f"/v1/lists/{name}{more}" for name in LISTS for more in ("", "/facets")]
    own += ["/v1/search", "/v1/status"]
    async with asked_by_token(tmp_path, people, told, own, token("operations")) as client:
        yield client


def token(role: str, subject: str = "li") -> str:
    return f"Bearer {issue_token(SECRET, subject, role)}"


async def test_nobody_pads_a_filter_until_the_audit_no_longer_says_whose_rows_were_read(
    asks: httpx.AsyncClient, people: People
) -> None:
    padded = {name: f"{value},{'x' * 180}" for name, value in (("kind", "arrears"), ("state", "raised"))}
    padded |= {"stage": f"none,{'x' * 180}"}
    for customer_id in ("c1", "c2"):
        assert (await asks.get("/v1/lists/alerts", params={**padded, "customer": customer_id})).status_code == 200
    assert ["customer=c1" in people.audited[0][2], "customer=c2" in people.audited[1][2]] == [True, True]


@pytest.mark.parametrize("name", LISTS)
async def test_a_page_of_rows_says_of_when_it_is_and_is_audited(
    asks: httpx.AsyncClient, people: People, name: str
) -> None:
    answer = await asks.get(f"/v1/lists/{name}", params={"city": "320100", "limit": 1})
    page = answer.json()
    assert (answer.status_code, len(page["rows"]), page["total"]) == (200, 1, 2)
    assert page["rows"][0]["customer_name"] in ("王*", "张*")
    assert "13901000123" not in answer.text
    assert page["seconds_behind"] < 5 and page["as_of"] and page["position"] > 0 and not page["rebuilding"]
    assert float(answer.headers["kam-seconds-behind"]) == page["seconds_behind"]
    following = await asks.get(f"/v1/lists/{name}", params={"city": "320100", "limit": 1, "cursor": page["next"]})
    assert following.json()["rows"] != page["rows"] and following.json()["next"] is None
    assert people.audited[0] == ("li", f"{name}.list", "city=320100&limit=1", "200")


async def test_an_alert_shows_why_and_what_is_done(asks: httpx.AsyncClient) -> None:
    row = (await asks.get("/v1/lists/alerts", params={"customer": "c1"})).json()["rows"][0]
    assert row["reasons"] == [{"rule": RULE, "code": "arrears", "values": {"amount_fen": 12900, "days_overdue": 5}}]
    assert (row["work_id"], row["work_state"], row["holder_id"], row["sms_state"]) == ("w1", "new", "m1", "queued")
    assert (row["manager_name"], row["unit_id"], row["evidence"]) == ("李经理", "u1", 1)


async def test_no_audit_no_rows(asks: httpx.AsyncClient, people: People) -> None:
    people.audit_works = False
    for name in LISTS:
        assert (await asks.get(f"/v1/lists/{name}")).status_code == 503
    assert (await asks.post("/v1/search", json={"text": "c1"})).status_code == 503
    assert (await asks.get("/v1/lists/alerts/facets")).status_code == 200


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    "query",
    ["sort=colour", "sort=--due", "cursor=x", "limit=0", "limit=201", "limit=many", "city=,", "city=" + "9" * 201],
)
async def test_what_can_not_be_asked(asks: httpx.AsyncClient, name: str, query: str) -> None:
    answer = await asks.get(f"/v1/lists/{name}?{query}")
    assert answer.status_code == 422
    assert {"error", "zh", "en"} <= answer.json().keys()


async def test_what_somebody_does_not_see(asks: httpx.AsyncClient) -> None:
    asks.headers["authorization"] = token("manager", "m2")
    for name in LISTS:
        page = (await asks.get(f"/v1/lists/{name}")).json()
        assert [row["customer_id"] for row in page["rows"]] == ["c2"] and page["total"] == 1
        assert (await asks.get(f"/v1/lists/{name}/facets")).json()["total"] == 1
        assert (await asks.get(f"/v1/lists/{name}?customer=c1")).json()["total"] == 0
    assert (await asks.post("/v1/search", json={"text": "c1"})).json()["customers"] == []
    found = (await asks.post("/v1/search", json={"text": "张伟"})).json()
    assert [row["customer_id"] for row in found["customers"]] == ["c2"]


async def test_search_tells_the_audit_nothing_of_what_was_typed(asks: httpx.AsyncClient, people: People) -> None:
    found = (await asks.post("/v1/search", json={"text": "13901000123"})).json()
    assert [row["customer_id"] for row in found["customers"]] == ["c1", "c2"]
    assert people.audited == [("li", "search", "customers=2", "200")]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"text": ""},
        {"text": "x" * 201},
        {"text": 7},
        {"text": "\ud800"},
        {"text": "x", "limit": 51},
        {"text": "x", "more": 1},
    ],
)
async def test_searches_that_are_none(asks: httpx.AsyncClient, body: Any) -> None:
    content = json.dumps(body)
    answer = await asks.post("/v1/search", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "text", ["\x00", "'", '"', "*", "\u2028", "   ", "😀", "%", "NEAR(a b)", "a OR b", "-q", "^q", "\U0010ffff"]
)
async def test_strange_searches_find_nothing(asks: httpx.AsyncClient, text: str) -> None:
    content = json.dumps({"text": text})
    answer = await asks.post("/v1/search", content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["customers"]) == (200, [])


@pytest.mark.parametrize(
    ("path", "item", "audited"),
    [
        ("/v1/alerts/a2", {**alert_data("a2", customer_id="c2"), "work_id": "w2"}, False),
        ("/v1/work/w2", work_data("w2", customer_id="c2", alert_id="a2"), False),
        ("/v1/sms/s2", sms_data("s2", customer_id="c2", alert_id="a2"), True),
    ],
)
async def test_single_items(
    asks: httpx.AsyncClient, people: People, path: str, item: dict[str, Any], audited: bool
) -> None:
    people.items[path] = item
    for subject, role, status in (("li", "operations", 200), ("m2", "manager", 200), ("m1", "manager", 404)):
        asks.headers["authorization"] = token(role, subject)
        answer = await asks.get(path)
        assert answer.status_code == status
        assert plain(answer) == (item if status == 200 else NOT_FOUND)
    unknown = await asks.get(path[:-2] + "x9")
    assert (unknown.status_code, plain(unknown)) == (404, NOT_FOUND)
    assert bool(people.audited) == audited


async def test_an_item_of_a_customer_who_is_not_known_yet(asks: httpx.AsyncClient, people: People) -> None:
    """Whoever sees everything sees it; whoever sees some customers not until it is known whose it is."""
    people.items["/v1/alerts/a9"] = alert_data("a9", customer_id="c9")
    assert (await asks.get("/v1/alerts/a9")).status_code == 200
    asks.headers["authorization"] = token("manager", "m2")
    assert plain(await asks.get("/v1/alerts/a9")) == NOT_FOUND


async def test_integrators_read_no_lists(asks: httpx.AsyncClient) -> None:
    asks.headers["authorization"] = token("integrator")
    for path in ("lists/alerts", "lists/customers/facets", "alerts/a1", "sms/s1"):
        assert (await asks.get(f"/v1/{path}")).status_code == 403
    assert (await asks.post("/v1/search", json={"text": "x"})).status_code == 403


async def test_the_status_names_the_read_model(asks: httpx.AsyncClient) -> None:
    told = (await asks.get("/v1/status")).json()["services"]["gateway"]
    assert told["processors"].keys() == {"projection"}
