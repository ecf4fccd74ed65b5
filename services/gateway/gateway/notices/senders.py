"""Brings a message out of the house: by mail over SMTP, or to a WeCom group by its robot's webhook.

Whoever does not answer is tried again later (``Passing``), whoever refuses for good is not (``Refusal``). An answer
that was lost counts as passing: the message may be there already and comes again, which is better than an urgent alert
that nobody hears of. A mail keeps its Message-ID then, so that a mailbox can tell.
"""

import asyncio
from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Protocol

import aiosmtplib
import httpx
import msgspec

from gateway.notices.text import Text
from servicekit.clock import SystemClock, system_now

#: a try takes no longer, whoever is at the other end
SECONDS = 45.0
_STEP_SECONDS, _MOST_ANSWER = 20.0, 65_536
#: of a robot: it is being called too often, or WeCom is busy
_PASSING_CODES = frozenset((-1, 45009, 45033))


class Passing(Exception):
    """It did not work just now; a code of ``REASONS`` says why."""


class Refusal(Exception):
    """It will not work however often it is tried."""


#: why a notice did not get out: Chinese and English
REASONS: Mapping[str, tuple[str, str]] = {
    "no_answer": ("对方没有应答，会再试", "no answer; tried again"),
    "busy": ("对方暂时不收，会再试", "not taken just now; tried again"),
    "mail_server": (
        "邮件服务器拒绝了平台，请联系管理员",
        "the mail server refuses the platform; tell an administrator",
    ),
    "address_refused": ("邮箱地址被拒收，请核对", "the mail address is refused; check it"),
    "mail_refused": ("邮件被拒收", "the mail server refuses the message"),
    "webhook_refused": ("机器人地址被拒绝，请重新粘贴", "the robot's address is refused; paste it anew"),
    "no_destination": ("没有可用的邮箱或机器人地址", "there is no address to send it to"),
    "not_allowed": ("这个地址或方式已不再允许", "this address or channel is no longer allowed"),
    "gave_up": ("多次未能送达，已放弃", "given up after several tries"),
    "nothing_left": (
        "发送前都已处理，或已不在你的范围",
        "all was taken in hand, or left your scope, before it was sent",
    ),
    "switched_off": ("发送前已关闭", "switched off before it was sent"),
    "no_account": ("账号已停用", "the account is disabled"),
    "error": ("平台内部错误，会再试", "a fault of the platform; tried again"),
}


class Sender(Protocol):
    """Sends one message to one destination. Raises ``Passing`` and ``Refusal``."""

    async def __call__(self, to: str, text: Text, id: str) -> None: ...


class MailServer(NamedTuple):
    """How mails get out. ``tls``: ``starttls``, ``tls`` or ``none``."""

    host: str
    port: int
    sender: str
    tls: str
    user: str | None = None
    password_file: Path | None = None


class Mail:
    """Mails by the company's server."""

    def __init__(self, server: MailServer, clock: SystemClock = system_now) -> None:
        self._server, self._clock = server, clock

    async def __call__(self, to: str, text: Text, id: str) -> None:
        server = self._server
        try:
            password = None if server.password_file is None else server.password_file.read_text(encoding="utf-8")
            async with asyncio.timeout(SECONDS):
                await aiosmtplib.send(
                    self._message(to, text, id),
                    sender=server.sender,
                    recipients=[to],
                    hostname=server.host,
                    port=server.port,
                    use_tls=server.tls == "tls",
                    start_tls=server.tls == "starttls",
                    username=server.user,
                    password=None if password is None else password.strip(),
                    timeout=_STEP_SECONDS,
                )
        except aiosmtplib.SMTPRecipientsRefused as error:
            _refused("address_refused", max(each.code for each in error.recipients))
        except (aiosmtplib.SMTPAuthenticationError, aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPNotSupported) as error:
            raise Passing("mail_server") from error
        except aiosmtplib.SMTPDataError as error:
            _refused("mail_refused", error.code)
        except aiosmtplib.SMTPResponseException as error:
            raise Passing("busy") from error
        except (aiosmtplib.SMTPException, OSError, UnicodeError, TimeoutError) as error:
            raise Passing("no_answer") from error

    def _message(self, to: str, text: Text, id: str) -> EmailMessage:
        user, _, domain = self._server.sender.rpartition("@")
        message = EmailMessage()
        message["From"] = Address("kam", user, domain)
        message["To"] = to
        message["Subject"] = text.subject
        message["Date"] = format_datetime(self._clock())
        message["Message-ID"] = f"<{sha256(id.encode()).hexdigest()[:32]}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text.body)
        return message


class WeCom:
    """A WeCom group by its robot. What it is sent is text, so that nothing in it can mean more."""

    def __init__(self, client: httpx.AsyncClient | None = None) -> None:
        # One that answers us with another address, or without end, gets no further.
        self._client = client or httpx.AsyncClient(timeout=_STEP_SECONDS, follow_redirects=False)

    async def __call__(self, to: str, text: Text, id: str) -> None:
        body = {"msgtype": "text", "text": {"content": text.short}}
        try:
            async with asyncio.timeout(SECONDS), self._client.stream("POST", to, json=body) as answer:
                said = await _at_most(answer, _MOST_ANSWER)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            # The URL is a secret, and the error may hold it.
            raise Passing("no_answer") from error
        if answer.status_code == 429 or answer.status_code >= 500:
            raise Passing("busy")
        if answer.status_code != 200:
            raise Refusal("webhook_refused")
        code = _code(said)
        if code is None:  # not WeCom's: a proxy on the way
            raise Passing("no_answer")
        if code in _PASSING_CODES:
            raise Passing("busy")
        if code != 0:
            raise Refusal("webhook_refused")

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.aclose()


async def _at_most(answer: httpx.Response, most: int) -> bytes:
    found = b""
    async for part in answer.aiter_bytes():
        found += part
        if len(found) > most:
            break
    return found[:most]


def _code(said: bytes) -> int | None:
    """WeCom's word for what became of it, 0: well."""
    try:
        found = msgspec.json.decode(said)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    code = found.get("errcode") if isinstance(found, dict) else None
    return code if type(code) is int else None


def _refused(reason: str, code: int) -> None:
    """4xx: not now, 5xx: not at all."""
    if code >= 500:
        raise Refusal(reason)
    raise Passing("busy")
