"""A rule of type ``condition`` from its document to what can be asked: read, checked, compiled."""

from collections.abc import Mapping
from typing import Any

from alerts.conditions.check import check
from alerts.conditions.compile import Compiled, compile_
from alerts.conditions.read import read
from servicekit.documents.fault import Fault


def faults_of(document: Mapping[str, Any]) -> list[Fault]:
    """Everything that is wrong with a document; with one of a wrong shape only that."""
    rule, faults = read(document)
    return faults if rule is None else check(rule)


def compiled(document: Mapping[str, Any]) -> Compiled:
    """The function of a document that was checked when it was kept. Raises ``ValueError`` where it can't be read."""
    rule, faults = read(document)
    if rule is None:
        raise ValueError(f"{faults[0].field}: {faults[0].zh} / {faults[0].en}")
    return compile_(rule)
