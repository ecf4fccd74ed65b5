"""Numbers that get no SMS, as this process knows them: those that people blocked, and others by what their subscribers
said last (TD, 订阅)."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from servicekit.clock import EPOCH, iso
from servicekit.envelope import parse_time


class Said(Struct, frozen=True):
    """Effect: a subscriber wants no more SMS, or wants them again, since then."""

    phone: str
    at: datetime
    wants: bool


class Blocked:
    """Partitions may tell of the same word at different times, and of an earlier one later: the latest counts. What
    people blocked (``by_people``) no subscriber opens. ``opted_out``: who said TD before each partition kept it."""

    def __init__(self, by_people: Iterable[str] = (), opted_out: Iterable[str] = ()) -> None:
        self._by_people = frozenset(by_people)
        self._said = {phone: Said(phone, EPOCH, wants=False) for phone in opted_out}

    def __contains__(self, phone: object) -> bool:
        return phone in self._by_people or (phone in self._said and not self._said[phone].wants)

    def hear(self, said: Said) -> None:
        before = self._said.get(said.phone)
        if before is None or is_newer(said.at, said.wants, before.at):
            self._said[said.phone] = said


def is_newer(at: datetime, wants: bool, before: datetime) -> bool:
    """Of two words of the same moment TD counts."""
    return at > before if wants else at >= before


def row_of(phone: str) -> str:
    """Id of the document that shows people a TD; theirs have others, which TD and 订阅 leave alone."""
    return f"td:{phone}"


def entry_of(phone: str, at: datetime | None) -> str:
    """How an index holds it; without a time, as it did before there was a way back."""
    return phone if at is None else f"{phone} {iso(at)}"


def said_in(entry: str, wants: bool) -> Said:
    phone, _, at = entry.partition(" ")
    return Said(phone, parse_time(at) if at else EPOCH, wants)
