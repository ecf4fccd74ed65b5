"""Rules and stops behind the gateway: who may change them, what is written down, what travels on."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.projection.follow import Projection
from harness.asked_alerts import RULE, Alerts, client_of
from harness.read_model import Log, following

WHY = {"why": "误报偏多"}
TRIAL = "0b6c5f1e-1c1a-4f6e-9d7e-0123456789ab"


@pytest.fixture
def alerts() -> Alerts:
    return Alerts()


@pytest.fixture
async def lists(tmp_path: Path) -> AsyncIterator[Projection]:
    async with following(tmp_path / "lists", Log()) as made:
        yield made


CHANGES = [
    ("PUT", "/v1/rules/drop-30", {"document": {"id": "drop-30"}, **WHY}, "saved", "drop-30"),
    ("POST", "/v1/rules/drop-30/versions/2/activate", {"shadow": False, **WHY}, "activated", "drop-30 v2"),
    ("POST", "/v1/rules/drop-30/rollback", WHY, "rolled_back", "drop-30"),
    ("POST", "/v1/rules/drop-30/stop", {"shadow": True, **WHY}, "stopped", "drop-30"),
]


@pytest.mark.parametrize(("method", "path", "body", "verb", "about"), CHANGES)
async def test_a_change_travels_on_and_is_written_down(
    tmp_path: Path, alerts: Alerts, lists: Projection, method: str, path: str, body: Any, verb: str, about: str
) -> None:
    async with client_of(tmp_path, alerts, lists, "analyst") as client:
        headers = {"Idempotency-Key": "k1", **({"If-Match": '"1"'} if method == "PUT" else {})}
        answer = await client.request(method, path, json=body, headers=headers)
        assert (answer.status_code, answer.json(), answer.headers["ETag"]) == (200, RULE, '"2"')
        ((asked_method, asked_path, asked_body, asked_headers),) = alerts.asked
        assert (asked_method, asked_path, asked_body) == (method, path, body)
        assert asked_headers["Idempotency-Key"] == "k1" and asked_headers.get("If-Match") == headers.get("If-Match")
        assert alerts.audited == [("li", f"rule.{verb}", about, result, "误报偏多") for result in ("asked", "200")]


@pytest.mark.parametrize("role", ["manager", "head", "operations"])
async def test_who_only_reads_changes_nothing(tmp_path: Path, alerts: Alerts, lists: Projection, role: str) -> None:
    async with client_of(tmp_path, alerts, lists, role) as client:
        for method, path, body, *_ in CHANGES:
            assert (await client.request(method, path, json=body)).status_code == 403
        assert not alerts.asked
        assert (await client.get("/v1/rules/drop-30")).headers["ETag"] == '"2"'


@pytest.mark.parametrize(
    ("role", "scope"),
    [
        ("analyst", {"cities": ["320100"]}),
        ("analyst", {"kinds": ["arrears"]}),
        ("administrator", {"units": ["U1"]}),
    ],
)
async def test_a_right_over_a_part_changes_no_rule_of_the_whole_province(
    tmp_path: Path, alerts: Alerts, lists: Projection, role: str, scope: dict[str, Any]
) -> None:
    async with client_of(tmp_path, alerts, lists, role, scope) as client:
        for method, path, body, *_ in CHANGES:
            refused = await client.request(method, path, json=body, headers={"If-Match": '"1"'})
            assert (refused.status_code, refused.json()["error"]) == (403, "whole_province_only"), path
        assert not alerts.asked and not alerts.audited
        assert (await client.get("/v1/rules/drop-30")).status_code == 200


async def test_a_refusal_is_told_whole_and_written_down(tmp_path: Path, alerts: Alerts, lists: Projection) -> None:
    faults = [{"field": "percent", "zh": "应", "en": "must"}]
    told = {"error": "invalid", "zh": "应", "en": "must", "field": "percent", "faults": faults}
    alerts.answer = httpx.Response(422, json=told)
    async with client_of(tmp_path, alerts, lists, "administrator") as client:
        answer = await client.put("/v1/rules/drop-30", json={"document": {}, **WHY}, headers={"If-Match": '"1"'})
        assert answer.status_code == 422 and answer.json()["faults"] == faults and answer.json()["field"] == "percent"
        assert [told[1:4] for told in alerts.audited] == [("rule.saved", "drop-30", told) for told in ("asked", "422")]


@pytest.mark.parametrize(
    ("answer", "status"),
    [(httpx.ReadTimeout("silent"), 503), (httpx.ConnectError("away"), 503), (httpx.Response(500), 502)],
)
@pytest.mark.parametrize(("method", "path", "body", "verb", "about"), CHANGES)
async def test_what_was_asked_of_an_owner_who_does_not_answer_is_written_down(
    tmp_path: Path, alerts: Alerts, lists: Projection, method: str, path: str, body: Any, verb: str, about: str,
    answer: Any, status: int,
) -> None:  # fmt: skip
    alerts.answer = answer
    async with client_of(tmp_path, alerts, lists, "analyst") as client:
        assert (await client.request(method, path, json=body)).status_code == status
        assert alerts.audited == [("li", f"rule.{verb}", about, "asked", "误报偏多")]


async def test_what_waits_for_its_day_is_taken_back_with_a_reason(
    tmp_path: Path, alerts: Alerts, lists: Projection
) -> None:
    path = "/v1/rules/drop-30/versions/2/schedule"
    async with client_of(tmp_path, alerts, lists, "analyst") as client:
        assert (await client.delete(path)).status_code == 422, "a reason is needed"
        assert (await client.delete(path, params=WHY)).json() == RULE
        assert [asked[:2] for asked in alerts.asked] == [("DELETE", path)] and alerts.query == WHY
        assert alerts.audited == [
            ("li", "rule.taken_back", "drop-30 v2", result, "误报偏多") for result in ("asked", "200")
        ]
    for role, scope in (("head", None), ("analyst", {"cities": ["320100"]})):
        async with client_of(tmp_path, alerts, lists, role, scope) as client:
            assert (await client.delete(path, params=WHY)).status_code == 403


async def test_a_kind_is_told_to_all_who_read_it(tmp_path: Path, alerts: Alerts, lists: Projection) -> None:
    kind = {"may_stop": True, "has_shadow": False, "fields": [{"field": "percent", "zh": "百分比", "en": "percent"}]}
    alerts.answer = httpx.Response(200, json=kind)
    async with client_of(tmp_path, alerts, lists, "head") as client:
        assert (await client.get("/v1/kinds/rules")).json() == kind
        assert (await client.get("/v1/kinds/none")).status_code == 404
        assert [asked[:2] for asked in alerts.asked] == [("GET", "/v1/kinds/rules")]


@pytest.mark.parametrize(
    ("role", "scope", "somewhere", "everywhere"),
    [
        ("analyst", None, ["see", "change"], ["see", "change"]),
        ("analyst", {"cities": ["320100"]}, ["see", "change"], None),
        ("analyst", {"kinds": ["arrears"]}, ["see", "change"], None),
        ("head", None, ["see"], None),
        ("integrator", None, None, None),
    ],
)
async def test_everybody_learns_what_they_may_do_and_whether_everywhere(
    tmp_path: Path, alerts: Alerts, lists: Projection, role: str, scope: Any, somewhere: Any, everywhere: Any
) -> None:
    async with client_of(tmp_path, alerts, lists, role, scope) as client:
        mine = (await client.get("/v1/session/rights")).json()
        assert (mine["rights"].get("rules"), mine["everywhere"].get("rules")) == (somewhere, everywhere)


async def test_what_can_not_be_written_down_is_not_changed(tmp_path: Path, alerts: Alerts, lists: Projection) -> None:
    alerts.audit_works = False
    async with client_of(tmp_path, alerts, lists, "analyst") as client:
        for method, path, body, *_ in CHANGES:
            assert (await client.request(method, path, json=body)).status_code == 503
        assert not alerts.asked


async def test_a_change_without_a_reason_goes_nowhere(tmp_path: Path, alerts: Alerts, lists: Projection) -> None:
    async with client_of(tmp_path, alerts, lists, "analyst") as client:
        assert (await client.post("/v1/rules/drop-30/stop", json={})).status_code == 422
        assert (await client.post("/v1/rules/DROP!/stop", json=WHY)).status_code == 422
        assert not alerts.asked


# --- stops -----------------------------------------------------------------------------------------------------------

STOP = {"what": "kind/arrears", "by": "li", "why": "金额写错", "at": "2026-07-01T00:00:00+00:00"}
ASKED = {"what": "kind/arrears", "why": "金额写错"}
STOPS = [
    ("POST", "/v1/stops", ASKED, None, "sms.stopped"),
    ("DELETE", "/v1/stops/kind/arrears", None, {"why": "金额写错"}, "sms.released"),
]


@pytest.mark.parametrize(("method", "path", "body", "query", "verb"), STOPS)
async def test_a_stop_travels_on_and_is_written_down(
    tmp_path: Path, alerts: Alerts, lists: Projection, method: str, path: str, body: object, query: object, verb: str
) -> None:
    alerts.answer = httpx.Response(200, json=STOP)
    async with client_of(tmp_path, alerts, lists, "analyst") as client:
        answer = await client.request(method, path, json=body, params=query)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()) == (200, STOP)
        ((asked_method, asked_path, asked_body, _),) = alerts.asked
        assert (asked_method, asked_path, asked_body) == (method, path, body)
        assert alerts.audited == [("li", verb, "kind/arrears", told, "金额写错") for told in ("asked", "200")]


@pytest.mark.parametrize("role", ["manager", "head", "operations"])
async def test_who_only_reads_stops_nothing(tmp_path: Path, alerts: Alerts, lists: Projection, role: str) -> None:
    alerts.answer = httpx.Response(200, json=[STOP])
    async with client_of(tmp_path, alerts, lists, role) as client:
        for method, path, body, query, _ in STOPS:
            assert (await client.request(method, path, json=body, params=query)).status_code == 403  # type: ignore[arg-type]
        assert not alerts.asked
        assert (await client.get("/v1/stops")).json() == [STOP]


async def test_what_the_log_has_not_confirmed_is_told_as_it_is(
    tmp_path: Path, alerts: Alerts, lists: Projection
) -> None:
    told = {"error": "stop_not_confirmed", "zh": "没有确认", "en": "not confirmed"}
    alerts.answer = httpx.Response(503, json=told)
    async with client_of(tmp_path, alerts, lists, "analyst") as client:
        answer = await client.post("/v1/stops", json=ASKED)
        assert (answer.status_code, answer.json()["error"]) == (503, "stop_not_confirmed")
        assert [told[3] for told in alerts.audited] == ["asked", "503"]


@pytest.mark.parametrize(("method", "path", "body", "query", "verb"), STOPS)
async def test_what_is_not_answered_is_in_the_audit(
    tmp_path: Path, alerts: Alerts, lists: Projection, method: str, path: str, body: object, query: object, verb: str
) -> None:
    """It may have been done all the same."""
    alerts.answer = httpx.ReadTimeout("no answer")
    async with client_of(tmp_path, alerts, lists, "analyst") as client:
        assert (await client.request(method, path, json=body, params=query)).status_code == 503  # type: ignore[arg-type]
        assert alerts.audited == [("li", verb, "kind/arrears", "asked", "金额写错")]
        assert (await client.post("/v1/rules/drop-30/versions/2/try", json={})).status_code == 503
        assert alerts.audited[1:] == [("li", "rule.tried", "drop-30 v2", "asked", None)]
        alerts.audit_works = False
        before = len(alerts.asked)
        assert (await client.request(method, path, json=body, params=query)).json()["error"] == "audit_unavailable"  # type: ignore[arg-type]
        assert len(alerts.asked) == before, "what can't be written is not asked for"


async def test_a_refusal_is_told_though_it_can_t_be_written(tmp_path: Path, alerts: Alerts, lists: Projection) -> None:
    """The log that has not confirmed a stop takes no audit record either."""
    told = {"error": "stop_not_confirmed", "zh": "没有确认", "en": "not confirmed"}

    def refuses(request: httpx.Request) -> httpx.Response:
        alerts.audit_works = False
        return httpx.Response(503, json=told)

    alerts.__class__ = type("Refusing", (Alerts,), {"__call__": lambda self, request: refuses(request)})
    async with client_of(tmp_path, alerts, lists, "analyst") as client:
        assert (await client.post("/v1/stops", json=ASKED)).json()["error"] == "stop_not_confirmed"


async def test_trials_are_for_those_who_change_rules(tmp_path: Path, alerts: Alerts, lists: Projection) -> None:
    alerts.answer = httpx.Response(202, json={"trial_id": TRIAL, "state": "waiting"})
    async with client_of(tmp_path, alerts, lists, "analyst") as client:
        begun = await client.post("/v1/rules/drop-30/versions/2/try", json={"from": "202601"})
        assert (begun.status_code, begun.json()["trial_id"]) == (202, TRIAL)
        assert alerts.asked[-1][:3] == ("POST", "/v1/rules/drop-30/versions/2/try", {"from": "202601"})
        assert alerts.audited == [("li", "rule.tried", "drop-30 v2", told, None) for told in ("asked", "202")]
        await client.get(f"/v1/rules/trials/{TRIAL}")
        await client.delete(f"/v1/rules/trials/{TRIAL}")
        await client.get("/v1/rules/drop-30/trials", params={"version": 2})
        assert [asked[:2] for asked in alerts.asked[1:]] == [
            ("GET", f"/v1/rules/trials/{TRIAL}"),
            ("DELETE", f"/v1/rules/trials/{TRIAL}"),
            ("GET", "/v1/rules/drop-30/trials"),
        ]
        assert [told[1:4] for told in alerts.audited[2:]] == [
            ("rule.trial_read", TRIAL, "202"),
            ("rule.trial_called_off", TRIAL, "asked"),
            ("rule.trial_called_off", TRIAL, "202"),
        ]
        assert (await client.get("/v1/rules/trials/..%2fx")).status_code in (404, 422)
        assert (await client.post("/v1/rules/drop-30/versions/2/try", json={"from": "2026"})).status_code == 422
    async with client_of(tmp_path, alerts, lists, "manager") as client:
        assert (await client.post("/v1/rules/drop-30/versions/2/try", json={})).status_code == 403
    async with client_of(tmp_path, alerts, lists, "head") as client:
        assert (await client.get("/v1/rules")).status_code != 403
        assert (await client.get(f"/v1/rules/trials/{TRIAL}")).status_code == 403, "it names customers of all units"
        assert (await client.get("/v1/rules/drop-30/trials")).status_code == 403
