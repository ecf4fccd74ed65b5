"""What a processor keeps of the versions that came into force: how often that is compiled, and how much it is."""

from collections.abc import Sequence
from typing import Any

from contracts.documents import DocumentSwitched
from harness.one_processor import NOON
from servicekit.documents.in_force import MOST_KEPT, Edition, Shelf, Taken


def switched(number: int, version: int = 0, **more: Any) -> DocumentSwitched:
    fields = {"kind": "rule", "document_id": "a", "state": "active", "document": {}, "by": "", "why": "", **more}
    return DocumentSwitched(number=number, version=version or number, switched_at=NOON, **fields)


def test_editions_are_read_once_and_compiled_when_one_of_their_kind_comes() -> None:
    reads, compiled = list[int](), list[int]()

    def read(edition: Edition) -> str:
        reads.append(edition.number)
        return f"{edition.id}{edition.version}"

    def compile_(editions: Sequence[Edition]) -> list[str]:
        compiled.append(len(editions))
        return [edition.document for edition in editions]

    shelf = Shelf(Taken(frozenset({"rule"}), compile_, read=read), ("x/0", "y/0"))
    for number in range(1, 5):
        for place in ("x/0", "y/0"):
            shelf = shelf.taking(place, switched(number))
    for number in range(5, 105):
        for place in ("x/0", "y/0"):
            shelf = shelf.taking(place, switched(number, kind="template"))
    assert shelf.at("y/0") == ["a1", "a2", "a3", "a4"] and shelf.reached == 104
    assert reads == [1, 2, 3, 4] and compiled == [1, 2, 3, 4]


def test_what_is_kept_of_a_document_does_not_grow_for_ever() -> None:
    taken = Taken(frozenset({"rule"}), lambda editions: [(e.version, e.state) for e in editions])
    shelf = Shelf(taken, ("x/0", "y/0"))
    for number in range(1, 10 * MOST_KEPT):
        state = ("active", "shadow", "stopped")[number % 3]
        for place in ("x/0", "y/0") if number > 5 else ("x/0",):
            shelf = shelf.taking(place, switched(number, state=state))
        if number == 5:
            assert len(shelf.at("x/0")) == 5, "the other place has not come to them"
    kept = shelf.at("y/0")
    assert kept == shelf.at("x/0") and len(kept) == MOST_KEPT + 2 and kept == sorted(kept)
    assert {state for _, state in kept[-3:]} == {"active", "shadow", "stopped"}, "the last of each"
    assert Shelf(taken, ("x/0", "y/0")).restored(shelf.encode()).least() == kept, "as a restart finds it"


def test_of_lists_the_newest_alone_is_kept_once_all_have_come_to_it() -> None:
    shelf = Shelf(Taken(frozenset({"list"}), lambda e: [x.version for x in e], frozenset({"list"})), ("x/0", "y/0"))

    for number in (1, 2):
        shelf = shelf.taking("x/0", switched(number, kind="list"))
    assert shelf.at("x/0") == [1, 2] and shelf.at("y/0") is None
    shelf = shelf.taking("y/0", switched(1, kind="list"))
    assert shelf.at("y/0") == [1]
    shelf = shelf.taking("y/0", switched(2, kind="list"))
    assert shelf.at("x/0") == shelf.at("y/0") == [2]
