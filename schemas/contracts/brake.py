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
#: that are told of; a country has some hundreds, and a record holds so many
MOST_CITIES = 5000


class Brake(Closed, frozen=True, kw_only=True):
    """More than ``percent`` of the customers of a city that has at least ``min_customers`` wait."""

    id: str = KIND
    enabled: bool = False
    percent: Annotated[int, Meta(ge=1, le=100)] = 20
    min_customers: Annotated[int, Meta(ge=1, le=100_000_000)] = 1000

    def holds(self, count: int, customers: int) -> bool:
        """Whether so many of a city's customers are too many at once."""
        return self.enabled and customers >= self.min_customers and count * 100 > self.percent * customers

    def holds_here(self, count: int, here: int, customers: int) -> bool:
        """Whether ``count`` customers are too many of a partition that has ``here`` of a city's ``customers``: each may
        speak of ``percent`` of its own, rounded down, so that all of them together never speak of more than ``percent``
        of the city. One customer alone is no wave."""
        return self.enabled and customers >= self.min_customers and count > max(1, self.percent * here // 100)


class LoadEnded(Closed, frozen=True, kw_only=True):
    """On every partition, behind the last row of a nightly file, where there ever was a brake: what the file made is
    whole now. Its city then has ``customers``, ``here`` of them in this partition; 0 where they were not counted."""

    file: str
    city: str
    customers: Annotated[int, Meta(ge=0)] = 0
    here: Annotated[int, Meta(ge=0)] = 0


class Census(Closed, frozen=True, kw_only=True):
    """A city's ``customers``, and how many of them are ``here``, in this partition."""

    customers: Annotated[int, Meta(ge=0)]
    here: Annotated[int, Meta(ge=0)]


class CitiesCounted(Closed, frozen=True, kw_only=True):
    """On every partition, after the brake was switched on: the customers of all cities there are."""

    cities: Annotated[dict[str, Census], Meta(max_length=MOST_CITIES)]


class Part(Closed, frozen=True, kw_only=True):
    """What a person has seen of a partition's part of a step: the members of its lists up to so many ``places``, by
    when ``count`` customers had joined the step there."""

    places: Annotated[int, Meta(ge=0)] = 0
    count: Annotated[int, Meta(ge=0)] = 0


class ReleaseDecided(Closed, frozen=True, kw_only=True):
    """On every partition: a person's word on what the brake of alerts holds. It is about what they have ``seen`` of
    this partition, and about nothing that came later. ``decided_at`` is system time."""

    release_id: str
    verdict: Verdict
    by: str
    why: str
    decided_at: Instant
    seen: Part = Part()
