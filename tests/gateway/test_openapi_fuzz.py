"""Schemathesis over the whole OpenAPI document of the gateway, which runs as a server with a province behind it: no
request that the document allows, or forbids, makes it fail, and every answer is one that the document tells of."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CHECKS

from harness.asked import METHODS
from harness.people import SECRET, gateway
from harness.two_worlds import EVERYTHING, Services, told
from harness.waiting import until
from servicekit.auth import issue_token

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
EXAMPLES = 6
#: what is in the document and no request with an answer
_ENDLESS = "text/event-stream"
#: said when a service behind is away, or busy: no fault of the request
_REFUSED = (503, 504)
_NAMES = ("status_code_conformance", "content_type_conformance", "response_schema_conformance")


class Served:
    """A gateway before a province, served on a port in a thread of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.url, self.document = folder, "", dict[str, Any]()
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def start(self) -> None:
        self._thread.start()
        until(lambda: bool(self.url), timeout=60)

    def stop(self) -> None:
        assert self._server is not None
        self._server.should_exit = True
        self._thread.join(20)

    async def _serve(self) -> None:
        services = Services(EVERYTHING)
        async with gateway(self.folder, answer=services.answer, told=told(EVERYTHING)) as house:
            self.document = house.app.openapi()
            config = uvicorn.Config(house.app, port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
            self._server = uvicorn.Server(config)
            serving = asyncio.ensure_future(self._server.serve())
            while not self._server.started:
                await asyncio.sleep(0.01)
            (port,) = (s.getsockname()[1] for server in self._server.servers for s in server.sockets)
            self.url = f"http://127.0.0.1:{port}"
            await serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = Served(tmp_path_factory.mktemp("gateway"))
    made.start()
    yield made
    made.stop()


def _has_an_end(operation: Any) -> bool:
    answers = operation.definition.raw["responses"].values()
    return not any(_ENDLESS in answer.get("content", {}) for answer in answers)


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
@pytest.mark.parametrize(
    ("role", "subject", "scope"), [("administrator", "X0001", {}), ("head", "H0001", {"units": ["U11"]})]
)
def test_every_answer_is_one_that_the_document_tells_of(
    served: Served, role: str, subject: str, scope: dict[str, Any], mode: schemathesis.GenerationMode
) -> None:
    schema = schemathesis.openapi.from_dict(served.document)
    headers = {"authorization": f"Bearer {issue_token(SECRET, subject, role, scope=scope)}"}
    checks = CHECKS.get_by_names(_NAMES)
    found = [result.ok() for result in schema.get_all_operations()]
    answered: set[int] = set()
    for operation in sorted(found, key=lambda operation: METHODS.index(operation.method.lower())):
        if not _has_an_end(operation):
            continue

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode))
        def asked(case: Any) -> None:
            answer = case.call(base_url=served.url, headers=headers, timeout=60)
            answered.add(answer.status_code)
            assert answer.status_code < 500 or answer.status_code in _REFUSED, (case.as_curl_command(), answer.text)
            case.validate_response(answer, checks=checks)

        with contextlib.suppress(Unsatisfiable):  # nothing of this request can be wrong
            asked()
    assert 200 in answered and 422 in answered
