"""A switch delays no event by more than a second: 300 alerting events a second, and ten switches among them."""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from integration.house import BATCH, House, Month, opened

pytestmark = [pytest.mark.embedded, pytest.mark.slow, pytest.mark.timeout(400)]

SECONDS, A_TENTH, SWITCHES = 12, 30, 10
CUSTOMERS = SECONDS * 10 * A_TENTH


def post(house: House, events: list[dict[str, object]]) -> None:
    body = json.dumps(events).encode()
    while (answer := house.post_events(body, BATCH)).status_code == 429:
        time.sleep(0.2)  # nothing of it was taken: the machine is busy with something else
    assert answer.status_code == 202, answer.text
    assert {receipt["status"] for receipt in answer.json()} == {"accepted"}


def feed(house: House, month: Month) -> None:
    """Requests to stop, of another customer each, in the rhythm of a lively day."""
    asked = [
        month.event(
            "service.requested",
            {
                "request_id": f"{month}s{n}",
                "customer_id": month.customer(n),
                "requested_at": month.at(3),
                "kind": "stop",
            },
            3,
        )
        for n in range(1, CUSTOMERS + 1)
    ]
    started = time.monotonic()
    for turn in range(SECONDS * 10):
        time.sleep(max(0.0, started + turn / 10 - time.monotonic()))
        post(house, asked[turn * A_TENTH : (turn + 1) * A_TENTH])


def switch(house: House) -> None:
    """Version 2 and version 1 by turns, one a second."""
    client = httpx.Client(trust_env=False, timeout=30, base_url=house.urls["gateway"])
    client.headers["authorization"] = f"Bearer {house.token('administrator')}"
    document = {**client.get("/v1/rules/drop-30").json()["document"], "percent": 60}
    saved = client.put("/v1/rules/drop-30", json={"document": document, "why": "x"}, headers={"If-Match": '"1"'})
    assert saved.status_code == 200, saved.text
    for turn in range(SWITCHES):
        answer = client.post(f"/v1/rules/drop-30/versions/{2 - turn % 2}/activate", json={"why": "x"})
        assert answer.status_code == 200, answer.text
        time.sleep(1)


def within(house: House, seconds: str) -> tuple[int, int]:
    """Of the alerts so far, how many were committed so soon after their event was accepted, and how many in all."""
    described = json.loads((house.data / "instance.json").read_text())
    text = httpx.get(f"{described['peers']['alerts']}/metrics", trust_env=False).text

    def of(sample: str) -> int:
        found = re.search(rf"^kam_event_to_alert_seconds_{re.escape(sample)} ([0-9.e+]+)$", text, re.MULTILINE)
        return 0 if found is None else int(float(found[1]))

    return of(f'bucket{{le="{seconds}"}}'), of("count")


def test_a_switch_delays_no_event_by_a_second(tmp_path: Path) -> None:
    with opened(tmp_path / "data") as house:
        month = house.month()
        known = [month.newcomer(n) for n in range(1, CUSTOMERS + 1)]
        for start in range(0, CUSTOMERS, 500):
            post(house, known[start : start + 500])
        house.settle()
        house.token("integrator")
        with ThreadPoolExecutor(2) as both:
            done = [both.submit(feed, house, month), both.submit(switch, house)]
            for each in done:
                each.result()
        house.settle()
        assert within(house, "1.0") == (CUSTOMERS, CUSTOMERS)
