"""What is kept on disk of messages that are too large for a dead letter."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from servicekit import dead_letter
from servicekit.dead_letter_log import Letter
from servicekit.envelope import Message


def test_the_oldest_make_room_and_the_newest_always_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letter, "KEPT_BYTES", 250)
    paths = []
    for n in range(5):
        paths.append(dead_letter.keep(tmp_path, Message("t", 0, n, None, {}, b"%d" % n * 100)))
        os.utime(paths[-1], ns=(n, n))
    assert sorted(tmp_path.iterdir()) == sorted(paths[-2:])
    large = dead_letter.keep(tmp_path, Message("t", 0, 9, None, {}, b"x" * 1000))
    assert list(tmp_path.iterdir()) == [large]


def test_a_stranger_can_not_speak_of_dead_letters_in_our_name() -> None:
    """A mark of his hid his letter and any other one; a count that was none ended every ``kam dlq list``."""
    headers = {"dlq-replayed": b"boss.feed.billing-sync.dlq/0/5", dead_letter.REPLAYS: b"many", "ce_id": b"1"}
    letter = dead_letter.letter(Message("boss.feed", 0, 7, b"k", headers, b"{}"), "billing-sync", ValueError("bad"))
    names = [name for name, _ in letter.headers]
    assert "dlq-replayed" not in names and dict(letter.headers)[dead_letter.REPLAYS] == b"0"
    for count, replays in ((b"many", 0), (b"", 0), (b"3", 3), (b"-1", 0), (b"9" * 5000, 0), (None, 0)):
        assert dead_letter.replays_of(count) == replays
    before = [header for header in letter.headers if header[0] != dead_letter.REPLAYS]
    headers_of_an_earlier_release = [*before, (dead_letter.REPLAYS, b"many"), ("x", None)]
    found = Letter(
        SimpleNamespace(
            topic=letter.topic, partition=0, offset=1, timestamp=0, key=b"k", value=b"{}",
            headers=headers_of_an_earlier_release,
        )
    )  # fmt: skip
    assert (found.summary()["replays"], found.summary()["quarantined"], found.whole()["headers"]["x"]) == (0, False, "")
    again, allowed = dead_letter.replay(found.headers, found.key, found.value)
    assert allowed and dict(again.headers)[dead_letter.REPLAYS] == b"1"
