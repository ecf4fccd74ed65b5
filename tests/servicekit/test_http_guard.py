"""What stands before every route: tokens are looked at before bodies, bodies have a limit, refusals have one shape."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
import jwt
import pytest
from fastapi import APIRouter, Body, Depends, FastAPI, Request, Response

from servicekit import auth, problem
from servicekit.auth import Guard, Principal, issue_token
from servicekit.decision import Refused
from servicekit.http_guard import BODY_BYTES, DirectRoute, Doorway
from servicekit.query import AtMost, IdempotencyKey
from servicekit.service import Service
from servicekit.settings import ServiceSettings
from servicekit.store import Transient

SECRET = "0123456789abcdef0123456789abcdef"
NAME = "王芳13900001111"
ERRORS = {
    "away": Transient("no database"),
    "no": Refused("no", "否", "no"),
    "long": problem.Problem(413, "too_long", "长", "long"),
    "bug": KeyError(NAME),
}


class Door:
    """A service with a few routes; ``post`` counts the bytes of the body that were asked for."""

    def __init__(self, http: httpx.AsyncClient, service: Service, secret: Path) -> None:
        self.http, self.service, self.secret = http, service, secret
        self.read = 0

    async def post(self, size: int, *, token: str | None = None, declared: bool = False, **headers: str) -> Any:
        async def body() -> AsyncIterator[bytes]:
            for _ in range(size >> 16):
                self.read += 1 << 16
                yield b" " * (1 << 16)

        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        if declared:
            headers["content-length"] = str(size)
        return await self.http.post(
            "/v1/things", content=body(), headers={"content-type": "application/json", **headers}
        )

    async def get(self, path: str = "/v1/things", token: str | None = None, **headers: Any) -> httpx.Response:
        headers |= {} if token is None else {"authorization": f"Bearer {token}"}
        return await self.http.get(path, headers=headers)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    service = Service("test", ServiceSettings(service_data=tmp_path, kafka="-", secret_file=secret))
    router = APIRouter(prefix="/v1", dependencies=[Depends(Guard(secret, "manager", "head"))])

    @router.post("/things", name="post_thing")
    async def post(
        who: Annotated[Principal, Depends(Guard(secret, "manager"))],
        fields: Annotated[dict[str, int] | None, Body()] = None,
        key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        return {"by": who.subject, "key": key}

    @router.get("/things", name="get_things")
    async def get(how: str = "") -> None:
        raise {"away": Transient("no database"), "": Refused("no", "否", "no"), "bug": KeyError(NAME)}[how]

    @router.get("/processor", name="get_unit")
    async def processor() -> str:
        return service.processor_of("test", 0).name

    service.routers.append(router)
    transport = httpx.ASGITransport(service.asgi(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://kam") as http:
        yield Door(http, service, secret)


def is_problem(answer: httpx.Response, status: int, error: str) -> bool:
    body = answer.json()
    return answer.status_code == status and body["error"] == error and bool(body["zh"] and body["en"])


async def test_twenty_megabytes_without_a_token_are_not_read(door: Door) -> None:
    assert is_problem(await door.post(20 << 20), 401, "unauthorized")
    assert door.read == 0
    assert is_problem(await door.post(20 << 20, token=issue_token(SECRET, "h", "head")), 403, "forbidden")
    assert door.read == 0, "the guards of the router and of the route are both asked before"


async def test_a_body_is_read_to_its_limit_only(door: Door) -> None:
    token = issue_token(SECRET, "m1", "manager")
    assert is_problem(await door.post(20 << 20, token=token, declared=True), 413, "too_long")
    assert door.read == 0, "its length says so"
    assert is_problem(await door.post(20 << 20, token=token), 413, "too_long")
    assert door.read <= (1 << 20) + (1 << 16), "chunked: counted as it comes"


@pytest.mark.parametrize("key", ["重试1".encode(), b"", b"a b", b"a\x00b", b"k" * 201, b"\xff"])
async def test_an_idempotency_key_that_is_none_is_refused_with_its_reason(door: Door, key: bytes) -> None:
    """Defect 20: a key that is not ASCII was a 500."""
    headers: Any = {"authorization": f"Bearer {issue_token(SECRET, 'm1', 'manager')}", "idempotency-key": key}
    answer = await door.http.post("/v1/things", json={}, headers=headers)
    assert is_problem(answer, 422, "bad_request") and answer.json()["field"] == "header.Idempotency-Key"


def token(header: Any = None, secret: str = SECRET, **claims: Any) -> str:
    alg = (header or {}).get("alg", "HS256")
    known = {"sub": "m1", "role": "manager", "iss": "kam", "exp": 4_000_000_000}
    return jwt.encode({n: v for n, v in {**known, **claims}.items() if v is not None}, secret or None, alg, header)


def raw(header: str) -> str:
    return base64.urlsafe_b64encode(header.encode()).decode().rstrip("=") + ".e30.e30"


@pytest.mark.parametrize(
    "bearer",
    [
        "",
        "x",
        "a.b.c",
        "é.é.é",
        "." * 4000,
        "x" * 2_000_000,
        raw("[" * 2500),
        raw('{"alg": ["HS256"]}'),
        raw('{"alg": {}, "kid": 7}'),
        token({"alg": "none"}, secret=""),
        token({"alg": "HS384"}, secret=SECRET * 2),
        token(secret="another secret that is long enough"),
        token(exp=1),
        token(exp=None),
        token(sub=None),
        token(sub=7),
        token(iss="other"),
        token(nbf=3_900_000_000),
    ],
)
async def test_what_is_no_token_of_ours_is_401(door: Door, bearer: str) -> None:
    answer = await door.get(authorization=f"Bearer {bearer}".encode("latin-1"))
    assert is_problem(answer, 401, "unauthorized") and answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("role", [None, "", "root", ["manager"], {"a": 1}, 7])
async def test_a_role_that_is_not_ours_is_403(door: Door, role: Any) -> None:
    assert is_problem(await door.get(token=token(role=role)), 403, "forbidden")


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"])
async def test_without_a_secret_nobody_comes_in(door: Door, content: bytes | None) -> None:
    door.secret.unlink() if content is None else door.secret.write_bytes(content)
    assert is_problem(await door.get(token=token()), 503, "no_secret")


async def test_a_token_is_believed_for_seconds_never_past_its_end(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(auth, "monotonic", lambda: now[0])
    long, short = token(), token(exp=datetime.now(UTC) + timedelta(seconds=2))
    assert [(await door.get(token=each)).status_code for each in (long, short)] == [409, 409]
    door.secret.write_text("another-secret-that-is-long-enough-for-it")
    assert (await door.get(token=long)).status_code == 409, "no signature was looked at"
    now[0] += 2
    assert is_problem(await door.get(token=short), 401, "unauthorized")
    now[0] += 4
    assert is_problem(await door.get(token=long), 401, "unauthorized")


async def test_a_nested_router_is_refused_since_it_would_not_be_guarded() -> None:
    outer, inner = APIRouter(), APIRouter(prefix="/v1")
    outer.include_router(inner)
    with pytest.raises(TypeError, match="would not be guarded"):
        Doorway(FastAPI(), routers=[outer], limit=1)


async def test_every_error_has_the_same_shape_and_repeats_nothing(door: Door) -> None:
    bearer = {"authorization": f"Bearer {token()}"}
    assert is_problem(await door.get(token=token()), 409, "no")
    assert is_problem(await door.get("/v1/things?how=away", token()), 503, "store_away")
    assert is_problem(await door.get("/v1/processor", token()), 503, "starting")
    assert is_problem(await door.get("/nowhere"), 404, "not_found")
    assert is_problem(await door.http.delete("/v1/things", headers=bearer), 405, "method_not_allowed")
    bug = await door.get("/v1/things?how=bug", token())
    assert is_problem(bug, 500, "internal") and NAME not in bug.text
    bodies = [json.dumps({"name": NAME}), json.dumps([NAME]), "{" + NAME, b"\xff" + NAME.encode(), "[" * 100_000]
    for body in bodies:
        answer = await door.http.post(
            "/v1/things", content=body, headers={**bearer, "content-type": "application/json"}
        )
        assert answer.status_code in (400, 422) and {"error", "zh", "en"} <= set(answer.json())
        assert NAME not in answer.text


async def test_a_route_that_is_called_directly_is_guarded_and_answers_like_any_other(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read(request: Request) -> Response:
        how = (await request.body()).decode()
        if how in ERRORS:
            raise ERRORS[how]
        return Response(how)

    router = APIRouter(prefix="/v1")
    guard = Depends(Guard(door.secret, "manager"))
    router.add_api_route("/fast", read, methods=["POST"], dependencies=[guard], route_class_override=DirectRoute)
    door.service.routers.append(router)
    transport = httpx.ASGITransport(door.service.asgi(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://kam") as http:
        bearer = {"authorization": f"Bearer {token()}"}

        async def post(body: str, headers: Any = bearer) -> httpx.Response:
            return await http.post("/v1/fast", content=body, headers=headers)

        assert (await post("good")).text == "good"
        assert is_problem(await post("good", {}), 401, "unauthorized")
        assert is_problem(await post("away"), 503, "store_away")
        assert is_problem(await post("no"), 409, "no")
        assert is_problem(await post("long"), 413, "too_long")
        assert is_problem(await post("bug"), 500, "internal")
        assert is_problem(await post("x" * (2 << 20)), 413, "too_long")
        assert is_problem(await post("", {**bearer, "content-length": "x"}), 400, "bad_request")
        assert is_problem(await http.get("/v1/fast", headers=bearer), 405, "method_not_allowed")
        assert is_problem(await http.post("/v1/faster", headers=bearer), 404, "not_found")
        monkeypatch.setattr(door.service, "_stopping", True)
        assert is_problem(await post("good"), 503, "stopping")


async def test_a_body_that_comes_too_slowly_is_not_waited_for(door: Door) -> None:
    def slowly(*args: Any, **named: Any) -> Doorway:
        return Doorway(*args, **named, seconds=0.02)

    app = FastAPI()
    app.add_middleware(slowly, routers=door.service.routers, limit=BODY_BYTES)  # type: ignore[arg-type]
    problem.install(app)
    app.include_router(door.service.routers[0])

    async def body() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    headers = {"authorization": f"Bearer {issue_token(SECRET, 'm1', 'manager')}", "content-type": "application/json"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://kam") as http:
        assert is_problem(await http.post("/v1/things", content=body(), headers=headers), 408, "too_slow")


@pytest.mark.parametrize("subject", ["", "x" * 201, "a\x00b", "\ud800", "a\nb", " \t"])
async def test_a_subject_that_is_no_name_is_no_token(door: Door, subject: str) -> None:
    """It would be the key of an audit record and the actor of a work item."""
    answer = await door.get(token=token(sub=subject))
    assert is_problem(answer, 401, "unauthorized")


async def test_what_is_costly_is_under_way_so_many_times_at_once() -> None:
    few = AtMost(1)
    with few, pytest.raises(Refused, match="under way") as refused, few:
        pass
    assert refused.value.status == 503
    with few:
        pass


async def test_a_service_that_stops_is_away_not_broken(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its stores are closed before the last requests are answered: that was a 500."""

    async def start() -> None:
        door.service.consumers = {}

    monkeypatch.setattr(door.service, "start", start)
    stopping = asyncio.Event()
    stopping.set()
    await door.service.run(stopping)
    token = issue_token(SECRET, "m1", "manager")
    assert is_problem(await door.get("/v1/things?how=bug", token), 503, "stopping")
    assert is_problem(await door.get("/v1/things"), 401, "unauthorized")
    assert (await door.http.get("/health/ready")).status_code == 503
    assert (await door.http.get("/health/live")).status_code == 200


async def test_a_token_from_before_the_clock_was_set_back_is_good(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(seconds=20)

    with monkeypatch.context() as ahead:
        ahead.setattr(auth, "datetime", Ahead)
        token = issue_token(SECRET, "m1", "manager")
    assert (await door.get("/v1/things", token)).status_code != 401
