"""A careless or hostile SMSC: no SMS twice, nothing ends, nothing grows, each bad thing counted with its reason.

Desk, sender, receipts and the real SMPP transport in memory, against octets of every kind on a loopback connection.
By hand: ``python tests/fuzz/fuzz_sms.py --seconds 60 --seed 7``. A fault names its seed; the same seed throws the same
dice, though the network has a say in what they meet.
"""

import asyncio
import contextlib
import logging
import random
import struct
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Any

import smpp34
from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).parents[1]))

from alerts.notifications.channel import pdu, session
from alerts.notifications.channel.smpp import SmppSettings, SmppTransport
from fuzz.doors import Fault, by_hand
from harness.sms_life import QUICK, Process, phone
from harness.waiting import eventually
from servicekit.memory_store import MemoryStore

_SUBMIT, _DELIVER = pdu.SUBMIT_SM, pdu.DELIVER_SM
_IN_ANSWER, _NOT_TAKEN = "in_answer", "not_taken"
_SETTLED = {"sent", "delivered", "failed", "unknown", "suppressed"}
_SETTINGS: dict[str, Any] = {
    "window": 20, "response_timeout": 0.1, "enquire_interval": 0.3, "connect_timeout": 0.2, "close_timeout": 0.1,
    "reconnect_min": 0.005, "reconnect_max": 0.02, "throttle_min": 0.005, "throttle_max": 0.02,
}  # fmt: skip
_POLICY = replace(QUICK, retry=replace(QUICK.retry, first_seconds=0.01, max_seconds=0.05, attempts=4))


class CarelessSmsc:
    """The dice say what it does. ``manners`` 1 is an honest SMSC, 0 one that does everything wrong.

    ``taken``: what it has of a part (number and octets), by what its first answer said; a part that it may have taken
    and is given again is a fault.
    """

    def __init__(self, dice: random.Random) -> None:
        self.dice, self.manners = dice, 0.5
        self.taken: dict[tuple[str, bytes], str] = {}
        self.twice: list[tuple[str, bytes]] = []
        self.did: Counter[str] = Counter()
        self._seen: list[tuple[str, int, str]] = []  # number, reference, message id
        self._links: set[asyncio.StreamWriter] = set()

    async def open(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        self._server.close()
        for link in list(self._links):
            link.transport.abort()

    # --- a link -------------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._links.add(writer)
        noise = asyncio.create_task(self._make_noise(writer))
        try:
            while True:
                head = await reader.readexactly(16)
                length, command, _, sequence = struct.unpack("!IIII", head)
                octets = head + await reader.readexactly(length - 16)
                if command == pdu.BIND_TRANSCEIVER:
                    self._bind(writer, sequence)
                elif command == _SUBMIT:
                    self._submit(writer, sequence, octets)
                elif (command == pdu.ENQUIRE_LINK and self.well(0.8)) or command == pdu.UNBIND:
                    writer.write(_pdu(command | pdu.RESPONSE, 0, sequence))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            noise.cancel()
            self._links.discard(writer)
            writer.close()

    def well(self, share: float) -> bool:
        """Whether it behaves this time; ``share``: of how many times it does so when it has no manners."""
        return self.dice.random() < self.manners + (1 - self.manners) * share

    def _bind(self, writer: asyncio.StreamWriter, sequence: int) -> None:
        good = _pdu(pdu.BIND_TRANSCEIVER | pdu.RESPONSE, 0, sequence, b"SMSC\0")
        if self.well(0.7):
            writer.write(good)
            return
        answers: dict[str, bytes] = {
            "bind_refused": _pdu(0x80000009, self.dice.choice([5, 0x0D, 0x0E, 0x58, 0x499]), sequence),
            "bind_silent": b"",
            "bind_other_sequence": _pdu(0x80000009, 0, sequence + 7, b"SMSC\0"),
            "bind_other_answer": _pdu(0x80000001, 0, sequence, b"SMSC\0"),
            "bind_twice": good + good,
            "bind_noise_first": self._deliver("13900000001", b"TD") + good,
            "bind_bare": _pdu(0x80000009, 0, sequence),
        }
        writer.write(self._choose(answers))

    def _submit(self, writer: asyncio.StreamWriter, sequence: int, octets: bytes) -> None:
        submit = smpp34.decode(octets)
        assert isinstance(submit, smpp34.SubmitSm)
        number, part = submit.destination_addr, bytes(submit.short_message)
        part = part[6:] if submit.esm_class & 0x40 else part  # the header's group is another with each intent
        key = (number, part)
        if self.taken.get(key, _NOT_TAKEN) != _NOT_TAKEN:
            self.twice.append(key)
        self.taken[key] = _IN_ANSWER
        reference = int.from_bytes(next(t.value for t in submit.tlvs if t.tag == 0x0204), "big")
        value = len(self._seen) + 0x1000
        id_ = self.dice.choice([f"{value:x}", f"{value:08X}", str(value), f"m-{value}"])
        self._seen.append((number, reference, id_))
        if self.dice.random() < 0.1 and not self.well(0.0):
            writer.write(self._receipt())  # before its answer
        good = _answer(0, sequence, id_.encode() + b"\0")
        if self.well(0.4):
            writer.write(good)
            return
        status = self.dice.choice([0x01, 0x04, 0x08, 0x0B, 0x14, 0x45, 0x58, 0x58, 0x64, 0x499, 0xFFFFFFFF])
        refusal = _answer(status, sequence, self.dice.choice([b"", b"\0"]))
        answers: dict[str, bytes] = {
            "refused": refusal,
            "nack": _pdu(pdu.GENERIC_NACK, status, sequence),
            "silent": b"",
            "late": b"",
            "twice": good + good,
            "accepted_then_refused": good + refusal,
            "refused_then_accepted": refusal + good,
            "other_sequence_first": _answer(0, sequence ^ 0x4000, b"x\0") + good,
            "other_answer_first": _pdu(0x80000015, self.dice.choice([0, status]), sequence) + good,
            "nack_that_says_ok": _pdu(pdu.GENERIC_NACK, 0, sequence) + good,
            "no_id": _answer(0, sequence, self.dice.choice([b"", b"\0"])),
            "long_id": _answer(0, sequence, b"9" * self.dice.choice([64, 65, 5000]) + b"\0"),
            "id_without_end": _answer(0, sequence, b"\xff\xfe\x00\x01" * 3),
            "torn": good[: self.dice.randrange(len(good))],
        }
        what, sent = self._choose_named(answers)
        if what in ("refused", "nack", "refused_then_accepted"):
            self.taken[key] = _NOT_TAKEN
        if what == "late":
            loop, late = asyncio.get_running_loop(), self.dice.choice([good, refusal])
            if late is refusal:
                self.taken[key] = _NOT_TAKEN
            loop.call_later(0.1 + self.dice.random() * 0.1, _write, writer, late)
        writer.write(sent)
        if what == "torn":
            writer.close()

    # --- noise --------------------------------------------------------------------------------------------------

    async def _make_noise(self, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await asyncio.sleep(self.dice.random() * 0.02)
                if self._seen and self.dice.random() < 0.5:
                    writer.write(self._receipt())
                if not self.well(0.3):
                    self._misbehave(writer)
                await writer.drain()

    def _misbehave(self, writer: asyncio.StreamWriter) -> None:
        dice, bytes_ = self.dice, self.dice.randbytes
        things: dict[str, Callable[[], bytes]] = {
            "length_too_small": lambda: struct.pack("!IIII", dice.randrange(16), _DELIVER, 0, 1),
            "length_huge": lambda: struct.pack("!IIII", dice.choice([pdu.MAX_LENGTH + 1, 2**31, 2**32 - 1]), 5, 0, 1),
            "garbage": lambda: bytes_(dice.randrange(1, 300)),
            "unknown_command": lambda: _pdu(dice.choice(_STRANGE), 0, 9, bytes_(dice.randrange(40))),
            "stray_answer": lambda: _pdu(dice.choice(_ANSWERS), dice.choice([0, 4, 0x58]), dice.randrange(2**32)),
            "unreadable_deliver": lambda: _pdu(_DELIVER, 0, 3, bytes_(dice.randrange(60))),
            "torn_deliver": self._torn_deliver,
            "receipt_twice": lambda: self._receipt() * 2,
            "receipt_of_nobody": lambda: self._deliver(_number(dice), _report(dice, f"{dice.randrange(2**40)}"), 0x04),
            "opt_out": self._opt_out,
            "unbind": lambda: _pdu(pdu.UNBIND, 0, 4),
            "enquire": lambda: _pdu(pdu.ENQUIRE_LINK, dice.choice([0, 8]), 0),
            "a_heap_of_nonsense": lambda: b"".join(_pdu(0x80000004, 0, 2**31 + n) for n in range(session.MAX_BAD + 9)),
            "cut": lambda: b"",
        }
        # what ends a link at once is rare: most of the time it must be up to be put to the test
        rare = ("length_too_small", "length_huge", "garbage", "unbind", "cut", "a_heap_of_nonsense")
        names = [name for name in things if name not in rare or dice.random() < 0.1]
        name = dice.choice(names)
        self.did[name] += 1
        writer.write(things[name]())
        if name == "cut":
            dice.choice([writer.close, writer.transport.abort])()

    def _receipt(self) -> bytes:
        """Of a part it has seen, in one of the ways in which receipts are written."""
        number, reference, id_ = self.dice.choice(self._seen)
        written = [id_, id_.upper(), id_.zfill(12), f"{self.dice.randrange(10**9)}", ""]
        with contextlib.suppress(ValueError):
            written.append(str(int(id_, 16)))
        tlvs = [(0x0204, reference.to_bytes(2, "big"))] if self.dice.random() < 0.7 else []
        if not self.well(0.5):
            tlvs = self.dice.choice([
                [(0x0204, b"")], [(0x0204, self.dice.randbytes(40))], [(0x001E, b"\xff" * 70)], [(0x0427, b"")],
                [(0x0427, b"\xee")], [(0x0424, self.dice.randbytes(300))], [(n, b"x") for n in range(200)],
            ])  # fmt: skip
        number = self.dice.choice([number, number[2:], "+" + number, ""])
        return self._deliver(number, _report(self.dice, self.dice.choice(written)), 0x04, tlvs=tlvs)

    def _opt_out(self) -> bytes:
        word = self.dice.choice(["TD", "td ", " 退订", "ＴＤ", "T\0D", "TD" * 70])
        coding, encoding = self.dice.choice(
            [(0, "latin-1"), (1, "ascii"), (3, "latin-1"), (8, "utf-16-be"), (8, "utf-8"), (4, "utf-8"), (0xF5, "gbk")]
        )
        esm_class = self.dice.choice([0, 0, 0x40, 0x80, 0x3F])
        return self._deliver(_number(self.dice), word.encode(encoding, "replace"), esm_class, coding)

    def _torn_deliver(self) -> bytes:
        whole = bytearray(self._receipt() if self._seen else self._deliver("1390", b"TD"))
        for _ in range(self.dice.randrange(1, 6)):
            whole[self.dice.randrange(16, len(whole))] = self.dice.randrange(256)
        cut = self.dice.randrange(16, len(whole) + 1)
        return struct.pack("!I", cut) + bytes(whole[4:cut])

    def _deliver(self, number: str, text: bytes, esm_class: int = 0, coding: int = 0, tlvs: Any = ()) -> bytes:
        tlvs = [smpp34.Tlv(tag, value) for tag, value in tlvs]
        if len(text) > 250 or self.dice.random() < 0.1:
            tlvs, text = [*tlvs, smpp34.Tlv(0x0424, text)], b""
        message = smpp34.DeliverSm(
            number, "10086", text, esm_class=esm_class, data_coding=coding, tlvs=tlvs, sequence_number=self._number()
        )
        return bytes(message.encode())

    def _number(self) -> int:
        return self.dice.choice([1, 77, self.dice.randrange(1, 2**31)])

    def _choose(self, among: dict[str, bytes]) -> bytes:
        return self._choose_named(among)[1]

    def _choose_named(self, among: dict[str, bytes]) -> tuple[str, bytes]:
        name = self.dice.choice(list(among))
        self.did[name] += 1
        return name, among[name]


_ANSWERS = [0x80000004, 0x80000009, 0x80000015, 0x80000000, 0x80000005, 0x80000123]
_STRANGE = [0, 1, 2, 3, 4, 7, 8, 9, 0x0B, 0x21, 0x102, 0x103, 0x111, 0x7FFFFFFF]


def _pdu(command: int, status: int, sequence: int, body: bytes = b"") -> bytes:
    return struct.pack("!IIII", 16 + len(body), command, status, sequence & 0xFFFFFFFF) + body


def _answer(status: int, sequence: int, body: bytes) -> bytes:
    return _pdu(_SUBMIT | pdu.RESPONSE, status, sequence, body)


def _write(writer: asyncio.StreamWriter, octets: bytes) -> None:
    if not writer.is_closing():
        writer.write(octets)


def _number(dice: random.Random) -> str:
    return dice.choice(["8613900000001", "13911111111", "10086", "", "+8613900000002", "abc", "9" * 20])


def _report(dice: random.Random, id_: str) -> bytes:
    state = dice.choice(["DELIVRD", "DELIVRD", "UNDELIV", "EXPIRED", "ENROUTE", "ACCEPTD", "delivered", "?", "X" * 90])
    text = f"id:{id_} sub:001 dlvrd:001 submit date:2607011200 done date:2607011201 stat:{state} err:000 text:"
    text = dice.choice([text, text.replace("id:", "id: "), text[: dice.randrange(len(text))], text * 9])
    return text.encode("latin-1")


# --- the invariants ---------------------------------------------------------------------------------------------


#: how much longer than asked it may take to see everything, in seconds
_PATIENCE = 30.0


class House:
    """One process of alerts with the real transport, and the careless SMSC."""

    def __init__(self, dice: random.Random) -> None:
        self.dice, self.smsc = dice, CarelessSmsc(dice)
        self.customers: list[str] = []
        self.errors: list[str] = []

    async def run(self, seconds: float, enough: Callable[[], bool]) -> None:
        transport = SmppTransport(SmppSettings("127.0.0.1", await self.smsc.open(), "kam", "secret", **_SETTINGS))
        async with Process(MemoryStore(), transport, _POLICY) as life:  # type: ignore[arg-type]
            self.life, self.transport = life, transport
            life.receipts.on_receipt = self._guard(life.receipts.on_receipt)  # type: ignore[method-assign]
            life.receipts.on_inbound = self._guard(life.receipts.on_inbound)  # type: ignore[method-assign]
            life.start()
            until = time.monotonic() + seconds
            while time.monotonic() < until or (not enough() and time.monotonic() < until + _PATIENCE):
                self.smsc.manners = self.dice.choice([0.0, 0.5, 0.9])
                customers = [f"c{len(self.customers) + n}" for n in range(1, self.dice.randrange(2, 30))]
                self.customers += customers
                await life.complain(*customers)
                await asyncio.sleep(self.dice.random() * 0.1)
                await life.hear()
                self.check()
            self.smsc.manners = 1.0
            await eventually(self._is_settled, 20)
            self.check()
            await self._a_stop_is_obeyed()
        await self.smsc.close()

    def _guard(self, handle: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
        async def guarded(message: Any) -> None:
            try:
                await handle(message)
            except Exception as error:
                self.errors.append(f"{message}: {error!r}")
                raise

        return guarded

    def check(self) -> None:
        """What must hold at any moment."""
        if self.errors:
            raise Fault(f"a handler failed for good: {self.errors[0]}")
        if letters := [m for m in self.life.store.pending.values() if m.topic.endswith(".dlq")]:
            raise Fault(f"the desk could not read its own event: {letters[0]}")
        if self.smsc.twice:
            raise Fault(f"given twice to the SMSC: {self.smsc.twice[:3]}")
        keeper = self.transport._keeper
        assert keeper is not None
        for task in (self.life.sender_run, self.life.processor_run, keeper):
            if task.done():
                raise Fault(f"{task.get_name()} has ended: {task}")
        link = self.transport._session
        if link is not None:
            for what, size, most in (
                ("handlers", len(link._handlers), session.MAX_HANDLING + 100),
                ("pending answers", len(link._pending), session.MAX_OVERDUE),
                ("octets", len(link._buffer), pdu.MAX_LENGTH + (1 << 18)),
            ):
                if size > most:
                    raise Fault(f"{size} {what}")

    def _is_settled(self) -> bool:
        self.check()
        rows = self.life.store.documents["sms"].values()
        return self.life.sender.pending() == 0 and {row["state"] for row in rows} <= _SETTLED

    async def _a_stop_is_obeyed(self) -> None:
        """TD that the SMSC was told OK for: whoever has the number gets no SMS any more."""
        await eventually(lambda: self.transport.connected)
        link = next(iter(self.smsc._links))
        link.write(self.smsc._deliver(f"86{phone('c1')}", "退订".encode("utf-16-be"), coding=8))
        blocked = "blocked_numbers"
        for _ in range(200):
            await asyncio.sleep(0.01)
            await self.life.hear()
            if f"td:86{phone('c1')}" in self.life.store.documents.get(blocked, {}):
                break
        await self.life.complain("c1-twin")
        state = self.life.sms("c1-twin")
        if f"86{phone('c1')}" not in self.life.blocked:
            raise Fault(f"a stop was not obeyed: {state}")


async def fuzz(seed: int, *, seconds: float, reasons: Collection[str] = (), messages: int = 0) -> Counter[str]:
    """Misbehave for so long, then be honest until all is settled; how often the SMSC did what. Raises ``Fault``.

    On a busy machine it goes on, for some time, until bad PDUs were counted for these ``reasons`` and so many
    ``messages`` were wanted.
    """
    house = House(random.Random(seed))
    before = _counted()
    try:
        await house.run(seconds, lambda: set(reasons) <= set(_counted() - before) and len(house.customers) >= messages)
    except (Fault, TimeoutError) as fault:
        raise Fault(f"seed {seed}: {fault}") from fault
    counted = Counter({f"counted {reason}": n for reason, n in (_counted() - before).items()})
    taken = Counter({"messages": len(house.customers), "parts": len(house.smsc.taken)})
    return house.smsc.did + counted + taken


def _counted() -> Counter[str]:
    (family,) = session.BAD.collect()
    samples = (s for s in family.samples if s.name.endswith("_total"))
    return Counter({s.labels["reason"]: int(s.value) for s in samples})


def main() -> None:
    """Entry point by hand."""
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    by_hand(lambda seed: fuzz(seed, seconds=5), __doc__, "done")


if __name__ == "__main__":
    main()
