"""Addresses of others that we send secrets or personal data to: over TLS, but on this very machine. Pure."""

from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator


def is_loopback(host: str) -> bool:
    """Whether a ``Host`` is this very machine."""
    name = (urlsplit(f"//{host}").hostname or "") if is_plain(host) else ""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def is_safe(address: str) -> bool:
    """Whether what is said there stays between two: https, or http on this very machine."""
    if not (is_plain(address) and " " not in address):
        return False
    parts = urlsplit(address)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.netloc)))


def is_plain(text: str) -> bool:
    """Whether it may be taken apart: no brackets but those of an address, nothing unprintable."""
    return text.isascii() and text.isprintable() and ("[" in text) == ("]" in text)


def _safe(text: str) -> str:
    if not is_safe(text) or "?" in text or "#" in text or urlsplit(text).username is not None:
        raise ValueError("must be an https address (http on this very machine alone), without account, ? and #")
    return text


SafeUrl = Annotated[str, AfterValidator(_safe)]
