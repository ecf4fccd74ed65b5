"""The links of the simulated SMSC: checks the bind's password and can cut a link at any moment.

smpp34.Server speaks the protocol, but accepts every bind and offers no way to cut a connection. So each ESME talks to a
relay in front of it, which reads the first PDU (the bind) and passes everything after it on untouched.
"""

from __future__ import annotations

import asyncio
import hmac
import socket
import struct

import smpp34
import structlog

log = structlog.get_logger()

#: sessions whose account is known after their end
_REMEMBERED = 10_000
_BINDS = (0x01, 0x02, 0x09)  # bind_receiver, bind_transmitter, bind_transceiver
_INVALID_COMMAND, _BIND_FAILED, _INVALID_PASSWORD = 0x03, 0x0D, 0x0E


class Link:
    """One ESME's connection; session and esme are known once the engine has taken the bind."""

    def __init__(self, esme_side: asyncio.StreamWriter, engine_side: asyncio.StreamWriter, system_id: str) -> None:
        self._sides = (esme_side, engine_side)
        self.system_id = system_id
        self.esme: asyncio.Future[smpp34.Esme] = asyncio.get_running_loop().create_future()
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def cut(self) -> None:
        """Reset both connections; what is on its way is lost."""
        for side in self._sides:
            side.transport.abort()


class Links:
    """Listens on host:port and relays to the engine on 127.0.0.1:engine_port."""

    def __init__(self, host: str, port: int, engine_port: int, system_id: str, password: str) -> None:
        self._host, self.port, self._engine_port = host, port, engine_port
        self._system_id, self._password = system_id, password
        self._server: asyncio.Server | None = None
        self._binding = asyncio.Lock()
        self._waiting: Link | None = None
        self._relays: set[asyncio.Task[None]] = set()
        self.by_session: dict[str, Link] = {}
        self._accounts: dict[str, str] = {}
        #: set whenever somebody who can take receipts is bound
        self.receiver_bound = asyncio.Event()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, self._host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.refuse_all()
        for relay in self._relays:
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    def refuse_all(self) -> None:
        """Listen no longer and cut all links."""
        if self._server is not None:
            self._server.close()
        self.cut_all()

    def bound(self, esme: smpp34.Esme) -> None:
        """The engine reports a bind; binds pass one at a time, so it is the one we wait for."""
        link, self._waiting = self._waiting, None
        if link is None or link.esme.done():
            log.warning("smsc.bind_without_link", session=esme.session_id)
            return
        self.by_session[esme.session_id] = link
        self._accounts[esme.session_id] = esme.system_id
        if len(self._accounts) > _REMEMBERED:
            del self._accounts[next(iter(self._accounts))]
        link.esme.set_result(esme)
        if esme.can_receive:
            self.receiver_bound.set()
        log.info("smsc.bound", system_id=esme.system_id, session=esme.session_id)

    def unbound(self, session_id: str) -> None:
        link = self.by_session.pop(session_id, None)
        if link is not None:
            link.gone.set_result(None)
        if not self.receivers():
            self.receiver_bound.clear()
        log.info("smsc.unbound", session=session_id)

    def account(self, session_id: str) -> str:
        """The system_id of a session, also of one that has ended: its last submits may still be decided on."""
        return self._accounts.get(session_id, "")

    def receivers(self, system_id: str | None = None) -> list[Link]:
        """Links whose ESME can take a deliver_sm, newest last."""
        links = self.by_session.values()
        return [link for link in links if link.esme.result().can_receive and system_id in (None, link.system_id)]

    def cut(self, session_id: str) -> None:
        if (link := self.by_session.get(session_id)) is not None:
            link.cut()

    def cut_all(self) -> int:
        for link in self.by_session.values():
            link.cut()
        return len(self.by_session)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._relay(reader, writer))
        self._relays.add(task)
        task.add_done_callback(self._relays.discard)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link: Link | None = None
        try:
            async with asyncio.timeout(30):  # the session_init timer of SMPP 3.4 §2.9
                length = await reader.readexactly(4)
                octets = length + await reader.readexactly(min(int.from_bytes(length, "big"), 1024) - 4)
            system_id = self._check_bind(octets, writer)
            if system_id is None:
                await writer.drain()
                return
            async with self._binding:
                up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._engine_port)
                self._waiting = link = Link(writer, up_writer, system_id)
                up_writer.write(octets)
                async with asyncio.timeout(10):
                    await link.esme
            await asyncio.gather(_pump(reader, up_writer), _pump(up_reader, writer))
        except (OSError, TimeoutError, asyncio.IncompleteReadError, smpp34.SmppError, ValueError) as problem:
            log.info("smsc.link_ended", problem=str(problem) or type(problem).__name__)
        finally:
            if link is not None:
                link.cut()
            writer.close()

    def _check_bind(self, octets: bytes, writer: asyncio.StreamWriter) -> str | None:
        """The system_id, or None when the bind was answered with a refusal (§5.1.3)."""
        pdu = smpp34.decode(octets)
        if not isinstance(pdu, smpp34.RawPdu) or pdu.command_id not in _BINDS:
            writer.write(struct.pack("!IIII", 16, 0x80000000, _INVALID_COMMAND, pdu.sequence_number))
            return None
        system_id, password = (field.decode("latin-1") for field in (*pdu.body.split(b"\0"), b"", b"")[:2])
        status = 0
        if self._system_id and system_id != self._system_id:
            status = _BIND_FAILED
        elif self._password and not hmac.compare_digest(password.encode(), self._password.encode()):
            status = _INVALID_PASSWORD
        if not status:
            return system_id
        log.warning("smsc.bind_refused", system_id=system_id, status=hex(status))
        writer.write(struct.pack("!IIII", 17, pdu.command_id | 0x80000000, status, pdu.sequence_number) + b"\0")
        return None


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof() and not writer.is_closing():
        writer.write_eof()


def free_port() -> int:
    """A port of 127.0.0.1 that is free now (smpp34.Server can't tell which one it took)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
