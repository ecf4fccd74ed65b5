"""What the routes of sums and teams answer. Every count says by which filter of which list its rows are found."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from contracts.exports import ListName
from contracts.lists import AlertRow, Freshness


class _Answer(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class Rows(_Answer):
    """Where the rows behind a count are: ``GET /v1/lists/{list}`` with this filter has as many."""

    list: ListName
    filter: dict[str, str]


class Figure(Rows):
    """A count; ``before``: in the period that it is compared with."""

    count: int
    before: int | None


class Share(_Answer):
    """A part of a whole."""

    part: Figure
    whole: Figure


class KindSeries(_Answer):
    """Alerts of a kind, hour by hour or day by day."""

    kind: str
    counts: list[int]


class CitySeries(_Answer):
    """Alerts of a city (``none``: not known), hour by hour or day by day."""

    city: str
    counts: list[int]


class ChurnStep(Figure):
    """How far warnings of churn have come: raised, then what became of them so far. ``claimed`` is what managers say,
    ``kept`` and ``lost`` what BOSS has proved.
    """

    step: Literal["raised", "new", "accepted", "acted", "claimed", "kept", "lost"]


class ComplaintState(Figure):
    """Complaints of the period by whether they are open, and past their limit."""

    state: Literal["open", "closed"]
    late: bool


class ArrearsAge(Rows):
    """What is owed now, by days since the oldest bill was due; ``none``: not known."""

    age: str
    count: int
    amount_fen: int


class Recovered(Rows):
    """Debts that were paid in the period, as BOSS says."""

    count: int
    amount_fen: int
    amount_before_fen: int | None
    counts: list[int]
    amounts_fen: list[int]


class SmsOutcome(Rows):
    """Messages planned in the period, by state and reason."""

    state: str
    reason: str | None
    count: int


class MissingFile(_Answer):
    """A feed of a city that stands behind others of its kind."""

    kind: str
    city: str
    business_date: str
    expected: str


class Place(_Answer):
    """A unit or city one may narrow figures to."""

    unit_id: str
    name: str | None
    city: str | None


class OverviewView(Freshness):
    """Figures of a period; ``starts``: of its hours or days. ``missing`` null: the feeds could not be asked."""

    period: str
    step: Literal["hour", "day"]
    since: str
    until: str
    before_since: str | None
    before_until: str | None
    starts: list[str]
    filter: dict[str, str]
    alerts: Figure
    handled: Share
    delivered: Share
    by_time: list[KindSeries]
    by_city: list[CitySeries]
    churn: list[ChurnStep]
    arrears: list[ArrearsAge]
    recovered: Recovered
    sms: list[SmsOutcome]
    complaints: list[ComplaintState]
    changes: list[AlertRow]
    missing: list[MissingFile] | None
    cities: list[str]
    units: list[Place]


class TeamUnit(_Answer):
    """A unit with the sums of all beneath it; not ``mine``: only on the way to one that is. ``unattended``: open work
    that is overdue or that nobody has taken, each item once.
    """

    unit_id: str
    parent_id: str | None
    name: str | None
    city: str | None
    mine: bool
    customers: int
    open: int
    overdue: int
    unclaimed: int
    unattended: int


class TeamTree(Freshness):
    """The units that one sees something of."""

    units: list[TeamUnit]


class TeamMember(_Answer):
    """Somebody of a unit, or (not ``home``) of another who has work or customers of it. ``load``: open work, weighted
    by severity, against the unit's mean; ``response_seconds``: median from opening to the first step of a person, of
    the ``responses`` items that had it this month; ``kept`` of ``retained_of`` retention items closed this month;
    ``week``: closed on each of the last 7 days.
    """

    manager_id: str
    name: str | None
    unit_id: str | None
    status: str | None
    extension: str | None
    home: bool
    customers: int
    open: int
    overdue: int
    load: float | None
    responses: int
    response_seconds: float | None
    kept: int
    retained_of: int
    week: list[int]


class TeamRows(_Answer):
    """Where the rows of all members' counts of that name are; those of one: with ``holder`` added to the filter."""

    kept: Rows
    retained_of: Rows
    responses: Rows
    week: Rows


class TeamView(Freshness):
    """A unit, and who works in it and beneath it: ``people`` of these units, with those of other units ``total``
    members, of whom the first that were asked for are told.
    """

    unit: TeamUnit
    people: int
    total: int
    members: list[TeamMember]
    opens: TeamRows
