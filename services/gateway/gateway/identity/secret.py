"""Random secrets that are given out once, and what is kept of them."""

import secrets
from hashlib import sha256


def new_secret() -> str:
    """256 random bits, fit for a cookie and an address."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is kept of a secret: with so many random bits no salt and no slow hash is needed."""
    return sha256(secret.encode()).hexdigest()
