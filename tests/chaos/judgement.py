"""Compares what was sent with what came of it: alerts, work items, and the SMSC's own log."""

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from province import Province, say
from scenarios import Story

# How long after an upset an SMS may have been under way: the SMSC's answer, the restart and the next batch.
EXPLAINED_WITHIN = 60.0
_NEEDED = ("alerts", "mongodb", "kafka", "smsc", "sms-http")


class Judge:
    """``totals``: lost, sms_twice, sms_unknown, unexplained and sms_sent, after ``judge``."""

    def __init__(self, province: Province) -> None:
        self._upsets = [u for u in province.upsets if u[2].startswith(_NEEDED)]
        self._alerts = _by_customer(province.run("alerts"))
        self._work = _by_customer(province.run("work"))
        self._sms = _by_customer(province.run("sms"))
        self._log = _smsc_log(province.data / "smsc" / "accepted.jsonl")
        for number, texts in _provider_log(province.data / "sms-http" / "accepted.jsonl").items():
            self._log.setdefault(number, []).extend(texts)
        sent = sum(len(messages) for messages in self._log.values())
        self.totals = Counter(lost=0, sms_sent=sent, sms_twice=0, sms_unknown=0, unexplained=0)

    def judge(self, told: list[Story]) -> None:
        for story in told:
            expected = story.expected
            have = Counter((a["kind"], a["state"]) for a in self._alerts.get(story.customer, []))
            want = Counter(expected.alerts)
            detail = f"alerts {dict(have)}, want {dict(want)}"
            self._note("lost", (want - have).total(), story, detail)
            self._note("unexplained", (have - want).total(), story, detail)
            items = len(self._work.get(story.customer, []))
            self._note("lost", max(0, expected.work - items), story, f"{items} work items")
            self._note("unexplained", max(0, items - expected.work), story, f"{items} work items")
            self._judge_sms(story)

    def _judge_sms(self, story: Story) -> None:
        rows = self._sms.get(story.customer, [])
        log = self._log.get("86" + story.phone, self._log.get(story.phone, []))
        seen, expected = Counter(log), story.expected.sms
        self._note("sms_twice", sum(n - 1 for n in seen.values()), story, f"SMSC has {log}")
        unknown = [row for row in rows if row["state"] == "unknown"]
        self.totals["sms_unknown"] += len(unknown)
        for row in unknown:
            if not self._explains(row):
                self._note("unexplained", 1, story, f"unknown though nothing happened: {row}")
        sure = [step for step in expected if not step.endswith("?")]
        states = [row["state"] for row in rows]
        self._note("lost", max(0, len(sure) - len(seen) - len(unknown)), story, f"SMSC has {log}, rows {states}")
        self._note("unexplained", max(0, len(seen) - len(expected)), story, f"SMSC has {log}")

    def _explains(self, row: dict[str, Any]) -> bool:
        """Whether something an SMS needs was killed or held up while it was under way."""
        left = datetime.fromisoformat(row["submitted_at"]).timestamp()
        return any(began <= left + EXPLAINED_WITHIN and left - 1 <= ended for began, ended, _ in self._upsets)

    def _note(self, what: str, count: int, story: Story, detail: str) -> None:
        if count:
            self.totals[what] += count
            say(f"{what}: customer {story.customer}: {detail}")


def _by_customer(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["customer_id"], []).append(row)
    return found


def _provider_log(path: Path) -> dict[str, list[str]]:
    """What the provider of the second channel accepted, by destination."""
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        entry = json.loads(line)
        found.setdefault(entry["destination"], []).append(f"{entry['template']} {entry['variables']}")
    return found


def _smsc_log(path: Path) -> dict[str, list[str]]:
    """Whole messages the SMSC accepted, by destination: parts of a long one are joined by their concat reference."""
    whole: dict[str, list[str]] = {}
    parts: dict[tuple[str, int], Counter[int]] = {}
    texts: dict[tuple[str, int, int], str] = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        entry = json.loads(line)
        to = entry["destination"]
        if not entry.get("concat"):
            whole.setdefault(to, []).append(entry["text"])
            continue
        group, _, number = entry["concat"]
        parts.setdefault((to, group), Counter())[number] += 1
        texts[to, group, number] = entry["text"]
    for (to, group), numbers in parts.items():
        text = "".join(texts[to, group, n] for n in sorted(numbers))
        whole.setdefault(to, []).extend([text] * max(numbers.values()))
    return whole
