"""The figures of a period. Each is counted by the very condition of the list that its filter opens, in the scope that
this list has for whoever asks: what they may not see is in no sum.
"""

import sqlite3
from collections.abc import Callable, Mapping
from datetime import date, datetime
from itertools import chain
from typing import Any

from gateway.feeds.standing import days
from gateway.overview.periods import Period, Span
from gateway.projection import lists
from gateway.projection.lists import NONE, Where
from gateway.projection.visible import List, Visible
from servicekit.clock import local_date

Filter = Mapping[str, str]
CHANGES = 20
#: what proves that a customer in danger stayed, and that one was lost
_STAYED, _LOST = "recovered,withdrawn", "left"
_BY_HOUR, _BY_DAY = "substr({time}, 1, 13)", "date({time}, '+8 hours')"
#: by how much a figure fell below the mean of the three months before: what ``drop`` rules put into an alert
_FALL = (
    "json_extract(CAST(r.shown AS TEXT), '$.values.amount_fen_base') / 3.0"
    " - json_extract(CAST(r.shown AS TEXT), '$.values.amount_fen')"
)


class Figures:
    """Counts for one moment. ``base``: city and unit, ``sight``: what is seen of each list."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        sight: Mapping[List, Visible],
        base: Filter,
        period: Period,
        now: datetime,
    ) -> None:
        self._connection, self._sight, self._base, self._period, self._now = connection, sight, base, period, now

    def all(self) -> dict[str, Any]:
        """Everything that the page shows, but for what is asked of others."""
        return {
            **self._over_time(),
            **self._figures("alerts", {}, {"alerts": {}}),
            "handled": self._figures("work", {}, {"part": {"state": "acted,closed"}, "whole": {}}),
            "delivered": self._figures(
                "sms", {}, {"part": {"state": "delivered"}, "whole": {"state": "sent,delivered,failed,unknown"}}
            ),
            "churn": self._churn(),
            "arrears": self._arrears(),
            "recovered": self._recovered(),
            "sms": self._sms(),
            "complaints": self._complaints(),
        }

    # --- alerts -----------------------------------------------------------------------------------------------------

    def _over_time(self) -> dict[str, Any]:
        """By kind and by city, in each hour or day."""
        found = self._where("alerts", self._period.span.filter)
        kinds: dict[str, list[int]] = {}
        cities: dict[str, list[int]] = {}
        for at, kind, city, count in self._grouped(
            found, self._bucket("r.raised_at"), "r.kind", f"coalesce(r.city, '{NONE}')"
        ):
            place = self._place(at)
            if place is not None:
                for counted, value in ((kinds, kind), (cities, city)):
                    counted.setdefault(value, [0] * len(self._period.starts))[place] += count
        return {
            "by_time": [{"kind": kind, "counts": counts} for kind, counts in sorted(kinds.items())],
            "by_city": [{"city": city, "counts": counts} for city, counts in sorted(cities.items())],
        }

    def _churn(self) -> list[dict[str, Any]]:
        raised: dict[str, Filter] = {"raised": {}, "kept": {"outcome": _STAYED}, "lost": {"outcome": _LOST}}
        acted: dict[str, Filter] = {
            "new": {"state": "new"},
            "accepted": {"state": "accepted"},
            "acted": {"state": "acted"},
            "claimed": {"outcome": "retained"},
        }
        steps = self._figures("alerts", {"kind": "churn_warning"}, raised)
        steps |= self._figures("work", {"type": "retention"}, acted)
        return [{"step": step, **steps[step]} for step in ("raised", *acted, "kept", "lost")]

    def _complaints(self) -> list[dict[str, Any]]:
        kind = {"kind": "complaint_opened", **self._period.span.filter}
        counted = self._grouped(self._where("alerts", kind), "r.open", f"coalesce(r.stage, '{NONE}')")
        found = []
        for is_open, state in ((1, "open"), (0, "closed")):
            for is_late in (False, True):
                stages = [(s, n) for o, s, n in counted if o == is_open and (s == "overdue") == is_late]
                filter_ = {**kind, "open": str(is_open), "stage": ",".join(sorted({s for s, _ in stages}))}
                count = sum(n for _, n in stages)
                told = self._told("alerts", filter_ if stages else {**filter_, "stage": "overdue" if is_late else NONE})
                found.append({"state": state, "late": is_late, "count": count, "before": None, **told})
        return found

    # --- arrears ----------------------------------------------------------------------------------------------------

    def _arrears(self) -> list[dict[str, Any]]:
        """What is owed now, by the age of the oldest bill."""
        kind = {"kind": "arrears", "open": "1"}
        column, bounds = lists.age_column(self._now)
        found = self._where("alerts", kind)
        counted = {
            age: (count, amount)
            for age, count, amount in self._connection.execute(
                f"SELECT {column}, count(*), sum(r.amount_fen) FROM alerts r WHERE {found.condition} GROUP BY 1",
                (*bounds, *found.parameters),
            )
        }
        return [
            {
                "age": age,
                "count": counted.get(age, (0, 0))[0],
                "amount_fen": counted.get(age, (0, 0))[1] or 0,
                **self._told("alerts", {**kind, "age": age}),
            }
            for age in lists.AGES
            if age != NONE or age in counted
        ]

    def _recovered(self) -> dict[str, Any]:
        """What was owed and was paid in the period: alerts that ended because BOSS says so."""
        kind = {"kind": "arrears", "outcome": "cleared"}
        counts, amounts = ([0] * len(self._period.starts) for _ in range(2))
        total = fen = 0
        found = self._where("alerts", {**kind, **self._period.span.ended})
        for at, count, amount in self._connection.execute(
            f"SELECT {self._bucket('r.at')}, count(*), sum(r.amount_fen) FROM alerts r WHERE {found.condition}"
            " GROUP BY 1",
            found.parameters,
        ):
            place = self._place(at)
            if place is not None:
                counts[place], amounts[place] = counts[place] + count, amounts[place] + (amount or 0)
                total, fen = total + count, fen + (amount or 0)
        before = None
        if self._period.before is not None:
            earlier = self._where("alerts", {**kind, **self._period.before.ended})
            (before,) = self._connection.execute(
                f"SELECT coalesce(sum(r.amount_fen), 0) FROM alerts r WHERE {earlier.condition}", earlier.parameters
            ).fetchone()
        return {
            "count": total,
            "amount_fen": fen,
            "amount_before_fen": before,
            "counts": counts,
            "amounts_fen": amounts,
            **self._told("alerts", {**kind, **self._period.span.ended}),
        }

    # --- sms --------------------------------------------------------------------------------------------------------

    def _sms(self) -> list[dict[str, Any]]:
        span = self._period.span.filter
        counted = self._grouped(self._where("sms", span), "r.state", f"coalesce(r.reason, '{NONE}')")
        return [
            {
                "state": state,
                "reason": None if reason == NONE else reason,
                "count": count,
                **self._told("sms", {**span, "state": state, "reason": reason}),
            }
            for state, reason, count in sorted(counted, key=lambda row: (-row[2], row[0], row[1]))
        ]

    # --- counting ---------------------------------------------------------------------------------------------------

    def _figures(self, list_: List, about: Filter, parts: Mapping[str, Filter]) -> dict[str, dict[str, Any]]:
        """Counts of the period and of the one before, and by what the rows of each part are found. A part is told by
        what columns of the list hold: all of them are counted in one pass."""
        now = self._counted(list_, about, parts, self._period.span)
        before = None if self._period.before is None else self._counted(list_, about, parts, self._period.before)
        return {
            name: {
                "count": now[name],
                "before": None if before is None else before[name],
                **self._told(list_, {**about, **part, **self._period.span.filter}),
            }
            for name, part in parts.items()
        }

    def _counted(self, list_: List, about: Filter, parts: Mapping[str, Filter], span: Span) -> dict[str, int]:
        found = self._where(list_, {**about, **span.filter})
        names = list(dict.fromkeys(chain.from_iterable(parts.values())))
        counted = self._grouped(found, *(found.spec.filters[name] for name in names))
        wanted = {
            part: [(names.index(name), values.split(",")) for name, values in filter_.items()]
            for part, filter_ in parts.items()
        }
        return {
            part: sum(row[-1] for row in counted if all(row[at] in values for at, values in conditions))
            for part, conditions in wanted.items()
        }

    def _where(self, list_: List, filter_: Filter) -> Where:
        return lists.where(list_, self._sight[list_], {**self._base, **filter_}, self._now)

    def _told(self, list_: List, filter_: Filter) -> dict[str, Any]:
        return {"list": list_, "filter": {**self._base, **filter_}}

    def _grouped(self, found: Where, *columns: str) -> list[tuple[Any, ...]]:
        """The values of these columns that there are together, and how many rows of each."""
        groups = f" GROUP BY {', '.join(str(n) for n in range(1, len(columns) + 1))}" if columns else ""
        rows = self._connection.execute(
            f"SELECT {', '.join((*columns, 'count(*)'))} FROM {found.spec.table} r WHERE {found.condition}{groups}",
            found.parameters,
        )
        return [tuple(row) for row in rows]

    def _bucket(self, time: str) -> str:
        return (_BY_HOUR if self._period.step == "hour" else _BY_DAY).format(time=time)

    def _place(self, bucket: str) -> int | None:
        """Which hour or day of the period that is."""
        since = self._period.span.since
        if self._period.step == "hour":
            place = int((datetime.fromisoformat(f"{bucket}:00:00+00:00") - since).total_seconds() // 3600)
        else:
            place = (date.fromisoformat(bucket) - local_date(since)).days
        return place if 0 <= place < len(self._period.starts) else None


def changes(connection: sqlite3.Connection, visible: Visible, filter_: Filter, now: datetime) -> list[sqlite3.Row]:
    """Churn warnings of the customers whose bill fell most, most first."""
    found = lists.where("alerts", visible, {**filter_, "kind": "churn_warning"}, now)
    ids = [
        row[0]
        for row in connection.execute(
            f"SELECT r.alert_id, {_FALL} AS fall FROM alerts r WHERE {found.condition} AND fall > 0"
            f" ORDER BY fall DESC, r.alert_id LIMIT {CHANGES}",
            found.parameters,
        )
    ]
    if not ids:
        return []
    chosen = lists.where("alerts", visible, {"id": ",".join(ids)}, now)
    rows, _ = lists.rows(connection, chosen, None, None, CHANGES)
    order = {id_: at for at, id_ in enumerate(ids)}
    return sorted(rows, key=lambda row: order[row["alert_id"]])


def missing(freshness: Mapping[str, Any], sees: Callable[[str], bool]) -> list[dict[str, str]]:
    """Files of cities that others of their kind are ahead of: kind and city of each, with the day it stands at."""
    return [
        {"kind": kind, "city": city, "business_date": day, "expected": max(cities.values())}
        for kind, cities in sorted(days(freshness).items())
        for city, day in sorted(cities.items())
        if day < max(cities.values()) and sees(city)
    ]
