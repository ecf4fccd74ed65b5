"""Random secrets that are given out once, and what is kept of them."""

import hmac
import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path

import msgspec


def new_secret() -> str:
    """256 random bits, fit for a cookie and an address."""
    return secrets.token_urlsafe(32)


def secret_of(secret_file: Path | None, *parts: str) -> str:
    """The same for whoever asks with the same parts, and for nobody without the secret of this instance, which is
    there: the guard has just read it."""
    key = b"" if secret_file is None else secret_file.read_bytes().strip()
    made = hmac.digest(key, msgspec.json.encode(parts), "sha256")
    return urlsafe_b64encode(made).rstrip(b"=").decode()


def digest(secret: str) -> str:
    """What is kept of a secret: with so many random bits no salt and no slow hash is needed."""
    return sha256(secret.encode()).hexdigest()
