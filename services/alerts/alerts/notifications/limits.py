"""What of the SMS policy says who goes first, what a day may cost, and whom SMS reach outside production."""

from typing import Annotated

from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=1, le=1_000_000)]
#: where a message stands that waits for the rate: smaller goes first
Turn = tuple[int, int]
#: what all campaigns may take together goes by this name
ALL = "all"


class VersionedDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of a document; the highest version of an id is in force."""

    id: str
    version: int


class Budget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What SMS of a calendar day may take at most; None: no limit."""

    parts: int | None = None
    fen: int | None = None


class Campaign(Budget, frozen=True, kw_only=True):
    """A name that texts take their budget from; ``kinds`` do where their template names none."""

    kinds: tuple[str, ...] = ()


class Limits(VersionedDocument, frozen=True, kw_only=True):
    """``priorities``: kinds, the most important first; those that it does not name come behind. ``oldest_every``: of so
    many places for what waits one goes to who has waited longest. ``budget``: of all together. ``allowed``: numbers.
    """

    priorities: tuple[str, ...] = ()
    oldest_every: Count = 10
    budget: Budget = Budget()
    campaigns: dict[str, Campaign] = {}
    budget_warn_percent: Count = 80
    allowed: tuple[str, ...] = ()

    def turn(self, kind: str, priority: int) -> Turn:
        """Where a message of this kind and priority stands in line."""
        place = self.priorities.index(kind) if kind in self.priorities else len(self.priorities)
        return place, -priority

    @property
    def has_budgets(self) -> bool:
        return self.budget != Budget() or bool(self.campaigns)

    def budget_of(self, name: str) -> Budget:
        """That of a campaign; of any other name, that of all together."""
        return self.campaigns.get(name, self.budget)

    def campaign_of(self, kind: str, named: str) -> str:
        """The campaign of a message: that which is named, or the one that has its kind; empty for none."""
        if named in self.campaigns:
            return named
        return next((name for name, campaign in self.campaigns.items() if kind in campaign.kinds), "")
