"""What a release has written into stores stays readable: detection begins with it, whatever version runs next."""

from pathlib import Path

from alerts.detection import app
from alerts.rules import load
from servicekit.documents.in_force import Shelf

#: as a worker of each release leaves it behind with every seed activated, one stopped and one in shadow
RELEASED = sorted((Path(__file__).parent / "shelves").glob("*.msgpack"))


def test_every_document_of_a_released_shelf_can_be_read() -> None:
    rules = load()
    assert RELEASED
    for path in RELEASED:
        shelf = Shelf(app(rules).documents, ["boss.events/0"]).restored(path.read_bytes())
        assert not shelf.unreadable, path.name
        assert {id for id, _ in shelf.least().versions} >= {rule.id for rule in rules.documents}, path.name
        assert shelf.encode() == path.read_bytes(), path.name
