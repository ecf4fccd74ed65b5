"""A customer's time line: alerts, SMS, complaints, contacts and steps of work in one order, the newest first. Pure but
for the queries themselves.

A page begins behind the last entry of the one before, by its time and id: what comes in between repeats nothing.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from gateway.projection.schema import NEVER
from gateway.projection.visible import List, Visible
from gateway.told import Complaint, Contact, WorkItem
from servicekit.clock import iso
from servicekit.decision import Refused

OF = ("alert", "sms", "complaint", "contact", "step")
_Entry = dict[str, Any]
#: lines of a work item's log that are no step of a person
_SILENT = frozenset(("opened", "due_changed"))
_decode_shown = msgspec.json.Decoder(dict[str, Any]).decode
_ALERTS = (
    "SELECT r.alert_id, r.kind, r.state, r.outcome, r.stage, r.severity, r.rule_id, r.rule_version, r.period, r.due_at,"
    " r.raised_at, r.shown, (SELECT w.work_id FROM work w WHERE w.alert_id = r.alert_id) AS work_id FROM alerts r"
)
_SMS = "SELECT r.sms_id, r.alert_id, r.template, r.state, r.reason, r.segments, r.planned_at FROM sms r"


def kinds_of(text: str | None) -> frozenset[str]:
    """What is asked for, of a comma list. Raises ``Refused`` 422."""
    asked = frozenset(OF if text is None else text.split(","))
    if unknown := asked.difference(OF):
        raise Refused(
            "bad_filter",
            f"of：只能是 {', '.join(OF)}",
            f"of: {min(unknown)[:20]!r} is none of {', '.join(OF)}",
            422,
        )
    return asked


def cursor_of(text: str | None) -> tuple[str, str] | None:
    """The place behind which a page begins. Raises ``Refused`` 422."""
    if text is None:
        return None
    at, _, entry_id = text.partition("~")
    if not at or not entry_id:
        raise Refused("bad_cursor", "cursor 无效，请从头读起", "no such cursor: begin anew", 422)
    return at, entry_id


def page(found: Iterable[_Entry], before: tuple[str, str] | None, limit: int) -> tuple[list[_Entry], str | None]:
    """The newest of these entries behind ``before``, and the cursor of the next page."""
    entries = [entry for entry in found if before is None or _place(entry) < before]
    entries.sort(key=_place, reverse=True)
    shown = entries[:limit]
    return shown, f"{shown[-1]['at']}~{shown[-1]['entry_id']}" if len(entries) > limit else None


def _place(entry: _Entry) -> tuple[str, str]:
    return entry["at"], entry["entry_id"]


# --- of the read model ----------------------------------------------------------------------------------------------


def of_rows(
    connection: sqlite3.Connection,
    customer_id: str,
    visible: Mapping[List, Visible],
    of: Collection[str],
    before: tuple[str, str] | None,
    limit: int,
) -> list[_Entry]:
    """Entries of alerts and SMS, one more than asked for of each: whoever asks learns that there are more."""
    found: list[_Entry] = []
    for name, (list_, select, place, entry_of) in _SOURCES.items():
        if name in of:
            sight, (at, id_) = visible[list_], place
            behind = "" if before is None else f" AND ({at}, {id_}) < (?, ?)"
            rows = connection.execute(
                f"{select} WHERE r.customer_id = ? AND ({sight.condition}){behind}"
                f" ORDER BY {at} DESC, {id_} DESC LIMIT {limit + 1}",
                (customer_id, *sight.parameters, *(before or ())),
            )
            found += map(entry_of, rows)
    return found


def _alert(row: sqlite3.Row) -> _Entry:
    shown = _decode_shown(row["shown"])
    return {
        "entry_id": f"alert:{row['alert_id']}",
        "of": "alert",
        "at": row["raised_at"],
        **{
            name: row[name]
            for name in ("alert_id", "work_id", "kind", "state", "outcome", "stage", "severity", "period")
        },
        "rule": {"id": row["rule_id"], "version": row["rule_version"]},
        "due_at": None if row["due_at"] == NEVER else row["due_at"],
        "reasons": shown["reasons"],
        "values": shown["values"],
    }


def _sms(row: sqlite3.Row) -> _Entry:
    return {
        "entry_id": f"sms:{row['sms_id']}",
        "of": "sms",
        "at": row["planned_at"],
        "kind": row["template"],
        **{name: row[name] for name in ("sms_id", "state", "reason", "segments")},
        "alert_id": row["alert_id"] or None,
    }


_Source = tuple[List, str, tuple[str, str], Callable[[sqlite3.Row], _Entry]]
#: list, columns, by what entries are in order (when, and their id), and what becomes of a row
_SOURCES: dict[str, _Source] = {
    "alert": ("alerts", _ALERTS, ("r.raised_at", "'alert:' || r.alert_id"), _alert),
    "sms": ("sms", _SMS, ("r.planned_at", "'sms:' || r.sms_id"), _sms),
}


# --- of the services' documents -------------------------------------------------------------------------------------


def of_complaints(complaints: Iterable[Complaint]) -> Iterator[_Entry]:
    """Entries of complaints, as customer-profile has them."""
    for complaint in complaints:
        yield {
            "entry_id": f"complaint:{complaint.complaint_id}",
            "of": "complaint",
            "at": iso(complaint.opened_at),
            "kind": complaint.category,
            "state": complaint.status,
            "note": complaint.text,
            "event_id": complaint.event_id,
        }


def of_work(items: Iterable[WorkItem]) -> Iterator[_Entry]:
    """Entries of work items: what was done for the customer, and who had the item in hand."""
    for item in items:
        for number, step in enumerate(item.log):
            if step.what in _SILENT:
                continue
            is_contact, at = step.what == "acted", iso(step.at)
            yield {
                "entry_id": f"work:{item.work_id}:{at}:{number}",
                "of": "contact" if is_contact else "step",
                "at": at,
                "kind": step.kind if is_contact else step.what,
                "outcome": item.outcome if step.what == "closed" else None,
                **{n: getattr(step, n) for n in ("result", "note", "by", "to", "promised_on", "follow_up_on")},
                "work_id": item.work_id,
                "work_kind": item.kind,
                "alert_id": item.alert_id,
            }


def of_contacts(contacts: Iterable[Contact]) -> Iterator[_Entry]:
    """Entries of contacts that belong to no work item."""
    for contact in contacts:
        yield {
            "entry_id": f"contact:{contact.contact_id}",
            "of": "contact",
            "at": iso(contact.at),
            **{n: getattr(contact, n) for n in ("kind", "result", "note", "by", "follow_up_on")},
        }


def name_people(connection: sqlite3.Connection, entries: list[_Entry]) -> None:
    """Add the names of the managers who did something."""
    ids = msgspec.json.encode([entry["by"] for entry in entries if entry.get("by")]).decode()
    found = connection.execute(
        "SELECT manager_id, name FROM managers WHERE manager_id IN (SELECT value FROM json_each(?))", (ids,)
    )
    names = dict(found.fetchall())
    for entry in entries:
        entry["by_name"] = names.get(entry.get("by"))
