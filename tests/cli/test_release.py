"""`kam release list|show|go|reject` and `kam brake`: what they ask, and what people read."""

from __future__ import annotations

import pytest

from cli.conftest import FakeInstance, Kam

ID = "4b1d9c52-6f0e-5f2b-9d1e-0c3f7a1b2c3d"
WAITING = {
    "id": ID,
    "source": "file",
    "effect": "clear",
    "state": "waiting",
    "city": "320100",
    "kind": "ARR",
    "cause": "ARR_320100_20261121_0001.dat.gz",
    "count": 250,
    "customers": 1000,
    "of": 1000,
    "share": 25.0,
    "percent": 20,
    "since": "2026-11-22T02:00:00+00:00",
    "by": None,
    "why": None,
    "decided_at": None,
}
RELEASED = {**WAITING, "state": "released", "by": "li", "why": "已核对", "decided_at": "2026-11-22T03:00:00+00:00"}
BRAKE = {
    **{"id": "brake", "version": 1, "state": "active", "author": "kam", "why": "随产品交付", "active_from": None},
    **{"enabled": False, "percent": 20, "min_customers": 1000},
}


@pytest.fixture
def releases(fake: FakeInstance) -> FakeInstance:
    fake.routes |= {
        "GET /v1/releases": (200, [WAITING]),
        f"GET /v1/releases/{ID}": (200, WAITING),
        f"POST /v1/releases/{ID}/go": (200, RELEASED),
        f"POST /v1/releases/{ID}/reject": (
            409,
            {"error": "already_decided", "zh": "已由 li 放行", "en": "it was released by li already"},
        ),
        "GET /v1/brakes": (200, [BRAKE]),
    }
    return fake


def test_what_waits_is_listed_with_its_numbers(releases: FakeInstance, kam: Kam) -> None:
    assert kam("release", "list", "--json").json == [WAITING]
    said = kam("release", "list").out
    assert "250 / 1000" in said and "25.0 > 20" in said and "等候放行" in said
    assert kam("release", "show", ID, "--json").json == WAITING


def test_a_word_and_one_that_came_too_late(releases: FakeInstance, kam: Kam) -> None:
    assert kam("release", "go", ID, "--why", "已核对", "--json").json == RELEASED
    assert releases.asked(f"POST /v1/releases/{ID}/go")[0].body == {"why": "已核对"}
    assert "已放行 released" in kam("release", "go", ID, "--why", "已核对").out
    late = kam("release", "reject", ID, "--why", "x")
    assert late.status == 1 and "li" in late.err
    assert kam("release", "go", ID).status == 2, "a reason is needed"


def test_the_brake_is_a_document_as_others_are(releases: FakeInstance, kam: Kam) -> None:
    assert kam("brake", "list", "--json").json == [BRAKE]
    assert "否 no" in kam("brake", "list").out


def test_a_list_that_lacks_something_says_whose(releases: FakeInstance, kam: Kam) -> None:
    assert not kam("release", "list").err
    releases.routes["GET /v1/releases"] = (200, [WAITING], {"kam-missing": "alerts"})
    for asked in (("release", "list"), ("release", "list", "--json")):
        said = kam(*asked)
        assert said.status == 0 and "alerts 没有应答" in said.err and "alerts has not answered" in said.err
    assert said.json == [WAITING]
