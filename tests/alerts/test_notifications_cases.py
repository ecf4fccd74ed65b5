"""The behaviour cases, as far as they speak of SMS, played straight through detector and desk."""

import json
from collections import Counter
from pathlib import Path

import pytest

from harness.behaviour_cases import FILES
from harness.notifications_feed import Story

_FILES = [f for f in FILES if '"sms"' in f.read_text() or '"text"' in f.read_text()]
_SEEN_AS = {"sent": "sent", "delivered": "sent", "queued": "held", "held": "held"}


@pytest.mark.parametrize("alerts_first", [False, True], ids=["record-first", "alert-first"])
@pytest.mark.parametrize("path", _FILES, ids=lambda p: p.stem)
def test_case(path: Path, alerts_first: bool) -> None:
    case = json.loads(path.read_text())
    story = Story(case["customer"], alerts_first=alerts_first)
    for number, step in enumerate(case["steps"], 1):
        for event in step["events"]:
            type_ = event["type"].removeprefix("kam.boss.").removesuffix(".v1")
            if event["subject"] == case["customer"] and type_ != "balance.changed":
                story.boss(type_, event["time"], **event["data"])
            story.tick(event["time"])
            story.send()
        expect = step["expect"]
        seen = Counter(_SEEN_AS.get(message["state"], message["state"]) for message in story.sms)
        have = {state: seen[state] for state in expect.get("sms", {})}
        assert have == expect.get("sms", {}), (number, case["why"], story.told_sms)
        if "text" in expect:
            assert any(expect["text"] in message["text"] for message in story.sms), (number, story.sms)
