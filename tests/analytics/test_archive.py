"""The archive holds every place of the log once, whenever it was killed."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from analytics import archive as module
from analytics.archive import Archive, row_of


def places(root: Path) -> list[tuple[str, int, int, str]]:
    """(topic, partition, offset, id) of every row, sorted."""
    tables = [pq.read_table(path, partitioning=None) for path in root.glob("topic=*/date=*/*.parquet")]
    rows = [row for table in tables for row in table.to_pylist()]
    return sorted((r["topic"], r["partition"], r["offset"], r["id"]) for r in rows)


def expected(log: Any) -> list[tuple[str, int, int, str]]:
    return sorted((m.topic, m.partition, m.offset, m.id) for m in log.messages())


def test_rows_are_as_received(log: Any) -> None:
    log.add("boss.bill.issued", "bill", correlation="file:B#1", time="2026-06-30T16:00:00+00:00")
    log.put("boss.events", {}, b"\xffnonsense")
    root = log.archive().root

    [good] = pq.read_table(root / "topic=boss.events/date=2026-07-01/0-0-0.parquet", partitioning=None).to_pylist()
    assert (good["id"], good["correlationid"], good["key"], good["problem"]) == ("bill", "file:B#1", "1000123", None)
    assert good["data"].encode() == log.records["boss.events"][0].value
    [bad] = root.glob("topic=*/date=*/0-1-1.parquet")
    [bad_row] = pq.read_table(bad, partitioning=None).to_pylist()
    assert bad_row["data"] == "\\xffnonsense" and bad_row["problem"] == "unknown type ''"


def test_a_failed_write_is_tried_again(churn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive(churn.settings.archive_dir, [0])
    archive.open()
    rows = [row_of(message) for message in churn.messages()]
    with monkeypatch.context() as full_disk:
        full_disk.setattr(module, "_replace", _die)
        with pytest.raises(KeyboardInterrupt):
            archive.write(rows[:5], {})

    archive.write(rows, churn.ends())

    assert places(archive.root) == expected(churn)


def test_small_files_grow_until_they_are_large(log: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SMALL_ROWS", 2)
    for number in range(7):
        log.add("boss.bill.issued", f"bill{number}")
        log.archive()

    files = sorted(path.name for path in log.settings.archive_dir.glob("topic=*/date=*/*.parquet"))
    assert files == ["0-0-2.parquet", "0-3-5.parquet", "0-6-6.parquet"]
    assert places(log.settings.archive_dir) == expected(log)


def test_a_rebuild_gives_the_same_rows(churn: Any) -> None:
    churn.archive()
    churn.add("alert.raised", "later")
    root = churn.archive().root
    before = places(root)
    for path in sorted(root.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()

    churn.archive()

    assert places(root) == before == expected(churn)


def test_positions_are_found_again(churn: Any) -> None:
    churn.archive()

    assert Archive(churn.settings.archive_dir, [0]).open() == churn.ends()


def _die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt
