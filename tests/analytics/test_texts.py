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


def test_an_sms_that_is_stopped_says_what_by_whom_and_why() -> None:
    held = json.loads((EXAMPLES[0].parent / "kam.sms.held.v1.json").read_text())["data"]
    stop = {"what": "kind/arrears", "by": "li", "why": "金额写错", "at": "2026-11-22T02:00:00+00:00"}
    zh, en = summary("kam.sms.held.v1", {**held, "reason": "stopped", "stop": stop})
    assert zh.endswith("原因 已停发，li 停发 kind/arrears：金额写错")
    assert en.endswith("reason stopped by staff, kind/arrears stopped by li: 金额写错")
