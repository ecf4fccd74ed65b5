"""The gateway before a service alerts that answers as told, with everything it was asked and wrote down."""

import json
from pathlib import Path
from typing import Any

import httpx

from gateway.bootstrap import build
from gateway.projection.follow import Projection
from gateway.settings import Settings
from servicekit.auth import issue_token
from servicekit.decision import Refused
from servicekit.memory_store import MemoryDocuments, MemoryStore

SECRET = "documents-secret-that-is-long-enough"
RULE = {"id": "drop-30", "version": 2, "state": "draft"}


class Alerts:
    """The service, as the gateway meets it; and the audit."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any, httpx.Headers]] = []
        self.query: dict[str, str] = {}
        self.audited: list[tuple[Any, ...]] = []
        self.answer: httpx.Response | Exception = httpx.Response(200, json=RULE, headers={"ETag": '"2"'})
        self.audit_works = True

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else None
        self.asked.append((request.method, request.url.path, body, request.headers))
        self.query = dict(request.url.params)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def audit(self, who: Any, action: str, object_: str, result: str, reason: str | None = None) -> None:
        if not self.audit_works:
            raise Refused("audit_unavailable", "不能审计", "no audit", 503)
        self.audited.append((who.subject, action, object_, result, reason))


def client_of(
    tmp_path: Path, alerts: Alerts, lists: Projection, role: str, scope: dict[str, Any] | None = None
) -> httpx.AsyncClient:
    (tmp_path / "secret").write_text(SECRET)
    settings = Settings(
        service_data=tmp_path, kafka="unused:1", secret_file=tmp_path / "secret", peers={"alerts": "http://alerts"}
    )
    service = build(
        settings,
        client=httpx.AsyncClient(transport=httpx.MockTransport(alerts)),
        audit=alerts.audit,
        projection=lists,
        documents=MemoryDocuments(MemoryStore()),
    )
    token = issue_token(SECRET, "li", role, **({} if scope is None else {"scope": scope}))
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(service.asgi()),
        base_url="http://gateway",
        headers={"authorization": f"Bearer {token}"},
    )
