"""Every route of the services says what it answers, under an operation id of its own, and how it refuses."""

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from alerts.api import router as alerts_router
from analytics import rates
from analytics.api import routes as analytics_routes
from analytics.settings import Settings as AnalyticsSettings
from billing_sync import bootstrap as billing_root
from billing_sync.settings import Settings as BillingSettings
from customer_profile.api import router as profile_router
from gateway import bootstrap as gateway_root
from gateway.settings import Settings as GatewaySettings
from manager_work.api import router as work_router
from servicekit.memory_store import MemoryDocuments
from servicekit.routes import Router
from servicekit.service import Service
from servicekit.settings import ServiceSettings

NAMES = ("gateway", "billing-sync", "customer-profile", "alerts", "manager-work", "analytics", "analytics-rates")
#: what is no JSON: text, streams and files
_PLAIN = {
    "text/plain",
    "text/csv",
    "text/event-stream",
    "text/tab-separated-values",
    "application/octet-stream",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_PASS = {"application/json", *_PLAIN}


def app_of(name: str, folder: Path) -> FastAPI:
    """A service's HTTP side; nothing is behind it."""
    common: dict[str, Any] = {"service_data": folder, "kafka": "-"}
    for_analytics: dict[str, Any] = {**common, "archive_dir": folder}
    nothing: Any = None
    if name == "gateway":
        return gateway_root.build(GatewaySettings(**common, peers={})).asgi()
    if name == "billing-sync":
        return billing_root.build(BillingSettings(**common, boss_dir=folder)).asgi()
    if name == "analytics-rates":
        return rates.build(AnalyticsSettings(**for_analytics)).asgi()
    routers: dict[str, Any] = {
        "alerts": lambda: alerts_router(MemoryDocuments(), nothing, nothing, None),
        "customer-profile": lambda: profile_router(nothing, None),
        "manager-work": lambda: work_router(MemoryDocuments(), nothing, nothing, None),
        "analytics": lambda: analytics_routes(nothing, nothing, nothing, nothing, AnalyticsSettings(**for_analytics)),
    }
    service = Service(name, ServiceSettings(**common))
    service.routers.append(routers[name]())
    return service.asgi()


def faults(document: dict[str, Any]) -> list[str]:
    """What is missing from an OpenAPI document."""
    found, seen = [], set()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            name, answers = operation["operationId"], operation["responses"]
            if not name.isidentifier() or name in seen:
                found.append(f"{method} {path}: operation id {name!r} is not its own")
            seen.add(name)
            ((status, answer),) = [found for found in answers.items() if found[0] < "4"]
            content = answer.get("content", {})
            if (
                bool(content) == (status in ("204", "303"))
                or not content.keys() <= _PASS
                or not all(map(_is_typed, content.items()))
            ):
                found.append(f"{method} {path}: does not say what it answers")
            for status in ("4XX", "5XX"):
                refusal = (
                    answers.get(status, {}).get("content", {}).get("application/problem+json", {}).get("schema", {})
                )
                if not refusal.get("$ref", "").endswith("/ProblemBody"):
                    found.append(f"{method} {path}: does not say how it refuses ({status})")
    return found


def _is_typed(content: tuple[str, dict[str, Any]]) -> bool:
    media, schema = content[0], content[1].get("schema", {})
    kinds = (schema, schema.get("items", {}), *schema.get("anyOf", []))
    return media in _PLAIN or any("$ref" in kind for kind in kinds)


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_is_typed(name: str, tmp_path: Path) -> None:
    found = faults(app_of(name, tmp_path).openapi())
    assert found == []


def test_routes_are_built_once(tmp_path: Path) -> None:
    service = Service("some", ServiceSettings(service_data=tmp_path, kafka="-"))
    nothing: Any = None
    service.routers.append(work_router(MemoryDocuments(), nothing, nothing, None))
    assert {id(route) for route in service.routers[0].routes} < {id(route) for route in service.asgi().routes}


def test_a_route_without_a_model_is_named(tmp_path: Path) -> None:
    service = Service("some", ServiceSettings(service_data=tmp_path, kafka="-"))
    router = Router()

    @router.get("/v1/untyped", name="list untyped")
    async def untyped() -> dict[str, Any]:
        return {}

    service.routers.append(router)
    assert faults(service.asgi().openapi()) == [
        "get /v1/untyped: operation id 'list untyped' is not its own",
        "get /v1/untyped: does not say what it answers",
    ]
