"""Several processes write one archive, and any of them may be killed between any two steps (defect 18)."""

import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from analytics import archive as module
from analytics.archive import SCHEMA, Archive, Archived
from analytics.bootstrap import build
from analytics.recount import recount
from analytics.settings import Settings
from servicekit.store import Fenced

DAY = "2026-06-30"


class Killed(BaseException):
    """The process is gone."""


def rows(partition: int, first: int, n: int, date: str = DAY) -> list[Archived]:
    def row(offset: int) -> Archived:
        known = {"topic": "boss.events", "partition": partition, "offset": offset, "id": f"{partition}-{offset}"}
        return Archived("boss.events", partition, offset, date, tuple(map(known.get, SCHEMA.names)))

    return [row(offset) for offset in range(first, first + n)]


def offsets(root: Path, partition: int) -> list[int]:
    files = root.glob(f"topic=*/date=*/{partition}-*.parquet")
    return sorted(r for path in files for r in pq.read_table(path, partitioning=None)["offset"].to_pylist())


@contextmanager
def killed_at(step: int) -> Iterator[list[str]]:
    """Everything that changes the disk counts as a step; the process dies before the one with this number."""
    steps: list[str] = []

    def counted(name: str, of: Any) -> Any:
        def act(*args: Any, **more: Any) -> Any:
            if len(steps) == step:
                raise Killed
            steps.append(name)
            return of(*args, **more)

        return act

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in ((Path, "rename"), (Path, "unlink"), (Path, "mkdir"), (os, "fsync"), (pq, "write_table")):
            patch.setattr(owner, name, counted(name, getattr(owner, name)))
        yield steps


def run_until_killed(work: Any, step: int) -> bool:
    """Whether the process got through before it was to die."""
    try:
        with killed_at(step):
            work()
    except Killed:
        return False
    return True


def a_life(root: Path) -> None:
    """A process of partition 0: clears up, adds to a small file, opens another day, then adds again."""
    with closing(Archive(root, [0])) as archive:
        at = archive.open().get("boss.events/0", 0)
        for until in (15, 20):
            new = [
                r for r in [*rows(0, 0, 12), *rows(0, 12, 3, "2026-07-01"), *rows(0, 15, 5)] if at <= r.offset < until
            ]
            archive.write(new, {"boss.events/0": until})
            at = max(at, until)


@pytest.mark.long
def test_a_process_may_die_between_any_two_steps(tmp_path: Path) -> None:
    step, through = 0, False
    while not through:
        root = tmp_path / str(step)
        with closing(Archive(root, [2])) as neighbour:
            neighbour.open()
            neighbour.write(rows(2, 0, 10), {"boss.events/2": 10})
            with closing(Archive(root, [0])) as archive:
                archive.open()
                archive.write(rows(0, 0, 10), {"boss.events/0": 10})
            through = run_until_killed(lambda root=root: a_life(root), step)
            neighbour.write(rows(2, 10, 10), {"boss.events/2": 20})
        for again in range(4):  # killed while it clears up, too
            run_until_killed(lambda root=root: a_life(root), again)
        a_life(root)
        assert offsets(root, 0) == list(range(20)), step
        assert offsets(root, 2) == list(range(20)), step
        assert not list(root.rglob("*.tmp")), step
        step += 1
    assert step > 20


def test_a_restart_touches_no_file_of_another_process(tmp_path: Path) -> None:
    one, two = Archive(tmp_path, [0, 1]), Archive(tmp_path, [2, 3])
    one.open(), two.open()
    for at in (0, 10):
        one.write(rows(0, at, 10), {"boss.events/0": at + 10})
        two.write(rows(2, at, 10), {"boss.events/2": at + 10})
    unfinished = tmp_path / "topic=boss.events" / f"date={DAY}" / ".0-0-29.parquet.tmp"
    unfinished.write_bytes(b"half")

    two.close()
    assert Archive(tmp_path, [2, 3]).open() == {"boss.events/2": 20}

    assert unfinished.exists(), "another process is writing it"
    one.write(rows(0, 20, 10), {"boss.events/0": 30})
    assert (offsets(tmp_path, 0), offsets(tmp_path, 2)) == (list(range(30)), list(range(20)))


def test_a_second_writer_of_a_partition_is_kept_out(tmp_path: Path) -> None:
    with closing(Archive(tmp_path, [0, 1])) as one:
        one.open()
        with pytest.raises(Fenced, match="partition 1"):
            Archive(tmp_path, [1, 2]).open()
    Archive(tmp_path, [1, 2]).open()


def test_partitions_change_hands(tmp_path: Path) -> None:
    with closing(Archive(tmp_path, [0, 2])) as both:
        both.open()
        both.write([*rows(0, 0, 5), *rows(2, 0, 7)], {"boss.events/0": 5, "boss.events/2": 7})
    with closing(Archive(tmp_path, [2])) as other:
        assert other.open() == {"boss.events/2": 7}
        other.write(rows(2, 7, 3), {"boss.events/2": 10})
    assert Archive(tmp_path, [0, 2]).open() == {"boss.events/0": 5, "boss.events/2": 10}
    assert offsets(tmp_path, 2) == list(range(10))


def test_what_was_written_before_the_error_is_not_written_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two partitions in one write; the disk is full after the first."""
    archive = Archive(tmp_path, [0, 1])
    archive.open()
    replace, left = module._replace, [1]

    def full(path: Path, content: bytes) -> None:
        if not left:
            raise OSError(28, "No space left on device")
        left.pop()
        replace(path, content)

    given = [*rows(0, 0, 5), *rows(1, 0, 5)]
    monkeypatch.setattr(module, "_replace", full)
    with pytest.raises(OSError, match="No space"):
        archive.write(given, {"boss.events/0": 5, "boss.events/1": 5})
    left.extend([1, 1])

    archive.write([*given, *rows(0, 5, 1)], {"boss.events/0": 6, "boss.events/1": 5})

    assert (offsets(tmp_path, 0), offsets(tmp_path, 1)) == (list(range(6)), list(range(5)))


def test_positions_of_all_partitions_in_one_file_are_taken_over(tmp_path: Path) -> None:
    with closing(Archive(tmp_path, [0, 1])) as before:
        before.open()
        before.write([*rows(0, 0, 5), *rows(1, 0, 7)], {"boss.events/0": 5, "boss.events/1": 7})
    for path in (tmp_path / "_positions").iterdir():
        path.unlink()
    (tmp_path / "_positions.json").write_text(json.dumps({"boss.events/0": 5, "boss.events/1": 7}))

    with closing(Archive(tmp_path, [1])) as one:
        assert one.open() == {"boss.events/1": 7}
        one.write(rows(1, 7, 1), {"boss.events/1": 8})

    assert Archive(tmp_path, [0, 1]).open() == {"boss.events/0": 5, "boss.events/1": 8}
    assert (len(offsets(tmp_path, 0)), len(offsets(tmp_path, 1))) == (5, 8)


def test_strange_files_stop_nothing(tmp_path: Path) -> None:
    archive = Archive(tmp_path, [0])
    archive.open()
    archive.write(rows(0, 0, 5), {"boss.events/0": 5})
    archive.close()
    folder = tmp_path / "topic=boss.events" / f"date={DAY}"
    strange = [folder / "0-notes.parquet", folder / "0-1-2 copy.parquet", folder / "report.parquet"]
    for path in strange:
        path.write_bytes(b"?")

    again = Archive(tmp_path, [0])
    again.open()
    again.write(rows(0, 5, 5), {"boss.events/0": 10})

    assert all(path.exists() for path in strange)


def test_a_recount_reads_only_its_own_partitions(tmp_path: Path) -> None:
    archive = Archive(tmp_path, [0])
    archive.open()
    archive.write(rows(0, 0, 3), {"boss.events/0": 3})
    (tmp_path / "topic=boss.events" / f"date={DAY}" / "1-0-5.parquet").write_bytes(b"being replaced")

    assert recount(tmp_path, {"boss.events/0": 3}, tmp_path).total() == 3


async def test_who_may_not_write_the_archive_takes_nothing_else_over(tmp_path: Path) -> None:
    """A second process took the journals over before it was kept out, and so ended the first one."""
    settings = Settings(service_data=tmp_path / "second", kafka="-", archive_dir=tmp_path / "archive", partitions=1)
    first = Archive(settings.archive_dir, [0])
    first.open()
    service = build(settings)
    with closing(first), pytest.raises(Fenced):
        await service.start()
    assert not (tmp_path / "second" / "lineage").exists() and not service.processors
