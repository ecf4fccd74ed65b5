"""Kinds of work and their due times: data, read once at the start."""

from pathlib import Path

import msgspec

from contracts.alert import AlertKind, Severity, WorkKind
from contracts.boss import Manager


class WorkRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The work that a kind of alert means, and hours until it is due, by severity."""

    work: WorkKind
    due_hours: dict[Severity, int]


class WorkRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A version of the rules. ``other``: for kinds of alerts that staff have added and this file does not name."""

    version: int
    alerts: dict[AlertKind, WorkRule]
    other: WorkRule
    away: frozenset[str] = frozenset()

    def of(self, kind: AlertKind) -> WorkRule:
        """The work that an alert of this kind means."""
        return self.alerts.get(kind, self.other)

    def works(self, manager: Manager) -> bool:
        """Whether this manager can be given work."""
        return manager.status not in self.away


def load(path: Path) -> WorkRules:
    """Rules of a YAML file. Raises ``msgspec.ValidationError`` where it breaks its shape."""
    return msgspec.yaml.decode(path.read_bytes(), type=WorkRules)
