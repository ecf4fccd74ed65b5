"""A mail server and a WeCom robot to send to: real ones, on loopback ports, that remember what they got."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP


class MailServer:
    """``answers``: what it says to the next messages instead of taking them; "" drops the line after having taken
    one. ``refused``: addresses that it knows nobody of."""

    def __init__(self) -> None:
        self.got: list[EmailMessage] = []
        self.to: list[str] = []
        self.answers: list[str] = []
        self.refused: set[str] = set()
        self.port = 0

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address in self.refused:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250") or not answer:
            made = message_from_bytes(envelope.original_content, _class=EmailMessage, policy=policy.default)
            assert isinstance(made, EmailMessage)
            self.got.append(made)
            self.to += envelope.rcpt_tos
        if not answer:
            server.transport.abort()
            await asyncio.sleep(0.05)
        return answer or "250 OK"

    @property
    def texts(self) -> list[str]:
        return [str(message.get_content()) for message in self.got]


@contextlib.asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    """One that listens."""
    made = MailServer()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(made, hostname="mail"), "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


class Robot:
    """``answers``: raw HTTP answers to the next requests; "" drops the line."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.answers: list[bytes] = []
        self.port = 0

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/cgi-bin/webhook/send?key=0123abcd-9999"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            self.got.append(head + await reader.readexactly(length))
            answer = self.answers.pop(0) if self.answers else said(b'{"errcode":0,"errmsg":"ok"}')
            writer.write(answer)
            await writer.drain()
        writer.close()


def said(body: bytes, status: bytes = b"200 OK", more: bytes = b"") -> bytes:
    """An answer of a robot."""
    return b"HTTP/1.1 %b\r\ncontent-length: %d\r\nconnection: close\r\n%b\r\n%b" % (status, len(body), more, body)


@contextlib.asynccontextmanager
async def robot() -> AsyncIterator[Robot]:
    """One that listens."""
    made = Robot()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
