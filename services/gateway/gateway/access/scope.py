"""What somebody may see: their grants, resolved over BOSS's units and managers to one value, ``Scope``.

Every list, count, search, export, live message, single item and action asks it; there is no other way to a row. Out of
scope reads exactly as not there. ``Scope`` says it twice, as a condition for rows of the read model and as a test of
one row; both are made of the same ``Reach``.

Where somebody comes to reach more, as a substitute or by a reassignment, ``_reach`` is the place.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import msgspec

from gateway.access.grants import Grant
from gateway.access.rights import RoleDocument
from gateway.projection.visible import About, List, Subject, Visible
from servicekit.personal import FieldClass

_BELOW = (
    "WITH RECURSIVE below (unit_id) AS (SELECT unit_id FROM units WHERE {which} IN (SELECT value FROM json_each(?))"
    # UNION, not UNION ALL: a tree that BOSS has tied into a ring ends too.
    " UNION SELECT u.unit_id FROM units u JOIN below b ON u.parent_id = b.unit_id) SELECT unit_id FROM below"
)


class Reach(msgspec.Struct, frozen=True, dict=True):
    """What one grant reaches: the customers of these cities, of these units, of these managers, and these by their
    ids; or, ``is_whole``, all. ``kinds`` of alerts, with their work items and SMS, empty: all.
    """

    is_whole: bool = False
    cities: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    managers: frozenset[str] = frozenset()
    customers: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    clear: frozenset[FieldClass] = frozenset()
    reveals: frozenset[FieldClass] = frozenset()

    def has(self, customer: Subject) -> bool:
        """Whether it reaches this customer."""
        return (
            self.is_whole
            or customer.city in self.cities
            or customer.unit_id in self.units
            or customer.manager_id in self.managers
            or customer.customer_id in self.customers
        )

    def allows(self, list_: List, subject: Subject) -> bool:
        """Whether it reaches what is about this customer, of this kind of alert."""
        return self.has(subject) and (list_ == "customers" or not self.kinds or subject.kind in self.kinds)

    def condition(self, list_: List) -> tuple[str, list[Any]]:
        """The same in SQL."""
        whose, parameters = self._whose
        if not self.kinds or list_ == "customers":
            return whose, [*parameters]
        of_kind = "r.kind IN (SELECT value FROM json_each(?))"
        if list_ != "alerts":
            of_kind = f"EXISTS (SELECT 1 FROM alerts k WHERE k.alert_id = r.alert_id AND {of_kind.replace('r.', 'k.')})"
        return f"{whose} AND {of_kind}", [*parameters, _array(self.kinds)]

    @cached_property
    def _whose(self) -> tuple[str, list[Any]]:
        if self.is_whole:
            return "1", []
        parts: list[str] = []
        parameters: list[Any] = []
        for column, values in (
            ("city", self.cities), ("unit_id", self.units), ("manager_id", self.managers),
            ("customer_id", self.customers),
        ):  # fmt: skip
            if len(values) == 1:  # an index gives them in order
                parts.append(f"r.{column} = ?")
                parameters += values
            elif values:
                parts.append(f"r.{column} IN (SELECT value FROM json_each(?))")
                parameters.append(_array(values))
        return f"({' OR '.join(parts)})" if parts else "0", parameters


class Scope(msgspec.Struct, frozen=True):
    """All that somebody reaches."""

    reaches: tuple[Reach, ...] = ()

    @property
    def is_everything(self) -> bool:
        """Whether there is nothing that they may not see."""
        return any(reach.is_whole and not reach.kinds for reach in self.reaches)

    @property
    def is_alike(self) -> bool:
        """Whether it makes no difference who a customer is, or where."""
        return all(reach.is_whole for reach in self.reaches)

    def visible(self, list_: List) -> Visible:
        """The rows of a list that they see."""
        if self.is_everything:
            return Visible(clear=self.clear)
        made = [reach.condition(list_) for reach in self.reaches]
        condition = " OR ".join(part if len(made) == 1 else f"({part})" for part, _ in made) or "0"
        return Visible(condition, tuple(value for _, values in made for value in values), self.clear)

    def allows(self, list_: List, subject: Subject) -> bool:
        """Whether they see a row of this list that is about this."""
        return any(reach.allows(list_, subject) for reach in self.reaches)

    def loses(self, before: Subject, now: Subject) -> bool:
        """Whether something by which they saw a customer where they were does not reach where they are now."""
        return any(reach.has(before) and not reach.has(now) for reach in self.reaches)

    def allows_about(self, subject: Subject, about: About) -> bool:
        """Whether they see what tells of this customer, and of an alert where it names one."""
        return self.allows("customers" if about.alert_id is None else "work", subject)

    def sees_city(self, city: str | None, kind: str | None = None) -> bool:
        """Whether they see all of a city, or (``kind``) all alerts of this kind there: then its sums may be told."""
        return any(
            (reach.is_whole or city in reach.cities) and (not reach.kinds or kind in reach.kinds)
            for reach in self.reaches
        )

    def clear(self, customer: Subject) -> Collection[FieldClass]:
        """Classes of fields of this customer that they see unmasked."""
        return _joined(reach.clear for reach in self.reaches if reach.has(customer))

    def reveals(self, customer: Subject) -> Collection[FieldClass]:
        """Those that they may have shown when they say why."""
        return _joined(reach.reveals for reach in self.reaches if reach.has(customer))


def needs_tree(grants: Iterable[Grant]) -> bool:
    """Whether the read model is needed to say what these reach."""
    return any(grant.units or grant.manager_id is not None for grant in grants)


def resolve(connection: sqlite3.Connection | None, held: Sequence[tuple[Grant, RoleDocument]]) -> Scope:
    """What these grants reach as the units, managers and work items stand now."""
    return Scope(tuple(_reach(connection, grant, role) for grant, role in held))


def _reach(connection: sqlite3.Connection | None, grant: Grant, role: RoleDocument) -> Reach:
    more: dict[str, Any] = {
        "kinds": frozenset(grant.kinds), "clear": frozenset(role.clear), "reveals": frozenset(role.reveals)
    }  # fmt: skip
    if grant.is_whole:
        return Reach(is_whole=True, **more)
    more["cities"] = frozenset(grant.cities)
    if connection is None:
        return Reach(**more)
    # A unit that BOSS has not told of yet may have customers already.
    units = {*grant.units, *_below(connection, "unit_id", grant.units)}
    if grant.manager_id is not None and grant.role == "head":
        units |= {*_below(connection, "head_id", (grant.manager_id,))}
    elif grant.manager_id is not None:
        more["managers"] = frozenset((grant.manager_id,))
        more["customers"] = frozenset(_in_hand(connection, grant.manager_id))
    return Reach(units=frozenset(units), **more)


def _below(connection: sqlite3.Connection, which: str, ids: Sequence[str]) -> Iterator[str]:
    """Units, and all beneath them."""
    for (unit_id,) in connection.execute(_BELOW.format(which=which), (_array(ids),)):
        yield unit_id


def _in_hand(connection: sqlite3.Connection, manager_id: str) -> Iterator[str]:
    """Customers whose work somebody was given, whoever their manager is: it can't be done unseen."""
    held = "SELECT DISTINCT customer_id FROM work WHERE holder_id = ? AND open = 1 AND manager_id IS NOT holder_id"
    for (customer_id,) in connection.execute(held, (manager_id,)):
        yield customer_id


def _joined(classes: Iterable[frozenset[FieldClass]]) -> frozenset[FieldClass]:
    return frozenset().union(*classes)


def _array(values: Collection[str]) -> str:
    return msgspec.json.encode(sorted(values)).decode()
