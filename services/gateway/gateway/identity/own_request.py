"""Whether a request comes from our own pages, over a line that nobody reads along. Pure."""

from collections.abc import Mapping
from http import HTTPStatus

from servicekit.problem import Problem
from servicekit.urls import is_loopback, is_plain

#: what a script of our page sets, and no form or link of another site can
HEADER = "kam-request"
#: requests with these change nothing
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def check_origin(headers: Mapping[str, str]) -> None:
    """Raises ``Problem`` (403) where the browser says that a page of another site sent it."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site not in (None, "same-origin") or (origin is not None and not _is_of(origin, headers.get("host", ""))):
        raise _foreign()


def check_own(headers: Mapping[str, str]) -> None:
    """The same for what changes something on the strength of a cookie, which a browser sends along unasked: our own
    header must be there as well."""
    check_origin(headers)
    if headers.get(HEADER) != "1":
        raise _foreign()


def check_line(scheme: str, headers: Mapping[str, str]) -> bool:
    """Whether a cookie must be sent over TLS alone: everywhere but on this very machine. Raises ``Problem`` (403) where
    a password comes in over a network without it."""
    if scheme == "https":
        return True
    if is_loopback(headers.get("host", "")):
        return False
    raise Problem(
        HTTPStatus.FORBIDDEN,
        "tls_needed",
        "从别的机器登录须用 https",
        "signing in from another machine needs https",
    )


def _is_of(origin: str, host: str) -> bool:
    if not (is_plain(origin) and host):
        return False
    scheme, _, place = origin.partition("://")
    return scheme in ("http", "https") and place.lower() == host.lower()


def _foreign() -> Problem:
    return Problem(
        HTTPStatus.FORBIDDEN,
        "foreign_request",
        "请求不是由本站页面发出的",
        "the request was not sent by a page of this site",
    )
