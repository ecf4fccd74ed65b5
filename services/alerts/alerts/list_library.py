"""Lists of customers at their owner: one that a rule names is not stopped."""

from collections.abc import Mapping
from typing import Any

from alerts.customer_lists import NAMED_IN, Purpose
from servicekit.decision import Refused
from servicekit.documents.library import Library, Shown


class ListLibrary(Library):
    """``rules``: those that may name a list."""

    def __init__(self, *args: Any, rules: Library, **options: Any) -> None:
        super().__init__(*args, **options)
        self._rules = rules

    async def purposes(self) -> Mapping[str, Purpose]:
        """What each list that is in force is for, by id; also where no worker has come to its switch yet: one of a rule
        that is activated now comes behind it."""
        return {one.version.id: one.version.document["purpose"] for one in await self.held() if one.state == "active"}

    async def stop(self, id: str, *, by: str, why: str, shadow: bool = False, key: str | None = None) -> Shown:
        """Raises ``Refused`` 409 while a rule names it: who stops it would change whom that one warns of."""
        named = {
            shown.version.id
            for shown in await self._rules.held()
            if shown.state in ("active", "shadow", "scheduled")
            and any(id in shown.version.document.get(field, ()) for field in NAMED_IN)
        }
        if named:
            there = ", ".join(sorted(named))
            raise Refused(
                "list_in_use",
                f"规则 {there} 在用此名单；请先启用不用它的版本，或启用一版空名单",
                f"named by {there}: first put versions in force that do not name it, or a version of the list without "
                "customers",
            )
        return await super().stop(id, by=by, why=why, shadow=shadow, key=key)
