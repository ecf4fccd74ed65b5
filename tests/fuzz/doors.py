"""What fuzzers share: a fault that names what brought it, a request as a server hands it over, running by hand."""

import argparse
import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import structlog

EXPLAINED = (502, 503, 504)


class Fault(AssertionError):
    """What must never be seen, with the input that brought it."""


async def ask(app: Any, request: dict[str, Any], personal: str) -> tuple[int, bytes]:
    """Status and body of one request. Raises ``Fault`` where it breaks the app or is refused without a reason."""
    pieces, got = list(request["body"]), bytearray()
    status = 0

    async def receive() -> dict[str, Any]:
        if not pieces:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)
        got.extend(message.get("body", b""))

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": "",
        "method": request["method"], "raw_path": request["path"].encode("ascii"), "path": unquote(request["path"]),
        "query_string": request["query"], "headers": request["headers"],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    about = {**request, "body": [piece[:200] for piece in request["body"][:2]], "query": request["query"][:200]}
    try:
        await app(scope, receive, send)
    except Exception as error:
        raise Fault(f"{about} -> {error!r}") from error
    if status >= 500 and status not in EXPLAINED:
        raise Fault(f"{about} -> {status} {got[:300]!r}")
    if status >= 400:
        _must_be_a_reason(about, status, bytes(got), personal)
    return status, bytes(got)


def _must_be_a_reason(about: Any, status: int, body: bytes, personal: str) -> None:
    try:
        problem = json.loads(body)
        good = problem["error"] and problem["zh"] and problem["en"]
    except (ValueError, KeyError, TypeError):
        good = False
    if not good:
        raise Fault(f"{about} -> {status} without a reason: {body[:300]!r}")
    if personal in json.dumps(problem, ensure_ascii=False):
        raise Fault(f"{about} -> {status} repeats personal data: {body[:300]!r}")


def by_hand(fuzz: Callable[[int], Awaitable[Counter[Any]]], about: str | None, counted: str) -> None:
    """Entry point by hand: one seed after the other until the time is over."""
    options = argparse.ArgumentParser(description=about)
    options.add_argument("--seconds", type=float, default=30)
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    until, total, seed = time.monotonic() + asked.seconds, Counter[Any](), asked.seed

    async def one(seed: int) -> Counter[Any]:
        return await fuzz(seed)

    while time.monotonic() < until:
        total += asyncio.run(one(seed))
        seed += 1
    outcomes = {str(name): n for name, n in sorted(total.items(), key=lambda item: str(item[0]))}
    print(json.dumps({counted: total.total(), "seeds": seed - asked.seed, "outcomes": outcomes}))
