"""What people do to alerts and work items through the gateway: within their scope, several at once, row by row."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.domain import Collection
from harness.people import asked_by_token
from harness.read_model import alert, customer, manager, sms, unit, work
from servicekit.auth import Principal, issue_token
from servicekit.clock import iso, system_now
from servicekit.memory_store import MemoryDocuments, MemoryStore

SECRET = "0123456789abcdef0123456789abcdef"
NOT_FOUND = "没有找到，或不在你的客户范围内。"
CONTACT = {"kind": "call", "note": None, "at": "2026-06-29T08:20:00+00:00", "by": "m1", "result": "promised"}


class Desk:
    """manager-work as the gateway meets it: what it was asked, and items that it refuses to change."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.refuses: dict[str, tuple[int, str]] = {}
        self.audited: list[tuple[str, str, str, str]] = []
        self.is_away = False
        self.loses_answers_of: set[str] = set()
        self.changed: dict[str, Any] = {}

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.is_away:
            raise httpx.ConnectError("refused", request=request)
        *_, work_id, action = request.url.path.split("/")
        if request.method == "GET":
            about = {"w1": ("c1", "a1"), "w2": ("c2", "a2")}.get(action)
            if about is None:
                return httpx.Response(404, json={"error": "not_found", "zh": "没有", "en": "none"})
            return httpx.Response(200, json={"customer_id": about[0], "alert_id": about[1]})
        self.asked.append((f"{work_id} {action}", json.loads(request.content), dict(request.headers)))
        if work_id in self.loses_answers_of:
            self.loses_answers_of.remove(work_id)
            raise httpx.ReadTimeout("done, but nobody heard", request=request)
        if work_id in self.refuses:
            status, error = self.refuses[work_id]
            return httpx.Response(status, json={"error": error, "zh": "不行", "en": "no"})
        return httpx.Response(200, json={**self.changed, "work_id": work_id})

    async def audit(self, who: Principal, action: str, object_: str, result: str, reason: str | None = None) -> None:
        self.audited.append((who.subject, action, object_, result))

    async def ends(self, _: Collection) -> dict[str, int] | None:
        return {}


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def asks(desk: Desk, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    told = {
        "boss.events": [
            unit(), unit("u2"), manager(), manager("m2", unit_id="u2"), manager("m3"),
            customer(), customer("c2", manager_id="m2", do_not_disturb=True),
        ],
        "alert.events": [
            *(alert("raised", f"a{n}") for n in (1, 3)), alert("raised", "a2", customer_id="c2"),
        ],
        "work.events": [
            work("opened"), work("acted", revision=2, state="acted", action=CONTACT),
            work("closed", revision=3, state="closed", outcome="paid"),
            work("opened", "w2", alert_id="a2", customer_id="c2", manager_id="m2"),
        ],
        "sms.outbound": [
            sms("delivered", state="delivered", at=iso(system_now())),
        ],
    }  # fmt: skip
    own = ("/v1/alerts/acknowledge", "/v1/alerts/hand-over", "/v1/work/bulk", "/v1/colleagues", "/v1/views",
           "/v1/contacts/{customer_id}", "/v1/contacts", "/v1/lists/work", "/v1/claims")  # fmt: skip
    async with asked_by_token(tmp_path, desk, told, own, token("manager", "m1")) as client:
        yield client


def token(role: str, subject: str) -> str:
    return f"Bearer {issue_token(SECRET, subject, role)}"


async def test_alerts_are_acknowledged_by_accepting_their_work(asks: httpx.AsyncClient, desk: Desk) -> None:
    ids = ["a1", "a2", "a3", "a9", "a1"]
    answer = await asks.post("/v1/alerts/acknowledge", json={"ids": ids}, headers={"Idempotency-Key": "k"})
    found = answer.json()
    assert (answer.status_code, found["done"], found["refused"]) == (200, 1, 3)
    assert [(r["id"], r["result"], r["error"], r["work_id"]) for r in (_row(r) for r in found["results"])] == [
        ("a1", "done", None, "w1"),
        ("a2", "refused", "not_found", None),
        ("a3", "refused", "no_work_item", None),
        ("a9", "refused", "not_found", None),
    ], "out of sight and unknown are one"
    assert [r["zh"] for r in found["results"] if r.get("error") == "not_found"] == [NOT_FOUND] * 2
    ((what, body, headers),) = desk.asked
    assert (what, body) == ("w1 accept", {}) and headers["idempotency-key"] not in ("", "k")
    assert desk.audited == [("m1", "work.accept", "w1", told) for told in ("asked", "200")]
    await asks.post("/v1/alerts/acknowledge", json={"ids": ids}, headers={"Idempotency-Key": "k"})
    assert desk.asked[1][2]["idempotency-key"] == headers["idempotency-key"], "a repeat is known as one"
    other = await asks.post("/v1/alerts/acknowledge", json={"ids": ["a1"]}, headers={"Idempotency-Key": "k"})
    assert (other.status_code, other.json()["error"], len(desk.asked)) == (422, "idempotency_key_used", 2)


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {"error": None, **row}


async def test_what_is_acknowledged_already_is_no_refusal(asks: httpx.AsyncClient, desk: Desk) -> None:
    desk.refuses["w1"] = (409, "work_accepted")
    found = (await asks.post("/v1/alerts/acknowledge", json={"ids": ["a1"]})).json()
    assert (found["done"], found["refused"], found["results"][0]["result"]) == (0, 0, "same")


async def test_an_acknowledgement_is_taken_back(asks: httpx.AsyncClient, desk: Desk) -> None:
    assert (await asks.post("/v1/alerts/unacknowledge", json={"ids": ["a1"]})).json()["done"] == 1
    assert desk.asked[0][0] == "w1 release"
    desk.refuses["w1"] = (409, "cannot_be_undone")
    (row,) = (await asks.post("/v1/alerts/unacknowledge", json={"ids": ["a1"]})).json()["results"]
    assert (row["result"], row["error"], row["zh"], row["en"]) == ("refused", "cannot_be_undone", "不行", "no")


async def test_a_service_that_is_away_refuses_rows_not_the_request(asks: httpx.AsyncClient, desk: Desk) -> None:
    desk.is_away = True
    found = (await asks.post("/v1/alerts/acknowledge", json={"ids": ["a1"]})).json()
    assert (found["refused"], found["results"][0]["error"]) == (1, "service_unavailable")


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({"action": "accept"}, ("w1 accept", {})),
        ({"action": "release"}, ("w1 release", {})),
        (
            {"action": "act", "kind": "call", "result": "reached", "follow_up_on": "2026-07-01", "outcome": "paid"},
            ("w1 act", {"kind": "call", "result": "reached", "follow_up_on": "2026-07-01"}),
        ),
        ({"action": "close", "outcome": "paid"}, ("w1 close", {"outcome": "paid"})),
        ({"action": "hand_over", "to": "m3"}, ("w1 hand-over", {"to": "m3"})),
    ],
)
async def test_the_same_done_to_several(asks: httpx.AsyncClient, desk: Desk, body: Any, asked: Any) -> None:
    found = (await asks.post("/v1/work/bulk", json={"ids": ["w1", "w2"], **body})).json()
    assert [row["result"] for row in found["results"]] == ["done", "refused"]
    assert [(what, sent) for what, sent, _ in desk.asked] == [asked]


@pytest.mark.parametrize("body", [{"action": "act"}, {"action": "close"}, {"action": "hand_over"}, {"action": "burn"}])
async def test_several_need_what_one_needs(asks: httpx.AsyncClient, desk: Desk, body: Any) -> None:
    assert (await asks.post("/v1/work/bulk", json={"ids": ["w1"], **body})).status_code == 422
    assert (await asks.post("/v1/work/bulk", json={"ids": [], "action": "accept"})).status_code == 422
    assert desk.asked == []


async def test_work_goes_to_managers_of_ones_own_unit(asks: httpx.AsyncClient, desk: Desk) -> None:
    assert [c["manager_id"] for c in (await asks.get("/v1/colleagues")).json()] == ["m1", "m3"]
    for path, body in (("work/w1/hand-over", {}), ("alerts/hand-over", {"ids": ["a1"]})):
        refused = await asks.post(f"/v1/{path}", json={"to": "m2", **body})
        assert (refused.status_code, refused.json()["error"]) == (422, "not_a_colleague")
        assert (await asks.post(f"/v1/{path}", json={"to": "m3", **body})).status_code == 200
    assert [what for what, *_ in desk.asked] == ["w1 hand-over"] * 2
    asks.headers["authorization"] = token("administrator", "root")
    assert len((await asks.get("/v1/colleagues")).json()) == 3


async def test_what_was_on_screen_goes_along(asks: httpx.AsyncClient, desk: Desk) -> None:
    desk.refuses["w1"] = (412, "changed_meanwhile")
    clash = await asks.post("/v1/work/w1/act", json={"kind": "call"}, headers={"If-Match": '"3"'})
    assert (clash.status_code, clash.json()["error"]) == (412, "changed_meanwhile")
    assert desk.asked[0][2]["if-match"] == '"3"'


async def test_what_is_seen_before_a_contact(asks: httpx.AsyncClient, desk: Desk) -> None:
    found = (await asks.get("/v1/contacts/c1")).json()
    assert found["last"] == {
        "at": CONTACT["at"], "kind": "call", "result": "promised", "by": "m1", "by_name": "李经理", "work_id": "w1",
    }  # fmt: skip
    assert (found["sms_today"], found["sms_limit"], found["do_not_disturb"]) == (1, 3, False)
    assert found["last_sms"]["state"] == "delivered"
    assert desk.audited == [("m1", "contacts.read", "c1", "200")]
    for unseen in ("c2", "c9"):
        assert (await asks.get(f"/v1/contacts/{unseen}")).json()["zh"] == NOT_FOUND


async def test_several_customers_are_looked_at_in_one_request(asks: httpx.AsyncClient, desk: Desk) -> None:
    found = (await asks.get("/v1/contacts", params={"customer": "c2,c1,c9,c1"})).json()
    assert found == [(await asks.get("/v1/contacts/c1")).json()], "out of sight and unknown are not there"
    assert set(desk.audited) == {("m1", "contacts.read", "c1", "200")}, "by customer, and of those that were seen"
    most = ",".join(f"c{n}" for n in range(100))
    assert (await asks.get("/v1/contacts", params={"customer": most})).status_code == 200
    for wrong in (",", f"{most},x"):
        refused = await asks.get("/v1/contacts", params={"customer": wrong})
        assert (refused.status_code, refused.json()["error"]) == (422, "bad_filter")
    asks.headers["authorization"] = token("administrator", "root")
    both = (await asks.get("/v1/contacts", params={"customer": "c2,c1"})).json()
    assert [(each["customer_id"], each["do_not_disturb"]) for each in both] == [("c2", True), ("c1", False)]


async def test_a_row_of_work_tells_of_the_last_contact(asks: httpx.AsyncClient) -> None:
    (row,) = (await asks.get("/v1/lists/work")).json()["rows"]
    assert (row["state"], row["contact_kind"], row["contact_result"], row["contact_at"]) == (
        "closed", "call", "promised", CONTACT["at"],
    )  # fmt: skip
    assert row["revision"] == 3


@pytest.mark.parametrize(("holder", "found"), [("m1", ["w1"]), ("m2", ["w2"]), ("none", []), ("m1,m2", ["w1", "w2"])])
async def test_work_by_who_has_it_in_hand(asks: httpx.AsyncClient, holder: str, found: list[str]) -> None:
    asks.headers["authorization"] = token("administrator", "root")
    rows = (await asks.get("/v1/lists/work", params={"holder": holder})).json()["rows"]
    assert sorted(row["work_id"] for row in rows) == found
    assert (await asks.get("/v1/lists/work/facets", params={"holder": holder})).json()["total"] == len(found)


# --- saved views ----------------------------------------------------------------------------------------------------

VIEW = {"page": "alerts", "name": "市区欠费", "query": "kind=arrears&state=raised,acknowledged", "columns": ["reason"]}


async def test_views_are_ones_own_or_shared_with_a_unit(asks: httpx.AsyncClient) -> None:
    saved = await asks.put("/v1/views/11111111-a", json=VIEW)
    assert (saved.status_code, saved.json()["is_own"], saved.headers["etag"]) == (200, True, '"1"')
    shared = await asks.put("/v1/views/22222222-b", json={**VIEW, "name": "全单位", "unit_id": "u1"})
    assert shared.status_code == 200

    async def names(subject: str, role: str = "manager") -> list[str]:
        found = await asks.get("/v1/views?page=alerts", headers={"authorization": token(role, subject)})
        return [view["name"] for view in found.json()]

    assert await names("m1") == ["全单位", "市区欠费"]
    assert await names("m3") == ["全单位"], "the same unit"
    assert await names("m2") == [], "another"
    assert (await asks.get("/v1/views?page=work")).json() == []


async def test_whoever_opens_a_list_reads_no_views_of_strangers(tmp_path: Path, desk: Desk) -> None:
    rows = Narrow(MemoryStore())
    told = {"boss.events": [unit(), unit("u2"), manager(), manager("m2", unit_id="u2")]}
    async with asked_by_token(tmp_path, desk, told, ["/v1/views"], token("manager", "m1"), rows) as asks:
        await asks.put("/v1/views/11111111-a", json=VIEW)
        for number in range(3):
            other = {"authorization": token("manager", "m2")}
            body = {**VIEW, "unit_id": "u2" if number else None}
            assert (await asks.put(f"/v1/views/22222222-{number}", json=body, headers=other)).status_code == 200
        rows.read = 0
        assert [view["id"] for view in (await asks.get("/v1/views")).json()] == ["11111111-a"]
        assert rows.read == 1


class Narrow(MemoryDocuments):
    """Counts the views that are read."""

    read = 0

    async def find(self, collection: str, *narrowed: Any, **how: Any) -> list[dict[str, Any]]:
        found = await super().find(collection, *narrowed, **how)
        self.read += len(found) if collection == "views" else 0
        return found


async def test_a_view_is_changed_by_its_owner_alone(asks: httpx.AsyncClient) -> None:
    path = "/v1/views/11111111-a"
    await asks.put(path, json={**VIEW, "unit_id": "u1"})
    assert (await asks.put(path, json={**VIEW, "name": "新名"})).status_code == 412, "made without knowing of it"
    changed = await asks.put(path, json={**VIEW, "name": "新名"}, headers={"If-Match": '"1"'})
    assert (changed.json()["name"], changed.json()["version"]) == ("新名", 2)
    other = {"authorization": token("manager", "m3")}
    assert (await asks.put(path, json=VIEW, headers={**other, "If-Match": '"2"'})).status_code == 404
    assert (await asks.delete(path, headers=other)).status_code == 404
    assert (await asks.delete(path)).status_code == 204 and (await asks.delete(path)).status_code == 204
    assert (await asks.get("/v1/views")).json() == []


@pytest.mark.parametrize(
    "change",
    [
        {"page": "rules"},
        {"name": ""},
        {"name": "x" * 61},
        {"query": "q=<script>"},
        {"query": "x" * 2001},
        {"unit_id": "u2"},
        {"owner": "m2"},
    ],
)
async def test_views_that_are_none(asks: httpx.AsyncClient, change: Any) -> None:
    assert (await asks.put("/v1/views/11111111-a", json={**VIEW, **change})).status_code == 422


async def test_integrators_have_no_views(asks: httpx.AsyncClient) -> None:
    asks.headers["authorization"] = token("integrator", "boss")
    assert (await asks.get("/v1/views")).status_code == 403
    assert (await asks.post("/v1/alerts/acknowledge", json={"ids": ["a1"]})).status_code == 403


QUEUED = {
    "work_id": "w7", "kind": "retention", "alert_id": "a7", "customer_id": "c7", "revision": 2, "state": "accepted",
    "manager_id": "m1", "queue": None, "city": "320100", "due_at": "2026-07-01T00:00:00+00:00", "outcome": None,
    "opened_at": "2026-06-29T00:00:00+00:00", "at": "2026-06-29T00:00:00+00:00", "by": "m1", "on_behalf_of": None,
    "action": None,
}  # fmt: skip


@pytest.fixture
async def queue(desk: Desk, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Three items wait in the city of m1's unit, two for no manager at all; one in another city."""
    waiting = [work("opened", f"w{n}", alert_id=f"a{n}", customer_id=f"c{n}", manager_id=None,
                    due_at=f"2026-07-0{n - 5}T00:00:00+00:00") for n in (6, 7, 8, 9)]  # fmt: skip
    told = {
        "boss.events": [
            unit(), unit("u2", city="320500"), manager(), manager("m2", unit_id="u2"),
            *(customer(f"c{n}", manager_id=None) for n in (6, 7)), customer("c8", manager_id="m1"),
            customer("c9", manager_id=None, city="320500"),
        ],
        "alert.events": [
            alert("raised", "a6", customer_id="c6", kind="complaint_opened"),
            *(alert("raised", f"a{n}", customer_id=f"c{n}") for n in (7, 8, 9)),
        ],
        "work.events": waiting,
    }  # fmt: skip
    desk.changed = QUEUED
    async with asked_by_token(tmp_path, desk, told, ["/v1/claims"], token("manager", "m1")) as client:
        yield client


async def test_a_manager_claims_the_most_urgent_of_what_waits_where_they_work(
    queue: httpx.AsyncClient, desk: Desk
) -> None:
    assert (await queue.get("/v1/lists/work", params={"holder": "none"})).json()["total"] == 1, "only their customer's"
    assert (await queue.get("/v1/claims")).json()["count"] == 3
    desk.refuses = {"w6": (409, "work_accepted")}
    key = {"Idempotency-Key": "k"}
    answer = await queue.post("/v1/claims", headers=key)
    assert (answer.status_code, answer.json()["work_id"]) == (200, "w7")
    assert [what for what, *_ in desk.asked] == ["w6 accept", "w7 accept"], "one that is gone is passed over"
    assert (await queue.post("/v1/claims", headers=key)).json() == answer.json() and len(desk.asked) == 2
    told = [("w6", "asked"), ("w6", "409"), ("w7", "asked"), ("w7", "200")]
    assert desk.audited[-4:] == [("m1", "work.claim", id, result) for id, result in told]


async def test_nobody_claims_for_another(queue: httpx.AsyncClient, desk: Desk) -> None:
    """Whom work may be given to is checked elsewhere: here nobody is named at all."""
    assert (await queue.post("/v1/claims", json={"by": "m2"})).status_code == 422 and desk.asked == []


async def test_a_claim_whose_answer_was_lost_takes_no_second_item_when_it_is_asked_again(
    queue: httpx.AsyncClient, desk: Desk
) -> None:
    desk.refuses, desk.loses_answers_of, key = {"w6": (409, "work_accepted")}, {"w7"}, {"Idempotency-Key": "k"}
    assert (await queue.post("/v1/claims", headers=key)).status_code == 503
    desk.refuses = {}  # whoever had w6 gave it back: it is the most urgent one again
    assert (await queue.post("/v1/claims", headers=key)).json()["work_id"] == "w7"
    assert [what for what, *_ in desk.asked] == ["w6 accept", "w7 accept", "w7 accept"]
    keys = [headers["idempotency-key"] for *_, headers in desk.asked]
    assert len(set(keys)) == 1 and keys[0] != "k", "manager-work knows the repeat as one"


async def test_a_claim_that_was_refused_may_find_another_item_when_it_is_asked_again(
    queue: httpx.AsyncClient, desk: Desk
) -> None:
    desk.refuses, key = {"w6": (409, "work_closed")}, {"Idempotency-Key": "k"}
    assert (await queue.post("/v1/claims", headers=key)).json()["error"] == "work_closed"
    desk.refuses = {"w6": (409, "work_accepted")}
    assert (await queue.post("/v1/claims", headers=key)).json()["work_id"] == "w7"


async def test_claims_reach_no_further_than_the_unit_and_the_kinds_of_business(
    queue: httpx.AsyncClient, desk: Desk
) -> None:
    def asked_by(role: str, subject: str, **scope: Any) -> dict[str, str]:
        claims = {"scope": scope} if scope else {}
        return {"authorization": f"Bearer {issue_token(SECRET, subject, role, **claims)}"}

    counts = {
        1: asked_by("manager", "m2"),
        2: asked_by("manager", "m1", manager_id="m1", kinds=["arrears"]),
        0: asked_by("head", "h9"),
    }
    for count, headers in counts.items():
        assert (await queue.get("/v1/claims", headers=headers)).json()["count"] == count
    refused = await queue.post("/v1/claims", headers=asked_by("manager", "m9"))
    assert (refused.status_code, refused.json()["error"], desk.asked) == (404, "nothing_to_claim", [])
    assert (await queue.post("/v1/claims", headers=asked_by("analyst", "an"))).status_code == 403
    desk.refuses = {"w6": (422, "unknown_manager")}
    answer = await queue.post("/v1/claims")
    assert (answer.status_code, answer.json()["error"], len(desk.asked)) == (422, "unknown_manager", 1)


async def test_nobody_learns_of_managers_by_acting_in_their_place(asks: httpx.AsyncClient, desk: Desk) -> None:
    head = issue_token(SECRET, "h1", "head", scope={"units": ["u1"]})
    asks.headers["authorization"] = f"Bearer {head}"
    said = []
    for by in ("m2", "m404"):  # of another unit, and nobody
        answer = await asks.post("/v1/work/w1/accept", json={"by": by})
        said.append((answer.status_code, answer.json()["error"], answer.json()["zh"]))
    assert said[0] == said[1] and said[0][:2] == (422, "not_a_colleague") and not desk.asked
    assert (await asks.post("/v1/work/w1/accept", json={"by": "m1"})).is_success
