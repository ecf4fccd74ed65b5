"""A careless or hostile caller of the gateway and the services behind it, in memory: never a 5xx without its reason,
never a body repeated with what it held, and every answer is what its route declares.

By hand: ``python tests/fuzz/fuzz_http.py --seconds 60 --seed 7``. A fault names its seed; the same seed asks the same.
"""

import base64
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import jwt
from fastapi import FastAPI

sys.path.insert(0, str(Path(__file__).parents[1]))

from alerts.api import router as alerts_router
from alerts.detection.state import CustomerState
from alerts.detection.why_not import on_ask
from alerts.rules import load
from analytics.api import routes as analytics_routes
from analytics.domain import TOPICS, Counts
from analytics.settings import Settings as AnalyticsSettings
from analytics.siblings import Siblings
from analytics.store import Lineage, LineageStore
from analytics.worker import lineage_app
from contracts import boss
from contracts.alert import Alert, RuleRef
from customer_profile import bootstrap as profile_root
from customer_profile import worker as profile_worker
from customer_profile.settings import Settings as ProfileSettings
from fuzz.doors import Fault, ask, by_hand
from gateway import bootstrap as gateway_root
from gateway.domain import Collection
from gateway.identity.passwords import Passwords
from gateway.projection.follow import Projection
from gateway.projection.store import ProjectionStore
from gateway.settings import Settings as GatewaySettings
from harness.notifications_feed import Story
from harness.one_processor import NOON, OneProcessor
from harness.people import PASSWORD, QUICK
from harness.read_model import ROWS, Log, customer, nothing_to_bring, rows_of
from harness.read_model import alert as told
from harness.typed_answers import TypedAnswers
from manager_work import rules, worker
from manager_work.api import router
from manager_work.domain import work_id_of
from manager_work.settings import Settings as WorkSettings
from servicekit.auth import ROLES, Principal
from servicekit.clock import EPOCH
from servicekit.decision import Context
from servicekit.envelope import Message
from servicekit.memory_store import MemoryDocuments, MemoryStore
from servicekit.service import Service
from servicekit.settings import ServiceSettings

SECRET = "0123456789abcdef0123456789abcdef"
PERSONAL = "王芳13900001111"
ITEMS = [work_id_of(f"a{n}") for n in range(6)]


class Peers:
    """The services behind the gateway, real but for billing-sync; all of them fail in every way now and then."""

    def __init__(self, apps: dict[str, FastAPI], dice: random.Random) -> None:
        self._transports = {name: TypedAnswers(app) for name, app in apps.items()}
        self._dice = dice

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        match self._dice.randrange(40):
            case 0:
                raise httpx.ConnectError("refused", request=request)
            case 1:
                raise httpx.ReadTimeout("slow", request=request)
            case 2:
                raise httpx.RemoteProtocolError("broken", request=request)
            case 3:
                return httpx.Response(self._dice.choice([200, 404, 500]), html="<html>nginx</html>")
            case 4:
                return httpx.Response(200, content=self._dice.randbytes(self._dice.randrange(50)))
            case 5:
                return httpx.Response(
                    self._dice.choice([200, 301, 401, 500, 503]), json=self._dice.choice([[], None, 7])
                )
        if request.url.host in self._transports and request.url.path.startswith("/v1/"):
            return await self._transports[request.url.host].handle_async_request(request)
        if request.url.path == "/internal/settle":
            return httpx.Response(
                200, json={"service": request.url.host, "ready": True, "processors": [], "pending": {}}
            )
        return httpx.Response(200, json={} if request.url.path.startswith("/v1/customers") else [])


class House:
    """The gateway over manager-work over one unit in memory."""

    def __init__(self, folder: Path, dice: random.Random) -> None:
        self._folder, self._dice = folder, dice
        self.answered: Counter[int] = Counter()

    async def open(self) -> "House":
        secret = self._folder / "secret"
        secret.write_text(SECRET)
        common: dict[str, Any] = {"service_data": self._folder, "kafka": "-", "secret_file": secret}
        settings = WorkSettings(**common)
        unit = await OneProcessor(worker.app(rules.load(settings.work_rules), 4), *worker.TOPICS).open()
        manager = boss.Manager(manager_id="m1", name="李经理", status="active")
        await unit.take(
            unit.record("boss.events", "kam.boss.manager.changed.v1", manager, key="m1"),
            *(unit.record("alert.events", "kam.alert.raised.v1", alert) for alert in map(_raised, range(len(ITEMS)))),
        )

        async def send(order: Message) -> Any:
            (answer,) = await unit.take(commands=[(order.type, order.key, order.data)])
            if isinstance(answer, Exception):
                raise answer
            return answer

        async def audit(who: Principal, action: str, object_: str, result: str, reason: str | None = None) -> None:
            pass

        async def ends(_: Collection) -> dict[str, int] | None:
            return {}

        async def shown(work_id: str) -> None:
            """The rows of the fake are never behind."""

        work = Service("manager-work", settings)
        work.routers.append(router(unit.rows, send, shown, secret))
        self.apps = {
            "manager-work": work.asgi(),
            "alerts": _alerts(common),
            "customer-profile": await _profile(common),
            "analytics": await _analytics(common),
        }
        names = ("billing-sync", *self.apps)
        peers = Peers(self.apps, self._dice)
        lists = ProjectionStore(self._folder / "lists", ROWS.identity)
        await lists.open()
        person = customer(name=PERSONAL, phone="13900001234")
        await lists.apply(rows_of([person, *map(told, ("raised", "acknowledged"))]), {}, whole="1")
        gateway = gateway_root.build(
            GatewaySettings(**common, peers={name: f"http://{name}" for name in names}),
            projection=Projection(lists, ROWS, 1, Log().connect, nothing_to_bring),
            documents=MemoryDocuments(MemoryStore()),
            passwords=Passwords(QUICK),
            client=httpx.AsyncClient(transport=httpx.MockTransport(peers)),
            audit=audit,
            ends=ends,
        )
        self.apps["gateway"] = gateway.asgi()
        return self

    async def ask(self, app: Any, request: dict[str, Any]) -> None:
        """One request as a server hands it over. Raises ``Fault``."""
        status, _ = await ask(app, request, PERSONAL)
        self.answered[status] += 1


def _alerts(common: dict[str, Any]) -> FastAPI:
    story = Story("c1").customer(city="320100")
    story.complains("2026-03-10")
    story.tick()
    story.send()
    kept = MemoryStore()
    kept.documents.update(story.documents)

    async def send(_: str, order: Message) -> Any:
        return story.command(order.type, order.data)

    async def detect(customer_id: str, order: Message) -> Any:
        context = Context(EPOCH, "i", order.type, "c")
        return on_ask(load(), CustomerState(customer_id), order.data, context).answer

    service = Service("alerts", ServiceSettings(**common))
    service.routers.append(alerts_router(MemoryDocuments(kept), detect, send, common["secret_file"]))
    return service.asgi()


async def _profile(common: dict[str, Any]) -> FastAPI:
    archive = await OneProcessor(profile_worker.app(1)).open()
    account = await OneProcessor(profile_worker.account_app(1)).open()
    for unit in (archive, account):
        data = boss.Customer(customer_id="c1", name=PERSONAL, status="active", city="320100", manager_id="m1")
        await unit.take(unit.record("boss.events", "kam.boss.customer.changed.v1", data))
        bill = boss.Bill(customer_id="c1", period="202606", amount_fen=1)
        await unit.take(unit.record("boss.events", "kam.boss.bill.issued.v1", bill))
    settings = ProfileSettings(**common, partitions=1)
    service = profile_root.build(settings, stores=lambda app, ordinal: archive.store, rows=archive.rows)
    service.processors += [archive.processor, account.processor]
    return service.asgi()


async def _analytics(common: dict[str, Any]) -> FastAPI:
    settings = AnalyticsSettings(**common, archive_dir=common["service_data"] / "archive")
    store = LineageStore(common["service_data"] / "lineage")
    unit = await OneProcessor(lineage_app(settings), *TOPICS, store=store).open()
    await unit.take(unit.record("alert.events", "kam.alert.raised.v1", _raised(1)))

    async def recount(_: dict[str, int], __: Path) -> Counts:
        return Counter()

    async def bring_up() -> None: ...

    service = Service("analytics", settings)
    service.routers.append(analytics_routes(Lineage([store]), Siblings(settings), recount, bring_up, settings))
    return service.asgi()


def _raised(n: int) -> Alert:
    return Alert(
        alert_id=f"a{n}", kind="arrears", customer_id=f"c{n}", revision=1, state="raised", severity="minor",
        rule=RuleRef(id="arrears", version=1), raised_at=NOON, at=NOON,
    )  # fmt: skip


class Caller:
    """Makes requests out of one seed."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def request(self) -> dict[str, Any]:
        pick = self._dice.choice
        method, path = pick([
            ("GET", "/v1/alerts"), ("GET", "/v1/sms"), ("GET", "/v1/work"), ("GET", f"/v1/customers/{self._id()}"),
            ("GET", f"/v1/why/{self._id()}"), ("GET", "/v1/counts"), ("GET", "/v1/recount"), ("GET", "/v1/rates"),
            ("GET", "/v1/rules"), ("PUT", f"/v1/rules/{self._id()}"), ("GET", f"/v1/rules/{self._id()}/difference"),
            *[("POST", f"/v1/rules/{self._id()}/{verb}") for verb in ("rollback", "stop", "versions/1/activate")],
            ("GET", "/v1/shadow-alerts"), ("GET", f"/v1/rules/{self._id()}/figures"), ("GET", "/v1/customer-lists"),
            ("GET", "/v1/clock"), ("PUT", "/v1/clock"), ("GET", "/v1/status"),
            ("GET", "/v1/sms/unknown"), ("GET", "/v1/wait"), ("GET", "/health/live"), ("GET", "/openapi.json"),
            ("GET", "/internal/settle"), ("GET", f"/{self._id()}"), ("POST", "/v1/search"), ("POST", "/v1/search"),
            ("GET", f"/v1/{pick(_LISTS)}/{self._id()}"), ("GET", f"/internal/export/{pick(_LISTS)}"),
            *[("GET", f"/v1/lists/{name}{more}") for name in _LISTS for more in ("", "/facets")],
            *[("POST", f"/v1/work/{self._id()}/{verb}") for verb in ("accept", "act", "close") * 2],
            ("GET", "/v1/session"), ("DELETE", "/v1/session"), ("DELETE", "/v1/sessions"),
            ("POST", "/v1/session/reset"),
            ("PUT", "/v1/session/password"), ("GET", "/v1/session/demo-accounts"), ("POST", "/v1/admin/users"),
            *[("POST", "/v1/session")] * 2, *[("POST", "/v1/admin/users")] * 4, ("GET", "/v1/admin/users"),
            ("PUT", f"/v1/admin/users/{self._id()}"), ("GET", f"/v1/admin/users/{self._id()}/history"),
            ("POST", f"/v1/admin/users/{self._id()}/{pick(['reset', 'sign-out'])}"),
            ("POST", "/v1/admin/tokens"), ("GET", "/v1/admin/tokens"),
            ("POST", f"/v1/admin/tokens/{self._id()}/revoke"),
        ])  # fmt: skip
        if self._dice.random() < 0.05:
            method = pick(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "BREW"])
        headers = [(b"host", pick([b"kam", b"localhost", b"localhost:1", *_BYTES]))]
        if self._dice.random() < 0.1:
            headers.append((b"cookie", b"kam_session=" + pick([b"A" * 43, b"x" * 10_000, *_BYTES])))
        if self._dice.random() < 0.2:
            headers += [(b"origin", pick([b"http://localhost", b"null", b"http://[", *_BYTES])), (b"kam-request", b"1")]
        if self._dice.random() < 0.3:
            headers.append((b"if-match", pick([b'"1"', b'"2"', b"*", b'"99999999999"', *_BYTES])))
        if self._dice.random() < 0.95:
            headers.append((b"authorization", self._token()))
        if self._dice.random() < 0.8:
            headers.append((b"content-type", pick(_CONTENT_TYPES)))
        if self._dice.random() < 0.4:
            headers.append((b"idempotency-key", pick([b"k1", b"k2", *_BYTES])))
        if self._dice.random() < 0.1:
            headers.append((b"content-length", pick([b"0", b"5", b"99999999999", b"-1", b"x", b"1e3", b"\xb2", b""])))
        body = self._body() if method in ("POST", "PUT", "PATCH") or self._dice.random() < 0.1 else b""
        cut = self._dice.randrange(len(body) + 1)
        return {
            "method": method, "path": path, "query": self._query(), "headers": headers,
            "body": [body[:cut], body[cut:]],
        }  # fmt: skip

    def _id(self) -> str:
        if self._dice.random() < 0.6:
            return self._dice.choice(ITEMS)
        return self._dice.choice([*_IDS, "".join(f"%{byte:02X}" for byte in self._dice.randbytes(6))])

    def _query(self) -> bytes:
        names = [
            b"customer",
            b"kind",
            b"since",
            b"state",
            b"manager",
            b"alert",
            b"day",
            b"city",
            b"timeout",
            b"unmask",
            b"x",
            b"due",
            b"until",
            b"unit",
            b"open",
            b"sort",
            b"cursor",
            b"limit",
        ]
        pairs = [
            self._dice.choice(names) + b"=" + self._dice.choice([*_VALUES, *_BYTES])
            for _ in range(self._dice.choice([0, 0, 1, 2, 5]))
        ]
        if self._dice.random() < 0.01:
            pairs.append(b"customer=" + b"x" * 1_000_000)
        return b"&".join(pairs)

    def _token(self) -> bytes:
        now = int(time.time())
        claims: dict[str, Any] = {"sub": self._dice.choice(["m1", "cli:root", "王"]), "iss": "kam", "exp": now + 3600}
        claims["role"] = self._dice.choice(
            [*ROLES, *["head", "service", "manager", "administrator"] * 8, None, ["head"], {"a": 1}, 7, "root"]
        )
        if self._dice.random() < 0.2:
            claims["person_role"] = self._dice.choice(["head", "manager", None, 7, []])
        if self._dice.random() < 0.1:
            claims["exp"] = self._dice.choice([1, "soon", None, 1e300])
        if self._dice.random() < 0.9:
            return b"Bearer " + jwt.encode(claims, SECRET, "HS256").encode()
        header = self._dice.choice(
            ['{"alg":"none"}', "[" * 2000, '{"alg":7}', '{"alg":"HS256","crit":["x"]}', "\xff", "{"]
        )
        part = base64.urlsafe_b64encode(header.encode()).rstrip(b"=")
        return self._dice.choice(
            [b"Bearer " + part + b".e30.e30", b"Bearer " + b"x" * 100_000, b"Basic eA==", b"Bearer"]
        )

    def _body(self) -> bytes:
        if self._dice.random() < 0.3:
            return self._dice.choice(_BODIES)
        names = [
            "kind", "note", "by", "outcome", "at", "key", "taker", "on_behalf_of", "text", "text", "\ud800", "staff_no",
            "password", "grants", "grant", "reason", "secret", "new", "current", "days", "state", "unit_id",
        ]  # fmt: skip
        good: dict[str, Any] = dict(self._dice.choice(_GOOD)) if self._dice.random() < 0.6 else {}
        for _ in range(self._dice.randrange(3)):
            good[self._dice.choice(names)] = self._dice.choice(_JSON)
        return json.dumps(good, ensure_ascii=self._dice.random() < 0.5).encode("utf-8", "surrogatepass")


#: bodies that some route takes; an administrator reads the names of staff, so theirs are not ``PERSONAL``
_GOOD: list[dict[str, Any]] = [
    *[{"kind": "call"}, {"outcome": "lost"}] * 3,
    {"staff_no": "U1", "password": PASSWORD},
    {"staff_no": "U1", "name": "李员工", "grants": [{"role": "head", "units": ["u1"]}], "reason": PERSONAL},
    {"name": "李员工", "grants": [{"role": "analyst", "kinds": ["arrears"]}], "reason": "x", "state": "disabled"},
    {"name": "robot", "grant": {"role": "integrator"}, "reason": "x"},
    {"secret": "x", "new": PASSWORD},
    {"current": "x", "new": PASSWORD},
    {"reason": PERSONAL},
]
_LISTS = ("alerts", "work", "sms", "customers")
_IDS = [
    "U1",
    "c1",
    "a1",
    "a%2Fb",
    "a/b",
    "..",
    "%2e%2e",
    ".",
    "%00",
    "%ff",
    "x" * 600,
    "%F0%9F%98%80",
    "%25",
    "%0d%0aX:%201",
    "M%2Fm1",
    "%20",
]
_BYTES = [
    b"", b"%00", b"%ff%fe", b"\xff\xfe", "重试".encode(), b"x" * 300, b"a b", b"{}", b"%F0%9F%98%80", b"%ED%A0%80",
]  # fmt: skip
_VALUES = [
    b"c1", b"2026-07-01", b"2026-13-01", b"9999-12-31", b"0001-01-01", b"0001-01-01T00:00:00%2B23:59",
    b"9999-12-31T23:59:59-23:59", b"2026-07-01T00:00:00", b"nan", b"inf", b"-1", b"1e400", b"new", b"$gt", b"0.01",
    b"none", b"overdue,today", b"-due", b"name", b"WyJkdWUiLCJhIiwiYiJd", b"1", b"200", b"'--", b"a,,b,c",
]  # fmt: skip
_CONTENT_TYPES = [b"application/json"] * 6 + [
    b"text/plain", b"application/x-www-form-urlencoded", b"multipart/form-data", b"application/xml", b"\xff", b"",
    b"application/json; charset=gbk", b"application/vnd.api+json",
]  # fmt: skip
_BODIES = [
    b"", b"null", b"[]", b"7", b"{", b"\xff\xfe", b"[" * 100_000, b"{" + b" " * (2 << 20), b'{"kind": NaN}',
    b"1" * 5000,
    b'{"a":' * 5000, b'{"note": "\\ud800"}', b'{"kind": "a", "kind": "b"}', f'[{{"name": "{PERSONAL}"}}]'.encode(),
    f'{{"note": "{PERSONAL}"'.encode(), f'{{"outcome": "{PERSONAL}"}}'.encode(), b"\x00", b"\xef\xbb\xbf{}",
]  # fmt: skip
_JSON: list[Any] = [
    PERSONAL, PERSONAL * 1000, "call", "lost", "m1", "cli:root", "", "\x00", "\ud800", 7, -1, 1.5, 10**400, True, None,
    [], {},
    [PERSONAL], {"name": PERSONAL}, float("nan"), float("inf"), "2026-06-30",
]  # fmt: skip


async def fuzz(seed: int, *, seconds: float = 0.0, requests: int = 0) -> Counter[int]:
    """Ask until ``seconds`` have passed and ``requests`` were asked; how often each status was answered.

    Raises ``Fault`` naming the seed.
    """
    dice = random.Random(seed)
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        house, caller = await House(Path(folder), dice).open(), Caller(dice)
        while time.monotonic() < until or house.answered.total() < requests:
            app = house.apps["gateway" if dice.random() < 0.5 else dice.choice(list(house.apps))]
            try:
                await house.ask(app, caller.request())
            except Fault as fault:
                raise Fault(f"seed {seed}, request {house.answered.total()}: {fault}") from fault
    return house.answered


def main() -> None:
    """Entry point by hand."""
    by_hand(lambda seed: fuzz(seed, requests=2000), __doc__, "requests")


if __name__ == "__main__":
    main()
