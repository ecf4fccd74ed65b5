"""A fake instance: a data directory as `kam up` leaves it, held by a lock, and HTTP services that follow a script."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kam.instance import SERVICES, layout, locked

Reply = tuple[int, Any] | tuple[int, Any, dict[str, str]]


class Request:
    """What a fake service was asked."""

    def __init__(self, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        address = urlsplit(target)
        self.method, self.path, self.headers, self.raw = method, address.path, headers, body
        self.query = {name: values[0] for name, values in parse_qs(address.query).items()}

    @property
    def body(self) -> Any:
        return json.loads(self.raw) if self.raw else None


class FakeInstance:
    """Routes ``"METHOD /path"`` to replies; remembers every request."""

    def __init__(self, data: Path) -> None:
        self.data, self.requests = data, list[Request]()
        self.routes: dict[str, Callable[[Request], Reply] | Reply] = {"GET /v1/wait": (200, {"settled": True})}

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        reply = self.routes.get(f"{request.method} {request.path}", (404, {"detail": "没有 / nothing here"}))
        return reply(request) if callable(reply) else reply

    def asked(self, route: str) -> list[Request]:
        return [r for r in self.requests if f"{r.method} {r.path}" == route]


def _handler(fake: FakeInstance) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            reply = fake.answer(Request(self.command, self.path, dict(self.headers), body))
            raw = json.dumps(reply[1]).encode()
            self.send_response(reply[0])
            for name, value in (reply[2] if len(reply) == 3 else {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PUT = do_DELETE = _answer

        def log_message(self, format: str, *args: Any) -> None:
            return

    return Handler


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeInstance]:
    instance = FakeInstance(tmp_path / "kam")
    place = layout(instance.data)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(instance))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    with locked(place) as free:
        assert free
        place.create()
        description = {
            "gateway": url,
            "billing_sync": url,
            "kafka": "127.0.0.1:1",
            "inbox": str(place.inbox),
            "secret_file": str(place.secret),
            "boss_control": url,
            "peers": dict.fromkeys(SERVICES, url),
        }
        place.description.write_text(json.dumps(description))
        yield instance
    server.shutdown()
    server.server_close()


class Outcome:
    """What a command left behind."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Kam = Callable[..., Outcome]


@pytest.fixture
def kam(fake: FakeInstance, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Kam:
    """Runs ``kam WORDS… --data DIR`` in this process."""
    from kam import cli

    def run(*words: object) -> Outcome:
        monkeypatch.setattr("sys.argv", ["kam", *map(str, words), "--data", str(fake.data)])
        status: Any = 0
        try:
            cli.main()
        except SystemExit as end:
            status = end.code
        out, err = capfd.readouterr()
        return Outcome(int(status or 0), out, err)

    return run
