"""Rows of a batch that change nothing once a later one of the same batch is there. Pure."""

from collections.abc import Iterable, Iterator

from gateway.projection.rows import Row


def fewest(rows: Iterable[Row]) -> Iterator[Row]:
    """What comes to the same as all these rows in their order. An SMS is planned, sent and delivered within a second,
    what is told of an alert is mostly how detection has just left it, and each event of a customer names him.
    """
    kept: list[Row | None] = []
    named: set[str] = set()
    sms: dict[str, int] = {}
    alerts: dict[str, int] = {}
    for row in rows:
        name, values = row
        if name == "customer named":
            if values["customer_id"] in named:
                continue
            named.add(values["customer_id"])
        elif name == "sms":
            before = sms.get(values["sms_id"])
            if before is not None and _gives_way(kept[before], row):
                kept[before] = None
            sms[values["sms_id"]] = len(kept)
        elif name == "alert":
            alerts[values["alert_id"]] = values["revision"]
        elif name == "alert told" and values["revision"] <= alerts.get(values["alert_id"], -1):
            continue  # the table has this revision by then, or a later one
        kept.append(row)
    yield from (row for row in kept if row is not None)


def _gives_way(row: Row | None, to: Row) -> bool:
    """Whether every table that takes the first would take the second, too, and show nothing of the first."""
    return row is not None and row[1]["revision"] < to[1]["revision"] and row[1]["at"] <= to[1]["at"]
