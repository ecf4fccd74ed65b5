"""A collection as a stream of lines, for services only; a database that is away is a refusal, not half a stream."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from gateway.peers import Peers
from gateway.settings import Settings
from servicekit.auth import issue_token
from servicekit.export import export_routes
from servicekit.memory_store import MemoryDocuments, MemoryStore
from servicekit.service import Service
from servicekit.settings import ServiceSettings
from servicekit.store import Transient

SECRET = "a secret that is long enough for HS256"
STRANGE = {"id": "1", "name": 'a\nb\r\u2028\x85\x00"王'}


class Documents(MemoryDocuments):
    """``breaks_at``: the document at which the database is away."""

    breaks_at: int | None = None

    async def each(self, collection: str, *narrowed: Any, **ordered: Any) -> AsyncIterator[dict[str, Any]]:
        number = 0
        async for document in super().each(collection, *narrowed, **ordered):
            if number == self.breaks_at:
                raise Transient("away")
            number += 1
            yield document


@pytest.fixture
def documents() -> Documents:
    store = MemoryStore()
    many = {str(n): {"_id": str(n), "id": str(n), "n": n} for n in range(1200)}
    store.documents.update({"things": many, "strange": {"1": {"_id": "1", **STRANGE}}, "empty": {}})
    return Documents(store)


@pytest.fixture
async def service(documents: Documents, tmp_path: Path) -> httpx.ASGITransport:
    (tmp_path / "secret").write_text(SECRET)
    service = Service("things", ServiceSettings(service_data=tmp_path, kafka="-"))
    service.routers.append(export_routes(documents, ("things", "strange", "empty"), tmp_path / "secret"))
    return httpx.ASGITransport(service.asgi(), raise_app_exceptions=False)


@pytest.fixture
def peers(service: httpx.ASGITransport, tmp_path: Path) -> Peers:
    """As the gateway asks for them."""
    settings = Settings(
        service_data=tmp_path, kafka="-", secret_file=tmp_path / "secret", peers={"things": ("http://things",)}
    )
    return Peers(settings, httpx.AsyncClient(transport=service))


async def lines(peers: Peers, collection: str) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) async for line in peers.export("things", collection)]


async def test_every_document_once_whatever_is_in_it(peers: Peers) -> None:
    assert [document["n"] for document in await lines(peers, "things")] == list(range(1200))
    assert await lines(peers, "strange") == [STRANGE]
    assert await lines(peers, "empty") == []


async def test_a_database_that_is_away_is_no_end(peers: Peers, documents: Documents) -> None:
    for breaks_at in (0, 700):
        documents.breaks_at = breaks_at
        with pytest.raises(Exception, match=r"503|broke off"):
            await lines(peers, "things")


@pytest.mark.parametrize("role", ["administrator", "operations", "manager", "integrator"])
async def test_people_get_none(service: httpx.ASGITransport, role: str) -> None:
    async with httpx.AsyncClient(transport=service, base_url="http://things") as client:
        for token, status in ((issue_token(SECRET, "li", role), 403), ("", 401)):
            answer = await client.get("/internal/export/things", headers={"authorization": f"Bearer {token}"})
            assert answer.status_code == status
        service_token = issue_token(SECRET, "gateway", "service")
        answer = await client.get("/internal/export/users", headers={"authorization": f"Bearer {service_token}"})
        assert answer.status_code == 404
