"""What is in force in a processor: the switches that it has come to, and what they make at each place of its inputs.
Pure.

Two topics may be read at different speeds, so each message is judged by what stands before it on its own partition;
what belongs to no place (timers, commands, topics that carry no switches) by what all of them have come to.
"""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, get_args

import msgspec

from contracts.documents import DocumentSwitched, State

#: under which a store keeps it: no customer's id holds a "|"
KEY = "|in-force"
#: activations of a document that are kept for the alerts they raised: 5 MiB, were each as large as can be
MOST_KEPT = 20


class Edition(msgspec.Struct, frozen=True, array_like=True):
    """A switch: from ``number`` on this version is in force, or stopped. ``document`` as it was written, or what
    ``Taken.read`` has made of it; ``state`` may be one of another release."""

    number: int
    kind: str
    id: str
    version: int
    state: str
    document: Any


class Taken(msgspec.Struct, frozen=True):
    """What a processor takes of the switches: its ``kinds``, and what they make.

    ``read`` makes of an edition what ``compile`` gets for its ``document``; it is asked once for each. ``compile`` gets
    every edition of these kinds up to a place, by number, and gives what handlers find in ``Context.in_force``. Both
    raise ``ValueError`` for a document that can't be worked with. Of ``newest_only`` kinds, to which nothing refers
    afterwards, earlier versions are let go; of others those before the last ``MOST_KEPT`` that were activated.
    """

    kinds: frozenset[str]
    compile: Callable[[Sequence[Edition]], Any]
    newest_only: frozenset[str] = frozenset()
    read: Callable[[Edition], Any] = attrgetter("document")


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    """As it lies in a store. ``reached``: the last switch by ``topic/partition``."""

    editions: tuple[Edition, ...] = ()
    reached: dict[str, int] = {}


_NOTHING = _Kept()
_encode, _decode = msgspec.msgpack.Encoder(order="deterministic").encode, msgspec.msgpack.Decoder(_Kept).decode


class Shelf:
    """Immutable. ``places``: the inputs, ``topic/partition``, on which switches come by."""

    __slots__ = ("_at", "_compiled", "_kept", "_least", "_places", "_read", "_taken", "_unreadable")

    def __init__(
        self,
        taken: Taken | None,
        places: Iterable[str],
        kept: _Kept = _NOTHING,
        read: Mapping[int, Edition] | None = None,
        compiled: Mapping[int, Any] | None = None,
        unreadable: Mapping[int, str] | None = None,
    ) -> None:
        self._taken, self._places, self._kept = taken, tuple(places), kept
        #: by number: editions as ``Taken.read`` has made them, less those that can't be worked with, and why
        self._read, self._unreadable = read or {}, unreadable or {}
        self._least = min((kept.reached.get(place, 0) for place in self._places), default=0)
        before, own = compiled or {}, sorted(self._read)
        #: what the editions up to one of them make, by its number; 0: none
        self._compiled: dict[int, Any] = {}
        #: by place; None: that which has no place
        self._at: dict[str | None, Any] = {}
        for place in (None, *self._places):
            count = bisect_right(own, self._least if place is None else kept.reached.get(place, 0))
            last = own[count - 1] if count else 0
            if last not in self._compiled:
                made = before[last] if last in before else self._compile([self._read[n] for n in own[:count]])
                self._compiled[last] = made
            self._at[place] = self._compiled[last]

    def restored(self, raw: bytes | None) -> "Shelf":
        """The same with what a store has kept. What this release can't work with is left out (``unreadable``) and
        stays in the store. Raises ``ValueError`` for what is no shelf at all."""
        kept, read, unreadable = _NOTHING if raw is None else _decode(raw), dict[int, Edition](), dict[int, str]()
        for edition in kept.editions:
            try:
                read[edition.number] = self._made(edition)
            except Exception as error:
                unreadable[edition.number] = str(error)
        try:
            return Shelf(self._taken, self._places, kept, read, None, unreadable)
        except Exception:
            # Each can be read, and they do not go together: rare, so it may take long.
            together = dict[int, Edition]()
            for number, edition in read.items():
                try:
                    self._compile([*together.values(), edition])
                    together[number] = edition
                except Exception as error:
                    unreadable[number] = str(error)
            return Shelf(self._taken, self._places, kept, together, None, unreadable)

    @property
    def unreadable(self) -> Sequence[tuple[Edition, str]]:
        """Editions of the store that this release can't work with, and why: as if they had not been."""
        return [(e, self._unreadable[e.number]) for e in self._kept.editions if e.number in self._unreadable]

    def encode(self) -> bytes:
        return _encode(self._kept)

    def has_seen(self, place: str, number: int) -> bool:
        """Whether a place had come to this switch, or a later one, before."""
        return number <= self._kept.reached.get(place, 0)

    def has(self, number: int) -> bool:
        """Whether an edition has this number."""
        return any(edition.number == number for edition in self._kept.editions)

    def taking(self, place: str, switched: DocumentSwitched) -> "Shelf":
        """What is in force once this place has come to a switch; one that comes late, behind others, is taken at its
        number. Raises ``ValueError`` for a document that can't be worked with: then everything stays as it was."""
        s, before, read = switched, self._kept, self._read
        reached = {**before.reached, place: max(s.number, before.reached.get(place, 0))}
        editions, changed = before.editions, {math.inf}
        if self._taken is not None and s.kind in self._taken.kinds and not self.has(s.number):
            edition = Edition(s.number, s.kind, s.document_id, s.version, s.state, s.document)
            editions = tuple(sorted((*editions, edition), key=lambda each: each.number))
            read = {**read, s.number: self._made(edition)}
            changed.add(s.number)
        kept = self._without_old(editions, reached)
        numbers = {edition.number for edition in kept}
        # Another edition, or one that is let go, changes what was compiled for no number before it.
        changed.update(edition.number for edition in editions if edition.number not in numbers)
        return Shelf(
            self._taken,
            self._places,
            _Kept(kept, reached),
            {number: edition for number, edition in read.items() if number in numbers},
            {number: rules for number, rules in self._compiled.items() if number < min(changed)},
            {number: why for number, why in self._unreadable.items() if number in numbers},
        )

    def at(self, place: str) -> Any:
        """What a message of this place is judged by; None while no switch of our kinds has come by."""
        return self._at[place if place in self._at else None]

    def least(self) -> Any:
        """What holds for that which has no place: a timer, a command."""
        return self._at[None]

    @property
    def reached(self) -> int:
        """The last switch that all places have come to; 0: none."""
        return self._least

    def _made(self, edition: Edition) -> Edition:
        if self._taken is None or edition.kind not in self._taken.kinds:
            raise ValueError(f"a kind of document that is not taken: {edition.kind!r}")
        if edition.state not in get_args(State):
            raise ValueError(f"a state of another release: {edition.state!r}")
        return msgspec.structs.replace(edition, document=self._taken.read(edition))

    def _compile(self, editions: Sequence[Edition]) -> Any:
        return self._taken.compile(editions) if self._taken is not None and editions else None

    def _without_old(self, editions: tuple[Edition, ...], reached: Mapping[str, int]) -> tuple[Edition, ...]:
        """Less those that no place looks at any more, of each document and state: so it does not grow for ever."""
        if self._taken is None:
            return editions
        least = min((reached.get(place, 0) for place in self._places), default=0)
        kept, count = list[Edition](), Counter[tuple[str, str, str]]()
        for edition in reversed(editions):
            about = edition.kind, edition.id, edition.state
            is_referred_to = edition.state == "active" and edition.kind not in self._taken.newest_only
            count[about] += edition.number <= least
            if count[about] <= (MOST_KEPT if is_referred_to else 1):
                kept.append(edition)
        return tuple(reversed(kept))
