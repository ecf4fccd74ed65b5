"""What is asked twice under a key happens once: over two gateways, at once, and where a process ended in between."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from gateway.access.grants import Principal
from gateway.bootstrap import _index
from gateway.repeats import KEPT, REPEATS, UNDER_WAY, Repeats
from harness.people import PASSWORD, Clock, Gateway, gateway
from harness.waiting import eventually
from servicekit.decision import KeyUsed, Refused
from servicekit.memory_store import MemoryDocuments, MemoryStore
from servicekit.problem import Problem

WHO = Principal("X0001", "administrator", ())
REASON = {"reason": "忘记密码"}


class Asked(BaseModel):
    text: str = "a"


class Act:
    """Something that counts how often it was done."""

    def __init__(self, fails: list[BaseException] | None = None) -> None:
        self.done, self._fails = 0, fails or []

    async def __call__(self) -> dict[str, int]:
        self.done += 1
        if self._fails:
            raise self._fails.pop(0)
        return {"done": self.done}


@pytest.fixture
def rows() -> MemoryDocuments:
    return MemoryDocuments(MemoryStore())


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_what_is_forgotten_by_its_time_is_found_by_an_index() -> None:
    made: set[tuple[str, str]] = set()

    async def index(collection: str, *fields: str) -> None:
        made.update((collection, field) for field in fields)

    job = asyncio.create_task(_index(SimpleNamespace(index=index)))  # type: ignore[arg-type]
    wanted = {
        ("views", "document.owner"),
        ("views", "document.unit_id"),
        ("repeats", "begun"),
        ("sessions", "until"),
        ("sessions", "seen_at"),
        ("reset_links", "until"),
        ("notices", "at"),
    }
    await eventually(lambda: ("notice_preferences.versions", "id") in made)  # the last
    job.cancel()
    assert wanted <= made


async def test_a_repeat_is_answered_alike_at_another_gateway(rows: MemoryDocuments, clock: Clock) -> None:
    act, one, other = Act(), Repeats(rows, clock), Repeats(rows, clock)
    assert await one.once(WHO, "k", "do x", Asked(), act) == await other.once(WHO, "k", "do x", Asked(), act)
    assert act.done == 1
    with pytest.raises(KeyUsed):
        await other.once(WHO, "k", "do x", Asked(text="b"), act)
    # another object, another person, another key, none: each is a request of its own
    await one.once(WHO, "k", "do y", Asked(), act)
    await one.once(Principal("X0002", "administrator", ()), "k", "do x", Asked(), act)
    await one.once(WHO, "k2", "do x", Asked(), act)
    await one.once(WHO, None, "do x", Asked(), act)
    assert act.done == 5


async def test_of_two_at_once_one_is_done(rows: MemoryDocuments, clock: Clock) -> None:
    act, repeats = Act(), [Repeats(rows, clock), Repeats(rows, clock)]
    asked = [each.once(WHO, "k", "do x", Asked(), act) for each in repeats]
    first, second = await asyncio.gather(*asked, return_exceptions=True)
    assert (first == {"done": 1} and second in (first, None)) or isinstance(second, Problem)
    assert act.done == 1


async def test_what_ended_in_the_middle_is_done_again_after_a_while(rows: MemoryDocuments, clock: Clock) -> None:
    act, repeats = Act([asyncio.CancelledError()]), Repeats(rows, clock)
    with pytest.raises(asyncio.CancelledError):
        await repeats.once(WHO, "k", "do x", Asked(), act)
    with pytest.raises(Problem) as refused:
        await repeats.once(WHO, "k", "do x", Asked(), act)
    assert (refused.value.status_code, refused.value.headers) == (409, {"Retry-After": "1"})
    with pytest.raises(KeyUsed):
        await repeats.once(WHO, "k", "do x", Asked(text="b"), act)
    clock.passes(seconds=UNDER_WAY.total_seconds())
    for _ in range(2):
        assert await repeats.once(WHO, "k", "do x", Asked(), act) == {"done": 2}


async def test_a_refusal_is_not_kept(rows: MemoryDocuments, clock: Clock) -> None:
    act, repeats = Act([Refused("no", "不", "no"), RuntimeError()]), Repeats(rows, clock)
    for error in (Refused, RuntimeError):
        with pytest.raises(error):
            await repeats.once(WHO, "k", "do x", Asked(), act)
    assert await repeats.once(WHO, "k", "do x", Asked(text="b"), act) == {"done": 3}


async def test_what_is_past_its_time_is_forgotten(rows: MemoryDocuments, clock: Clock) -> None:
    act, repeats = Act(), Repeats(rows, clock)
    await repeats.once(WHO, "k", "do x", Asked(), act)
    clock.passes(seconds=KEPT.total_seconds() + 1)
    await repeats.once(WHO, "k2", "do x", Asked(), act)
    job = asyncio.ensure_future(repeats.forget())
    await asyncio.sleep(0)
    job.cancel()
    assert await rows.count(REPEATS) == 1


@pytest.fixture
async def houses(tmp_path: Path, rows: MemoryDocuments, clock: Clock) -> AsyncIterator[list[Gateway]]:
    """Two gateways of one instance."""
    async with gateway(tmp_path / "1", rows, clock=clock) as one, gateway(tmp_path / "2", rows, clock=clock) as two:
        yield [one, two]


async def both(houses: list[Gateway], path: str, body: Any, key: str = "k") -> list[httpx.Response]:
    """The same asked of both by the same administrator."""
    return [
        await (await house.signed_in("X0001")).post(path, json=body, headers={"Idempotency-Key": key})
        for house in houses
    ]


async def test_a_one_time_link_is_shown_again_and_works_once(houses: list[Gateway], rows: MemoryDocuments) -> None:
    first, again = await both(houses, "/v1/admin/users/M0001/reset", REASON)
    assert first.status_code == 201 and (again.status_code, again.json()) == (201, first.json())
    (other,) = await both(houses[:1], "/v1/admin/users/M0001/reset", REASON, "k2")
    assert other.json()["link"] != first.json()["link"]
    (refused,) = await both(houses[:1], "/v1/admin/users/M0001/reset", {"reason": "另一个"})
    assert (refused.status_code, refused.json()["error"]) == (422, "idempotency_key_used")
    secret = first.json()["link"].partition("=")[2]
    kept = [*await rows.find(REPEATS), *await rows.find("reset_links")]
    assert secret not in str(kept), "it is kept nowhere"
    for status in (204, 410):
        new = {"secret": secret, "new": "another horse 充电"}
        assert (await houses[1].browser().post("/v1/session/reset", json=new)).status_code == status
    # it is shown again all the same, and stays used
    (shown,) = await both(houses[:1], "/v1/admin/users/M0001/reset", REASON)
    assert shown.json() == first.json()
    assert (await houses[0].browser().post("/v1/session/reset", json=new)).status_code == 410


async def test_a_repeated_sign_out_leaves_the_session_that_began_since(houses: list[Gateway]) -> None:
    before = await houses[0].signed_in("M0001")
    (done,) = await both(houses[:1], "/v1/admin/users/M0001/sign-out", REASON)
    assert (done.status_code, (await before.get("/v1/session")).status_code) == (204, 401)
    since = await houses[0].signed_in("M0001", PASSWORD)
    assert [a.status_code for a in await both(houses, "/v1/admin/users/M0001/sign-out", REASON)] == [204, 204]
    assert (await since.get("/v1/session")).status_code == 200
    assert len([a for house in houses for a in house.audited if a[1] == "user.signed_out"]) == 1


async def test_accounts_and_tokens_under_a_key_are_made_once(houses: list[Gateway]) -> None:
    user = {"staff_no": "H0777", "name": "何晓燕", "grants": [{"role": "analyst"}], "reason": "新同事"}
    token = {"name": "boss", "grant": {"role": "integrator"}, "reason": "接口"}
    for path, body, changed in (
        ("/v1/admin/users", user, {**user, "name": "何燕"}),
        ("/v1/admin/tokens", token, {**token, "days": 3}),
    ):
        houses[0].clock.passes(seconds=1)
        first, again = await both(houses, path, body)
        assert first.status_code == 201 and (again.status_code, again.json()) == (201, first.json())
        (other,) = await both(houses[:1], path, changed)
        assert (other.status_code, other.json()["error"]) == (422, "idempotency_key_used")


async def test_an_export_under_a_key_is_one_job(houses: list[Gateway]) -> None:
    asked = {"list": "alerts", "format": "csv", "language": "zh", "filter": {}}
    jobs = []
    for house in houses:
        analyst = await house.signed_in("A0001")
        answer = await analyst.post("/v1/exports", json=asked, headers={"Idempotency-Key": "k"})
        assert answer.status_code == 202, answer.text
        jobs.append(answer.json())
    assert jobs[0] == jobs[1]
    other = await analyst.post("/v1/exports", json={**asked, "format": "xlsx"}, headers={"Idempotency-Key": "k"})
    assert (other.status_code, other.json()["error"]) == (422, "idempotency_key_used")
