"""The counts once more, from the archive alone, with DuckDB: the definition of ``analytics.domain`` as SQL."""

from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from analytics.domain import BOSS_TOPIC, Cell, Counts
from contracts.registry import EVERYWHERE

# ``counted`` keeps the first place in the log of every id, up to the offsets of the live counters.
_SQL = """
with counted as (
    select log.*, nullif(left(json_extract_string(log.data, '$.city'), 64), '') as own_city
    from read_parquet($files, hive_partitioning = true, hive_types_autocast = false) log
    join bounds on bounds.topic = log.topic and bounds."partition" = log."partition"
    where log."offset" < bounds.next_offset and log.problem is null
        and (not list_contains($everywhere, log.type) or (log.topic = $boss and log."partition" = 0))
    qualify row_number() over (partition by log."partition", log.id order by log.topic, log."offset") = 1
)
select
    date as day,
    case when topic = $boss and not list_contains($everywhere, type)
        then arg_max(own_city, row(coalesce(time, ''), coalesce(revision, 0), "offset"))
            filter (own_city is not null)
            over (partition by topic, "partition", "key" order by "offset" rows unbounded preceding)
        else own_city
    end as city,
    regexp_replace(type, '^kam\\.(.*)\\.v[0-9]+$', '\\1')
        || case when topic in ('alert.events', 'work.events')
            then ':' || coalesce(left(json_extract_string(data, '$.kind'), 64), '') else '' end as kind
from counted
"""


def recount(archive: Path, positions: dict[str, int], scratch: Path) -> Counts:
    """Exact counts of every archived event before ``positions`` (next offset per ``topic/partition``)."""
    # The files of other partitions are other processes' own: they may go while we read.
    places = [
        f"topic={topic}/*/{partition}-*.parquet" for topic, _, partition in (p.rpartition("/") for p in positions)
    ]
    files = [str(archive / place) for place in places if any(archive.glob(place))]
    if not files:
        return Counter()
    bounds = [
        {"topic": topic, "partition": int(partition), "next_offset": offset}
        for topic, _, partition, offset in ((*name.rpartition("/"), offset) for name, offset in positions.items())
    ]
    with duckdb.connect() as database:
        database.execute(f"set temp_directory = '{scratch}'; set memory_limit = '512MB'; set threads = 2")
        schema = pa.schema([("topic", pa.string()), ("partition", pa.int32()), ("next_offset", pa.int64())])
        database.register("bounds", pa.Table.from_pylist(bounds, schema))
        rows = database.execute(
            f"select day, city, kind, count(*) from ({_SQL}) group by all",
            {"files": files, "boss": BOSS_TOPIC, "everywhere": sorted(EVERYWHERE)},
        ).fetchall()
    return Counter({Cell(str(day), city, kind): n for day, city, kind, n in rows})


def differences(live: Counts, archived: Counts) -> list[dict[str, Any]]:
    """Cells in which the two don't agree."""
    return [
        {"day": c.day, "city": c.city, "kind": c.kind, "live": live[c], "archive": archived[c]}
        for c in sorted(live.keys() | archived.keys(), key=_order)
        if live[c] != archived[c]
    ]


def _order(cell: Cell) -> tuple[str, str, str]:
    return cell.day, cell.city or "", cell.kind
