"""Rules of detection as versioned documents: everything a threshold, list or severity is, is said there."""

from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

T = TypeVar("T")
Severity = Literal["critical", "major", "minor"]
#: A reason's code is an open set: rule documents name it, and staff add some.
Code = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,63}$")]
SEEDS = Path(__file__).parent / "seeds" / "rules.yaml"


class Document(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """One version of a rule; ``version`` counts from 1."""

    id: str
    version: int
    name_zh: str
    name_en: str


class Metric(Struct, frozen=True, forbid_unknown_fields=True):
    """A monthly figure: the BOSS record and field that carry it, and the reason's code when it falls."""

    record: Literal["BILL", "USAGE"]
    figure: str
    code: Code


class Fall(Document, frozen=True, kw_only=True, tag="fall"):
    """A figure at or below ``percent`` of the mean of the ``months`` calendar months before."""

    severity: Severity
    metrics: tuple[Metric, ...]
    percent: int
    months: int
    late_after_days: int
    statuses: tuple[str, ...]
    min_months_in_network: int
    excluded_plan_codes: tuple[str, ...]
    excluded_customers: tuple[str, ...]


class Request(Document, frozen=True, kw_only=True, tag="request"):
    """A service request of one kind."""

    severity: Severity
    request: Literal["stop", "port_query", "suspend", "resume", "change"]
    code: Code
    late_after_days: int


class Stage(Struct, frozen=True, forbid_unknown_fields=True):
    """A stage of dunning, reached ``after_days`` days past the oldest due date."""

    after_days: int
    stage: str


class Arrears(Document, frozen=True, kw_only=True, tag="arrears"):
    """A debt, in ascending ``stages``."""

    first_stage: str
    stages: tuple[Stage, ...]
    suspended_stage: str
    severity: dict[str, Severity]


class Complaint(Document, frozen=True, kw_only=True, tag="complaint"):
    """A complaint and the clock it runs against."""

    due_hours: dict[str, int]
    due_hours_unknown_area: int
    due_soon_percent: int
    severity: dict[str, Severity]
    forget_after_days: int


class Contract(Document, frozen=True, kw_only=True, tag="contract"):
    """The countdown to a contract's end, in descending ``steps`` of days."""

    steps: tuple[int, ...]
    severity: dict[str, Severity]
    forget_after_days: int


Rule = Fall | Request | Arrears | Complaint | Contract


class Rules:
    """All documents: the version in force of each decision, and any version by id (open alerts keep theirs)."""

    def __init__(self, documents: list[Rule]) -> None:
        self.documents = sorted(documents, key=lambda d: (d.id, d.version))
        self.versions: dict[tuple[str, int], Rule] = {(d.id, d.version): d for d in self.documents}
        if len(self.versions) != len(documents):
            raise ValueError("规则编号与版本重复 / two rule documents have the same id and version")
        self._in_force = {d.id: d for d in self.documents}
        current = self._in_force.values()
        self.fall = _only(Fall, [d for d in current if isinstance(d, Fall)])
        self.arrears = _only(Arrears, [d for d in current if isinstance(d, Arrears)])
        self.complaint = _only(Complaint, [d for d in current if isinstance(d, Complaint)])
        self.contract = _only(Contract, [d for d in current if isinstance(d, Contract)])
        self.requests: dict[str, Request] = {d.request: d for d in current if isinstance(d, Request)}

    def of(self, id: str, version: int) -> Rule:
        """The version that raised an alert. Where it can't be read any more (a slip of staff), the one in force: a
        document that was lost must not end the customers whose alerts it raised."""
        return self.versions.get((id, version)) or self._in_force[id]

    def churn(self, id: str, version: int) -> Fall | Request:
        """A version of a rule that gives reasons to churn warnings."""
        rule = self.of(id, version)
        assert isinstance(rule, Fall | Request)
        return rule


def load(path: Path = SEEDS) -> Rules:
    """Rules of a YAML file. Raises ``msgspec.ValidationError`` or ``ValueError`` saying what is wrong."""
    return Rules(msgspec.yaml.decode(path.read_bytes(), type=list[Rule]))


def _only(kind: type[T], found: list[T]) -> T:
    if len(found) != 1:
        raise ValueError(f"{kind.__name__}: 需要且仅需要一条规则 / exactly one rule is needed, found {len(found)}")
    return found[0]
