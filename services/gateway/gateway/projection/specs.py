"""The lists: what each shows, by what it is narrowed, in which orders it comes."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.projection.visible import List

_OF_CUSTOMER = (
    "r.customer_id, c.name AS customer_name, c.kind AS customer_kind, r.city, r.unit_id, r.manager_id,"
    " m.name AS manager_name, c.do_not_disturb"
)
_CUSTOMER = "JOIN customers c ON c.customer_id = r.customer_id LEFT JOIN managers m ON m.manager_id = r.manager_id"


@dataclass(frozen=True)
class ListSpec:
    """A list. ``filters``: column by the name of its filter; ``sorts``: columns by name of an order, each with its id
    behind; ``time``: what ``since`` is of; ``facets``: columns that are counted by value; ``decorations``: joined to
    the rows of a page only; ``open_states``: those in which something is to be done, until it is due.
    """

    table: str
    id: str
    columns: str
    filters: Mapping[str, str]
    sorts: Mapping[str, tuple[str, ...]]
    default_sort: str
    time: str | None
    facets: Mapping[str, str]
    decorations: str
    always: str = "1"
    open_states: frozenset[str] = frozenset()


_CUSTOMER_FILTERS = {"city": "r.city", "manager": "r.manager_id", "customer": "r.customer_id"}
LISTS: dict[List, ListSpec] = {
    "alerts": ListSpec(
        table="alerts",
        id="alert_id",
        columns=(
            "r.alert_id, r.kind, r.state, r.stage, r.severity, r.escalated, r.rule_id, r.rule_version, r.period,"
            " r.late, r.outcome, r.raised_at, r.due_at, r.amount_fen, r.shown, w.work_id, w.state AS work_state,"
            " w.revision AS work_revision, w.calendar AS work_calendar, w.holder_id, w.contact_at, w.contact_kind,"
            " w.contact_result, w.contact_by,"
            " (SELECT s.state FROM sms s WHERE s.alert_id = r.alert_id"
            f" ORDER BY s.planned_at DESC, s.sms_id LIMIT 1) AS sms_state, {_OF_CUSTOMER}"
        ),
        filters={
            **_CUSTOMER_FILTERS,
            "id": "r.alert_id",
            "kind": "r.kind",
            "state": "r.state",
            "stage": "r.stage",
            "severity": "r.severity",
            "outcome": "r.outcome",
            "rule": "r.rule_id",
            "period": "r.period",
        },
        sorts={
            "due": ("r.due_at",),
            "severity": ("r.rank", "r.due_at"),
            "raised": ("r.raised_at",),
            "amount": ("coalesce(r.amount_fen, -1)",),
        },
        default_sort="due",
        time="r.raised_at",
        facets={"kind": "r.kind", "state": "r.state", "severity": "r.severity", "stage": "r.stage"},
        decorations=f"{_CUSTOMER} LEFT JOIN work w ON w.alert_id = r.alert_id",
        open_states=frozenset(("raised", "acknowledged", "acted")),
    ),
    "work": ListSpec(
        table="work",
        id="work_id",
        columns=(
            "r.work_id, r.kind, r.state, r.holder_id, r.queue, r.due_at, r.calendar, r.outcome, r.opened_at,"
            " r.revision, r.contact_at, r.contact_kind, r.contact_result, r.contact_by, r.promised_on, r.follow_up_on,"
            " r.alert_id,"
            " a.kind AS alert_kind, a.state AS alert_state, a.period, a.stage, a.severity, a.amount_fen, a.shown,"
            f" {_OF_CUSTOMER}"
        ),
        filters={
            **_CUSTOMER_FILTERS,
            "id": "r.work_id",
            "holder": "r.holder_id",
            "type": "r.kind",
            "state": "r.state",
            "outcome": "r.outcome",
            "queue": "r.queue",
            "alert": "r.alert_id",
        },
        sorts={"due": ("r.due_at",), "opened": ("r.opened_at",)},
        default_sort="due",
        time="r.opened_at",
        facets={"type": "r.kind", "state": "r.state"},
        decorations=f"{_CUSTOMER} LEFT JOIN alerts a ON a.alert_id = r.alert_id",
        open_states=frozenset(("new", "accepted", "acted")),
    ),
    "sms": ListSpec(
        table="sms",
        id="sms_id",
        columns=(
            "r.sms_id, r.alert_id, a.kind AS alert_kind, r.step, r.template, r.language, r.phone, r.segments, r.state,"
            f" r.reason, r.planned_at, r.at, {_OF_CUSTOMER}"
        ),
        filters={
            **_CUSTOMER_FILTERS,
            "id": "r.sms_id",
            "state": "r.state",
            "reason": "r.reason",
            "template": "r.template",
            "alert": "r.alert_id",
        },
        sorts={"planned": ("r.planned_at",)},
        default_sort="-planned",
        time="r.planned_at",
        facets={"state": "r.state", "reason": "r.reason"},
        decorations=f"{_CUSTOMER} LEFT JOIN alerts a ON a.alert_id = r.alert_id",
    ),
    "customers": ListSpec(
        table="customers",
        id="customer_id",
        columns=(
            "r.phone, r.status, r.district, r.area, r.brand, r.plan_code, r.monthly_fee_fen, r.opened_on,"
            " r.credit_class, r.corporate_id, r.role,"
            " r.customer_id, r.name AS customer_name, r.kind AS customer_kind, r.city, r.unit_id, r.manager_id,"
            " m.name AS manager_name, r.do_not_disturb"
        ),
        filters={
            **_CUSTOMER_FILTERS,
            "id": "r.customer_id",
            "kind": "r.kind",
            "status": "r.status",
            "area": "r.area",
            "brand": "r.brand",
            "plan": "r.plan_code",
            "credit": "r.credit_class",
            "corporate": "r.corporate_id",
            "role": "r.role",
        },
        sorts={
            "name": ("r.name_sort",),
            "id": (),
            "fee": ("coalesce(r.monthly_fee_fen, -1)",),
            "opened": ("coalesce(r.opened_on, '')",),
        },
        default_sort="name",
        time=None,
        facets={"kind": "r.kind", "status": "r.status", "area": "r.area"},
        decorations="LEFT JOIN managers m ON m.manager_id = r.manager_id",
        always="+r.known = 1",
    ),
}
