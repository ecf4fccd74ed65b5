"""What the routes of documents that staff change answer: versions, texts, stops, trials."""

from typing import Any, Literal

from pydantic import Field

from contracts.answer import Answer as _Answer
from contracts.answer import OpenAnswer as _Open


class SwitchView(_Answer):
    """What was done with a version: it came into force (`number`: its place in the log, 0 from the beginning; `at`
    system time), waits for the day `on`, or (`taken_back`) does so no more, since `at`."""

    state: Literal["active", "shadow", "stopped", "taken_back"]
    by: str
    why: str
    number: int | None
    at: str | None
    on: str | None


class DocumentView(_Open):
    """A version of a document that staff change; its other fields are the document's own."""

    id: str
    version: int
    state: Literal["draft", "scheduled", "shadow", "active", "retired", "stopped"]
    author: str
    why: str
    created_at: str
    active_from: str | None
    tried: dict[str, Any] | None = None
    switches: list[SwitchView]
    document: dict[str, Any]


class RuleView(DocumentView):
    """A version of a rule document; its other fields are those of its type."""

    type: str
    alert: str
    name_zh: str
    name_en: str


class WarningView(_Answer):
    """What is not wrong with a document, and should be looked at."""

    field: str
    zh: str
    en: str


class CalendarView(DocumentView):
    """A version of a working calendar. ``known_through``: the last day of which it knows whether people work (null: it
    asks for no holidays); beyond it the plain week counts."""

    name_zh: str
    name_en: str
    known_through: str | None
    warnings: list[WarningView]


class CustomerListView(DocumentView):
    """A version of a list of customers; ``count``: how many it names. A list of versions is without them."""

    name_zh: str
    name_en: str
    purpose: Literal["exclusion", "allow", "vip"]
    count: int
    customers: list[str] | None = None


class TemplateView(DocumentView):
    """A version of a text to customers: at which step of which kind of alert it is sent."""

    kind: str
    step: str
    priority: int
    zh: str
    en: str
    provider_ids: dict[str, str | dict[str, str]] = Field(
        default={}, description="by channel, of each language or of both"
    )


class ChannelTakes(_Answer):
    """Whether a channel takes a text, in the order of the policy; if not, why in two languages."""

    channel: str
    takes: bool
    zh: str
    en: str


class TextView(_Answer):
    """A text as a customer gets it, in how many parts, and what it costs."""

    text: str
    encoding: Literal["gsm7", "ucs2"]
    segments: int
    cost_fen: int
    channels: list[ChannelTakes]


class TemplatePreview(_Answer):
    """A text in both languages."""

    zh: TextView
    en: TextView


class FigureValue(_Answer):
    """A value that a figure can have."""

    code: str
    zh: str
    en: str


class FigureView(_Answer):
    """A figure that conditions of rules may ask for; ``record``: the kind of record that tells it, if it is one."""

    name: str
    family: str
    record: str | None
    type: Literal["int", "str", "bool"]
    unit: str
    unit_zh: str
    unit_en: str
    zh: str
    en: str
    meaning_zh: str
    meaning_en: str
    monthly: bool
    ops: list[str]
    least: int | None
    most: int | None
    values: list[FigureValue]


class StopView(_Answer):
    """SMS of something that leave no more: who stopped them, why and when."""

    what: str
    by: str
    why: str
    at: str


class WarnedView(_Answer):
    """A customer and month that a version of a rule warns of; ``reasons`` are codes."""

    customer_id: str
    period: str
    reasons: list[str]


class TriedMonthView(_Answer):
    """A month of a trial: warnings, those that the version in force gives too, what comes and what goes."""

    period: str
    alerts: int
    same: int
    added: int
    gone: int


class TrialOutcomeView(_Answer):
    """What became of warnings: of ``left`` customers so many were ``caught`` by a warning of the month they left in or
    of the three before, with the median of days from the first of these; ``by_month`` of leaving [left, caught]."""

    left: int
    caught: int
    missed: int
    days_early: int | None
    by_month: dict[str, list[int]]


class TrialResultView(_Answer):
    """What a version warns of ``from`` one month ``to`` another, beside the version in force (``against``); of
    ``added`` and ``gone`` the first 10,000, counted whole in ``added_count`` and ``gone_count``."""

    rule: str
    version: int
    against: int | None
    from_: str = Field(alias="from")
    to: str
    customers: int
    alerts: int
    same: int
    added: list[WarnedView]
    gone: list[WarnedView]
    added_count: int
    gone_count: int
    by_period: dict[str, int]
    months: list[TriedMonthView]
    outcome: TrialOutcomeView
    outcome_against: TrialOutcomeView | None
    as_of: str | None
    unreadable: int
    seconds: float


class TrialView(_Answer):
    """A trial: ``done`` of ``of`` steps; ``result`` once it is done, ``zh`` and ``en`` where it failed."""

    trial_id: str
    rule: str
    version: int
    by: str
    at: str
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    done: int
    of: int
    result: TrialResultView | None = None
    zh: str | None = None
    en: str | None = None


class SentenceView(_Answer):
    """A change from one version of a document to another; ``field`` is its path."""

    field: str
    zh: str
    en: str


class FieldWords(_Answer):
    """What people call a field, wherever it stands in a document."""

    field: str
    zh: str
    en: str


class KindView(_Answer):
    """A kind of document: whether there can be none in force (``may_stop``), whether a version can be in force for
    analysts alone (``has_shadow``), and what its fields are called."""

    may_stop: bool
    has_shadow: bool
    fields: list[FieldWords]


class PlacedView(_Answer):
    """What became of an order for a switch; without ``number`` it waits for its day ``on``."""

    id: str
    kind: str
    document_id: str
    version: int
    state: str
    by: str
    why: str
    number: int | None = None
    at: str | None = None
    on: str | None = None
