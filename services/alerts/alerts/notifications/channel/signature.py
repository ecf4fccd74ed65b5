"""What proves that a request over HTTP comes from who shares a secret with us, and was not changed or kept on the way:
HMAC-SHA256 over its time and its body. Both sides sign so, our orders and the provider's callbacks. Pure.
"""

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from servicekit.decision import Refused

#: seconds since 1970; hexadecimal digits
TIMESTAMP, SIGNATURE = "Sms-Timestamp", "Sms-Signature"
#: seconds that a request is older or younger than our clock at most
WINDOW = 300
_LONGEST = 16


def sign(secret: bytes, timestamp: str, body: bytes) -> str:
    """The signature of ``<timestamp>.<body>``, in hexadecimal digits."""
    return hmac.digest(secret, timestamp.encode() + b"." + body, "sha256").hex()


def check_time(headers: Mapping[str, str], now: datetime) -> None:
    """Whether it is worth reading the body. Raises ``Refused`` (401): not signed, too old, or from the future."""
    timestamp = headers.get(TIMESTAMP, "")
    if not headers.get(SIGNATURE) or not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < _LONGEST):
        raise _refused("not_signed", f"缺少 {TIMESTAMP} 或 {SIGNATURE}", f"{TIMESTAMP} or {SIGNATURE} is missing")
    if abs(now.timestamp() - int(timestamp)) > WINDOW:
        zh, en = "请对准时钟，用当前时间重新签名", "set the clock and sign it anew with the time it is"
        raise _refused("stale_signature", f"签名时间相差超过 {WINDOW} 秒；{zh}", f"signed over {WINDOW} s away: {en}")


def check(secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes) -> None:
    """Raises ``Refused`` (401): signed with none of our secrets, or changed on the way."""
    given = headers.get(SIGNATURE, "").lower().encode("ascii", "replace")
    timestamp = headers.get(TIMESTAMP, "")
    # Each is tried, so that how long it takes says nothing.
    found = [hmac.compare_digest(sign(secret, timestamp, body).encode(), given) for secret in secrets]
    if not any(found):
        raise _refused("wrong_signature", "签名不对；请核对密钥和签名方法", "the signature is wrong: check the secret")


def _refused(code: str, zh: str, en: str) -> Refused:
    return Refused(code, zh, en, 401)
