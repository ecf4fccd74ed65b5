"""What is kept on disk of messages that are too large for a dead letter."""

import os
from pathlib import Path

import pytest

from servicekit import dead_letters
from servicekit.envelope import Message


def test_the_oldest_make_room_and_the_newest_always_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "KEPT_BYTES", 250)
    paths = []
    for n in range(5):
        paths.append(dead_letters.keep(tmp_path, Message("t", 0, n, None, {}, b"%d" % n * 100)))
        os.utime(paths[-1], ns=(n, n))
    assert sorted(tmp_path.iterdir()) == sorted(paths[-2:])
    large = dead_letters.keep(tmp_path, Message("t", 0, 9, None, {}, b"x" * 1000))
    assert list(tmp_path.iterdir()) == [large]
