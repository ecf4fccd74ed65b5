"""Overview and team: every count has exactly the rows that its filter finds, and what is out of scope is in no sum."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.bootstrap import build
from gateway.domain import Collection
from gateway.overview.figures import missing
from gateway.overview.periods import Compare, period_of
from gateway.overview.team import Sort, in_order
from gateway.settings import Settings
from harness.read_model import Log, alert, at, customer, following, manager, reached, sms, unit, until, work
from harness.typed_answers import TypedAnswers
from servicekit.auth import Principal, issue_token
from servicekit.decision import Refused
from servicekit.memory_store import MemoryDocuments, MemoryStore

SECRET = "0123456789abcdef0123456789abcdef"
DAY = 24 * 60
FEEDS = {
    "events": {"at": None},
    "BILL_320100": {"business_date": "2026-06-30"},
    "BILL_320200": {"business_date": "2026-06-29"},
    "PAY_320200": {"business_date": "2026-06-28"},
}


#: (action, object) of all that was asked
AUDITED: list[tuple[str, str]] = []


async def _audit(who: Principal, action: str, object_: str, result: str, reason: str | None = None) -> None:
    AUDITED.append((action, object_))


async def _ends(_: Collection) -> dict[str, int] | None:
    return {}


def _peers(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/internal/settle":
        return httpx.Response(200, json={"service": "billing-sync", "freshness": FEEDS})
    return httpx.Response(503)


def province(log: Log) -> None:
    """U1 over U11 (m1) and U12 (m2) in one city, U2 (m3) in another; alerts of every kind, some ended."""
    log.put("boss.events", unit("U1"), unit("U11", "U1"), unit("U12", "U1"), unit("U2", city="320200"))
    log.put("boss.events", *(manager(m, unit_id=u) for m, u in (("m1", "U11"), ("m2", "U12"), ("m3", "U2"))))
    kinds = ["arrears", "churn_warning", "complaint_opened", "contract_expiring"]
    types = ["dunning", "retention", "complaint_follow_up", "renewal"]
    for n in range(24):
        who, kind = f"m{n % 3 + 1}", kinds[n % 4]
        city = "320200" if who == "m3" else "320100"
        log.put("boss.events", customer(f"c{n}", manager_id=who, city=city))
        values: dict[str, Any] = {"amount_fen": 1000 * (n + 1)}
        if kind == "arrears":
            values["oldest_due_on"] = [None, "2026-06-20", "2026-05-20", "2026-01-01"][n // 4 % 4]
        if kind == "churn_warning":
            values["amount_fen_base"] = 30_000 * n
        about: dict[str, Any] = {"customer_id": f"c{n}", "kind": kind, "values": values, "raised_at": at(-n * 400)}
        about["stage"] = ["overdue", "opened", None][n // 4 % 3] if kind == "complaint_opened" else None
        log.put("alert.events", alert("raised", f"a{n}", **about))
        if n % 5 == 0:
            outcome = {"arrears": "cleared", "churn_warning": "recovered"}.get(kind, "closed")
            log.put("alert.events", alert("resolved", f"a{n}", 2, "resolved", outcome=outcome, at=at(n), **about))
        item: dict[str, Any] = {"customer_id": f"c{n}", "alert_id": f"a{n}", "kind": types[n % 4], "manager_id": who}
        item |= {"opened_at": at(-n * 400), "due_at": at(600 - n * 100)}
        log.put("work.events", work("opened", f"w{n}", **item))
        if n % 3:
            log.put("work.events", work("accepted", f"w{n}", 2, "accepted", by=who, at=at(30 - n * 400), **item))
        if n % 4 == 1:
            log.put("work.events", work("closed", f"w{n}", 3, "closed", outcome="retained", by=who, at=at(n), **item))
        state = ["delivered", "failed", "suppressed", "queued"][n % 4]
        told = {"customer_id": f"c{n}", "alert_id": f"a{n}", "planned_at": at(-n * 400)}
        log.put("sms.outbound", sms("planned", f"s{n}", state=state, reason="quiet" if n % 4 == 2 else None, **told))


@pytest.fixture
async def asks(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(tmp_path, province) as client:
        yield client


@contextlib.asynccontextmanager
async def asking(folder: Path, tell: Callable[[Log], None]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway whose read model has read what ``tell`` puts into the log."""
    secret = folder / "secret"
    secret.write_text(SECRET)
    settings = Settings(
        service_data=folder, kafka="unused:1", secret_file=secret, peers={"billing-sync": ("http://billing-sync",)}
    )
    log = Log()
    async with following(folder / "lists", log) as lists:
        tell(log)
        await until(lambda: reached(lists, log))
        lists._clock = datetime(2026, 6, 30, 2, tzinfo=UTC)
        app = build(
            settings,
            client=httpx.AsyncClient(transport=httpx.MockTransport(_peers)),
            audit=_audit,
            ends=_ends,
            projection=lists,
            documents=MemoryDocuments(MemoryStore()),
        ).asgi()
        async with httpx.AsyncClient(transport=TypedAnswers(app), base_url="http://gateway") as client:
            client.headers["authorization"] = token("analyst")
            yield client


def token(role: str, **scope: Any) -> str:
    return f"Bearer {issue_token(SECRET, 'li', role, scope=scope or None)}"


def counted(value: Any) -> Iterator[dict[str, Any]]:
    """Everything in an answer that counts rows of a list."""
    if isinstance(value, dict):
        if {"list", "filter", "count"} <= value.keys():
            yield value
        for part in value.values():
            yield from counted(part)
    elif isinstance(value, list):
        for part in value:
            yield from counted(part)


async def rows_of(asks: httpx.AsyncClient, list_: str, filter_: dict[str, str]) -> int:
    answer = await asks.get(f"/v1/lists/{list_}", params={**filter_, "limit": 1})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["total"])


@pytest.mark.parametrize("query", [{}, {"city": "320100"}, {"unit": "U1", "compare": "yoy"}, {"period": "20260629"}])
async def test_every_count_opens_exactly_its_rows(asks: httpx.AsyncClient, query: dict[str, str]) -> None:
    answer = await asks.get("/v1/overview", params=query)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    figures = list(counted(found))
    assert len(figures) > 20 and sum(figure["count"] for figure in figures) > 10
    for figure in figures:
        assert await rows_of(asks, figure["list"], figure["filter"]) == figure["count"], figure
    ends = [*found["starts"][1:], found["until"]]
    for series in found["by_time"]:
        for since, end, count in zip(found["starts"], ends, series["counts"], strict=True):
            if count:
                filter_ = {**found["filter"], "kind": series["kind"], "since": since, "until": end}
                assert await rows_of(asks, "alerts", filter_) == count
    assert sum(sum(s["counts"]) for s in found["by_time"]) == found["alerts"]["count"]
    assert sum(sum(s["counts"]) for s in found["by_city"]) == found["alerts"]["count"]


async def test_what_the_figures_are(asks: httpx.AsyncClient) -> None:
    found = (await asks.get("/v1/overview")).json()
    assert (found["period"], found["step"], len(found["starts"])) == ("202606", "day", 30)
    assert (found["since"], found["until"]) == ("2026-05-31T16:00:00+00:00", "2026-06-30T16:00:00+00:00")
    assert found["alerts"]["count"] == 24 and found["alerts"]["before"] == 0
    assert found["delivered"]["part"]["count"] == 6 and found["delivered"]["whole"]["count"] == 12
    assert found["recovered"]["count"] == 2 and found["recovered"]["amount_fen"] == 1000 + 21_000
    assert {age["age"]: age["count"] for age in found["arrears"]} == {
        "0-30": 1,
        "31-60": 1,
        "61-90": 0,
        "91-": 1,
        "none": 1,
    }
    steps = {step["step"]: step["count"] for step in found["churn"]}
    assert steps == {"raised": 6, "new": 0, "accepted": 0, "acted": 0, "claimed": 6, "kept": 1, "lost": 0}
    falls = [row["values"]["amount_fen_base"] / 3 - row["values"]["amount_fen"] for row in found["changes"]]
    assert falls == sorted(falls, reverse=True) and len(falls) == 6
    assert found["missing"] == [
        {"kind": "BILL", "city": "320200", "business_date": "2026-06-29", "expected": "2026-06-30"}
    ]
    assert found["cities"] == ["320100", "320200"] and [u["unit_id"] for u in found["units"]] == ["U11", "U12", "U2"]


async def test_what_is_out_of_scope_is_in_no_sum(asks: httpx.AsyncClient) -> None:
    asks.headers["authorization"] = token("head", units=["U12"])
    found = (await asks.get("/v1/overview")).json()
    assert found["alerts"]["count"] == 8 and found["cities"] == ["320100"]
    assert {row["unit_id"] for row in found["changes"]} == {"U12"} and found["missing"] == []
    for figure in counted(found):
        assert await rows_of(asks, figure["list"], figure["filter"]) == figure["count"]
    asks.headers["authorization"] = token("head", kinds=["arrears"])
    found = (await asks.get("/v1/overview")).json()
    assert [series["kind"] for series in found["by_time"]] == ["arrears"]
    assert found["handled"]["whole"]["count"] == 6 and found["complaints"][0]["count"] == 0
    asks.headers["authorization"] = token("integrator")
    assert (await asks.get("/v1/overview")).status_code == 403


@pytest.mark.parametrize("period", ["2026", "202613", "20260631", "x", "000001", "999912", "00010101"])
async def test_periods_that_are_none(asks: httpx.AsyncClient, period: str) -> None:
    answer = await asks.get("/v1/overview", params={"period": period})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("name", "compare", "since", "until_"),
    [
        ("202606", "mom", "2026-04-30T16:00:00+00:00", "2026-05-30T02:00:00+00:00"),
        ("202605", "mom", "2026-03-31T16:00:00+00:00", "2026-04-30T16:00:00+00:00"),
        ("202605", "yoy", "2025-04-30T16:00:00+00:00", "2025-05-31T16:00:00+00:00"),
        ("202601", "mom", "2025-11-30T16:00:00+00:00", "2025-12-31T16:00:00+00:00"),
        ("20260630", "mom", "2026-06-28T16:00:00+00:00", "2026-06-29T02:00:00+00:00"),
        ("20240229", "yoy", "2023-02-27T16:00:00+00:00", "2023-02-28T16:00:00+00:00"),
    ],
)
def test_what_a_period_is_compared_with(name: str, compare: Compare, since: str, until_: str) -> None:
    period = period_of(name, compare, datetime(2026, 6, 30, 2, tzinfo=UTC))
    assert period.before is not None
    assert [moment.isoformat() for moment in period.before] == [since, until_]


def test_a_period_without_comparison() -> None:
    assert period_of("202606", "none", datetime(2026, 6, 30, tzinfo=UTC)).before is None
    with pytest.raises(Refused):
        period_of("2026-6", "none", datetime(2026, 6, 30, tzinfo=UTC))


def test_missing_files_take_whatever_is_told() -> None:
    assert missing({"events": {}, "x": None, "BILL_1": {"business_date": "2026-06-30"}}, lambda _: True) == []


async def test_a_team(asks: httpx.AsyncClient) -> None:
    asks.headers["authorization"] = token("head", units=["U1"])
    units = {unit["unit_id"]: unit for unit in (await asks.get("/v1/team")).json()["units"]}
    assert set(units) == {"U1", "U11", "U12"} and all(unit["mine"] for unit in units.values())
    assert units["U1"]["customers"] == 16 == units["U11"]["customers"] + units["U12"]["customers"]
    for unit_id in units:
        assert await rows_of(asks, "work", {"unit": unit_id, "open": "true"}) == units[unit_id]["open"]
        overdue = {"unit": unit_id, "open": "true", "due": "overdue"}
        assert await rows_of(asks, "work", overdue) == units[unit_id]["overdue"]
        nobodys = {"unit": unit_id, "open": "true", "holder": "none"}
        assert await rows_of(asks, "work", nobodys) == units[unit_id]["unclaimed"]
        both = await rows_of(asks, "work", {**nobodys, "due": "overdue"})
        unattended = {"unit": unit_id, "open": "true", "unattended": "true"}
        assert await rows_of(asks, "work", unattended) == units[unit_id]["unattended"]
        assert units[unit_id]["unattended"] == units[unit_id]["overdue"] + units[unit_id]["unclaimed"] - both
        rest = await rows_of(asks, "work", {"unit": unit_id, "open": "true", "unattended": "false"})
        assert rest == units[unit_id]["open"] - units[unit_id]["unattended"]
    assert units["U1"]["unattended"] > 0
    found = (await asks.get("/v1/team/U1")).json()
    members = {member["manager_id"]: member for member in found["members"]}
    assert set(members) == {"m1", "m2"} and sum(m["load"] for m in members.values()) == pytest.approx(2)
    for manager_id, member in members.items():
        assert await rows_of(asks, "work", {"holder": manager_id, "open": "true"}) == member["open"]
        assert sum(member["week"]) == 2 and (member["kept"], member["retained_of"]) == (2, 2)
        for name, count in (("kept", 2), ("retained_of", 2), ("week", 2), ("responses", member["responses"])):
            where = found["opens"][name]
            assert await rows_of(asks, where["list"], {**where["filter"], "holder": manager_id}) == count
    assert all(member["responses"] > 0 for member in members.values())
    assert members["m2"]["response_seconds"] == 1800 and members["m1"]["response_seconds"] is not None
    for path in ("/v1/team/U2", "/v1/team/none", "/v1/team/%00"):
        assert (await asks.get(path)).status_code == 404
    asks.headers["authorization"] = token("analyst")
    assert (await asks.get("/v1/team")).status_code == 403


async def test_a_unit_with_many_beneath_is_told_whole(tmp_path: Path) -> None:
    numbers = range(130)

    def tell(log: Log) -> None:
        log.put("boss.events", unit("U1"), *(unit(f"V{n}", "U1") for n in numbers))
        log.put("boss.events", *(manager(f"v{n}", unit_id=f"V{n}") for n in numbers))
        log.put("boss.events", *(customer(f"d{n}", manager_id=f"v{n}") for n in numbers))
        log.put("work.events", work("opened", "w1", customer_id="d129", manager_id="v129", due_at=at(-1)))

    async with asking(tmp_path, tell) as many:
        many.headers["authorization"] = token("head", units=["U1"])
        found = (await many.get("/v1/team/U1")).json()
        assert (found["people"], found["total"], len(found["members"])) == (130, 130, 100)
        assert found["members"][0]["manager_id"] == "v129", "whoever has most overdue, wherever they work"
        whole = (await many.get("/v1/team/U1", params={"limit": 200, "sort": "name"})).json()["members"]
        assert {member["manager_id"] for member in whole} == {f"v{n}" for n in numbers}
        assert sum(member["customers"] for member in whole) == found["unit"]["customers"] == 130
        assert (await many.get("/v1/team/U1", params={"sort": "age"})).status_code == 422


def test_members_come_in_the_order_that_was_asked_for() -> None:
    numbers: list[tuple[str, str | None, int, int, float | None]] = [
        ("b", "周杰", 1, 9, None), ("a", "曾敏", 3, 1, 2.0), ("c", None, 3, 4, 0.5)
    ]  # fmt: skip
    names = ("manager_id", "name", "overdue", "open", "load")
    people = [dict(zip(names, each, strict=True)) for each in numbers]
    orders: list[tuple[Sort, str]] = [("overdue", "cab"), ("open", "bca"), ("load", "acb"), ("name", "cab")]
    for sort, order in orders:
        assert "".join(person["manager_id"] for person in in_order(people, sort)) == order


async def test_the_audit_says_to_what_figures_were_narrowed(asks: httpx.AsyncClient) -> None:
    for query in ({}, {"city": "320100"}, {"city": "320100", "unit": "U11"}):
        assert (await asks.get("/v1/overview", params={"period": "202606", **query})).status_code == 200
    told = [object_ for action, object_ in AUDITED if action == "overview.read"]
    assert told[-3:] == ["period=202606", "period=202606&city=320100", "period=202606&city=320100&unit=U11"]
