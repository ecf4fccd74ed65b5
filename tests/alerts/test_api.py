"""What alerts answers over HTTP is what its routes declare."""

from pathlib import Path
from typing import Any

import httpx
import msgspec

from alerts import rules
from alerts.api import router
from alerts.detection.handlers import HANDLERS
from alerts.detection.state import CustomerState
from harness.notifications_feed import Story
from harness.typed_answers import TypedAnswers
from servicekit.auth import issue_token
from servicekit.clock import EPOCH
from servicekit.decision import Context
from servicekit.envelope import Message
from servicekit.memory_store import MemoryDocuments, MemoryStore
from servicekit.service import Service
from servicekit.settings import ServiceSettings

SECRET = "a secret that is long enough for HS256"


async def test_lists_are_as_declared(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    story = Story().customer(city="320100", name="王芳")
    story.complains("2026-03-10")
    story.tick()
    story.send()
    seeds = {rule.id: msgspec.to_builtins(rule) for rule in rules.load().documents}
    kept = MemoryStore()
    kept.documents.update({**story.documents, "rules": seeds})

    async def send(customer_id: str, order: Message) -> Any:
        return story.command(order.type, order.data)

    async def detect(customer_id: str, order: Message) -> Any:
        state = CustomerState(customer_id) if customer_id == "c1" else None
        handle = HANDLERS[order.type][1]
        return handle(rules.load(), state, order.data, Context(EPOCH, "i", order.type, "c")).answer

    service = Service("alerts", ServiceSettings(service_data=tmp_path, kafka="-"))
    service.routers.append(router(MemoryDocuments(kept), detect, send, tmp_path / "secret"))
    async with httpx.AsyncClient(transport=TypedAnswers(service.asgi()), base_url="http://alerts") as client:
        client.headers["authorization"] = f"Bearer {issue_token(SECRET, 'li', 'service')}"
        (alert,) = (await client.get("/v1/alerts", params={"customer": story.customer_id})).json()
        (sms,) = (await client.get("/v1/sms", params={"alert": alert["alert_id"]})).json()
        assert sms["phone"] == "139****0001" and sms["parts"]
        assert (await client.get("/v1/sms/unknown")).json() == {"sms_unknown": 0, "receipts_unmatched": 0}
        assert (await client.get("/v1/alerts")).json() == [alert]
        assert (await client.get(f"/v1/alerts/{alert['alert_id']}")).json() == alert
        assert (await client.get(f"/v1/sms/{sms['sms_id']}")).json() == sms
        story.tick("2026-03-10T12:00")
        written = await client.post("/v1/customers/c1/sms", json={"text": "您好"}, headers={"Idempotency-Key": "k1"})
        assert written.json()["state"] == "queued" and story.states[-1] == "manual queued"
        assert (await client.post("/v1/customers/c1/sms", json={"text": ""})).status_code == 422
        told = (await client.get("/v1/customers/c1/why-not", params={"period": "202606"})).json()
        assert told["period"] == "202606" and {rule["verdict"] for rule in told["rules"]} == {"unknown"}
        assert (await client.get("/v1/customers/c2/why-not")).status_code == 404
        assert (await client.get("/v1/customers/c1/why-not", params={"period": "202613"})).status_code == 422
        stands = (await client.get("/v1/customers/c1/whynot", params={"period": "202606"})).json()
        assert {(each["rule"], each["period"], each["result"]) for each in stands} == {
            (rule, "202606", "unknown") for rule in seeds
        }
        one = (await client.get("/v1/customers/c1/whynot", params={"rule": "drop-30"})).json()
        assert [each["kind"] for each in one] == ["churn_warning"]
        unknown = await client.get("/v1/customers/c1/whynot", params={"rule": "silent"})
        assert (unknown.status_code, unknown.json()["error"]) == (404, "not_in_force"), "a draft is not in force"
        assert (await client.get("/v1/customers/c2/whynot")).status_code == 404
        figures = {figure["name"]: figure for figure in (await client.get("/v1/rules/figures")).json()}
        assert figures["usage.active_days"]["most"] == 31 and figures["bill.amount_fen"]["unit"] == "fen"
        for path in ("/v1/alerts/none", "/v1/sms/none", f"/v1/alerts/{sms['sms_id']}"):
            assert (await client.get(path)).status_code == 404
