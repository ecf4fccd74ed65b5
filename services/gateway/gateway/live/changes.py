"""What has changed in the read model since a place in it.

A row says the number of its last change only, so whoever comes back after any time gets each row once, as it is now:
there is nothing to keep for them, and no place is too old. Another file (``epoch``) counts anew.
"""

import re
import sqlite3
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from gateway.projection.api import SHAPES, shape
from gateway.projection.specs import LISTS
from gateway.projection.visible import List, Subject, Visible, subject_of

#: of what is told; customers change by the ten thousand at night, and what is shown of them live is in the others' rows
TOLD: tuple[List, ...] = ("alerts", "work", "sms")
_PLACE = re.compile(r"([0-9a-f]{16})-([0-9]{1,18})(\.[0-9]{1,6})?")


class Place(NamedTuple):
    """How far somebody has read: the file, and the number of the last change in it."""

    epoch: str
    seq: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.seq}"


class Change(NamedTuple):
    """A row as it is now. ``of``: what its visibility is decided by; ``left``: how many more are of the same change, as
    when a customer moves with all that is theirs.
    """

    list: List
    seq: int
    row: sqlite3.Row
    of: Subject
    left: int = 0

    def shown(self, visible: Visible) -> dict[str, Any]:
        """As the lists give it to who sees this."""
        return shape(SHAPES[self.list], self.row, visible)


class Move(NamedTuple):
    """A customer who is ``of`` another manager, unit or city than ``before``: rows of theirs leave the screens of those
    who saw them there. It comes before these rows as they are now, of which many see some again."""

    seq: int
    before: Subject
    of: Subject
    left: int = 0


def name_of(change: Change | Move) -> str:
    """What this message is known by within a file. Who got it last goes on behind it, or, in the midst of a change,
    with that change."""
    return f"{change.seq}.{change.left}" if change.left else str(change.seq)


def place_of(text: str | None) -> Place | None:
    """What a client says it has read; None for what we never gave out."""
    found = _PLACE.fullmatch(text or "")
    return None if found is None else Place(found[1], int(found[2]) - (found[3] is not None))


def here(connection: sqlite3.Connection) -> Place:
    """The place of the newest change."""
    marks = dict(connection.execute("SELECT name, value FROM meta WHERE name IN ('epoch', 'seq')").fetchall())
    return Place(marks["epoch"], int(marks.get("seq", 0)))


def changes(connection: sqlite3.Connection, since: Place, most: int) -> tuple[Place, list[Change | Move] | None]:
    """Where the read model stands, and what has changed since in the order of the changes; None: more than ``most``,
    or nobody can say, since it is another file."""
    place = here(connection)
    if place.epoch != since.epoch or since.seq > place.seq:
        return place, None
    found: list[Change | Move] = [*_moved(connection, since.seq, most + 1)]
    for list_ in TOLD:
        found += _changed(connection, list_, since.seq, most + 1)
    return place, None if len(found) > most else list(_numbered(found))


def _numbered(found: list[Change | Move]) -> Iterator[Change | Move]:
    for _, of_one in groupby(sorted(found, key=lambda change: change.seq), lambda change: change.seq):
        group = list(of_one)
        for n, change in enumerate(group, 1):
            yield change._replace(left=len(group) - n)


def _changed(connection: sqlite3.Connection, list_: List, since: int, most: int) -> Iterator[Change]:
    spec = LISTS[list_]
    kind = "r.kind" if list_ == "alerts" else "a.kind"
    rows = connection.execute(
        f"SELECT r.seq AS place, {kind} AS k0, {spec.columns} FROM {spec.table} r {spec.decorations}"
        f" WHERE r.seq > ? ORDER BY r.seq LIMIT {most}",
        (since,),
    )
    for row in rows:
        yield Change(list_, row["place"], row, subject_of(row, row["k0"]))


def _moved(connection: sqlite3.Connection, since: int, most: int) -> Iterator[Move]:
    rows = connection.execute(
        "SELECT m.seq, m.customer_id, m.city, m.unit_id, m.manager_id, c.city AS city_now, c.unit_id AS unit_now,"
        " c.manager_id AS manager_now FROM moves m JOIN customers c ON c.customer_id = m.customer_id"
        f" WHERE m.seq > ? ORDER BY m.seq LIMIT {most}",
        (since,),
    )
    for seq, id_, city, unit_id, manager_id, *now in rows:
        yield Move(seq, Subject(id_, city or None, unit_id or None, manager_id or None), Subject(id_, *now))
