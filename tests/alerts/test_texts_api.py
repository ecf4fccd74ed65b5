"""Texts and policy over HTTP: the life of a text, a preview, and that a policy always stands."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from alerts import bootstrap
from alerts.settings import Settings
from harness.typed_answers import TypedAnswers
from servicekit.auth import issue_token
from servicekit.memory_store import MemoryDocuments, MemoryStore

SECRET = "texts-secret-that-is-long-enough-32"
WHY = {"why": "措辞"}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    (tmp_path / "secret").write_text(SECRET)
    settings = Settings(
        service_data=tmp_path,
        kafka="nowhere:1",
        sms_transport="file",
        environment="demo",
        secret_file=tmp_path / "secret",
    )
    memory = {name: lambda *_: MemoryStore() for name in ("detection_stores", "notification_stores")}
    service = bootstrap.build(settings, rows=MemoryDocuments(MemoryStore()), **memory)  # type: ignore[arg-type]
    headers = {"authorization": f"Bearer {issue_token(SECRET, 'li', 'service')}"}
    async with httpx.AsyncClient(
        transport=TypedAnswers(service.asgi()), base_url="http://alerts", headers=headers
    ) as client:
        for prepare in service.prepare:
            await prepare()
        yield client


async def test_the_life_of_a_text(client: httpx.AsyncClient) -> None:
    texts = {text["id"]: text for text in (await client.get("/v1/templates")).json()}
    assert len(texts) == 13 and {text["state"] for text in texts.values()} == {"active"}
    document = texts["arrears-reminder"]["document"]
    words = {**document, "zh": document["zh"].replace("请尽快缴费", "请于三日内缴费")}
    match = {"If-Match": '"1"'}
    saved = await client.put("/v1/templates/arrears-reminder", json={"document": words, **WHY}, headers=match)
    assert (saved.status_code, saved.json()["state"], saved.json()["version"]) == (200, "draft", 2)
    sentences = (await client.get("/v1/templates/arrears-reminder/difference", params={"before": 1, "after": 2})).json()
    assert [sentence["field"] for sentence in sentences] == ["zh"]
    bad = await client.put(
        "/v1/templates/arrears-reminder", json={"document": {**words, "en": "{x}"}, **WHY}, headers={"If-Match": '"2"'}
    )
    assert (bad.status_code, bad.json()["field"]) == (422, "en") and bad.json()["faults"]


async def test_a_preview_keeps_nothing(client: httpx.AsyncClient) -> None:
    document = (await client.get("/v1/templates/arrears-reminder")).json()["document"]
    shown = await client.post("/v1/templates/preview", json={"document": document, "values": {"debt": "9.50"}})
    assert shown.status_code == 200 and "9.50" in shown.json()["zh"]["text"] and shown.json()["en"]["segments"] == 1
    bad = await client.post("/v1/templates/preview", json={"document": {**document, "zh": "【x】{debt}{name}{"}})
    assert (bad.status_code, bad.json()["field"]) == (422, "zh")
    for strange in ('{"id": NaN}', '{"zh": "\\ud800"}', '{"a": ' * 30 + "1" + "}" * 30):
        headers = {"content-type": "application/json"}
        answer = await client.post("/v1/templates/preview", content=f'{{"document": {strange}}}', headers=headers)
        assert answer.status_code == 422 and answer.json()["zh"]
    assert len((await client.get("/v1/templates")).json()) == 13


async def test_a_policy_always_stands(client: httpx.AsyncClient) -> None:
    (policy,) = (await client.get("/v1/policies")).json()
    assert (policy["id"], policy["state"], policy["opt_in"]) == ("sms", "active", ["DY", "订阅"])
    refused = await client.post("/v1/policies/sms/stop", json=WHY)
    assert (refused.status_code, refused.json()["error"]) == (409, "always_in_force")
    changed = {"document": {**policy["document"], "rate_per_second": 100}, **WHY}
    match = {"If-Match": f'"{policy["version"]}"'}
    saved = await client.put("/v1/policies/sms", json=changed, headers=match)
    assert (saved.json()["version"], saved.json()["rate_per_second"]) == (policy["version"] + 1, 100)


async def test_what_can_be_stopped_is_what_there_is(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/stops", json={"what": "template/arrears-remainder", **WHY})
    assert answer.status_code == 422 and "template/arrears-reminder" in answer.json()["en"]
    for what, there in (("channel/smpp", "channel/file"), ("kind/x", "kind/arrears"), ("rule/x", "rule/drop-30")):
        answer = await client.post("/v1/stops", json={"what": what, **WHY})
        assert answer.status_code == 422 and there in answer.json()["zh"]
