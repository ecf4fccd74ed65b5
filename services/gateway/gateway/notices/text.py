"""The words of notices, Chinese or English. Pure. Counts, kinds, severities, deadlines and links; who it is about is
seen behind the link, by whoever signs in.

Codes come from events and from rules that staff write: what is no plain code has no place in a message.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Literal, NamedTuple
from urllib.parse import quote, urlencode

from gateway.notices.figures import SEVERITIES, Day, Item
from servicekit.clock import SHANGHAI
from servicekit.words import said, stage_said

Language = Literal["zh", "en"]
#: a robot takes 2,048 bytes
MOST_BYTES = 1900
_LISTED = 10
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
#: the languages' place in a pair of words
_PLACE = {"zh": 0, "en": 1}


class Text(NamedTuple):
    """A message: its subject and its lines."""

    subject: str
    lines: Sequence[str]

    @property
    def body(self) -> str:
        """All of it but the subject."""
        return "\n".join(self.lines) + "\n"

    @property
    def short(self) -> str:
        """All of it, for a chat, on few lines."""
        return "\n".join((self.subject, *(line for line in self.lines if line)))


def urgent(items: Sequence[Item], language: Language, url: str, now: datetime) -> Text:
    """Urgent alerts: one link each while they are few, and one to all of them in the list. ``now``: business time."""
    by_severity = [(severity, sum(item.severity == severity for item in items)) for severity in SEVERITIES]
    found = [(severity, n) for severity, n in by_severity if n]
    counts = _joined([f"{_word(severity, language)} {n}" for severity, n in found], language)
    subject = _either(language, f"大客户预警：{counts}", f"Key-account alerts: {counts}")
    filters = {"severity": ",".join(severity for severity, _ in found)}
    if all(item.escalated != "not_begun" for item in items):
        filters["state"] = "raised"
    foot = [
        "",
        f"{_either(language, '全部', 'All')}: {url}/alerts?{urlencode(filters, safe=',')}",
        _choices(language, url),
    ]

    def lines(listed: int) -> list[str]:
        shown = [line for item in items[:listed] for line in _item(item, language, url)]
        rest = len(items) - min(listed, len(items))
        more = [_either(language, f"另有 {rest} 条。", f"{rest} more.")] if rest else []
        return [_as_of(language, now), "", *shown, *more, *foot]

    return _fitting(subject, lines)


def flood(items: Sequence[Item], language: Language, url: str, now: datetime) -> Text:
    """Very many alerts at once: how many of which kind, how grave, and how many of them went up."""
    up = sum(item.escalated is not None for item in items)
    told = _either(language, f"，其中上报 {up}", f", {up} of them escalated") if up else ""
    subject = _either(language, f"大客户预警汇总：{len(items)}{told}", f"Key-account alerts in one: {len(items)}{told}")
    counted = Counter((item.severity, item.kind) for item in items)
    groups = sorted(counted.items(), key=lambda group: (*(s != group[0][0] for s in SEVERITIES), -group[1]))
    foot = [
        "",
        f"{_either(language, '全部', 'All')}: {url}/alerts?state=raised",
        *([f"{_either(language, '已上报', 'Escalated')}: {url}/alerts?escalated=1"] if up else []),
        _choices(language, url),
    ]

    def lines(listed: int) -> list[str]:
        shown = [f"{_word(severity, language)} {_word(kind, language)} {n}" for (severity, kind), n in groups[:listed]]
        return [_as_of(language, now), "", *shown, *foot]

    return _fitting(subject, lines)


def digest(day: Day, language: Language, url: str, now: datetime, releases: int = 0) -> Text:
    """What stands open as the day begins. ``releases``: things that the brake holds until this person has decided."""
    total = sum(group.open for group in day.groups)
    subject = _either(
        language,
        f"大客户晨报：待办预警 {total}，已超时 {day.overdue}，今日到期 {day.due_today}",
        f"Key accounts today: {total} open, {day.overdue} overdue, {day.due_today} due today",
    )
    numbers = [
        (_either(language, "未知悉", "Not acknowledged"), day.untaken, "/alerts?state=raised"),
        (_either(language, "已超时", "Overdue"), day.overdue, "/alerts?due=overdue"),
        (_either(language, "今日到期", "Due today"), day.due_today, "/alerts?due=today"),
        (_either(language, "未结工单", "Open work items"), day.work, "/work"),
        (_either(language, "其中超时", "of them overdue"), day.work_overdue, "/work?due=overdue"),
        (_either(language, "等您放行", "Waiting for your word"), releases, "/documents/releases"),
    ]
    new = _either(language, "昨日以来新增", "new since yesterday")

    def lines(listed: int) -> list[str]:
        groups = [
            f"{_word(group.severity, language)} {_word(group.kind, language)} {group.open}"
            + (f" ({new} {group.new})" if group.new else "")
            for group in day.groups[:listed]
        ]
        counted = [f"{name} {n}: {url}{path}" for name, n, path in numbers if n]
        due = [] if day.due is None else [f"{_either(language, '最近时限', 'Next due')} {_time(day.due)}"]
        nothing = [] if total or day.work or releases else [_either(language, "没有待办。", "Nothing stands open.")]
        return [
            _as_of(language, now),
            "",
            *nothing,
            *groups,
            *due,
            "",
            *counted,
            "",
            f"{url}/",
            _choices(language, url),
        ]

    return _fitting(subject, lines)


def trial(language: Language, url: str, now: datetime) -> Text:
    """What somebody sends to themselves."""
    subject = _either(language, "大客户服务平台：测试通知", "Key-account platform: test notice")
    line = _either(language, "收到这条，说明通知能送到。", "Whoever reads this gets notices.")
    return Text(subject, [line, _as_of(language, now), "", f"{url}/", _choices(language, url)])


def _fitting(subject: str, lines: Callable[[int], list[str]]) -> Text:
    """With as much of the list as a robot takes."""
    listed = _LISTED
    while listed and len(Text(subject, lines(listed)).short.encode()) > MOST_BYTES:
        listed -= 1
    return Text(subject, lines(listed))


def _item(item: Item, language: Language, url: str) -> Iterator[str]:
    words = [_word(code, language) for code in (item.severity, item.kind) if code]
    if item.stage:
        words.append(_word(item.stage, language, stage_said(item.kind, item.stage)))
    if item.escalated is not None:
        why = said(item.escalated, "cause")
        words.append(_either(language, f"已上报（{why[0]}）", f"escalated ({why[1]})"))
    if item.due is not None:
        words.append(f"{_either(language, '时限', 'due')} {_time(item.due)}")
    yield " · ".join(words)
    yield f"{url}/alerts/{quote(item.alert_id, safe='')}"


def _as_of(language: Language, now: datetime) -> str:
    return f"{_either(language, '业务时间', 'Business time')} {_time(now.isoformat())}"


def _choices(language: Language, url: str) -> str:
    return f"{_either(language, '通知设置', 'Notice settings')}: {url}/notices"


def _time(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


def _word(code: str, language: Language, words: tuple[str, str] | None = None) -> str:
    if _CODE.fullmatch(code) is None:
        return _either(language, "其它", "other")
    return (words or said(code))[_PLACE[language]]


def _joined(parts: Sequence[str], language: Language) -> str:
    return _either(language, "，", ", ").join(parts)


def _either(language: Language, zh: str, en: str) -> str:
    return (zh, en)[_PLACE[language]]
