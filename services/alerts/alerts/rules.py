"""Rules of detection as versioned documents: everything a threshold, list or severity is, is said there."""

from collections.abc import Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from alerts import customer_lists
from alerts.conditions.compile import Compiled
from alerts.conditions.document import compiled
from alerts.conditions.together import together
from contracts.brake import KIND as BRAKE
from contracts.brake import Brake
from contracts.work_rules import WORK_RULES_KIND, Window
from servicekit.calendar import Calendars
from servicekit.documents.document_text import read_text
from servicekit.documents.in_force import Edition

T = TypeVar("T")
Severity = Literal["critical", "major", "minor"]
#: A reason's code is an open set: rule documents name it, and staff add some. (``$`` would let a line end pass.)
Code = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}\Z")]
#: kind of document that a rule is
KIND = "rule"
SEEDS = Path(__file__).parent / "seeds" / "rules.yaml"
EXAMPLES = Path(__file__).parent / "seeds" / "conditions"
#: the alert that each type raises; a condition says it itself
ALERTS = {
    "fall": "churn_warning",
    "request": "churn_warning",
    "arrears": "arrears",
    "complaint": "complaint_opened",
    "contract": "contract_expiring",
}


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
    exclude_lists: tuple[str, ...] = ()
    only_lists: tuple[str, ...] = ()
    vip_lists: tuple[str, ...] = ()


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


class Condition(Document, frozen=True, kw_only=True, tag="condition"):
    """A warning that staff build of figures; ``when`` as they write it (``alerts.conditions``)."""

    alert: Literal["churn_warning", "attention"]
    severity: Severity
    on: tuple[str, ...]
    when: dict[str, Any]
    late_after_days: int = 60
    exclude_lists: tuple[str, ...] = ()
    only_lists: tuple[str, ...] = ()
    vip_lists: tuple[str, ...] = ()


class Watch(Struct, frozen=True):
    """A condition that can be asked."""

    rule: Condition
    compiled: Compiled


Rule = Fall | Request | Arrears | Complaint | Contract | Condition


class _Maintenance(Struct, frozen=True):
    """What detection takes of the work rules."""

    maintenance: tuple[Window, ...] = ()


class Rules:
    """All documents: the version in force of each decision, and any version by id (open alerts keep theirs).

    ``documents`` hold from the beginning of the log, of each id the highest version; ``editions`` are what staff have
    brought into force since. A ``stopped`` rule raises nothing new; what is open goes on by its version. ``reach``: how
    many months on a figure can matter, by any version there is. ``calendars`` count clocks that begin, ``maintenance``
    holds what is raised, ``brake`` what would be said of too many at once. ``shadow``: the rules of those who look at
    versions before they count, whom neither concerns; ``has_shadow`` tells whether there are any. ``lists``: of
    customers, which rules name.
    """

    def __init__(
        self,
        documents: Sequence[Rule],
        editions: Sequence[Edition] = (),
        watches: Mapping[tuple[str, int], Watch] | None = None,
    ) -> None:
        self.documents = sorted(documents, key=lambda d: (d.id, d.version))
        self.versions: dict[tuple[str, int], Rule] = {(d.id, d.version): d for d in self.documents}
        if len(self.versions) != len(documents):
            raise ValueError("规则编号与版本重复 / two rule documents have the same id and version")
        in_force: dict[str, Rule] = {d.id: d for d in self.documents}
        stopped, shadows = set[str](), dict[str, Rule]()
        self.calendars = Calendars.of_editions(editions)
        work_rules = [each.document for each in editions if (each.kind, each.state) == (WORK_RULES_KIND, "active")]
        self.maintenance = msgspec.convert(work_rules[-1], _Maintenance).maintenance if work_rules else ()
        brakes = [each.document for each in editions if (each.kind, each.state) == (BRAKE, "active")]
        self.brake = msgspec.convert(brakes[-1], Brake) if brakes else None
        lists = {e.id: e for e in editions if e.kind == customer_lists.KIND}
        #: of customers, in force
        self.lists = {id: customer_lists.read_listed(e) for id, e in lists.items() if e.state == "active"}
        for edition in editions:
            if edition.kind != KIND:
                continue
            document = self.versions[edition.id, edition.version] = read_edition(edition)
            id, looked_at, now = edition.id, shadows.get(edition.id), in_force.get(edition.id)
            is_looked_at = looked_at is not None and looked_at.version == edition.version
            if edition.state == "shadow":
                shadows[id] = document
            elif edition.state == "active":
                in_force[id] = document
                stopped.discard(id)
                if is_looked_at:
                    del shadows[id]
            else:
                shadows.pop(id, None)
                if not is_looked_at or now is None or now.version == edition.version:
                    stopped.add(id)
        self.reach = max(d.months for d in self.versions.values() if isinstance(d, Fall))
        #: conditions of any version
        self.watches: Mapping[tuple[str, int], Watch] = {
            key: _watch(d, (watches or {}).get(key)) for key, d in self.versions.items() if isinstance(d, Condition)
        }
        #: as the last switch has left them, here and in all that come of it: a document is compiled once
        self._compiled: Mapping[tuple[str, int], Watch] = self.watches
        self.watched_months = max((watch.compiled.reach for watch in self.watches.values()), default=0)
        self._stand(in_force, frozenset(stopped))
        self.is_shadow, self.has_shadow = False, bool(shadows)
        #: the world of what runs in shadow: it alone is in force there, and all else goes on as if it were stopped
        self.shadow = copy(self)
        self.shadow._stand({**in_force, **shadows}, frozenset(in_force.keys() - shadows.keys()))
        # Nobody is told of it, so nothing waits for anybody.
        self.shadow.is_shadow, self.shadow.brake, self.shadow.maintenance = True, None, ()

    def _stand(self, in_force: Mapping[str, Rule], stopped: frozenset[str]) -> None:
        self._in_force, self.stopped = in_force, stopped
        current = in_force.values()
        self.fall = _only(Fall, [d for d in current if isinstance(d, Fall)])
        self.arrears = _only(Arrears, [d for d in current if isinstance(d, Arrears)])
        self.complaint = _only(Complaint, [d for d in current if isinstance(d, Complaint)])
        self.contract = _only(Contract, [d for d in current if isinstance(d, Contract)])
        self.requests: dict[str, Request] = {
            d.request: d for d in current if isinstance(d, Request) and d.id not in stopped
        }
        #: conditions in force by the kinds of records that make them look
        self.watching: dict[str, tuple[Watch, ...]] = {}
        for id, rule in sorted(self.in_force.items()):
            if isinstance(rule, Condition):
                for kind in rule.on:
                    self.watching[kind] = (*self.watching.get(kind, ()), self.watches[id, rule.version])
        self.together = {
            kind: together(kind, [watch.compiled for watch in watching]) for kind, watching in self.watching.items()
        }

    @property
    def in_force(self) -> Mapping[str, Rule]:
        """The version in force of each rule that is not stopped, by id."""
        return {id: rule for id, rule in self._in_force.items() if id not in self.stopped}

    def switched(self, editions: Sequence[Edition]) -> "Rules":
        """With what staff have brought into force. Raises ``ValueError``, ``msgspec.ValidationError``."""
        switched = Rules(self.documents, editions, self._compiled)
        self._compiled = switched.watches
        return switched

    def of(self, id: str, version: int) -> Rule:
        """The version that raised an alert. Where it can't be read any more (a slip of staff), the one in force: a
        document that was lost must not end the customers whose alerts it raised. Of one that was only ever looked at,
        the newest there is."""
        found = self.versions.get((id, version)) or self._in_force.get(id)
        return found or max((d for d in self.versions.values() if d.id == id), key=lambda d: d.version)

    def churn(self, id: str, version: int) -> Fall | Request | Condition:
        """A version of a rule that gives reasons to churn warnings."""
        rule = self.of(id, version)
        assert isinstance(rule, Fall | Request | Condition)
        return rule


def read(document: Mapping[str, Any], version: int = 0) -> Rule:
    """A version of a rule as it is kept, that is without its number. Raises ``msgspec.ValidationError``."""
    rule: Rule = msgspec.convert({**document, "version": version}, Rule)
    return rule


def type_of(rule: Rule) -> str:
    """As the document says it."""
    return str(rule.__struct_config__.tag)


def read_taken(edition: Edition) -> Any:
    """What a switch that detection takes has brought: rules and lists read, others as they are. Raises
    ``msgspec.ValidationError``."""
    if edition.kind == customer_lists.KIND:
        return customer_lists.read_listed(edition)
    return read_edition(edition) if edition.kind == KIND else edition.document


def read_edition(edition: Edition) -> Rule:
    """The version of a rule that a switch brought; itself, where it has been read before. Raises
    ``msgspec.ValidationError``."""
    found: Any = edition.document
    return found if isinstance(found, Rule) else read(found, edition.version)


def _watch(rule: Condition, before: Watch | None) -> Watch:
    return before if before is not None and before.rule == rule else Watch(rule, compiled(_plain(rule)))


def _plain(rule: Condition) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(rule)
    del plain["version"]
    return plain


def load(path: Path = SEEDS) -> Rules:
    """Rules of a YAML file. Raises ``msgspec.ValidationError`` or ``ValueError`` saying what is wrong."""
    return Rules(msgspec.yaml.decode(path.read_bytes(), type=list[Rule]))


def examples(folder: Path = EXAMPLES) -> list[dict[str, Any]]:
    """Documents of conditions as they are delivered, to begin from."""
    found = []
    for path in sorted(folder.glob("*.yaml")):
        document, faults = read_text(path.read_text(encoding="utf-8"))
        if document is None:
            raise ValueError(f"{path.name}: {faults[0].zh} / {faults[0].en}")
        found.append(document)
    return found


def _only(kind: type[T], found: list[T]) -> T:
    if len(found) != 1:
        raise ValueError(f"{kind.__name__}: 需要且仅需要一条规则 / exactly one rule is needed, found {len(found)}")
    return found[0]
