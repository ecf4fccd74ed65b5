"""Documents of customer-profile: ``customers``, ``history``, ``facts``, ``units``, ``managers``; and the page made of
them. The only place that knows their shape on disk."""

from typing import Any

from customer_profile.domain import mask
from servicekit.mongo import MongoRows
from servicekit.store import Rows

_LISTS = ("bills", "usages", "payments", "contracts", "complaints", "requests")
_SINGLES = ("arrears", "balance")
_SHOWN = 24
_HISTORY_SHOWN = 500


async def index(rows: MongoRows) -> None:
    """Make sure the indexes are there."""
    for collection in ("history", "facts"):
        await rows.index(collection, "customer_id")
    await rows.index("customers", "manager_id")


class Pages:
    """Reads a customer's page from this service's own documents."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def page(self, customer_id: str, *, personal: bool) -> dict[str, Any] | None:
        """The customer with everything known of them, newest first; None when nothing is.

        ``personal`` shows names, numbers and birth dates in clear. A customer of whom only bills and the like have come
        has no fields but the id.
        """
        customer = await self._rows.get("customers", customer_id)
        facts = await self._rows.find("facts", {"customer_id": customer_id})
        if customer is None and not facts:
            return None
        manager = await self._known("managers", (customer or {}).get("manager_id"))
        history = await self._rows.find("history", {"customer_id": customer_id}, sort="-revision", limit=_HISTORY_SHOWN)
        page: dict[str, Any] = {
            "customer": _plain(customer or {"customer_id": customer_id}),
            "manager": manager,
            "unit": await self._known("units", (manager or {}).get("unit_id")),
            "history": [_plain(change) for change in history],
            **{kind: _newest(facts, kind)[:_SHOWN] for kind in _LISTS},
            **{kind: next(iter(_newest(facts, kind)), None) for kind in _SINGLES},
        }
        return page if personal else _masked(page)

    async def _known(self, collection: str, id: str | None) -> dict[str, Any] | None:
        found = None if id is None else await self._rows.get(collection, id)
        return None if found is None else _plain(found)


def _newest(facts: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Records of a kind, newest first, with the event that brought each; those without a date come first."""
    found = [f for f in facts if f["kind"] == kind]
    found.sort(key=lambda f: (f["order"] is None, f["order"] or ""), reverse=True)
    return [{**f["record"], "at": f["record"].get("at", f["at"]), "event_id": f["event_id"]} for f in found]


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "_id"}


def _masked(page: dict[str, Any]) -> dict[str, Any]:
    return {
        **page,
        "customer": {name: mask(name, value) for name, value in page["customer"].items()},
        "history": [
            {**h, "old": mask(h["field"], h["old"]), "new": mask(h["field"], h["new"])} for h in page["history"]
        ],
    }
