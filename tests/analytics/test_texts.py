"""Every event type says something in both languages."""

import json
import re
from pathlib import Path

import pytest

from analytics.texts import summary

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "schemas" / "examples").glob("*.json"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_of_golden_messages(path: Path) -> None:
    zh, en = summary(path.stem, json.loads(path.read_text())["data"])

    assert "None" not in zh + en
    assert path.stem.startswith("kam.clock") or (re.search("[一-鿿]", zh) and not en.startswith("kam."))
    assert len(en) < 300
