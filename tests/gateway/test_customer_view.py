"""The screen of one customer: what it begins with, the time line page by page, what is masked and what is not seen."""

import json
from collections.abc import AsyncIterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.arrears_ages import ages_of
from gateway.domain import Collection
from harness.people import asked_by_token
from harness.read_model import alert, at, contact, customer, manager, sms, unit
from servicekit.auth import Principal, issue_token

SECRET = "0123456789abcdef0123456789abcdef"
PROFILE = {
    "customer": {"customer_id": "c1", "name": "王小明", "phone": "13901000123", "birth_date": "1970-01-02"},
    "manager": None, "unit": None, "history": [],
    "bills": [{"at": at(), "event_id": f"b{n}", "period": f"20260{n}", "amount_fen": n * 1000} for n in (6, 5, 4)],
    "usages": [], "payments": [], "balance": None, "contracts": [], "requests": [],
    "arrears": {"at": at(), "event_id": "d1", "as_of": "2026-06-30", "amount_fen": 7500, "oldest_due_on": None,
                "suspended": False},
    "complaints": [{"at": at(), "event_id": "x1", "complaint_id": "p1", "opened_at": "2026-06-30T09:00:00+08:00",
                    "category": "network", "status": "opened", "text": "信号差"}],
}  # fmt: skip
FRESHNESS = {
    "BILL_320100": {"business_date": "2026-06-29"}, "BILL_320200": {"business_date": "2026-06-30"},
    "PAY_320100": {"business_date": "2026-06-30"}, "events": {"at": at()},
}  # fmt: skip
CHANGE = {"customer_id": "c1", "revision": 2, "field": "phone", "old": "13901000100", "new": "13901000123",
          "at": at(), "recorded": at(), "event_id": "e", "correlation": "r"}  # fmt: skip
WORK = [{
    "work_id": "w1", "kind": "dunning", "alert_id": "a1", "customer_id": "c1", "outcome": "paid",
    "log": [
        {"at": at(), "by": None, "what": "opened"},
        {"at": at(1), "by": "m1", "what": "acted", "kind": "call", "result": "promised", "note": "<b>周五缴</b>"},
        {"at": at(9), "by": "m1", "what": "closed"},
    ],
}]  # fmt: skip
CONTACTS = [{"contact_id": "k1", "customer_id": "c1", "kind": "visit", "at": at(5), "by": "m1", "note": "看机房"}]

WHY_NOT = {
    "customer_id": "c1", "period": "202606", "periods": ["202606"], "clock": at(),
    "rules": [
        {"rule": kind, "version": 1, "type": "fall", "kind": kind, "name_zh": "规则", "name_en": "rule",
         "verdict": "not_met", "alerts": [], "all_of": [],
         "any_of": [{"code": "bill_fall", "met": False, "value": 8, "limit": 7, "values": {}}]}
        for kind in ("churn_warning", "arrears")
    ],
}  # fmt: skip

_STANDS: dict[str, Any] = {
    "customer_id": "c1",
    "version": 1,
    "period": "202606",
    "result": "not_met",
    "alert_id": None,
    "conditions": [
        {
            "text_zh": "活跃天数 ≤ 3 天",
            "text_en": "active days ≤ 3",
            "value": 9,
            "limit": 3,
            "met": False,
            "unit": "days",
        }
    ],
    "exclusions": [],
}
WHYNOT = [
    {**_STANDS, "rule": "drop-30", "kind": "churn_warning"},
    {**_STANDS, "rule": "silent", "kind": "attention"},
]


class World:
    """The services as the gateway meets them, and what it wrote down."""

    def __init__(self) -> None:
        self.away: set[str] = set()
        self.profile, self.work, self.contacts = deepcopy((PROFILE, WORK, CONTACTS))
        self.asked: list[tuple[str, Any, dict[str, str]]] = []
        self.audited: list[tuple[str, str, str, str]] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        host, path = request.url.host, request.url.path
        if host in self.away:
            raise httpx.ConnectError("refused", request=request)
        if request.method == "POST":
            self.asked.append((f"{host} {path}", json.loads(request.content), dict(request.headers)))
            return httpx.Response(200, json={"customer_id": "c1"})
        if path == "/v1/customers/c1":
            return httpx.Response(
                200, json=self.profile | {"history": [] if "history" in request.url.params else [CHANGE]}
            )
        if path == "/internal/settle":
            return httpx.Response(200, json={"service": host, "freshness": FRESHNESS})
        if path == "/v1/customers/c1/why-not":
            return httpx.Response(200, json=WHY_NOT)
        if path == "/v1/customers/c1/whynot":
            if request.url.params.get("rule") == "draft":
                return httpx.Response(404, json={"error": "not_in_force", "zh": "没有启用", "en": "is not in force"})
            return httpx.Response(200, json=WHYNOT)
        if path == "/v1/work":
            return httpx.Response(200, json=self.work)
        if path == "/v1/contacts":
            return httpx.Response(200, json=self.contacts)
        return httpx.Response(404, json={"error": "unknown", "zh": "没有", "en": "none"})

    async def audit(self, who: Principal, action: str, object_: str, result: str, reason: str | None = None) -> None:
        self.audited.append((who.subject, action, object_, result))

    async def ends(self, _: Collection) -> dict[str, int] | None:
        return {}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def asks(world: World, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    told = {
        "boss.events": [
            unit(), unit("u2"), manager(), manager("m2", unit_id="u2"),
            customer(), customer("c2", manager_id="m2", phone="13901000124", do_not_disturb=True),
        ],
        "alert.events": [
            alert("raised"), alert("raised", "a2", customer_id="c2", kind="complaint_opened"),
        ],
        "sms.outbound": [
            sms("delivered", state="delivered", planned_at=at(3)),
            sms("planned", "s2", alert_id="", template="manual", planned_at=at(4)),
        ],
        "work.events": [
            contact(at=at(5)),
        ],
    }  # fmt: skip
    own = [f"/v1/customers/{{id}}/{name}" for name in ("view", "timeline", "account", "history", "why-not", "whynot")]
    async with asked_by_token(tmp_path, world, told, [*own, "/v1/callers"], token("manager", "m1")) as client:
        yield client


def token(role: str, subject: str, **claims: Any) -> str:
    return f"Bearer {issue_token(SECRET, subject, role, **claims)}"


ENTRIES = [
    "step closed", "contact visit", "sms manual", "sms arrears-reminder", "contact call", "alert arrears",
    "complaint network",
]  # fmt: skip


def of(found: dict[str, Any]) -> list[str]:
    return [f"{entry['of']} {entry['kind']}" for entry in found["entries"]]


async def test_a_page_begins_with_the_head_alerts_and_the_newest_entries(asks: httpx.AsyncClient, world: World) -> None:
    found = (await asks.get("/v1/customers/c1/view")).json()
    assert found["customer"]["customer_name"] == "王小明", "a manager sees names"
    assert (found["profile"]["phone"], found["profile"]["birth_date"]) == ("139****0123", "1970-**-**")
    assert (found["manager"]["name"], found["manager"]["extension"]) == ("李经理", "801")
    assert (found["figures"]["arrears_fen"], found["figures"]["mean_fen"], found["figures"]["months"]) == (
        7500,
        5000,
        3,
    )
    assert [row["alert_id"] for row in found["alerts"]] == ["a1"]
    assert of(found) == ENTRIES and found["next"] is None and found["missing"] == []
    assert found["contacts"]["last"]["kind"] == "visit"
    assert found["entries"][1]["by_name"] == "李经理"
    assert found["reveals"] == ["address", "birth_date", "phone"]
    assert world.audited == [("m1", "customer.read", "c1", "200")]


async def test_what_is_away_is_named_and_the_rest_is_there(asks: httpx.AsyncClient, world: World) -> None:
    world.away = {"manager-work", "customer-profile"}
    found = (await asks.get("/v1/customers/c1/view")).json()
    assert found["missing"] == ["customer-profile", "manager-work"]
    assert found["customer"]["customer_name"] == "王小明" and found["profile"] is None and found["figures"] is None
    assert of(found) == ["sms manual", "sms arrears-reminder", "alert arrears"]
    assert (await asks.get("/v1/customers/c1/account")).status_code == 503


async def test_the_time_line_page_by_page_repeats_and_leaves_out_nothing(asks: httpx.AsyncClient) -> None:
    for size in (1, 2, 3, 7):
        seen: list[str] = []
        query: dict[str, Any] = {"limit": size}
        while True:
            found = (await asks.get("/v1/customers/c1/timeline", params=query)).json()
            seen += of(found)
            if found["next"] is None:
                break
            query["cursor"] = found["next"]
        assert seen == ENTRIES
    found = (await asks.get("/v1/customers/c1/timeline", params={"of": "sms,complaint"})).json()
    assert of(found) == ["sms manual", "sms arrears-reminder", "complaint network"]
    for bad in ({"of": "x"}, {"cursor": "x"}, {"limit": 0}):
        assert (await asks.get("/v1/customers/c1/timeline", params=bad)).status_code == 422


async def test_the_account_says_how_far_the_files_of_the_city_have_come(asks: httpx.AsyncClient, world: World) -> None:
    world.profile["customer"]["city"] = "320100"
    assert (await asks.get("/v1/customers/c1/account")).json()["files"] == [
        {"kind": "BILL", "business_date": "2026-06-29", "expected": "2026-06-30"},
        {"kind": "PAY", "business_date": "2026-06-30", "expected": "2026-06-30"},
    ]
    world.profile["customer"]["city"] = None
    assert (await asks.get("/v1/customers/c1/account")).json()["files"] == []
    world.away.add("billing-sync")
    assert (await asks.get("/v1/customers/c1/account")).json()["files"] is None


async def test_account_and_history(asks: httpx.AsyncClient) -> None:
    account = (await asks.get("/v1/customers/c1/account")).json()
    assert (
        account["ages"]["as_of"] == "2026-06-30" and sum(v for k, v in account["ages"].items() if k != "as_of") == 7500
    )
    (change,) = (await asks.get("/v1/customers/c1/history")).json()["changes"]
    assert (change["old"], change["event_id"]) == ("139****0100", "e")


WRONG = object()


def spoilt(value: Any, how: Any) -> list[Any]:
    """The same without each of its fields, or with another type (``how``) in it, one at a time and at every depth."""
    found: list[Any] = []
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        for instead in (how, *spoilt(inner, how)):
            copy = deepcopy(value)
            if instead is WRONG:
                del copy[key]
            else:
                copy[key] = instead
            found.append(copy)
    return found


@pytest.mark.parametrize("how", [WRONG, 7, "x"])
async def test_a_careless_service_is_named_and_nothing_breaks(asks: httpx.AsyncClient, world: World, how: Any) -> None:
    refused = 0
    for name, paths in (("profile", ("view", "timeline", "account", "history")), ("work", ("view", "timeline")),
                        ("contacts", ("view", "timeline"))):  # fmt: skip
        whole = getattr(world, name)
        for document in spoilt(whole, how):
            setattr(world, name, document)
            for path in paths:
                answer = await asks.get(f"/v1/customers/c1/{path}")
                assert answer.status_code in (200, 502), (name, document, path, answer.text)
                if answer.status_code == 502:
                    service = "customer-profile" if name == "profile" else "manager-work"
                    assert service in answer.json()["en"]
                    refused += 1
        setattr(world, name, whole)
    assert refused > 20


async def test_a_time_line_without_a_time_is_none(asks: httpx.AsyncClient, world: World) -> None:
    world.work[0]["log"][1]["at"] = "yesterday"
    answer = await asks.get("/v1/customers/c1/view")
    assert answer.status_code == 502 and answer.json()["error"] == "service_failed"


@pytest.mark.parametrize("path", ["view", "timeline", "account", "history"])
async def test_out_of_scope_reads_as_not_there(asks: httpx.AsyncClient, world: World, path: str) -> None:
    there, nowhere = [await asks.get(f"/v1/customers/{id}/{path}") for id in ("c2", "c9")]
    assert there.status_code == nowhere.status_code == 404
    drop = ("correlation_id", "instance")
    assert {k: v for k, v in there.json().items() if k not in drop} == {
        k: v for k, v in nowhere.json().items() if k not in drop
    }
    assert [result for *_, result in world.audited] == ["404", "404"]


async def test_a_machine_without_the_right_is_refused(asks: httpx.AsyncClient) -> None:
    headers = {"authorization": token("integrator", "pbx")}
    assert (await asks.get("/v1/customers/c1/view", headers=headers)).status_code == 403


async def test_sms_and_contacts_go_to_whom_they_belong(asks: httpx.AsyncClient, world: World) -> None:
    key = {"Idempotency-Key": "k"}
    body = {"text": "您好", "preview": True}
    assert (await asks.post("/v1/customers/c1/sms", json=body, headers=key)).status_code == 200
    assert (await asks.post("/v1/customers/c1/contacts", json={"kind": "call"}, headers=key)).status_code == 200
    assert [what for what, *_ in world.asked] == [
        "alerts /v1/customers/c1/sms", "manager-work /v1/customers/c1/contacts",
    ]  # fmt: skip
    assert world.asked[0][1] == body and world.asked[0][2]["idempotency-key"] == "k"
    for path, json_ in (("sms", {"text": "您好"}), ("contacts", {"kind": "call"})):
        assert (await asks.post(f"/v1/customers/c2/{path}", json=json_)).status_code == 404
    assert len(world.asked) == 2
    assert [action for _, action, *_ in world.audited] == [
        *("sms.preview", "sms.preview", "contact.log", "contact.log"),
        *("sms.write", "contact.log"),
    ]
    analyst = {"authorization": token("analyst", "an")}
    assert (await asks.post("/v1/customers/c1/sms", json=body, headers=analyst)).status_code == 403


async def test_who_calls(asks: httpx.AsyncClient, world: World) -> None:
    asks.headers["authorization"] = token("integrator", "pbx")
    (caller,) = (await asks.post("/v1/callers", json={"number": "+86 139-0100-0123"})).json()["callers"]
    assert (caller["customer_id"], caller["customer_name"], caller["pop"]) == ("c1", "王*", "/pop?customer=c1")
    assert (caller["manager"]["name"], caller["manager"]["extension"]) == ("李经理", "801")
    assert [alert["alert_id"] for alert in caller["alerts"]] == ["a1"]
    assert "欠费" in caller["hints"][0]["zh"] and "arrears" in caller["hints"][0]["en"]
    (other,) = (await asks.post("/v1/callers", json={"number": "013901000124"})).json()["callers"]
    assert [hint["zh"][:3] for hint in other["hints"]] == ["免打扰", "有未结"]
    for number in ("13999999999", "123", "<script>"):
        assert (await asks.post("/v1/callers", json={"number": number})).json()["callers"] == []
    refused = await asks.post("/v1/callers", json={"number": "13901000123" * 4})
    assert refused.status_code == 422 and "13901000123" not in refused.text
    assert world.audited[0] == ("pbx", "caller.identified", "c1", "200")
    assert not [line for line in world.audited if "139" in " ".join(line)]


async def test_a_call_centre_of_another_city_knows_nobody(asks: httpx.AsyncClient) -> None:
    headers = {"authorization": token("integrator", "pbx", scope={"cities": ["320500"]})}
    answer = await asks.post("/v1/callers", json={"number": "13901000123"}, headers=headers)
    assert answer.json()["callers"] == []


def test_what_is_owed_is_of_the_newest_bills() -> None:
    bills = [
        {"period": "202606", "amount_fen": 1000, "due_on": "2026-07-20"},
        {"period": "202605", "amount_fen": 2000, "due_on": "2026-06-20"},
        {"period": "202604", "amount_fen": -50},
        {"period": "202603", "amount_fen": 4000},
    ]
    arrears = {"amount_fen": 8000, "as_of": "2026-06-30", "oldest_due_on": "2026-01-20"}
    assert ages_of(arrears, bills) == {
        "as_of": "2026-06-30", "not_due": 1000, "to_30": 2000, "to_60": 0, "to_90": 4000, "over_90": 1000,
    }  # fmt: skip
    assert ages_of(None, bills) is None
    assert ages_of({"amount_fen": 0, "as_of": "2026-06-30"}, bills) == {
        "as_of": "2026-06-30", "not_due": 0, "to_30": 0, "to_60": 0, "to_90": 0, "over_90": 0,
    }  # fmt: skip


async def test_why_no_alert_came(asks: httpx.AsyncClient, world: World) -> None:
    found = await asks.get("/v1/customers/c1/why-not", params={"period": "202606"})
    assert found.json() == WHY_NOT
    assert world.audited == [("m1", "customer.why_not", "c1", "200")]
    asks.headers["authorization"] = token("manager", "m1", scope={"manager_id": "m1", "kinds": ["arrears"]})
    assert [rule["kind"] for rule in (await asks.get("/v1/customers/c1/why-not")).json()["rules"]] == ["arrears"]
    assert (await asks.get("/v1/customers/c2/why-not")).status_code == 404, "another manager's"
    world.away = {"alerts"}
    assert (await asks.get("/v1/customers/c1/why-not")).status_code == 503
    assert (await asks.get("/v1/customers/c1/why-not", params={"period": "2026"})).status_code == 422


async def test_how_rules_stand(asks: httpx.AsyncClient, world: World) -> None:
    asked = {"rule": "drop-30", "period": "202606"}
    assert (await asks.get("/v1/customers/c1/whynot", params=asked)).json() == WHYNOT
    assert world.audited == [("m1", "customer.why_not", "c1", "200")]
    drafts = await asks.get("/v1/customers/c1/whynot", params={"rule": "draft"})
    assert (drafts.status_code, drafts.json()["error"]) == (404, "not_in_force")
    asks.headers["authorization"] = token("manager", "m1", scope={"manager_id": "m1", "kinds": ["attention"]})
    seen = (await asks.get("/v1/customers/c1/whynot")).json()
    assert [each["rule"] for each in seen] == ["silent"], "of kinds of alerts that one sees"
    assert (await asks.get("/v1/customers/c2/whynot")).status_code == 404, "another manager's"
    world.away = {"alerts"}
    assert (await asks.get("/v1/customers/c1/whynot")).status_code == 503
    assert (await asks.get("/v1/customers/c1/whynot", params={"period": "2026"})).status_code == 422
