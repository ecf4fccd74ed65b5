"""``kam sim``: lets the BOSS simulator make something happen to a customer now."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from kam.client import Client, segment
from kam.commands.common import Data, Json, fail, print_json
from kam.commands.feed import show_receipts
from kam.commands.read import show_alerts

SCENARIOS = ("churn", "arrears", "complaint", "contract", "stop")
_LOOK_SECONDS = 8.0


def sim(
    scenario: Annotated[str, typer.Argument(metavar="|".join(SCENARIOS), help="什么事 / what")],
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="客户编号 / customer id, e.g. 1000123")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """让模拟 BOSS 现在就发生一件事 / let the BOSS simulator make it happen now."""
    if scenario not in SCENARIOS:
        fail(f"只能是 {'、'.join(SCENARIOS)}", f"one of {', '.join(SCENARIOS)}", 2)
    client = Client.of(data)
    before = _alerts(client, customer)
    if client.description.get("boss_control"):
        receipts = client.send("POST", "boss", f"/scenario/{scenario}/{segment(customer)}")["receipts"]
    else:
        receipts = _by_hand(client, scenario, customer)
    changed = _await_change(client, customer, before)
    if as_json:
        print_json({"scenario": scenario, "customer_id": customer, "receipts": receipts, "alerts": changed})
        return
    show_receipts(receipts, False)
    show_alerts(changed, "还没有预警变化 / no alert has changed yet: kam alerts --customer " + customer)
    if changed:
        print(
            f"接着看 / look on: kam why {changed[0]['alert_id'][:8]} · kam sms --customer {customer} · "
            f"kam work --customer {customer}"
        )


def _by_hand(client: Client, scenario: str, customer: str) -> list[dict[str, Any]]:
    """Without the simulator: the same events, made from what the customer archive knows, over HTTP."""
    from kam import feeding
    from kam.sim.boss.scenarios import events_for

    answer = client.call("GET", "gateway", f"/v1/customers/{segment(customer)}")
    page = answer.data if answer.status == 200 else {}
    clock = client.get("billing-sync", "/v1/clock").get("clock")
    now = datetime.fromisoformat(clock) if clock else datetime.now(UTC)
    lines = [
        feeding.Line(index, feeding.encode(event), event)
        for index, event in enumerate(events_for(scenario, customer, page, now))
    ]
    return list(feeding.over_http(client, lines).values())


def _alerts(client: Client, customer: str) -> dict[str, Any]:
    return {alert["alert_id"]: alert for alert in client.get("gateway", "/v1/alerts", customer=customer)}


def _await_change(client: Client, customer: str, before: dict[str, Any]) -> list[dict[str, Any]]:
    """The customer's alerts that are new or other than before, as soon as there are any."""
    deadline = time.monotonic() + _LOOK_SECONDS
    while True:
        changed = [alert for id_, alert in _alerts(client, customer).items() if before.get(id_) != alert]
        if changed or time.monotonic() > deadline:
            return changed
        time.sleep(0.1)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(sim)
