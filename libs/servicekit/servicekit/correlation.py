"""The number by which a request is found again: in its refusal, in the logs and in the audit."""

import re
import secrets
from contextvars import ContextVar

HEADER = "Kam-Correlation-Id"
_TOLD = re.compile(r"[A-Za-z0-9-]{8,64}")
_current: ContextVar[str] = ContextVar("correlation_id", default="")


def begin(told: str | None = None) -> None:
    """A request begins, with the number that its caller has given it or one of its own."""
    _current.set(told if told is not None and _TOLD.fullmatch(told) else secrets.token_hex(8))


def current() -> str:
    """The number of the request at hand; of what nobody asked for a new one."""
    return _current.get() or secrets.token_hex(8)
