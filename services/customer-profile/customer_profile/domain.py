"""A customer's archive: fields, leaving and win-back, and which fields are personal. Pure."""

from datetime import date, datetime
from typing import Literal

import msgspec

from contracts.boss import Customer, CustomerLeft
from contracts.misc import FieldChange, Scalar
from servicekit.personal import mask

Step = Literal["created", "changed", "left", "returned"]


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    """A customer as the archive holds them: in network (``active``) or left (``retained``).

    ``since`` is the effective time they came into this archive; ``revision`` counts the changes from 1; ``heard``: the
    effective time and revision of the newest CUST record or leaving.
    """

    record: Customer
    archive: Literal["active", "retained"] = "active"
    left_on: date | None = None
    reason: str | None = None
    destination: str | None = None
    since: datetime
    revision: int = 1
    heard: tuple[str, int] = ("", 0)

    def fields(self) -> dict[str, Scalar]:
        """Everything whose change is history, as text, numbers and booleans."""
        own = (self.archive, self.left_on and self.left_on.isoformat(), self.reason, self.destination)
        return {
            **{n: v for n, v in msgspec.to_builtins(self.record).items() if n != "customer_id"},
            **dict(zip(("archive", "left_on", "reason", "destination"), own, strict=True)),
        }


class ProfileChange(msgspec.Struct, frozen=True):
    """What a record of BOSS did to an archive."""

    archive: Archive
    step: Step
    changes: tuple[FieldChange, ...]


def take_record(known: Archive | None, record: Customer, at: datetime, day: date) -> ProfileChange | None:
    """A CUST record of business day ``day``, effective ``at``; None where it changes nothing.

    Status ``left`` is the same as customer.left with left_on = business date; a later ``active`` is a win-back.
    """
    if record.status == "left":
        if known is not None and known.archive == "retained":
            return _change_of(known, msgspec.structs.replace(known, record=record))
        return _change_of(known, Archive(record=record, archive="retained", left_on=day, since=at))
    if known is None or (known.archive == "retained" and record.status == "active"):
        return _change_of(known, Archive(record=record, since=at))
    return _change_of(known, msgspec.structs.replace(known, record=record))


def take_leaving(known: Archive | None, left: CustomerLeft, at: datetime) -> ProfileChange | None:
    """customer.left: into the retained archive with date, reason and destination; None where that is known."""
    record = Customer(customer_id=left.customer_id) if known is None else known.record
    since = known.since if known is not None and known.archive == "retained" else at
    return _change_of(
        known,
        Archive(
            record=msgspec.structs.replace(record, status="left"),
            archive="retained",
            left_on=left.left_on,
            reason=left.reason,
            destination=left.destination,
            since=since,
        ),
    )


def _change_of(known: Archive | None, new: Archive) -> ProfileChange | None:
    before = {} if known is None else known.fields()
    changes = tuple(
        FieldChange(field=name, old=before.get(name), new=value)
        for name, value in new.fields().items()
        if before.get(name) != value
    )
    if known is None:
        return ProfileChange(new, "created", changes)
    if not changes:
        return None
    step: Step = "changed"
    if known.archive != new.archive:
        step = "left" if new.archive == "retained" else "returned"
    return ProfileChange(msgspec.structs.replace(new, revision=known.revision + 1), step, changes)


def masked_change(change: FieldChange) -> FieldChange:
    """The change with personal values masked, fit to leave this service."""
    return FieldChange(field=change.field, old=mask(change.field, change.old), new=mask(change.field, change.new))
