"""What an owner of documents asks of billing-sync over HTTP, and what it makes of every answer."""

from datetime import date
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from servicekit.decision import Refused
from servicekit.documents.steps import Step
from servicekit.documents.switchboard import HttpSwitchboard

SECRET = "switchboard-secret-that-is-long-enough"
STEP = Step("o 1", "drop-30", 2, "active", "A1", "so", on=date(2026, 8, 1))
PLACED = {
    **{"id": "o 1", "kind": "rule", "document_id": "drop-30", "version": 2, "state": "active", "by": "A1", "why": "so"},
    **{"number": 3, "at": "2026-07-01T00:00:00Z", "on": None},
}


class BillingSync:
    def __init__(self, folder: Path, answer: Any) -> None:
        (folder / "secret").write_text(SECRET)
        self.asked: list[httpx.Request] = []
        self._answer = answer
        transport = httpx.MockTransport(self._take)
        self.board = HttpSwitchboard("http://billing-sync", folder / "secret", "alerts", transport)

    def _take(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        assert jwt.decode(request.headers["authorization"].split()[1], SECRET, ["HS256"])["role"] == "service"
        if isinstance(self._answer, Exception):
            raise self._answer
        answer: httpx.Response = self._answer
        return answer


async def test_it_places_lists_and_takes_back(tmp_path: Path) -> None:
    sync = BillingSync(tmp_path, httpx.Response(200, json=PLACED))
    placed = await sync.board.place("rule", STEP, {"percent": 60})
    assert (placed.number, placed.document_id) == (3, "drop-30")
    (asked,) = sync.asked
    assert (asked.method, asked.url.path) == ("POST", "/v1/switches")
    assert b'"on":"2026-08-01"' in asked.content and b'"document":{"percent":60}' in asked.content
    sync = BillingSync(tmp_path, httpx.Response(200, json=[PLACED]))
    assert [each.number for each in await sync.board.after(2, "rule")] == [3]
    assert str(sync.asked[0].url).endswith("/v1/switches?after=2&kind=rule")
    sync = BillingSync(tmp_path, httpx.Response(204))
    assert await sync.board.take_back("o 1")
    assert (sync.asked[0].method, sync.asked[0].url.raw_path) == ("DELETE", b"/v1/switches/o%201")


async def test_one_that_waits_no_more_is_taken_back_already(tmp_path: Path) -> None:
    missing = httpx.Response(404, json={"error": "not_found", "zh": "没", "en": "no"})
    assert not await BillingSync(tmp_path, missing).board.take_back("x")


async def test_what_it_refuses_is_told_as_it_told_it(tmp_path: Path) -> None:
    told = {"error": "on_passed", "zh": "已过", "en": "has passed", "field": "on"}
    with pytest.raises(Refused) as refused:
        await BillingSync(tmp_path, httpx.Response(422, json=told)).board.place("rule", STEP, {})
    assert (refused.value.code, refused.value.status, refused.value.field) == ("on_passed", 422, "on")


STARTING = httpx.Response(503, json={"error": "starting", "zh": "启动", "en": "starting"})


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (httpx.ConnectError("refused"), "switches_away"),
        (httpx.ConnectTimeout("nobody there"), "switches_away"),
        (STARTING, "switches_away"),
        (httpx.Response(401, json={"error": "no_token", "zh": "没", "en": "no"}), "switches_away"),
        # The order went out: it may wait in the intake, and come into force when that goes on.
        (httpx.ReadTimeout("slow"), "switch_unanswered"),
        (httpx.RemoteProtocolError("it ended"), "switch_unanswered"),
        (httpx.Response(500, text="Internal Server Error"), "switch_unanswered"),
        (httpx.Response(503, text="a proxy"), "switch_unanswered"),
        (httpx.Response(200, text="[]"), "switch_unanswered"),
    ],
)
async def test_away_is_what_took_nothing_and_all_else_is_unanswered(tmp_path: Path, answer: Any, code: str) -> None:
    with pytest.raises(Refused) as refused:
        await BillingSync(tmp_path, answer).board.place("rule", STEP, {})
    assert (refused.value.code, refused.value.status) == (code, 503)
    assert ("may still come into force" in refused.value.en) == (code == "switch_unanswered")


async def test_without_an_address_it_is_away() -> None:
    with pytest.raises(Refused, match="can't be reached"):
        await HttpSwitchboard(None, None, "alerts").after(0, "rule")
