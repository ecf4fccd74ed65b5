"""What the brake holds, as people see it, and what they are asked for their word (ADR 0023)."""

from collections.abc import Iterable
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from contracts.document_orders import Reason

RELEASE_ID = "^[A-Za-z0-9-]{1,64}$"


class ReleaseView(BaseModel):
    """What waits, or waited. ``source``: a nightly ``file``, or a ``step`` of alerts. ``kind`` of file or of alert;
    ``cause``: the file, or the business day. ``count`` of ``customers`` of ``city`` would be hit: ``share`` percent of
    those looked at (``of``: all, or those of the partitions that hold), over ``percent``. ``effect``: ``clear`` or
    ``raise``. ``by``, ``why`` and ``decided_at``: whoever has decided."""

    model_config = ConfigDict(hide_input_in_errors=True)

    id: str
    source: Literal["file", "step"]
    effect: Literal["clear", "raise"]
    state: Literal["waiting", "released", "rejected", "superseded"]
    city: str
    kind: str
    cause: str
    count: int
    customers: int
    of: int
    share: float
    percent: int
    since: str
    by: str | None = None
    why: str | None = None
    decided_at: str | None = None


Row = TypeVar("Row", bound=ReleaseView)


class PartView(BaseModel):
    """``contracts.brake.Part``"""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    places: Annotated[int, Field(ge=0)]
    count: Annotated[int, Field(ge=0)]


class StepView(ReleaseView):
    """A step as alerts knows it; ``parts``: what of each partition that is."""

    parts: dict[int, PartView] = {}

    def plain(self) -> ReleaseView:
        """As people get it."""
        return ReleaseView.model_validate(self.model_dump(exclude={"parts"}))


def share(count: int, of: int) -> float:
    """In percent, to one place."""
    return round(100 * count / max(of, 1), 1)


def merged(one: StepView, other: StepView) -> StepView:
    """The same release, as two parts of the platform have it: where one still waits, it waits."""
    first = other if other.state == "waiting" else one
    count, of = one.count + other.count, one.of + other.of
    customers, since = max(one.customers, other.customers), min(one.since, other.since)
    more = {"count": count, "of": of, "share": share(count, of), "customers": customers, "since": since}
    return first.model_copy(update={**more, "parts": {**one.parts, **other.parts}})


def in_order(rows: Iterable[Row]) -> list[Row]:
    """What waits first, then the newest."""
    newest = sorted(rows, key=lambda row: (row.since, row.id), reverse=True)
    return sorted(newest, key=lambda row: row.state != "waiting")


class WordView(BaseModel):
    """A word on what alerts holds: it counts from one place of the log on, on every partition."""

    model_config = ConfigDict(hide_input_in_errors=True)

    release_id: str
    verdict: Literal["released", "rejected"]
    by: str
    why: str
    decided_at: str


class DecideRelease(BaseModel):
    """Body of a word on what waits. ``count``: as it was shown; where more wait by now, nobody has seen these."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    why: Reason
    count: Annotated[int, Field(ge=0)] | None = None


class DecideStep(BaseModel):
    """Body of a word on what alerts holds: about these ``parts`` of it, by partition."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    why: Reason
    parts: dict[int, PartView]
