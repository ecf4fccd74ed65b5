"""What notices tell of, from the read model: how many, which kinds, how grave, until when. Never who, and no amount."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from contracts.alert import LEVELS
from gateway.access.scope import Scope
from gateway.live.changes import Place, here
from gateway.notices.due import Standing
from gateway.projection.lists import where
from gateway.projection.schema import NEVER
from gateway.projection.visible import Subject, Visible, subject_of
from servicekit.clock import at_local, end_of, iso, later_day, local_date

#: urgent alerts of one person that are looked at; with more, the newest
MOST_STANDING = 2000
#: changes by which it is seen whom they concern; with more, everybody is looked at
_MOST_CHANGED = 500
#: what nobody has taken in hand yet, or has and does nothing about
_UNTAKEN = "(r.state = 'raised' OR (r.not_begun > 0 AND r.state = 'acknowledged'))"
#: a row's revision is detection's: with how far up it went, and why, it tells what is newer
_REVISION = "(r.revision * {n} + r.not_acknowledged) * {n} + r.not_begun".format(n=len(LEVELS) + 1)
#: why it went up last, as it stands
_WHY_UP = (
    "CASE WHEN r.not_begun > 0 AND (r.state = 'acknowledged' OR r.not_acknowledged = 0) THEN 'not_begun'"
    " WHEN r.not_acknowledged > 0 THEN 'not_acknowledged' END"
)
SEVERITIES = ("critical", "major", "minor")


class Item(NamedTuple):
    """An alert as a notice tells of it. ``due``: ISO 8601, None where nothing is due; ``escalated``: why it went up
    (``Cause``), None where it did not."""

    alert_id: str
    kind: str
    severity: str
    stage: str | None
    due: str | None
    escalated: str | None = None


class Group(NamedTuple):
    """Open alerts of one kind and severity."""

    kind: str
    severity: str
    open: int
    new: int


class Day(NamedTuple):
    """What stands open in somebody's scope as the day begins. ``untaken``: not acknowledged; ``new``: raised since the
    beginning of yesterday; ``due``: the next time by which something must be done."""

    groups: Sequence[Group]
    overdue: int
    due_today: int
    untaken: int
    due: str | None
    work: int
    work_overdue: int


def standing(
    connection: sqlite3.Connection,
    scope: Scope,
    severity: str,
    kinds: Sequence[str],
    now: datetime,
    level: int | None = None,
    below: Sequence[Scope] = (),
) -> list[Standing]:
    """Alerts in scope that are as grave as this, or graver, and that nobody has taken in hand; and those that went up
    to this ``level``, or further, how grave they may be: each cause is news of its own. ``below``: what is seen by
    those of the levels beneath, from the first on; what went up to one of them and is seen by nobody there comes here.
    What maintenance holds is none of them."""
    found = where("alerts", scope.visible("alerts"), {"kind": ",".join(kinds) or None}, now)
    untaken, taken = (_came_up(cause, level, below) for cause in ("not_acknowledged", "not_begun"))
    rows = connection.execute(
        "SELECT r.alert_id, r.revision, r.severity || '/' || coalesce(r.stage, '')"
        " || CASE WHEN r.untaken THEN '/up' ELSE '' END || CASE WHEN r.taken THEN '/not_begun' ELSE '' END FROM"
        f" (SELECT r.alert_id, {_REVISION} AS revision, r.severity, r.stage, r.state, r.rank, r.seq,"
        f" {untaken.condition} AS untaken, {taken.condition} AS taken FROM alerts r"
        f" WHERE r.open = 1 AND r.suppressed = 0 AND {_UNTAKEN} AND {found.condition}) r"
        " WHERE r.taken OR (r.state = 'raised' AND (r.untaken OR r.rank <= ?))"
        f" ORDER BY r.seq DESC LIMIT {MOST_STANDING}",
        (*untaken.parameters, *taken.parameters, *found.parameters, SEVERITIES.index(severity)),
    )
    return [Standing(*row) for row in rows]


def _came_up(cause: str, level: int | None, below: Sequence[Scope]) -> Visible:
    """Rows that went up to a level for this cause, or to one beneath it where nobody sees them."""
    if level is None:
        return Visible("0")
    seen = [scope.visible("alerts") for scope in below]
    kept = [f"r.{cause} <= {number} AND ({each.condition})" for number, each in enumerate(seen, 1)]
    on = f" OR (r.{cause} > 0 AND ({' OR '.join(kept)}) IS NOT TRUE)" if kept else ""
    return Visible(f"(r.{cause} >= {level:d}{on})", tuple(value for each in seen for value in each.parameters))


def items(connection: sqlite3.Connection, scope: Scope, ids: Sequence[str], now: datetime) -> list[Item]:
    """Those of these alerts that are still in scope and untaken, the gravest and most pressing first."""
    found = where("alerts", scope.visible("alerts"), {}, now)
    rows = connection.execute(
        f"SELECT r.alert_id, r.kind, r.severity, r.stage, nullif(r.due_at, ?), {_WHY_UP} FROM alerts r"
        f" WHERE r.open = 1 AND {_UNTAKEN} AND r.alert_id IN (SELECT value FROM json_each(?)) AND {found.condition}"
        " ORDER BY r.rank, r.due_at",
        (NEVER, msgspec.json.encode(ids).decode(), *found.parameters),
    )
    return [Item(*row) for row in rows]


def day(connection: sqlite3.Connection, alerts: Scope, work: Scope, now: datetime) -> Day:
    """Counts of what stands open."""
    today = local_date(now)
    bounds = iso(now), iso(end_of(today)), iso(at_local(later_day(today, -1)))
    seen = where("alerts", alerts.visible("alerts"), {}, now)
    head = "WITH d (now, tomorrow, since) AS (VALUES (?, ?, ?)) SELECT"
    groups = connection.execute(
        f"{head} r.kind, r.severity, count(*), sum(r.raised_at >= d.since) FROM d, alerts r"
        f" WHERE r.open = 1 AND {seen.condition} GROUP BY r.kind, r.severity ORDER BY min(r.rank), count(*) DESC",
        (*bounds, *seen.parameters),
    ).fetchall()
    overdue, due_today, untaken, due = connection.execute(
        f"{head} coalesce(sum(r.due_at < d.now), 0), coalesce(sum(r.due_at >= d.now AND r.due_at < d.tomorrow), 0),"
        " coalesce(sum(r.state = 'raised'), 0), min(CASE WHEN r.due_at >= d.now AND r.due_at < ? THEN r.due_at END)"
        f" FROM d, alerts r WHERE r.open = 1 AND {seen.condition}",
        (*bounds, NEVER, *seen.parameters),
    ).fetchone()
    seen = where("work", work.visible("work"), {}, now)
    items_, late = connection.execute(
        f"{head} count(*), coalesce(sum(r.due_at < d.now), 0) FROM d, work r WHERE r.open = 1 AND {seen.condition}",
        (*bounds, *seen.parameters),
    ).fetchone()
    return Day([Group(*row) for row in groups], overdue, due_today, untaken, due, items_, late)


def concerned(connection: sqlite3.Connection, since: Place | None) -> tuple[Place, list[Subject] | None]:
    """Where the read model stands, and what alerts that changed since are about, grave ones and those that went up;
    None: too many to tell, or it is another file."""
    place = here(connection)
    if since is None or place.epoch != since.epoch or since.seq > place.seq:
        return place, None
    rows = connection.execute(
        "SELECT r.customer_id, r.city, r.unit_id, r.manager_id, r.kind FROM alerts r WHERE r.seq > ? AND r.open = 1"
        f" AND ((r.state = 'raised' AND r.rank < 2) OR r.escalated > 0) LIMIT {_MOST_CHANGED + 1}",
        (since.seq,),
    ).fetchall()
    return place, None if len(rows) > _MOST_CHANGED else [subject_of(row, row["kind"]) for row in rows]
