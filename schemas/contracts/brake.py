"""The brake (ADR 0023): what would clear, raise or message too much of a city at once waits for a person's word."""

from typing import Annotated, Literal

from msgspec import Meta

from contracts.boss import Instant
from contracts.misc import Closed

#: kind of document that the brake is, and the one there is
KIND = "brake"
#: key of what each partition of boss.events is told for its brake; no customer's id holds a "|"
BOOK = "|brake"
Verdict = Literal["released", "rejected"]


class Brake(Closed, frozen=True, kw_only=True):
    """More than ``percent`` of the customers of a city that has at least ``min_customers`` wait."""

    id: str = KIND
    enabled: bool = False
    percent: Annotated[int, Meta(ge=1, le=100)] = 20
    min_customers: Annotated[int, Meta(ge=1, le=100_000_000)] = 1000

    def holds(self, count: int, customers: int) -> bool:
        """Whether so many of a city's customers are too many at once."""
        return self.enabled and customers >= self.min_customers and count * 100 > self.percent * customers


class LoadEnded(Closed, frozen=True, kw_only=True):
    """On every partition, behind the last row of a nightly file, where there ever was a brake: what the file made is
    whole now. Its city then has ``customers``, ``here`` of them in this partition; 0 where they were not counted."""

    file: str
    city: str
    customers: Annotated[int, Meta(ge=0)] = 0
    here: Annotated[int, Meta(ge=0)] = 0


class ReleaseDecided(Closed, frozen=True, kw_only=True):
    """On every partition: a person's word on what the brake of alerts holds. ``decided_at`` is system time."""

    release_id: str
    verdict: Verdict
    by: str
    why: str
    decided_at: Instant
