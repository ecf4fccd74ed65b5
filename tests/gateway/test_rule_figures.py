"""What became of the alerts of a rule: by version, within what somebody sees, shadows for those who change rules."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.rule_figures import versions
from harness.asked import Asked, ask
from harness.people import SECRET, gateway
from harness.read_model import alert, at, customer, manager, unit
from servicekit.auth import issue_token
from servicekit.memory_store import MemoryDocuments, MemoryStore

FIGURES = Asked("GET", "/v1/rules/silent/figures", "", None, {})


def reason(rule: str, version: int) -> dict[str, Any]:
    return {"rule": {"id": rule, "version": version}, "code": rule, "values": {}, "evidence": []}


def churn(verb: str, id_: str, first: tuple[str, int], *more: tuple[str, int], **fields: Any) -> Any:
    rule = {"id": first[0], "version": first[1]}
    reasons = [reason(*each) for each in (first, *more)]
    told = {"kind": "churn_warning", "rule": rule, "reasons": reasons, "values": {}, "stage": None, **fields}
    revision, state = (2, "resolved") if verb.endswith("resolved") else (1, "raised")
    return alert(verb, id_, revision, state, at=at(revision), **told)


TOLD: dict[str, list[Any]] = {
    "boss.events": [
        unit("U1"),
        manager("M1", unit_id="U1"),
        manager("M2", unit_id="U2"),
        *(customer(f"c{n}", manager_id="M2" if n == 5 else "M1") for n in range(8)),
    ],
    "work.events": [],
    "sms.outbound": [],
    "audit.log": [],
    "alert.events": [
        churn("raised", "a1", ("silent", 1), customer_id="c1"),
        churn("raised", "a2", ("silent", 1), customer_id="c2"),
        churn("resolved", "a2", ("silent", 1), customer_id="c2", outcome="false_alarm"),
        churn("resolved", "a3", ("drop-30", 1), ("silent", 2), customer_id="c3", outcome="retained"),
        churn("resolved", "a4", ("silent", 2), ("drop-30", 1), customer_id="c4", outcome="withdrawn"),
        churn("resolved", "a5", ("silent", 2), customer_id="c5", outcome="false_alarm"),
        churn("raised", "a6", ("drop-30", 1), customer_id="c6"),
        churn("shadow.raised", "x1", ("silent", 3), customer_id="c1"),
        churn("shadow.resolved", "x2", ("silent", 3), customer_id="c7", outcome="withdrawn"),
    ],
}


def raised(open_: int = 0, **closed: int) -> dict[str, Any]:
    judged, false_alarms = sum(closed.values()) - closed.get("withdrawn", 0), closed.get("false_alarm", 0)
    share = round(false_alarms / judged, 4) if judged else None
    whole = open_ + sum(closed.values())
    return {"raised": whole, "open": open_, "closed": closed, "false_alarms": false_alarms, "share": share}


async def asked(folder: Path, role: str, scope: dict[str, Any] | None) -> Any:
    token = issue_token(SECRET, "M1", role, scope=scope)
    nobody = MemoryDocuments(MemoryStore())
    async with gateway(folder, nobody, answer=lambda _: None, told=TOLD, people=[]) as house:
        found = await ask(house.app, FIGURES, {"authorization": f"Bearer {token}"})
    assert found.status == 200, found.text
    return json.loads(found.text)


async def test_by_version_open_closed_and_false(tmp_path: Path) -> None:
    found = await asked(tmp_path, "analyst", None)
    none = raised()
    assert found["rule"] == "silent" and found["versions"] == [
        {"version": 3, **none, "shadow": raised(1, withdrawn=1)},
        {"version": 2, **raised(false_alarm=1, retained=1, withdrawn=1), "shadow": none},
        {"version": 1, **raised(1, false_alarm=1), "shadow": none},
    ]


@pytest.mark.parametrize("scope", [None, {"manager_id": "M1"}])
async def test_a_manager_sees_those_of_their_own_customers_and_no_shadow(
    tmp_path: Path, scope: dict[str, Any] | None
) -> None:
    found = await asked(tmp_path, "manager", scope)
    none = raised()
    assert found["versions"] == [
        {"version": 2, **raised(retained=1, withdrawn=1), "shadow": none},
        {"version": 1, **raised(1, false_alarm=1), "shadow": none},
    ]


def test_a_rule_that_raised_nothing_has_no_figures() -> None:
    assert versions([], []) == []
