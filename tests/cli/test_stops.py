"""`kam sms stop|go|stops`: what it asks, and that `kam sms` lists messages as before."""

from __future__ import annotations

import pytest

from cli.conftest import FakeInstance, Kam

STOP = {"what": "kind/arrears", "by": "li", "why": "金额写错", "at": "2026-07-01T00:00:00+00:00"}


@pytest.fixture
def stops(fake: FakeInstance) -> FakeInstance:
    fake.routes |= {
        "GET /v1/sms": (200, []),
        "GET /v1/stops": (200, [STOP]),
        "POST /v1/stops": (200, STOP),
        "DELETE /v1/stops/kind/arrears": (200, STOP),
    }
    return fake


def test_stops_and_lets_go(stops: FakeInstance, kam: Kam) -> None:
    assert kam("sms", "stop", "kind/arrears", "--why", "金额写错", "--json").json == STOP
    assert stops.asked("POST /v1/stops")[0].body == {"what": "kind/arrears", "why": "金额写错"}
    assert "kam sms go kind/arrears" in kam("sms", "stop", "kind/arrears", "--why", "x").out
    assert kam("sms", "go", "kind/arrears", "--why", "已更正", "--json").json == STOP
    assert stops.asked("DELETE /v1/stops/kind/arrears")[0].query == {"why": "已更正"}
    assert "kind/arrears" in kam("sms", "go", "kind/arrears", "--why", "已更正").out
    assert kam("sms", "stops", "--json").json == [STOP]
    assert "金额写错" in kam("sms", "stops").out


def test_the_list_of_messages_is_as_it_was(stops: FakeInstance, kam: Kam) -> None:
    assert kam("sms", "--state", "held", "--json").json == []
    assert stops.requests[-1].query == {"state": "held"}
    assert "stops" in kam("sms", "--help").out


@pytest.mark.parametrize("what", ["arrears", "kind/", "everything/x", "/"])
def test_what_is_no_such_thing_is_misuse(stops: FakeInstance, kam: Kam, what: str) -> None:
    done = kam("sms", "stop", what, "--why", "x")
    assert done.status == 2 and "template/…" in done.err
    assert kam("sms", "go", what, "--why", "x").status == 2
    assert not stops.asked("POST /v1/stops")


def test_a_reason_is_needed(stops: FakeInstance, kam: Kam) -> None:
    assert kam("sms", "stop", "kind/arrears").status == 2
