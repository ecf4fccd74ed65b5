"""Rows that files name together, so that what did not change need not be looked at row by row. Pure.

A data file is cut into *segments* where its content says so (content-defined chunking): a row put in, taken out or
changed moves the cuts near it only. A segment whose every row was taken is remembered under a digest of its bytes, and
each of its records says that it stands in it. From then on the segment's recency is theirs: when a later file brings
the same bytes, one entry moves on instead of a hundred records. A record that changes, or that is confirmed by another
road, leaves its segment, which then speaks for its rows no more, only for the recency of those who stayed.
"""

from collections.abc import Iterable

import msgspec

from billing_sync.domain.record import Known, is_older


class Segment(msgspec.Struct, array_like=True):
    """What is stored of a segment: its recency as in ``Known``, how many rows it has, how many records still stand in
    it, and what its rows add up to in fen.
    """

    effective: int
    sequence: int
    seen: int
    rows: int
    members: int
    amount: int

    @property
    def is_whole(self) -> bool:
        """Whether each of its rows is what is known of that row's record."""
        return self.members == self.rows


class Segments:
    """Segments as a batch in the making finds and changes them; ``changed`` are those to be stored (None: removed)."""

    def __init__(self) -> None:
        self._found: dict[bytes, Segment | None] = {}
        self._home: dict[str, bytes] = {}
        self.changed: dict[bytes, Segment | None] = {}

    def unknown(self, digests: Iterable[bytes]) -> list[bytes]:
        """Which of them have not been looked up yet."""
        return [digest for digest in dict.fromkeys(digests) if digest not in self._found]

    def found(self, digest: bytes, segment: Segment | None) -> None:
        """What the store holds of a segment."""
        self._found[digest] = segment

    def loaded(self, key: str, digest: bytes) -> None:
        """A record stands in this segment."""
        self._home[key] = digest

    def homes(self, keys: Iterable[str]) -> set[bytes]:
        """Segments in which these records stand."""
        return {self._home[key] for key in keys if key in self._home}

    def resolved(self, key: str, known: Known) -> Known:
        """The record with the recency of its segment, if it stands in one."""
        segment = self._found[home] if (home := self._home.get(key)) else None
        if segment is not None:
            known.effective, known.sequence, known.seen = segment.effective, segment.sequence, segment.seen
        return known

    def leave(self, key: str) -> None:
        """The record is by itself from now on."""
        home = self._home.pop(key, None)
        if home is None or (segment := self._found[home]) is None:
            return
        segment.members -= 1
        self._put(home, segment if segment.members else None)

    def confirm(self, digest: bytes, effective: int, sequence: int, tag: int) -> Segment | None:
        """A file of this recency brings these rows again: if they are all known as they are, they are confirmed."""
        segment = self._found.get(digest)
        if segment is None or not segment.is_whole or is_older(effective, sequence, segment):
            return None
        segment.effective, segment.sequence, segment.seen = effective, sequence, tag or segment.seen
        self._put(digest, segment)
        return segment

    def join(self, digest: bytes, records: dict[str, Known], amount: int) -> None:
        """All rows of a segment were just taken from one file; ``records`` are what is known of them now."""
        for key, known in records.items():
            self._home[key] = known.segment = digest
        n = len(records)
        self._put(digest, Segment(known.effective, known.sequence, known.seen, n, n, amount))

    def _put(self, digest: bytes, segment: Segment | None) -> None:
        self._found[digest] = self.changed[digest] = segment
