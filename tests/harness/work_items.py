"""manager-work's unit without servers: alerts and managers in, work items out."""

from collections import Counter
from typing import Any

from contracts import boss
from contracts.alert import Alert, RuleRef
from harness.one_processor import NOON, OneProcessor
from manager_work import rules
from manager_work.domain import Command, work_id_of
from manager_work.settings import Settings

WORK = work_id_of("a1")
RULES = rules.load(Settings.model_fields["work_rules"].default)


def alert(**fields: Any) -> Alert:
    known: dict[str, Any] = {
        "alert_id": "a1",
        "kind": "churn_warning",
        "customer_id": "c1",
        "revision": 1,
        "state": "resolved" if "outcome" in fields else "raised",
        "severity": "major",
        "rule": RuleRef(id="drop-30", version=1),
        "city": "320100",
        "raised_at": NOON,
        "at": NOON,
    }
    return Alert(**{**known, **fields})


class Desk(OneProcessor):
    """manager-work's unit, spoken to in its own words."""

    def __init__(self, *app: Any) -> None:
        super().__init__(*app)
        self.revisions: Counter[str] = Counter()

    def alert(self, verb: str, *, at: Any = NOON, id: str | None = None, **fields: Any) -> Any:
        """An alert's event; its revision counts up as the detector's does, unless one is given."""
        about = {"id": id} if id else {}
        self.revisions[fields.get("alert_id", "a1")] += 1
        fields = {"revision": self.revisions[fields.get("alert_id", "a1")], "at": at, **fields}
        return self.record("alert.events", f"kam.alert.{verb}.v1", alert(**fields), clock=at, **about)

    def manager(self, id: str, status: str = "active", *, revision: int = 0, **about: Any) -> Any:
        data = boss.Manager(manager_id=id, name="李经理", status=status)
        headers = [("ce_revision", b"%d" % revision)] if revision else []
        return self.record("boss.events", "kam.boss.manager.changed.v1", data, key=id, headers=headers, **about)

    async def told(self) -> list[tuple[str, str | None, str | None]]:
        """(what, manager, queue) of the events so far."""
        return [(type_.split(".")[2], w.manager_id, w.queue) for type_, w in await self.events("work.events")]

    async def item(self, work_id: str = WORK) -> dict[str, Any]:
        found = await self.rows.get("work", work_id)
        assert found is not None
        return found

    async def ask(self, what: str, key: str | None = None, by: str = "m1", **fields: Any) -> Any:
        (answer,) = await self.take(commands=[(what, WORK, Command(by=by, key=key, **fields))])
        return answer
