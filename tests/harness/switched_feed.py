"""One customer's road through the detector on which rules are switched."""

from typing import Any

import msgspec

from alerts.detection import app
from alerts.rules import load
from harness.detection_feed import RULES, Feed
from servicekit.documents.in_force import Edition

OLD = {"status": "active", "opened_on": "2020-01-01", "city": "320100", "manager_id": "m7"}
ASKED = {"request_id": "s1", "kind": "stop", "requested_at": "2026-05-05T09:00:00+08:00"}


def document(id: str = "drop-30", **changes: Any) -> dict[str, Any]:
    """A seed as staff save it, with changes."""
    plain = next(msgspec.to_builtins(d) for d in load().documents if d.id == id)
    return {name: value for name, value in {**plain, **changes}.items() if name != "version"}


def edition(number: int, version: int, id: str = "drop-30", state: Any = "active", **changes: Any) -> Edition:
    return Edition(number, "rule", id, version, state, document(id, **changes))


class Switched(Feed):
    """A customer's road on which rules are switched."""

    editions: tuple[Edition, ...] = ()

    def switch(self, version: int, id: str = "drop-30", state: Any = "active", **changes: Any) -> None:
        self.editions = (*self.editions, edition(len(self.editions) + 1, version, id, state, **changes))
        self.app = app(RULES.switched(self.editions))

    def bills(self, **months: int | None) -> list[str]:
        told = []
        for month, amount in months.items():
            told += self.boss(
                "bill.issued", "2026-05-01" if not self.heard else None, period=month[1:], amount_fen=amount
            )
        return told
