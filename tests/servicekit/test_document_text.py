"""A document as people write it: YAML 1.2 or JSON, and what is wrong with a text said with its line."""

import time
from typing import Any

import pytest

from servicekit.documents.document_text import read_text
from servicekit.documents.fault import Checker


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("on: [USAGE]", {"on": ["USAGE"]}),
        ("op: =", {"op": "="}),
        ("{figure: a, op: '<=', value: -3}", {"figure": "a", "op": "<=", "value": -3}),
        ("a: yes\nb: true\nc: No", {"a": "yes", "b": True, "c": "No"}),
        ("city: 0755", {"city": "0755"}),
        ("code: 1_000", {"code": "1_000"}),
        ("day: 2026-06-30", {"day": "2026-06-30"}),
        ("at: 12:30", {"at": "12:30"}),
        ("share: 0.5", {"share": 0.5}),
        ("nothing: ~", {"nothing": None}),
        ('{"on": ["USAGE"], "n": 12345678901234567890123}', {"on": ["USAGE"], "n": "12345678901234567890123"}),
        ("name: 近乎静默 # silent", {"name": "近乎静默"}),
        ("name: 静默：三天", {"name": "静默：三天"}),
        ("\ufeffa: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
    ],
)
def test_reads_what_is_meant(text: str, document: dict[str, Any]) -> None:
    assert read_text(text) == (document, [])


@pytest.mark.parametrize(
    ("text", "en"),
    [
        ("", "lines of"),
        ("- a\n- b", "lines of"),
        ("just words", "lines of"),
        ("a: 1\nb: 2\na: 3", "line 3: 'a' stands twice"),
        ("a:\n  1: x", "line 2: the name of a field is a text"),
        ("a: &x [1]\nb: *x", "line 2: there are no aliases"),
        ("a: [1", "not YAML"),
        ("a: b: c", "line 1: this is not YAML"),
        ("a: !!python/object/apply:os.system [ls]", "line 1: there are no tags"),
        ("a: 1\nb: !!binary aGVsbG8=", "line 2: there are no tags"),
        ("a: !!set {b, c}", "there are no tags"),
        ("a: !!float .nan", "there are no tags"),
        ("a: !!timestamp 2026-06-30", "there are no tags"),
        ("a: \x00", "not YAML"),
        ("a: " + "[" * 1500, "not YAML"),
        ("a: " + "x" * 300_000, "256 KiB"),
        ("a: 1\n---\nb: 2", "line 2: more than one document"),
        ("id：silent\ntype: condition", "has a full-width colon"),
        ("when:\n  - {figure：a}\n  - b: c：d: e", "has a full-width colon"),
        ("a:\n\tb: 1", "line 2: indent with blanks"),
    ],
)
def test_says_what_is_wrong(text: str, en: str) -> None:
    document, faults = read_text(text)
    assert document is None and len(faults) == 1
    assert en in faults[0].en and faults[0].zh and faults[0].zh != faults[0].en


def test_a_great_text_is_read_in_a_moment() -> None:
    began = time.process_time()
    document, _ = read_text("a:\n" + "- {b: 1, c: [x, y]}\n" * 2_000)
    assert document is not None and len(document["a"]) == 2_000
    assert time.process_time() - began < 5  # a fifth of a second here; a bound against what grows faster than its text


def test_a_checker_knows_its_place() -> None:
    checker = Checker()
    checker.under("when").under("all").under(1).under("value").say("错", "wrong")
    assert [fault.field for fault in checker.faults] == ["when.all[1].value"]
