"""What the routes of roles, revealed fields and the audit take and answer."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.identity import GrantBody, Reason, RoleName

AreaName = Literal[
    "alerts", "work", "customers", "sms", "team", "overview", "rules", "why", "feeds", "admin", "callers"
]
VerbName = Literal["see", "change", "export", "reveal"]
FieldClassName = Literal["name", "phone", "id_number", "birthday", "address"]
Rights = dict[AreaName, Annotated[tuple[VerbName, ...], Field(max_length=4)]]
Classes = Annotated[tuple[FieldClassName, ...], Field(max_length=5)]
Title = Annotated[str, Field(min_length=1, max_length=40)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class _Answer(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class Reveal(_Asked):
    """Body of having a masked field shown: the field of BOSS's record, and why; the audit keeps it."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"field": "phone", "reason": "约定上门时间"}]},
    )
    field: Literal["name", "phone", "id_number", "birth_date", "address"]
    reason: Reason


class Revealed(_Answer):
    """A personal field in clear; ``value`` null: BOSS has told none. It is to be hidden after ``seconds``."""

    customer_id: str
    field: str
    value: str | None
    seconds: int
    until: str


class RoleRights(_Asked):
    """What a role may do, by page area, and which classes of personal fields it sees: ``clear`` as they are,
    ``reveals`` for a moment and a reason; the others masked.
    """

    name_zh: Title
    name_en: Title
    rights: Rights
    clear: Classes = ()
    reveals: Classes = ()


class ChangedRole(RoleRights):
    """Body of a changed role."""

    reason: Reason


class RoleView(RoleRights):
    """A role in its newest version, or in one of its history; version 0: as delivered."""

    model_config = ConfigDict(hide_input_in_errors=True)
    role: RoleName
    version: int
    author: str
    reason: str
    at: str


class DraftRole(RoleRights):
    """A role as it would be."""

    role: RoleName


class EffectAsked(_Asked):
    """Body of a preview: what somebody with these grants would see, with a role as it would be where one is given."""

    grants: Annotated[tuple[GrantBody, ...], Field(max_length=20)] = ()
    role: DraftRole | None = None


class Effect(_Answer):
    """What grants come to as things stand: customers in sight, open alerts and work items, rights by area, personal
    fields (``clear``, ``reveal``, ``masked``), and all that in a sentence. ``people``: how many active accounts have
    the role that was given.
    """

    customers: int
    open_alerts: int
    open_work: int
    rights: Rights
    fields: dict[FieldClassName, Literal["clear", "reveal", "masked"]]
    zh: str
    en: str
    people: int | None = None


class OwnRights(_Answer):
    """What one may do oneself, by area: ``rights`` anywhere, ``everywhere`` over the whole province and all kinds of
    business."""

    rights: Rights
    everywhere: Rights


class AuditEntry(_Answer):
    """Who read or changed what, when and with what result. ``correlation_id``: of the request, as answers name it."""

    id: str
    at: str
    actor: str
    role: str
    action: str
    object: str
    reason: str | None = None
    result: str
    correlation_id: str


class AuditPage(_Answer):
    """Entries, newest first; ``next`` null: the last page. ``as_of``: everything before is in it."""

    rows: tuple[AuditEntry, ...]
    next: str | None = None
    as_of: str | None
    seconds_behind: float | None
