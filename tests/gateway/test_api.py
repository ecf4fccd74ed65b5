"""The gateway over fake services: composition, roles, audit, and what people read when a service is down."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import jwt
import pytest
import uvicorn
from fastapi import FastAPI

from gateway.bootstrap import build
from gateway.domain import Collection
from gateway.peers import Peers
from gateway.projection.follow import Projection
from gateway.settings import Settings
from gateway.settling import wait_until_settled
from harness.read_model import Log, following
from harness.typed_answers import TypedAnswers
from servicekit.auth import Principal, issue_token
from servicekit.decision import Refused
from servicekit.kafka import partition_of
from servicekit.memory_store import MemoryDocuments, MemoryStore

SECRET = "0123456789abcdef0123456789abcdef"
NAMES = ("gateway", "billing-sync", "customer-profile", "alerts", "manager-work", "analytics")


class Province:
    """Five services in a dictionary, and what they were asked; ``down`` ones don't answer."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str, str]] = []
        self.down: set[str] = set()
        self.failing: set[str] = set()
        self.busy: set[str] = set()
        self.audited: list[tuple[str, str, str, str]] = []
        self.audit_works = True
        self.garbage: httpx.Response | None = None
        self.claims: dict[str, Any] = {}
        self.counts: dict[str, Any] = {}
        self.standing: dict[str, dict[str, Any]] = {}
        self.asked_where = 0
        #: where they stand when they are asked for the fourth time
        self.meanwhile: dict[str, dict[str, Any]] = {}
        self.log_ends: dict[str, int] = {}
        self.behind: dict[str, str] = {}

    def answer(self, request: httpx.Request) -> httpx.Response:
        service, path = request.url.host, request.url.path
        if service in self.down:
            raise httpx.ConnectError("refused", request=request)
        if service in self.failing:
            return httpx.Response(500, text="Internal Server Error")
        if path == "/internal/settle":
            self.asked_where += service == "alerts"
            if self.asked_where == 4:
                self.standing |= self.meanwhile
            unit = {"processor": f"{service}.0", "busy": service in self.busy, **self.standing.get(service, {})}
            units = [unit, {"processor": f"{service}.1"}]
            delays = {"event_to_sms": 0.25}
            standing = {"service": service, "ready": True, "processors": units, "pending": {}, "delays": delays}
            return httpx.Response(200, json=standing)
        if path == "/health/ready":
            return httpx.Response(200, json={"status": "ready"})
        if self.garbage is not None:
            return self.garbage
        claims = self.claims = jwt.decode(request.headers["authorization"].split()[1], SECRET, ["HS256"])
        assert claims["role"] == "service"
        self.asked.append((service, request.method, str(request.url.raw_path, "ascii"), claims["sub"]))
        if path == "/v1/customers/unknown":
            return httpx.Response(404, json={"error": "unknown_customer", "zh": "没有", "en": "none"})
        if path == "/v1/rates":
            return httpx.Response(503, json={"error": "rates_away", "zh": "没有", "en": "away"})
        if path in ("/v1/counts", "/v1/recount") and service in self.counts:
            return httpx.Response(200, json=self.counts[service])
        if path.startswith("/v1/customers/"):
            return httpx.Response(200, json={"customer_id": path.rpartition("/")[2], "name": "王芳"})
        headers = {"Kam-Seconds-Behind": self.behind[service]} if service in self.behind else {}
        return httpx.Response(200, json=[{"service": service}], headers=headers)

    async def audit(self, who: Principal, action: str, object_: str, result: str, reason: str | None = None) -> None:
        if not self.audit_works:
            raise Refused("audit_unavailable", "不能审计", "no audit", 503)
        self.audited.append((who.subject, action, object_, result))

    async def ends(self, _: Collection) -> dict[str, int] | None:
        return self.log_ends


@pytest.fixture
def province() -> Province:
    return Province()


def _app(settings: Settings, province: Province, lists: Projection) -> FastAPI:
    return build(
        settings,
        client=httpx.AsyncClient(transport=httpx.MockTransport(province.answer)),
        audit=province.audit,
        ends=province.ends,
        projection=lists,
        documents=MemoryDocuments(MemoryStore()),
    ).asgi()


@pytest.fixture
async def people(province: Province, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    settings = Settings(
        service_data=tmp_path, kafka="unused:1", secret_file=secret, peers={name: f"http://{name}" for name in NAMES}
    )
    async with following(tmp_path / "lists", Log()) as lists:
        app = _app(settings, province, lists)
        async with httpx.AsyncClient(
            transport=TypedAnswers(app, own=("/v1/status", "/v1/wait")), base_url="http://gateway"
        ) as people:
            people.headers["authorization"] = f"Bearer {issue_token(SECRET, 'li', 'operations')}"
            yield people


@pytest.mark.parametrize(
    ("path", "service", "asked"),
    [
        ("/v1/alerts?customer=1&kind=arrears", "alerts", "/v1/alerts?customer=1&kind=arrears"),
        ("/v1/sms?alert=a", "alerts", "/v1/sms?alert=a"),
        ("/v1/work?state=new", "manager-work", "/v1/work?state=new"),
        ("/v1/rules", "alerts", "/v1/rules"),
        ("/v1/why/file:BILL_1.dat.gz%2317", "analytics", "/v1/why/file%3ABILL_1.dat.gz%2317"),
        ("/v1/counts?day=2026-06-30", "analytics", "/v1/counts?day=2026-06-30"),
        ("/v1/recount", "analytics", "/v1/recount"),
        ("/v1/clock", "billing-sync", "/v1/clock"),
    ],
)
async def test_reads_go_to_the_service_that_owns_them(
    people: httpx.AsyncClient, province: Province, path: str, service: str, asked: str
) -> None:
    answer = await people.get(path)

    assert (answer.status_code, answer.json()) == (200, [{"service": service}])
    assert province.asked == [(service, "GET", asked, "li")]


async def test_a_customer_page_is_composed_and_audited(people: httpx.AsyncClient, province: Province) -> None:
    page: dict[str, Any] = (await people.get("/v1/customers/1000123")).json()

    assert set(page) == {"customer_id", "name", "alerts", "sms", "work"}
    assert page["work"] == [{"service": "manager-work"}]
    assert province.audited == [("li", "customer.read", "1000123", "200")]


async def test_what_is_read_is_as_old_as_the_oldest_part_of_it(people: httpx.AsyncClient, province: Province) -> None:
    assert "kam-seconds-behind" not in (await people.get("/v1/work")).headers
    province.behind = {"manager-work": "9.500", "alerts": "10.250"}
    assert (await people.get("/v1/work")).headers.get_list("kam-seconds-behind") == ["9.500"]
    assert (await people.get("/v1/customers/1000123")).headers["kam-seconds-behind"] == "10.250"


@pytest.mark.parametrize("careless", ["soon", "", "nan", "inf", "-1", "1.000, 2.000"])
async def test_an_age_that_is_no_number_fails_nothing(
    people: httpx.AsyncClient, province: Province, careless: str
) -> None:
    province.behind = {"manager-work": careless, "alerts": "10.250"}
    alone = await people.get("/v1/work")
    assert (alone.status_code, "kam-seconds-behind" in alone.headers) == (200, False)
    page = await people.get("/v1/customers/1000123")
    assert (page.status_code, page.headers["kam-seconds-behind"]) == (200, "10.250"), "what others tell still counts"


async def test_documents_on_their_way_are_waited_for(people: httpx.AsyncClient, province: Province) -> None:
    province.standing["alerts"] = {"documents": 3}
    answer = await people.get("/v1/wait", params={"timeout": 0.1})
    assert answer.status_code == 504
    assert answer.json()["busy"][0]["en"] == "alerts.0 has 3 documents for the query database"


async def test_an_unknown_customer_is_404_and_audited_too(people: httpx.AsyncClient, province: Province) -> None:
    assert (await people.get("/v1/customers/unknown")).status_code == 404
    assert province.audited == [("li", "customer.read", "unknown", "404")]


async def test_sms_are_audited_alerts_are_not(people: httpx.AsyncClient, province: Province) -> None:
    await people.get("/v1/alerts")
    await people.get("/v1/sms", params={"customer": "7"})

    assert province.audited == [("li", "sms.read", "7", "200")]


@pytest.mark.parametrize("path", ["/v1/sms", "/v1/customers/1"])
async def test_no_audit_no_personal_data(people: httpx.AsyncClient, province: Province, path: str) -> None:
    province.audit_works = False

    answer = await people.get(path)

    assert (answer.status_code, answer.json()["error"]) == (503, "audit_unavailable")


async def test_actions_are_done_in_the_name_of_the_person(people: httpx.AsyncClient, province: Province) -> None:
    assert (await people.post("/v1/work/w1/close", json={"outcome": "paid"})).status_code == 200
    assert (await people.post("/v1/work/w1/accept")).status_code == 200
    assert (await people.put("/v1/clock", json={"at": "2026-06-30"})).status_code == 200
    assert province.asked == [
        ("manager-work", "POST", "/v1/work/w1/close", "li"),
        ("manager-work", "POST", "/v1/work/w1/accept", "li"),
        ("billing-sync", "PUT", "/v1/clock", "li"),
    ]


@pytest.mark.parametrize(
    ("role", "method", "path", "status"),
    [
        (None, "GET", "/v1/alerts", 401),
        (None, "GET", "/v1/wait", 401),
        ("integrator", "GET", "/v1/alerts", 403),
        ("analyst", "GET", "/v1/counts", 200),
        ("analyst", "POST", "/v1/work/w1/accept", 403),
        ("manager", "POST", "/v1/work/w1/accept", 200),
        ("manager", "PUT", "/v1/clock", 403),
        ("administrator", "GET", "/v1/wait", 200),
    ],
)
async def test_roles(people: httpx.AsyncClient, role: str | None, method: str, path: str, status: int) -> None:
    people.headers["authorization"] = f"Bearer {issue_token(SECRET, 'cli:li', role)}" if role else ""

    answer = await people.request(method, path, json={} if method != "GET" else None)

    assert answer.status_code == status


async def test_a_refusal_of_a_service_is_passed_on(people: httpx.AsyncClient) -> None:
    answer = await people.get("/v1/rates")

    assert (answer.status_code, answer.json()["error"]) == (503, "rates_away")


@pytest.mark.parametrize(("fault", "status"), [("down", 503), ("failing", 502)])
async def test_a_failing_service_is_named(
    people: httpx.AsyncClient, province: Province, fault: str, status: int
) -> None:
    getattr(province, fault).add("manager-work")

    answer = await people.get("/v1/customers/1")

    assert answer.status_code == status
    assert all("manager-work" in answer.json()[language] for language in ("zh", "en"))


@pytest.mark.parametrize(
    "garbage",
    [
        httpx.Response(200, html="<html>"),
        httpx.Response(200, content=b""),
        httpx.Response(200, content=b"\xff\xfe"),
        httpx.Response(200, content=b"[" * 100_000),
        httpx.Response(404, text="no such page"),
        httpx.Response(500, json={"error": "internal"}),
        httpx.Response(307, headers={"location": "http://elsewhere"}),
    ],
)
@pytest.mark.parametrize("path", ["/v1/alerts", "/v1/customers/1", "/v1/why/x"])
async def test_garbage_of_a_service_is_502(
    people: httpx.AsyncClient, province: Province, path: str, garbage: httpx.Response
) -> None:
    province.garbage = garbage

    answer = await people.get(path)

    assert (answer.status_code, answer.json()["error"]) == (502, "service_failed")


async def test_a_page_that_is_none_is_502(people: httpx.AsyncClient, province: Province) -> None:
    province.garbage = httpx.Response(200, json=[1])

    assert (await people.get("/v1/customers/1")).status_code == 502


async def test_the_body_names_no_other_actor_and_the_role_goes_along(
    people: httpx.AsyncClient, province: Province
) -> None:
    """Defect 10: manager-work decides by the role of the person, not by that of the gateway."""
    people.headers["authorization"] = f"Bearer {issue_token(SECRET, 'manager-A', 'manager', scope={})}"
    await people.post("/v1/work/w1/close", json={"outcome": "retained", "by": "manager-B"})

    assert province.asked[-1] == ("manager-work", "POST", "/v1/work/w1/close", "manager-A")
    assert province.claims["role"] == "service" and province.claims["person_role"] == "manager"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/alerts?customer=" + "x" * 60_000, 422),
        ("/v1/why/" + "x" * 60_000, 422),
        ("/v1/customers/a%00b", 200),
        ("/v1/customers/%2e%2e", 200),
        ("/v1/why/..%2f..%2finternal%2fsettle", 200),
        ("/v1/wait?timeout=nan", 422),
        ("/v1/wait?timeout=inf", 422),
    ],
)
async def test_strange_addresses(people: httpx.AsyncClient, province: Province, path: str, status: int) -> None:
    assert (await people.get(path)).status_code == status
    assert all(asked.startswith(("/v1/customers/", "/v1/why/", "/v1/")) for _, _, asked, _ in province.asked)
    assert not any("internal/settle" in asked for _, _, asked, _ in province.asked)


async def test_status_shows_every_service(people: httpx.AsyncClient, province: Province) -> None:
    province.down.add("analytics")
    waiting = {"outbox": 4, "outbox_seconds": 1.5, "seconds_behind": 2.5, "documents": 7, "documents_seconds": 3.5}
    province.standing["alerts"] = waiting

    status = (await people.get("/v1/status")).json()

    assert status["services"]["alerts"]["ready"] and status["services"]["alerts"]["lag"] == 0
    assert waiting.items() <= status["services"]["alerts"].items(), "sums and worst of its processors"
    assert waiting.items() <= status["services"]["alerts"]["processors"]["alerts.0"].items()
    assert status["services"]["alerts"]["delays"] == {"event_to_sms": 0.25}
    assert not status["services"]["analytics"]["ready"]


async def test_what_is_handled_within_a_second_is_no_lag(people: httpx.AsyncClient, province: Province) -> None:
    province.standing["alerts"] = {"inputs": ["boss.events/0"], "offsets": {"boss.events/0": 3}}
    province.meanwhile["alerts"] = {"inputs": ["boss.events/0"], "offsets": {"boss.events/0": 9}}
    province.log_ends = {"boss.events/0": 9}
    assert (await people.get("/v1/status")).json()["services"]["alerts"]["lag"] == 0
    province.log_ends = {"boss.events/0": 12}
    assert (await people.get("/v1/status")).json()["services"]["alerts"]["lag"] == 3


async def test_wait_answers_when_settled(people: httpx.AsyncClient) -> None:
    answer = await people.get("/v1/wait")

    assert answer.status_code == 200
    assert answer.json()["settled"] is True and answer.json()["seconds"] < 1


async def test_wait_says_who_is_busy(people: httpx.AsyncClient, province: Province) -> None:
    province.busy.add("billing-sync")
    province.down.add("alerts")

    answer = await people.get("/v1/wait", params={"timeout": 0.05})

    assert answer.status_code == 504
    assert [b["service"] for b in answer.json()["busy"]] == ["alerts", "billing-sync"]
    assert "billing-sync.0 is at work" in answer.json()["en"] and "正在处理" in answer.json()["zh"]


@pytest.fixture
async def two_workers(province: Province, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway before two workers of each partitioned service, six partitions."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    pairs = {name: (f"http://{name}", f"http://{name}-2") for name in ("customer-profile", "alerts", "analytics")}
    settings = Settings(
        service_data=tmp_path,
        kafka="unused:1",
        secret_file=secret,
        partitions=6,
        peers={**{name: (f"http://{name}",) for name in NAMES}, **pairs},
    )
    async with following(tmp_path / "lists", Log()) as lists:
        app = _app(settings, province, lists)
        transport = TypedAnswers(app, own=("/v1/status", "/v1/wait", "/v1/counts", "/v1/recount"))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as people:
            people.headers["authorization"] = f"Bearer {issue_token(SECRET, 'li', 'operations')}"
            yield people


def _customer(worker: int) -> str:
    """One whose partition, of six, is the worker's, of two."""
    return next(str(n) for n in range(1000, 2000) if partition_of(str(n), 6) % 2 == worker)


@pytest.mark.parametrize("worker", [0, 1])
async def test_a_customer_is_asked_of_the_worker_that_owns_the_partition(
    two_workers: httpx.AsyncClient, province: Province, worker: int
) -> None:
    customer, suffix = _customer(worker), "-2" * worker
    assert (await two_workers.get(f"/v1/customers/{customer}")).status_code == 200
    asked = [service for service, *_ in province.asked]
    assert sorted(asked) == sorted([f"customer-profile{suffix}", f"alerts{suffix}", f"alerts{suffix}", "manager-work"])


async def test_lists_are_asked_of_any_worker_that_answers(two_workers: httpx.AsyncClient, province: Province) -> None:
    customer = _customer(1)
    assert (await two_workers.get("/v1/alerts", params={"customer": customer})).json() == [{"service": "alerts-2"}]
    province.down.add("alerts-2")
    assert (await two_workers.get("/v1/alerts", params={"customer": customer})).json() == [{"service": "alerts"}]
    province.down = {"alerts", "customer-profile-2"}
    assert (await two_workers.get("/v1/rules")).json() == [{"service": "alerts-2"}]
    page = await two_workers.get(f"/v1/customers/{customer}")  # nobody else has it
    assert (page.status_code, page.json()["error"]) == (503, "service_unavailable")
    province.down = {"alerts", "alerts-2"}
    assert (await two_workers.get("/v1/alerts")).status_code == 503


async def test_a_list_is_as_old_as_the_documents_of_every_worker(
    two_workers: httpx.AsyncClient, province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def age(**query: str) -> float:
        return float((await two_workers.get("/v1/alerts", params=query)).headers["kam-seconds-behind"])

    province.behind = {"alerts": "0.100", "alerts-2": "0.200"}
    province.standing["alerts-2"] = {"seconds_behind": 2.0, "documents_seconds": 40.0}
    assert (await age(), await age(customer=_customer(0)), await age(customer=_customer(1))) == (42, 0.1, 0.2)
    province.behind["alerts"] = province.behind["alerts-2"] = "soon"
    assert await age() == 42, "told by the standing of the other worker"
    province.behind = {"alerts": "0.100", "alerts-2": "0.200"}
    province.down.add("alerts-2")
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + 100)
    monkeypatch.setattr("gateway.peers.time", later)
    assert 142 <= await age() < 150 and 142 <= await age(customer=_customer(1)) < 150
    assert await age(customer=_customer(0)) == 0.1, "that worker has all of it"


async def test_counts_of_all_workers_are_added_up(two_workers: httpx.AsyncClient, province: Province) -> None:
    def cell(day: str, city: str | None, count: int) -> dict[str, Any]:
        return {"day": day, "city": city, "kind": "alert.raised:arrears", "count": count}

    province.counts = {
        "analytics": [cell("2026-06-30", None, 1), cell("2026-06-30", "320100", 2)],
        "analytics-2": [cell("2026-06-29", "320100", 4), cell("2026-06-30", "320100", 8)],
    }
    expected = [cell("2026-06-29", "320100", 4), cell("2026-06-30", None, 1), cell("2026-06-30", "320100", 10)]
    assert (await two_workers.get("/v1/counts")).json() == expected
    province.down.add("analytics-2")
    assert (await two_workers.get("/v1/counts")).status_code == 503


async def test_a_recount_is_that_of_all_workers(two_workers: httpx.AsyncClient, province: Province) -> None:
    where = {"day": "2026-06-30", "city": None, "kind": "boss.bill.issued"}
    province.counts = {
        "analytics": {"agree": True, "events": 5, "cells": 2, "differences": []},
        "analytics-2": {"agree": False, "events": 7, "cells": 3, "differences": [{**where, "live": 3, "archive": 2}]},
    }
    found = (await two_workers.get("/v1/recount")).json()
    assert found == {"agree": False, "events": 12, "cells": 5, "differences": [{**where, "live": 3, "archive": 2}]}


async def test_a_wait_is_for_every_worker(two_workers: httpx.AsyncClient, province: Province) -> None:
    assert (await two_workers.get("/v1/wait", params={"timeout": 2})).json()["settled"]
    province.down.add("alerts-2")
    waited = await two_workers.get("/v1/wait", params={"timeout": 0.1})
    assert [busy["service"] for busy in waited.json()["busy"]] == ["alerts-2"]
    services = (await two_workers.get("/v1/status")).json()["services"]
    assert not services["alerts-2"]["ready"] and services["alerts"]["ready"] and "analytics-2" in services


async def test_nobody_waits_for_one_who_has_gone(province: Province) -> None:
    """A wait of an hour polled every service for an hour, also when whoever asked had hung up."""
    polled = 0

    async def collect() -> Collection:
        nonlocal polled
        polled += 1
        return {"alerts": None}

    async def is_gone() -> bool:
        return polled >= 3

    _, left = await wait_until_settled(collect, province.ends, 3600, is_gone)
    assert left and polled == 3


async def test_so_many_wait_at_once_and_no_more(people: httpx.AsyncClient, province: Province) -> None:
    province.busy.add("alerts")
    answers = await asyncio.gather(*(people.get("/v1/wait", params={"timeout": 0.2}) for _ in range(40)))
    assert Counter(a.status_code for a in answers) == {504: 32, 503: 8}
    assert (await people.get("/v1/wait", params={"timeout": 0.01})).status_code == 504


async def test_a_request_never_meets_a_connection_that_its_service_is_closing(tmp_path: Path) -> None:
    """Both let a connection rest for five seconds: whoever asks every five seconds had a 503 now and then."""
    peers = Peers(Settings(peers={}, kafka="-", service_data=tmp_path))
    rests = peers._client._transport._pool._keepalive_expiry  # type: ignore[attr-defined]
    assert rests <= uvicorn.Config("none").timeout_keep_alive - 2
    await peers._client.aclose()


async def test_a_refusal_is_found_again_by_its_number(people: httpx.AsyncClient, province: Province) -> None:
    """Whoever refuses: the gateway, a service behind it, or one that is not there."""
    province.down.add("analytics")
    found = [await people.get(path) for path in ("/v1/rates", "/v1/lists/alerts?sort=x", "/v1/counts", "/v1/nothing")]
    found.append(await people.get("/v1/alerts", headers={"authorization": ""}))
    numbers = [answer.json()["correlation_id"] for answer in found]
    assert len(set(numbers)) == 5 and all(len(number) == 16 for number in numbers)
    assert [answer.headers["kam-correlation-id"] for answer in found] == numbers
    assert {answer.headers["content-type"] for answer in found} == {"application/problem+json"}
    assert all(answer.json()["status"] == answer.status_code for answer in found)


@pytest.mark.parametrize(
    ("told", "is_taken"), [("c-1234567", True), ("x", False), ("a b" * 9, False), ("é" * 20, False)]
)
async def test_a_caller_s_own_number_is_passed_on(people: httpx.AsyncClient, told: str, is_taken: bool) -> None:
    answer = await people.get("/v1/alerts", headers={"kam-correlation-id": told.encode()})
    assert (answer.headers["kam-correlation-id"] == told) is is_taken
