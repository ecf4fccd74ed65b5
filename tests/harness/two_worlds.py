"""A province twice: once whole, and once without what somebody may not see. Whatever they ask, both must answer alike.

Everything that may be left out is marked: ids, names and texts of it hold ``ZZ``.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

import httpx

from harness.read_model import (
    alert_data,
    at,
    customer,
    entry,
    manager,
    message,
    sms_data,
    unit,
    work_data,
)
from servicekit.envelope import Message

MARK = "ZZ"
BATCH = "file:BILL_1.dat#1"
#: what other changes are answered with
_CHANGED = {
    "sms": {
        **dict.fromkeys(("sms_id", "phone", "reason", "hold_until")),
        **dict.fromkeys(("characters", "segments", "sent_today", "waiting", "daily_cap"), 1),
        **{"text": "您好", "language": "zh", "encoding": "ucs2", "state": "queued"},
    },
    "clock": {"mode": "manual", "clock": at()},
    "contacts": {"contact_id": "k1", "customer_id": "c1", "kind": "call", "at": at(), "by": "M0001"},
}
_STOP = {"what": "kind/arrears", "by": "X0001", "why": "金额写错", "at": at()}
_SHOWN = {"text": "您好", "encoding": "ucs2", "segments": 1, "cost_fen": 4, "channels": []}
_TEXT = {
    **{"id": "arrears-reminder", "version": 2, "state": "active", "author": "X0001", "why": "措辞", "created_at": at()},
    **{
        "active_from": None,
        "switches": [],
        "kind": "arrears",
        "step": "reminder",
        "priority": 1,
        "zh": "您好",
        "en": "Hello",
    },
    "document": {},
}
_CALENDAR = {
    **{name: _TEXT[name] for name in ("version", "state", "author", "why", "created_at", "active_from", "switches")},
    **{"id": "office", "name_zh": "办公日历", "name_en": "office hours", "known_through": "2026-12-31", "warnings": []},
    "document": {},
}
_CUSTOMER_LIST = {
    **{"id": "black-list", "version": 2, "state": "active", "author": "X0001", "why": "投诉", "created_at": at()},
    **{"active_from": None, "switches": [], "name_zh": "黑名单", "name_en": "black list", "purpose": "exclusion"},
    **{"count": 1, "document": {}},
}
_NOT_THERE = {"error": "not_found", "zh": "没有", "en": "none"}


class Household(NamedTuple):
    """A customer with an alert, its work item and SMS: all that stands or falls together."""

    part: str
    city: str
    unit_id: str
    manager_id: str
    kind: str = "arrears"
    of: str | None = None
    in_shadow: bool = False

    @property
    def customer_id(self) -> str:
        return self.of or f"c{self.part}"

    @property
    def cause(self) -> str:
        """The BOSS record that began it: of an alert of another kind the same one."""
        return f"e{self.part if self.of is None else MINE.part}"

    def id(self, letter: str) -> str:
        return f"{letter}{self.part}{'0' * 6}"


#: whose they are: everybody's below, a mate's, the neighbour unit's, another city's; and of the first an alert of
#: another kind
MINE = Household("1", "320100", "U11", "M0001")
MATE = Household("ZZm", "320100", "U11", "M0004")
NEIGHBOUR = Household("ZZn", "320100", "U12ZZ", "M2ZZ")
ELSEWHERE = Household("ZZe", "320200", "U21ZZ", "M3ZZ", "churn_warning")
OTHER_KIND = Household("ZZk", "320100", "U11", "M0001", "complaint_opened", of="c1")
#: what a rule in shadow has raised of the first
IN_SHADOW = Household("ZZw", "320100", "U11", "M0001", "churn_warning", of="c1", in_shadow=True)
EVERYTHING = (MINE, MATE, NEIGHBOUR, ELSEWHERE, OTHER_KIND, IN_SHADOW)


def told(parts: Collection[Household]) -> dict[str, list[Message]]:
    """What the read model has heard of these."""
    boss = [
        unit("U0", None, city=None),
        unit("U1", "U0"),
        unit("U11", "U1"),
        manager("M0001", name="王芳", unit_id="U11"),
    ]
    events: dict[str, list[Message]] = {"boss.events": boss}
    events |= {topic: [] for topic in ("alert.events", "work.events", "sms.outbound", "audit.log")}
    for part in parts:
        if part.of is None:
            if MARK in part.unit_id:
                above = "U1" if part.city == "320100" else "U0"
                boss.append(unit(part.unit_id, above, city=part.city, name=f"单位{MARK}", head_id=part.manager_id))
                boss.append(manager(part.manager_id, name=f"经理{MARK}", unit_id=part.unit_id))
            record = _record(part)
            boss.append(customer(**{("id_" if name == "customer_id" else name): v for name, v in record.items()}))
        events["alert.events"].append(message(_raised(part), _alert(part)))
        if part.in_shadow:
            continue
        events["work.events"].append(message("kam.work.opened.v1", _work(part)))
        events["sms.outbound"].append(message("kam.sms.planned.v1", _sms(part)))
        events["audit.log"].append(entry(f"r{part.part}", actor=part.manager_id, object=part.customer_id))
    return events


_RULE: dict[str, Any] = {
    **{"id": "drop-30", "version": 2, "state": "active", "type": "fall", "alert": "churn_warning"},
    **{"name_zh": "下降三成", "name_en": "A fall", "author": "kam", "why": "x", "tried": None, "percent": 70},
    **{
        "created_at": "2026-06-30T02:00:00+00:00",
        "active_from": None,
        "switches": [],
        "document": {"id": "drop-30", "percent": 70},
    },
}


_KIND: dict[str, Any] = {
    "may_stop": True,
    "has_shadow": False,
    "fields": [{"field": "percent", "zh": "百分比", "en": "percent"}],
}


class Services:
    """What the services behind the gateway answer of these. ``commands``: what they were told to change."""

    def __init__(self, parts: Collection[Household]) -> None:
        self.commands: list[str] = []
        people = [part for part in parts if part.of is None]
        self._releases = {f"release-{city}": _release(city) for city in sorted({part.city for part in parts})}
        counted = [part for part in parts if not part.in_shadow]
        self._items: dict[str, dict[str, Any]] = {}
        for path, made, letter in (("alerts", _alert, "a"), ("work", _work, "w"), ("sms", _sms, "s")):
            self._items |= {f"/v1/{path}/{part.id(letter)}": made(part) for part in counted}
        self._items |= {f"/v1/customers/{part.customer_id}": _page(part) for part in people}
        self._items |= {f"/v1/customers/{part.customer_id}/why-not": _why_not(part, parts) for part in people}
        for part in parts:
            self._items |= {f"/v1/why/{id_}": {"id": id_, "chain": list(_chain(part))} for id_ in _names(part)}
        links = [link for part in parts for link in _chain(part)]
        self._items[f"/v1/why/{BATCH}"] = {"id": BATCH, "chain": [_link(BATCH, None, {"customer_id": "c1"}), *links]}
        cells = [
            {"day": "2026-06-30", "city": part.city, "kind": f"{_raised(part)[4:-3]}:{part.kind}", "count": 1}
            for part in parts
        ]
        rates = [{"city": part.city, "seconds": 60.0, "alerts": 1, "per_minute": 1.0} for part in people]
        self._lists = {
            "/v1/alerts": [_alert(part) for part in counted],
            "/v1/shadow-alerts": [_alert(part) for part in parts if part.in_shadow],
            "/v1/work": [_work(part) for part in counted],
            "/v1/sms": [_sms(part) for part in counted],
            "/v1/counts": cells,
            "/v1/rates": rates,
            "/v1/rules": [_RULE],
            "/v1/contacts": [],
        }

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = unquote(request.url.path)
        if path == "/internal/settle":
            standing = {"service": request.url.host, "ready": True, "processors": [], "pending": {}, "delays": {}}
            return httpx.Response(200, json=standing)
        if path == "/health/ready":
            return httpx.Response(200, json={"status": "ready"})
        if path == "/v1/rules/figures":
            return httpx.Response(200, json=[_FIGURE])
        if path.endswith("/try") or path.startswith("/v1/rules/trials/"):
            return httpx.Response(202 if request.method == "POST" else 200, json=_TRIAL)
        if path.startswith("/v1/rules/") and path.endswith("/trials"):
            return httpx.Response(200, json=[_TRIAL])
        if path.startswith("/v1/kinds/"):
            return httpx.Response(200, json=_KIND)
        if path.startswith("/v1/stops"):
            return httpx.Response(200, json=[_STOP] if request.method == "GET" else _STOP)
        if path == "/v1/sms/budget":
            return httpx.Response(200, json=[_BUDGET])
        if path == "/v1/sms/test":
            return httpx.Response(200, json=_WRITTEN)
        if path == "/v1/templates/preview":
            return httpx.Response(200, json={"zh": _SHOWN, "en": _SHOWN})
        if path == "/v1/releases":
            rows = self._releases.values() if request.url.host == "billing-sync" else ()
            return httpx.Response(200, json=list(rows))
        if path.startswith("/v1/releases/"):
            return httpx.Response(200, json=self._releases[path.split("/")[3]])
        if path == "/v1/customer-lists":
            return httpx.Response(200, json=[_CUSTOMER_LIST])
        if path.startswith("/v1/customer-lists/") and not path.endswith("/difference"):
            return httpx.Response(200, json=_CUSTOMER_LIST, headers={"ETag": '"2"'})
        if path == "/v1/calendars":
            return httpx.Response(200, json=[_CALENDAR])
        if path.startswith("/v1/calendars/") and not path.endswith("/difference"):
            return httpx.Response(200, json=_CALENDAR, headers={"ETag": '"2"'})
        if path in ("/v1/templates", "/v1/policies", "/v1/work-rules", "/v1/brakes"):
            return httpx.Response(200, json=[_TEXT])
        if path.startswith(_TEXTS) and not path.endswith("/difference"):
            return httpx.Response(200, json=_TEXT, headers={"ETag": '"2"'})
        if path.startswith(("/v1/rules/", "/v1/customer-lists/", *_TEXTS)):
            if path.endswith("/difference"):
                return httpx.Response(200, json=[{"field": "percent", "zh": "70 → 60", "en": "70 → 60"}])
            return httpx.Response(200, json=_RULE, headers={"ETag": '"2"'})
        if request.method != "GET":
            self.commands.append(f"{request.method} {path}")
            changed = self._items.get(path.rpartition("/")[0])
            if path.startswith(("/v1/work/", "/v1/alerts/", "/v1/sms/")) and changed is None:
                return httpx.Response(404, json=_NOT_THERE)
            return httpx.Response(200, json=changed or _CHANGED.get(path.rpartition("/")[2], {}))
        if path in self._lists:
            wanted = {name: value for name, value in request.url.params.items() if name in ("customer", "alert")}
            rows = [row for row in self._lists[path] if _fits(row, wanted)]
            return httpx.Response(200, json=rows)
        found = self._items.get(path)
        return httpx.Response(404, json=_NOT_THERE) if found is None else httpx.Response(200, json=found)


_TEXTS = ("/v1/templates/", "/v1/policies/", "/v1/work-rules/", "/v1/calendars/", "/v1/brakes/")
_FIGURE = {
    "name": "bill.amount_fen", "family": "bill", "record": "BILL", "type": "int", "unit": "fen", "unit_zh": "分",
    "unit_en": "fen", "zh": "账单金额", "en": "bill amount", "meaning_zh": "当月账单", "meaning_en": "of a month",
    "monthly": True, "ops": [">"], "least": 0, "most": None, "values": [],
}  # fmt: skip
_TRIAL = {
    "trial_id": "0b6f3a52-5a0f-5a37-9f1d-8f0f2c3b1a11", "rule": "drop-30", "version": 2, "by": "li",
    "at": "2026-07-01T00:00:00+00:00", "state": "waiting", "done": 0, "of": 4, "result": None, "zh": None, "en": None,
}  # fmt: skip


_BUDGET = {"campaign": "all", "parts": 3, "fen": 12, "parts_limit": 10, "fen_limit": None, "is_near": False}
_WRITTEN = {
    "sms_id": "s1", "text": "您好", "language": "zh", "phone": "139****0001", "encoding": "ucs2", "characters": 2,
    "segments": 1, "cost_fen": 4, "state": "queued", "reason": None, "hold_until": None, "sent_today": 0, "waiting": 0,
    "daily_cap": 3,
}  # fmt: skip


def _release(city: str) -> dict[str, Any]:
    return {
        **{"id": f"release-{city}", "source": "file", "effect": "clear", "state": "waiting", "city": city},
        **{"kind": "ARR", "cause": f"ARR_{city}_20260630_0001.dat.gz", "count": 250, "customers": 1000, "of": 1000},
        **{"share": 25.0, "percent": 20, "since": at(), "by": None, "why": None, "decided_at": None},
    }


def _fits(row: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    return all(row.get(f"{name}_id", value) == value for name, value in wanted.items())


def _record(part: Household) -> dict[str, Any]:
    is_mine = MARK not in part.part
    return {
        "customer_id": part.customer_id,
        "name": "王小明" if is_mine else f"李{MARK}",
        "phone": "13901000123" if is_mine else "13901009876",
        "city": part.city,
        "manager_id": part.manager_id,
        "unit_id": part.unit_id,
        "id_number": f"3201001990010100{'11' if is_mine else MARK}",
        "birth_date": "1990-01-01",
        "address": "中山路 1 号" if is_mine else MARK,
        "plan_code": "P1" if is_mine else f"P{MARK}",
    }


def _of(part: Household) -> dict[str, Any]:
    return {"customer_id": part.customer_id, "city": part.city, "manager_id": part.manager_id}


def _alert(part: Household) -> dict[str, Any]:
    shadow = {"shadow": True} if part.in_shadow else {}
    return alert_data(part.id("a"), kind=part.kind, evidence=[part.cause], **_of(part), **shadow)


def _raised(part: Household) -> str:
    return "kam.alert.shadow.raised.v1" if part.in_shadow else "kam.alert.raised.v1"


def _work(part: Household) -> dict[str, Any]:
    contact = {
        "what": "acted",
        "kind": "call",
        "result": "reached",
        "by": part.manager_id,
        "at": at(),
        "note": part.part,
    }
    found = work_data(part.id("w"), alert_id=part.id("a"), action=contact, **_of(part))
    return {**found, "updated_at": at(), "log": [{**contact, "on_behalf_of": None}]}


def _sms(part: Household) -> dict[str, Any]:
    found = sms_data(
        part.id("s"), alert_id=part.id("a"), customer_id=part.customer_id, text=f"欠费{part.part}", state="sent"
    )
    sent = {"template_version": 1, "attempts": 1, "hold_until": None, "submitted_at": at()}
    return {**found, **sent, "phone": _record(part)["phone"]}


def _page(part: Household) -> dict[str, Any]:
    facts = ("bills", "usages", "payments", "contracts", "complaints", "requests")
    page = {name: [{"at": at(), "event_id": part.cause, "note": part.part}] for name in facts}
    page["complaints"] = [{**each, "complaint_id": f"k{part.part}", "opened_at": at()} for each in page["complaints"]]
    nobody = dict.fromkeys(("manager", "unit", "arrears", "balance"))
    return {"customer": _record(part), "history": [], **nobody, **page}


def _why_not(whose: Household, parts: Collection[Household]) -> dict[str, Any]:
    kinds = [part.kind for part in parts if part.customer_id == whose.customer_id and not part.in_shadow]
    rules = [
        {"rule": kind, "version": 1, "type": "fall", "kind": kind, "name_zh": kind, "name_en": kind,
         "verdict": "not_met", "alerts": [], "any_of": [], "all_of": []}
        for kind in kinds
    ]  # fmt: skip
    return {"customer_id": whose.customer_id, "period": "202606", "periods": ["202606"], "clock": at(), "rules": rules}


def _names(part: Household) -> tuple[str, ...]:
    return (f"x{part.part}", part.id("a"), part.id("w"), part.id("s"), *([part.cause] if part.of is None else ()))


def _chain(part: Household) -> Iterable[dict[str, Any]]:
    whose = {"customer_id": part.customer_id}
    if part.of is None:
        yield _link(part.cause, None, whose)
    told = {**whose, "alert_id": part.id("a"), "evidence": [part.cause]}
    yield {**_link(f"x{part.part}", part.cause, told), "type": _raised(part)}
    if part.in_shadow:
        return
    of = {**whose, "alert_id": part.id("a")}
    yield _link(f"y{part.part}", f"x{part.part}", {**of, "work_id": part.id("w")})
    yield _link(f"z{part.part}", f"x{part.part}", {**of, "sms_id": part.id("s")})


def _link(id_: str, cause: str | None, detail: dict[str, Any]) -> dict[str, Any]:
    told = {"summary_zh": json.dumps(detail), "summary_en": json.dumps(detail), "detail": detail}
    return {"id": id_, "type": "kam.x", "at": at(), "service": "alerts", "caused_by": cause, **told}
