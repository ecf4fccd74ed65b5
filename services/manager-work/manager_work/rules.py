"""Kinds of work and their due times: documents in versions, read once at the start."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, get_args

import msgspec
import structlog
from msgspec import Meta

from contracts.alert import AlertKind, Severity, WorkKind
from contracts.boss import Manager

log = structlog.get_logger()
Hours = Annotated[int, Meta(ge=0, le=8760)]


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a kind of work is called."""

    zh: str
    en: str


class WorkRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The work that a kind of alert means, and hours until it is due, by severity."""

    work: WorkKind
    due_hours: dict[Severity, Hours]


class WorkRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A version of the rules. ``kinds`` are all kinds of work there are; staff add some in the next version.

    ``other``: for kinds of alerts that staff have added and this version does not name.
    """

    version: Annotated[int, Meta(ge=1)]
    kinds: dict[WorkKind, Words]
    alerts: dict[AlertKind, WorkRule]
    other: WorkRule
    away: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name, rule in {**self.alerts, "other": self.other}.items():
            if rule.work not in self.kinds:
                known = ", ".join(sorted(self.kinds))
                raise ValueError(
                    f"{name}: 未知的工单种类 {rule.work}，已有 {known}；新种类请先写入下一版本的 kinds"
                    f" / unknown kind of work {rule.work}; known are {known}; add it to the kinds of the next version"
                )
            if missing := set(get_args(Severity)) - rule.due_hours.keys():
                raise ValueError(f"{name}: due_hours 缺少 / has no {', '.join(sorted(missing))}")

    def of(self, kind: AlertKind) -> WorkRule:
        """The work that an alert of this kind means."""
        return self.alerts.get(kind, self.other)

    def works(self, manager: Manager) -> bool:
        """Whether this manager can be given work."""
        return manager.status not in self.away


def load(path: Path) -> WorkRules:
    """Rules of a YAML file. Raises ``msgspec.ValidationError`` saying what is wrong."""
    return msgspec.yaml.decode(path.read_bytes(), type=WorkRules)


def in_force(documents: Iterable[dict[str, Any]], given: WorkRules) -> WorkRules:
    """The highest version that holds together; ``given`` where there is none. One that does not is said and passed
    over: a slip in a document stops no work."""
    found = [given]
    for document in documents:
        try:
            found.append(msgspec.convert({k: v for k, v in document.items() if k != "_id"}, WorkRules))
        except msgspec.ValidationError as error:
            log.error("work_rules.refused", version=document.get("version"), reason=str(error))
    return max(reversed(found), key=lambda rules: rules.version)
