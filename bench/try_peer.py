"""The peer of ``try``: polars on the BOSS files themselves, on all cores. Runs in an environment of its own
(``requirements.polars.lock``), so nothing of the project is imported here. Prints one JSON object.

``try_peer.py FOLDER FIRST MONTHS``: drop-30 at 60 and at 70 percent over so many months: whom both warn of and whom
only the second does, with the exclusions of the seeds.
"""

import json
import sys
import time
from pathlib import Path

import polars as pl

MIN_MONTHS_IN_NETWORK = 3


def read(folder: Path, kind: str, *columns: str) -> pl.DataFrame:
    """All files of a kind; of two that say the same month of a customer, the later."""
    found = [
        pl.read_csv(path, separator="|", columns=list(columns)) for path in sorted(folder.glob(f"{kind}_*.dat.gz"))
    ]
    return pl.concat(found).unique(subset=[c for c in columns if c in ("customer_id", "period")], keep="last")


def fallen(rows: pl.DataFrame, figure: str) -> pl.DataFrame:
    """Customers and months whose figure fell to 60, and to 70 percent, of the mean of the three months before."""
    month = pl.col("period") // 100 * 12 + pl.col("period") % 100 - 1
    rows = rows.with_columns(month=month).sort("customer_id", "month")
    before = [pl.col(figure).shift(n).over("customer_id") for n in (1, 2, 3)]
    is_whole = pl.col("month").shift(3).over("customer_id") == pl.col("month") - 3
    rows = rows.with_columns(base=before[0] + before[1] + before[2]).filter(is_whole & (pl.col("base") > 0))
    return rows.filter(300 * pl.col(figure) <= 70 * pl.col("base")).select(
        "customer_id", "period", "month", is_below=300 * pl.col(figure) <= 60 * pl.col("base")
    )


def main() -> None:
    folder, first, months = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    started = time.perf_counter()
    customers = read(folder, "CUST", "customer_id", "status", "opened_on").filter(pl.col("status") == "active")
    customers = customers.with_columns(opened=pl.col("opened_on").str.to_date())
    found = pl.concat([
        fallen(read(folder, "BILL", "customer_id", "period", "amount_fen"), "amount_fen"),
        fallen(read(folder, "USAGE", "customer_id", "period", "voice_minutes"), "voice_minutes"),
    ])  # fmt: skip
    begin = first // 100 * 12 + first % 100 - 1
    found = found.filter(pl.col("month").is_between(begin, begin + months - 1))
    found = found.group_by("customer_id", "period", "month").agg(pl.col("is_below").any())
    last_day = pl.date(pl.col("period") // 100, pl.col("period") % 100, 1).dt.month_end()
    known = found.join(customers, on="customer_id").filter(
        pl.col("opened").dt.offset_by(f"{MIN_MONTHS_IN_NETWORK}mo") <= last_day
    )
    both = known["is_below"].sum()
    line = {"seconds": time.perf_counter() - started, "alerts": both, "same": both, "gone": known.height - both}
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
