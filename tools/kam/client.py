"""Calls to a running instance: bearer token, JSON in and out, every failure as one clear sentence in two languages.

Standard library only: a command that asks one question must answer in a third of a second.
"""

from __future__ import annotations

import base64
import contextlib
import getpass
import hashlib
import hmac
import json
import os
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from kam.failure import Failed, Misused
from kam.instance import require

__all__ = ["Answer", "Client", "Failed", "issue_token", "segment"]

TIMEOUT = 30.0
_MISUSE = (400, 422)


class Answer:
    """An HTTP answer: status, headers and body as JSON (``None`` when there is none)."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self._headers = {name.lower(): value for name, value in headers.items()}
        self.data: Any = None
        if body:
            try:
                self.data = json.loads(body)
            except ValueError:
                self.data = body.decode("utf-8", "replace")

    def header(self, name: str) -> str | None:
        """A header, however it is written."""
        return self._headers.get(name.lower())

    def problem(self) -> tuple[str, str]:
        """What the service says is wrong, (zh, en)."""
        data = self.data if isinstance(self.data, dict) else {}
        if "zh" in data and "en" in data:
            return str(data["zh"]), str(data["en"])
        detail = data.get("detail", self.data)
        if not isinstance(detail, str):
            detail = json.dumps(detail, ensure_ascii=False)
        zh, slash, en = detail.partition(" / ")
        return (zh, en) if slash else (f"HTTP {self.status}：{detail}", f"HTTP {self.status}: {detail}")


def issue_token(secret: str, subject: str, role: str, hours: int = 1, scope: Mapping[str, Any] | None = None) -> str:
    """A bearer token as ``servicekit.auth.issue_token`` makes it (HS256, RFC 7515), without its slow imports."""
    now = int(time.time())
    claims = {"sub": subject, "role": role, "iss": "kam", "iat": now, "exp": now + hours * 3600}
    if scope is not None:
        claims["scope"] = scope
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    signature = hmac.digest(secret.encode(), signed.encode(), hashlib.sha256)
    return f"{signed}.{_base64(signature)}"


def _part(value: Mapping[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Client:
    """The services of one running instance. ``description`` is what ``kam.instance.require`` gives."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        self.description = description
        self.subject = f"cli:{_user()}"
        self._secret = Path(description["secret_file"]).read_text(encoding="utf-8").strip()

    @classmethod
    def of(cls, data: Path | None) -> Client:
        """Client of the instance under ``data``. Raises ``NotRunning``."""
        return cls(require(data))

    def token(
        self, role: str, subject: str | None = None, hours: int = 1, scope: Mapping[str, Any] | None = None
    ) -> str:
        """A bearer token of this instance, with ``scope`` for a part of the province."""
        return issue_token(self._secret, subject or self.subject, role, hours, scope)

    def get(self, service: str, path: str, *, timeout: float = TIMEOUT, **query: Any) -> Any:
        """Body of a successful GET; empty query values are left out. Raises ``Failed``."""
        given = {name: value for name, value in query.items() if value is not None}
        full = f"{path}?{urlencode(given)}" if given else path
        return self.checked(self.call("GET", service, full, timeout=timeout))

    def send(self, method: str, service: str, path: str, body: Any = None, *, subject: str | None = None) -> Any:
        """Body of a successful POST or PUT of JSON. Raises ``Failed``."""
        raw = json.dumps(body, ensure_ascii=False).encode() if body is not None else None
        return self.checked(self.call(method, service, path, raw, subject=subject))

    @staticmethod
    def checked(answer: Answer) -> Any:
        """The body of a good answer. Raises ``Failed`` for any other."""
        if answer.status < 300:
            return answer.data
        raise Failed(*answer.problem(), status=2 if answer.status in _MISUSE else 1)

    def call(
        self,
        method: str,
        service: str,
        path: str,
        body: bytes | None = None,
        *,
        content_type: str = "application/json",
        role: str | None = None,
        subject: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
        patience: float = 0.0,
    ) -> Answer:
        """One request, whatever its answer. Raises ``Failed`` when nothing answers for ``patience`` seconds.

        Only calls that may be repeated should be patient. The default role is an administrator's at the gateway and
        the platform's own (``service``) elsewhere.
        """
        deadline = time.monotonic() + patience
        while True:
            try:
                return self._call(method, service, path, body, content_type, role, subject, headers or {}, timeout)
            except Failed:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.3)

    def _call(
        self,
        method: str,
        service: str,
        path: str,
        body: bytes | None,
        content_type: str,
        role: str | None,
        subject: str | None,
        more: Mapping[str, str],
        timeout: float,
    ) -> Answer:
        address = urlsplit(self._url(service))
        role = role or ("administrator" if service == "gateway" else "service")
        headers = {"Authorization": f"Bearer {self.token(role, subject)}", "Connection": "close", **more}
        if body is not None:
            headers["Content-Type"] = content_type
        connection = HTTPConnection(address.hostname or "", address.port, timeout=timeout)
        try:
            # A service that refuses a body (413) answers before it has read it.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, dict(response.headers.items()), response.read())
        except (OSError, HTTPException) as error:
            raise Failed(
                f"{service} 没有应答（{address.netloc}：{error!r}）；看 kam status",
                f"{service} does not answer ({address.netloc}: {error!r}); see kam status",
            ) from error
        finally:
            connection.close()

    def _url(self, service: str) -> str:
        if service == "boss":
            return str(self.description["boss_control"])
        return str(self.description["peers"][service])


def _user() -> str:
    """Name of who calls; the number where a container's user has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # KeyError until Python 3.12, OSError from 3.13
        return str(os.getuid())


def segment(text: str) -> str:
    """An id as one segment of a path."""
    if text in ("", ".", ".."):
        raise Misused(f"编号不能是 {text!r}", f"an id can't be {text!r}")
    return quote(text, safe="")
