"""What is wrong with a document is said in words, with the place and the remedy."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta, Struct

from servicekit.documents.fault import MOST_FAULTS, Checker, Fault, Faulty, faults_of, unseen


class Part(Struct, forbid_unknown_fields=True):
    kind: Literal["a", "b"]
    code: Annotated[str, Meta(pattern="^[a-z]+$")]


class Whole(Struct, forbid_unknown_fields=True):
    percent: Annotated[int, Meta(ge=1)]
    parts: tuple[Part, ...] = ()
    hours: dict[str, int] = {}
    note: str | None = None


GOOD: dict[str, Any] = {"percent": 5}


@pytest.mark.parametrize(
    ("document", "field", "zh", "en"),
    [
        ({}, "percent", "缺少此项", "is missing"),
        ({**GOOD, "percents": 5}, "percents", "没有这一项", "is no field"),
        ({"percent": "x"}, "percent", "应为整数，现为文本", "must be a whole number, not text"),
        ({"percent": 1.5}, "percent", "现为数字", "not a number"),
        ({"percent": None}, "percent", "现为空", "not nothing"),
        ({"percent": 0}, "percent", "应为 int >= 1", "must be int >= 1"),
        ({**GOOD, "parts": {}}, "parts", "应为列表", "must be a list"),
        (
            {**GOOD, "parts": [{"kind": "a", "code": "x"}, {"kind": "c", "code": "x"}]},
            "parts[1].kind",
            "c",
            "c is not known",
        ),
        ({**GOOD, "parts": [{"kind": "a", "code": "X!"}]}, "parts[0].code", "^[a-z]+$", "must match ^[a-z]+$"),
        ({**GOOD, "parts": [{"kind": "a"}]}, "parts[0].code", "缺少", "missing"),
        ({**GOOD, "hours": {"urban": "x"}}, "hours", "整数", "whole number"),
        ({**GOOD, "note": 5}, "note", "应为文本", "must be text"),
        ([], "", "应为对象，现为列表", "must be an object, not a list"),
    ],
)
def test_what_msgspec_finds_is_put_into_words(document: Any, field: str, zh: str, en: str) -> None:
    with pytest.raises(msgspec.ValidationError) as found:
        msgspec.convert(document, Whole)
    (fault,) = faults_of(found.value)
    assert fault.field == field and zh in fault.zh and en in fault.en


def test_faults_are_collected_with_their_places_and_the_first_is_the_refusal() -> None:
    checker = Checker()
    checker.under("when").under("all").under(1).between(7, 1, 6)
    checker.under("names").some([])
    checker.under("codes").distinct(["a", "b", "a"])
    refusal = Faulty(checker.faults)
    assert [fault.field for fault in refusal.faults] == ["when.all[1]", "names", "codes[2]"]
    assert (refusal.status, refusal.code, refusal.field) == (422, "invalid", "when.all[1]")
    assert refusal.zh == "应在 1 到 6 之间，现为 7" and refusal.more["faults"][0]["en"].startswith(
        "must be between 1 and 6"
    )
    assert Faulty([Fault("", "x", "x")]).field == "document"


def test_of_many_faults_the_first_are_told() -> None:
    checker = Checker()
    checker.under("codes").distinct(["a"] * 200_000)
    assert len(checker.faults) == MOST_FAULTS + 1
    assert checker.faults[MOST_FAULTS - 1].field == f"codes[{MOST_FAULTS}]"
    assert checker.faults[-1].en == "there is more: mend these first" and "先改正" in checker.faults[-1].zh


def test_what_steers_a_terminal_is_no_text() -> None:
    faults = unseen({"a": ["好\t\n", {"b\x1b": "x"}], "c": "\x00", "d": "\u202e", "e": 5, "f": "\u3000"})
    assert [fault.field for fault in faults] == ["a[1].b?", "c", "d"]
