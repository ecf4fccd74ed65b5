"""Kinds of work and their due times, who is told when nothing happens, and maintenance: documents in versions."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, get_args

import msgspec
import structlog
from msgspec import Meta

from contracts.alert import LEVELS, Alert, AlertKind, CalendarRef, Severity, WorkKind
from contracts.boss import Manager
from contracts.work_rules import WORK_RULES_KIND, EscalationRule, Flood, Hours, Window
from servicekit.calendar import CALENDAR_KIND, Calendars
from servicekit.documents.fault import Checker, Fault
from servicekit.documents.in_force import Edition

log = structlog.get_logger()
#: the one document that work rules are
ID = "work"
#: what is taken of the switches
KINDS = frozenset({WORK_RULES_KIND, CALENDAR_KIND})
_MOST, _LONGEST, _LONGEST_WINDOW = 200, 100, timedelta(days=14)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a kind of work is called."""

    zh: str
    en: str


class WorkRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The work that a kind of alert means, and hours until it is due, by severity."""

    work: WorkKind
    due_hours: dict[Severity, Hours]


class WorkRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A version of the rules. ``kinds`` are all kinds of work there are; staff add some in the next version.

    ``other``: for kinds of alerts that staff have added and this version does not name. ``escalation``, ``maintenance``
    and ``flood`` are what alerts and notices to staff go by: off where they are empty.
    """

    id: str = ID
    version: Annotated[int, Meta(ge=0)]
    kinds: dict[WorkKind, Words]
    alerts: dict[AlertKind, WorkRule]
    other: WorkRule
    away: tuple[str, ...] = ()
    escalation: tuple[EscalationRule, ...] = ()
    maintenance: tuple[Window, ...] = ()
    flood: Flood | None = None

    def of(self, kind: AlertKind) -> WorkRule:
        """The work that an alert of this kind means."""
        return self.alerts.get(kind, self.other)

    def works(self, manager: Manager) -> bool:
        """Whether this manager can be given work."""
        return manager.status not in self.away


class Duties:
    """Work rules and calendars in force: what handlers decide by."""

    def __init__(self, rules: WorkRules, calendars: Calendars | None = None) -> None:
        self.rules, self.calendars = rules, calendars or Calendars()

    def due(self, alert: Alert, now: datetime) -> tuple[datetime, CalendarRef | None]:
        """When the work of an alert is due: when the alert says, or by the rules from now on."""
        if alert.due_at is not None:
            return alert.due_at, alert.calendar
        return self.calendars.due(alert.kind, now, 3600 * self.rules.of(alert.kind).due_hours[alert.severity])

    def switched(self, editions: Sequence[Edition]) -> "Duties":
        """With what staff have brought into force. Raises ``ValueError``, ``msgspec.ValidationError``."""
        rules = self.rules
        for edition in editions:
            if edition.kind == WORK_RULES_KIND and edition.state == "active":
                rules = msgspec.convert({**edition.document, "version": edition.version}, WorkRules)
        return Duties(rules, Calendars.of_editions(editions))


def check(rules: WorkRules) -> Sequence[Fault]:
    """What is wrong with the meaning of work rules."""
    checker = Checker()
    if rules.id != ID:
        checker.under("id").say(f"只有一份工单规则，请改 {ID}", f"there is one of these: change {ID}")
    kinds = checker.under("kinds")
    if kinds.some(rules.kinds, _MOST):
        for name, words in rules.kinds.items():
            kinds.under(name).under("zh").called(words.zh, _LONGEST, "中文", "a Chinese")
            kinds.under(name).under("en").called(words.en, _LONGEST, "英文", "an English")
    checker.under("alerts").few(rules.alerts, _MOST)
    for name, rule in rules.alerts.items():
        _work(checker.under("alerts").under(name), rules, rule)
    _work(checker.under("other"), rules, rules.other)
    checker.under("away").few(rules.away, _MOST)
    if checker.under("escalation").few(rules.escalation, _MOST):
        for n, escalation in enumerate(rules.escalation):
            _escalation(checker.under("escalation").under(n), escalation)
    if checker.under("maintenance").few(rules.maintenance, _MOST):
        for n, window in enumerate(rules.maintenance):
            _window(checker.under("maintenance").under(n), window)
    return checker.faults


def _work(checker: Checker, rules: WorkRules, rule: WorkRule) -> None:
    if rule.work not in rules.kinds:
        known = ", ".join(sorted(rules.kinds))
        checker.under("work").say(
            f"未知的工单种类 {rule.work}，已有 {known}；新种类请先写入 kinds",
            f"unknown kind of work {rule.work}; known are {known}; add it to the kinds",
        )
    if missing := set(get_args(Severity)) - rule.due_hours.keys():
        named = ", ".join(sorted(missing))
        checker.under("due_hours").say(f"缺少 {named}，请补上", f"has no {named}: add the hours")


def _escalation(checker: Checker, rule: EscalationRule) -> None:
    _alike(checker, rule.kinds, "kinds")
    steps = checker.under("steps")
    if not steps.some(rule.steps, len(LEVELS)):
        return
    for n, (before, after) in enumerate(pairwise(rule.steps), 1):
        if after.after_hours <= before.after_hours:
            steps.under(n).under("after_hours").say(
                f"应大于前一级的 {before.after_hours} 小时",
                f"must be more than the {before.after_hours} hours before it",
            )
        if LEVELS.index(after.to) <= LEVELS.index(before.to):
            steps.under(n).under("to").say(
                f"应高于前一级 {before.to}；次序为 {'、'.join(LEVELS)}",
                f"must be above {before.to}; the order is {', '.join(LEVELS)}",
            )
    for n, step in enumerate(rule.steps):
        if step.after_hours < 1:
            steps.under(n).under("after_hours").say("至少 1 小时", "must be 1 hour or more")


def _window(checker: Checker, window: Window) -> None:
    _alike(checker, window.kinds, "kinds")
    _alike(checker, window.cities, "cities")
    if window.to <= window.from_:
        checker.under("to").say("应晚于 from", "must be later than from")
    elif window.to - window.from_ > _LONGEST_WINDOW:
        days = _LONGEST_WINDOW.days
        checker.under("to").say(
            f"一个窗口最长 {days} 天；停用一类预警请停用其规则",
            f"a window lasts {days} days at most; to end a kind of alert, stop its rule",
        )
    if not window.reason.strip():
        checker.under("reason").say("请写原因，人们会在预警上看到", "say why: people read it on the alert")
    elif len(window.reason) > _LONGEST:
        checker.under("reason").say(f"最多 {_LONGEST} 字，请缩短", f"at most {_LONGEST} characters: shorten it")


def _alike(checker: Checker, names: Sequence[str], field: str) -> None:
    if checker.under(field).few(names, _MOST):
        checker.under(field).distinct(names)
        for n, name in enumerate(names):
            if not _NAME.fullmatch(name):
                checker.under(field).under(n).say(
                    "应为代码，如 arrears 或 320100", "must be a code, as arrears or 320100"
                )


def load(path: Path) -> WorkRules:
    """Rules of a YAML file. Raises ``msgspec.ValidationError`` or ``ValueError`` saying what is wrong."""
    return read(msgspec.yaml.decode(path.read_bytes()))


def read(document: Any) -> WorkRules:
    """A version that holds together. Raises ``msgspec.ValidationError`` or ``ValueError`` saying what is wrong."""
    rules = msgspec.convert(document, WorkRules)
    if faults := check(rules):
        raise ValueError("; ".join(f"{fault.field}: {fault.zh} / {fault.en}" for fault in faults))
    return rules


def in_force(documents: Iterable[dict[str, Any]], given: WorkRules) -> WorkRules:
    """The highest version that holds together; ``given`` where there is none. One that does not is said and passed
    over: a slip in a document stops no work."""
    return max(reversed([given, *readable(documents)]), key=lambda rules: rules.version)


def readable(documents: Iterable[dict[str, Any]]) -> list[WorkRules]:
    """Versions that hold together."""
    found = []
    for document in documents:
        try:
            found.append(read({k: v for k, v in document.items() if k != "_id"}))
        except ValueError as error:
            log.error("work_rules.refused", version=document.get("version"), reason=str(error))
    return found
