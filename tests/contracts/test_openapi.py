"""Every route of the services says what it answers, under an operation id of its own, and how it refuses."""

from pathlib import Path
from typing import Any

import pytest

from alerts.api import router as alerts_router
from customer_profile.api import router as profile_router
from gateway import bootstrap as gateway_root
from gateway.settings import Settings as GatewaySettings
from manager_work.api import router as work_router
from servicekit.memory import MemoryRows
from servicekit.service import Service
from servicekit.settings import ServiceSettings


def described(name: str, folder: Path) -> dict[str, Any]:
    """The OpenAPI document of a service."""
    settings: dict[str, Any] = {"service_data": folder, "kafka": "-"}
    if name == "gateway":
        return gateway_root.build(GatewaySettings(**settings, peers={})).asgi().openapi()
    routers: dict[str, Any] = {
        "alerts": lambda: alerts_router(MemoryRows(), None),
        "customer-profile": lambda: profile_router(None, None),  # type: ignore[arg-type]
        "manager-work": lambda: work_router(MemoryRows(), None, None),  # type: ignore[arg-type]
    }
    service = Service(name, ServiceSettings(**settings))
    service.routers.append(routers[name]())
    return service.asgi().openapi()


@pytest.mark.parametrize("name", ["gateway", "alerts", "customer-profile", "manager-work"])
def test_every_answer_is_typed(name: str, tmp_path: Path) -> None:
    document = described(name, tmp_path)
    operations = [
        operation
        for path, methods in document["paths"].items()
        if path.startswith("/v1/")
        for operation in methods.values()
    ]
    assert operations and len({o["operationId"] for o in operations}) == len(operations)
    for operation in operations:
        assert all(step.isidentifier() for step in [operation["operationId"]])
        (good,) = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
        schema = good["content"]["application/json"]["schema"]
        assert "$ref" in schema or "$ref" in schema["items"], operation["operationId"]
        for refused in ("4XX", "5XX"):
            schema = operation["responses"][refused]["content"]["application/json"]["schema"]
            assert schema["$ref"].endswith("/ProblemBody")
