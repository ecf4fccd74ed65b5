"""The behaviour cases, as far as they speak of alerts, played straight into the detector."""

import json
from pathlib import Path
from typing import Any

import pytest

from contracts.alert import Alert
from harness.behaviour_cases import FILES
from harness.detection_feed import Feed

_TYPES = ("customer", "bill", "usage", "arrears", "contract", "complaint", "service")


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_case(path: Path) -> None:
    case = json.loads(path.read_text())
    feed = Feed(case["customer"])
    for number, step in enumerate(case["steps"], 1):
        for event in step["events"]:
            type_ = event["type"].removeprefix("kam.boss.").removesuffix(".v1")
            if event["subject"] == case["customer"] and type_.split(".")[0] in _TYPES:
                feed.boss(type_, event["time"], **event["data"])
            feed.tick(event["time"])
        expect = step["expect"]
        if "alerts" in expect:
            assert _assign(expect["alerts"], feed.alerts()), (number, case["why"], feed.told)
        if "work" in expect:
            assert len([a for a in feed.alerts() if not a.late]) == expect["work"], (number, case["why"])


def _fits(want: dict[str, Any], have: Alert) -> bool:
    return all(
        len(have.reasons) == value if key == "reasons" else str(getattr(have, key)) == str(value)
        for key, value in want.items()
    )


def _assign(wants: list[dict[str, Any]], haves: list[Alert]) -> bool:
    if not wants:
        return not haves
    return any(_fits(wants[0], h) and _assign(wants[1:], haves[:i] + haves[i + 1 :]) for i, h in enumerate(haves))
