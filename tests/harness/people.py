"""A gateway in memory with accounts to sign in with, and browsers that do."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher

from gateway.bootstrap import build
from gateway.feeds.letters import Letters
from gateway.identity.passwords import Passwords
from gateway.settings import Settings
from harness.read_model import Log, following, reached, trail_of, until
from harness.typed_answers import TypedAnswers, routes_of
from servicekit.auth import issue_token
from servicekit.decision import Refused
from servicekit.envelope import Message
from servicekit.memory_store import MemoryDocuments, MemoryStore
from servicekit.service import Service
from servicekit.store import Documents

SECRET = "0123456789abcdef0123456789abcdef"
PASSWORD = "correct horse 电池"
NAMES = ("gateway", "billing-sync", "customer-profile", "alerts", "manager-work", "analytics")
PEOPLE = [
    {"staff_no": "M0001", "role": "manager", "name": "王芳", "unit_id": "U11", "manager_id": "M0001"},
    {"staff_no": "M0002", "role": "manager", "name": "李强", "unit_id": "U12", "manager_id": "M0002"},
    {"staff_no": "H0001", "role": "head", "name": "陈磊", "unit_id": "U11"},
    {"staff_no": "C0001", "role": "city_head", "name": "赵敏", "unit_id": "U1", "city": "320100"},
    {"staff_no": "A0001", "role": "analyst", "name": "孙丽", "unit_id": "U0"},
    {"staff_no": "O0001", "role": "operations", "name": "周杰", "unit_id": "U0"},
    {"staff_no": "X0001", "role": "administrator", "name": "吴静", "unit_id": "U0"},
]
#: argon2 with next to nothing to do
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Clock:
    """System time that moves when it is told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 6, 30, 2, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **time: float) -> None:
        self.now += timedelta(**time)


class Gateway:
    """A gateway process, what it audited, and the answers of the services behind it."""

    def __init__(self, service: Service, clock: Clock, audited: list[tuple[str | None, ...]], log: Log) -> None:
        self.app, self.clock, self.audited = service.asgi(), clock, audited
        self.log = log
        self.audit_works = True
        #: routes whose answers are ours, and not those of the services behind us
        self._own = {
            r.path for r in routes_of(self.app) if r.path.startswith(("/v1/session", "/v1/admin", "/internal"))
        }

    def browser(self, address: str = "10.0.0.1", base_url: str = "http://localhost:22000") -> httpx.AsyncClient:
        """A browser at our page: what it sends with every request of its own."""
        client = httpx.AsyncClient(transport=TypedAnswers(self.app, self._own, (address, 50000)), base_url=base_url)
        client.headers.update({"kam-request": "1", "origin": base_url, "sec-fetch-site": "same-origin"})
        return client

    async def signed_in(self, staff_no: str, password: str = PASSWORD) -> httpx.AsyncClient:
        """A browser in which this person has signed in."""
        browser = self.browser()
        answer = await browser.post("/v1/session", json={"staff_no": staff_no, "password": password})
        assert answer.status_code == 200, answer.text
        return browser

    def machine(self, role: str, subject: str = "robot", **claims: Any) -> httpx.AsyncClient:
        """A program with a bearer token."""
        client = httpx.AsyncClient(transport=TypedAnswers(self.app, self._own), base_url="http://localhost:22000")
        client.headers["authorization"] = f"Bearer {issue_token(SECRET, subject, role, **claims)}"
        return client


def _files(folder: Path, people: list[dict[str, str]] | None) -> dict[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    files = {"secret_file": folder / "secret"}
    files["secret_file"].write_text(SECRET)
    name = "first_password" if people is None else "demo_accounts"
    files[name] = folder / name
    accounts = [{"password": PASSWORD, **person} for person in people or ()]
    files[name].write_text(PASSWORD if people is None else json.dumps(accounts))
    return files


@contextlib.asynccontextmanager
async def gateway(
    folder: Path,
    documents: Documents | None = None,
    *,
    answer: Callable[[httpx.Request], httpx.Response] = lambda request: httpx.Response(200, json=[]),
    people: list[dict[str, str]] | None = PEOPLE,
    clock: Clock | None = None,
    told: Mapping[str, Sequence[Message]] | None = None,
    letters: Letters | None = None,
    provider: httpx.AsyncBaseTransport | None = None,
    **more: Any,
) -> AsyncIterator[Gateway]:
    """A gateway over these documents whose accounts have ``PASSWORD``; without ``people`` it is no demo. ``told``: by
    topic, what its read model has read."""
    clock = clock or Clock()
    settings = Settings(
        service_data=folder,
        kafka="unused:1",
        peers={name: f"http://{name}" for name in NAMES},
        **_files(folder, people),
        **more,
    )
    audited: list[tuple[str | None, ...]] = []
    made: Gateway | None = None

    async def audit(who: Any, action: str, object_: str, result: str, reason: str | None = None) -> None:
        if made is not None and not made.audit_works:
            raise Refused("audit_unavailable", "不能审计", "no audit", 503)
        audited.append((who.subject, action, object_, result, reason))

    async def ends(_: Any) -> dict[str, int]:
        return {}

    log = Log()
    async with following(folder / "lists", log) as lists:
        for topic, messages in (told or {}).items():
            log.put(topic, *messages)
        await until(lambda: reached(lists, log))
        trail = trail_of(folder, log)
        service = build(
            settings,
            client=httpx.AsyncClient(transport=httpx.MockTransport(answer)),
            audit=audit,
            ends=ends,
            projection=lists,
            trail=trail,
            letters=letters,
            documents=documents or MemoryDocuments(MemoryStore()),
            passwords=Passwords(QUICK),
            provider=provider,
            now=clock,
        )
        made = Gateway(service, clock, audited, log)
        jobs = [asyncio.ensure_future(job()) for job in (*service.jobs, trail.run)]
        try:
            await until(lambda: trail.as_of() is not None)
            yield made
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)


async def change_account(admin: httpx.AsyncClient, staff_no: str, version: int, **fields: Any) -> httpx.Response:
    """What is answered to somebody who changes these fields of an account that has this version."""
    before = (await admin.get(f"/v1/admin/users/{staff_no}")).json()
    body = {name: before[name] for name in ("name", "unit_id", "manager_id", "grants", "state")}
    return await admin.put(
        f"/v1/admin/users/{staff_no}",
        json={**body, "reason": "改", **fields},
        headers={"if-match": f'"{version}"'},
    )


@contextlib.asynccontextmanager
async def asked_by_token(
    folder: Path,
    behind: Any,
    told: Mapping[str, Sequence[Message]],
    own: Sequence[str],
    authorization: str,
    documents: Documents | None = None,
) -> AsyncIterator[httpx.AsyncClient]:
    """A client with this bearer token of a gateway whose read model has read this (``told``: by topic). ``behind``:
    ``answer`` of the services, ``audit`` and ``ends``; ``own``: routes whose answers are ours."""
    secret = folder / "secret"
    secret.write_text(SECRET)
    peers = {name: (f"http://{name}",) for name in ("alerts", "manager-work", "customer-profile", "billing-sync")}
    settings = Settings(service_data=folder, kafka="unused:1", secret_file=secret, peers=peers)
    log = Log()
    async with following(folder / "lists", log) as lists:
        for topic, messages in told.items():
            log.put(topic, *messages)
        await until(lambda: reached(lists, log))
        app = build(
            settings,
            client=httpx.AsyncClient(transport=httpx.MockTransport(behind.answer)),
            audit=behind.audit,
            ends=behind.ends,
            projection=lists,
            documents=documents or MemoryDocuments(MemoryStore()),
        ).asgi()
        async with httpx.AsyncClient(transport=TypedAnswers(app, own=own), base_url="http://gateway") as client:
            client.headers["authorization"] = authorization
            yield client
