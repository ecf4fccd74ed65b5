"""Kinds of work and their due times: data, read once at the start."""

from pathlib import Path

import msgspec

from contracts.alert import AlertKind, WorkKind
from contracts.boss import Manager


class WorkRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The work that a kind of alert means, and hours until it is due, by severity."""

    work: WorkKind
    due_hours: dict[str, int]


class WorkRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A version of the rules."""

    version: int
    alerts: dict[AlertKind, WorkRule]
    away: frozenset[str] = frozenset()

    def works(self, manager: Manager) -> bool:
        """Whether this manager can be given work."""
        return manager.status not in self.away


def load(path: Path) -> WorkRules:
    """Rules of a YAML file. Raises ``msgspec.ValidationError`` where it breaks its shape."""
    return msgspec.yaml.decode(path.read_bytes(), type=WorkRules)
