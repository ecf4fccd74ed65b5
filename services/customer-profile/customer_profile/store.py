"""Documents ``customers``, ``history``, ``units``, ``managers`` in MongoDB, accounts in the stores of their units, and
the page made of both. The only place that knows their shape on disk."""

from collections.abc import Callable
from typing import Any

import msgspec

from customer_profile.account import KINDS, KindRecords, key
from servicekit.mongo import MongoDocuments
from servicekit.personal import shown_change, shown_record
from servicekit.store import Documents, Store

_HISTORY_SHOWN = 500
_decode_facts = msgspec.msgpack.Decoder(KindRecords).decode
_decode_body = msgspec.json.Decoder(dict[str, Any]).decode


async def index(rows: MongoDocuments) -> None:
    """Make sure the index is there."""
    await rows.index("history", "customer_id")


class Pages:
    """Reads a customer's page from what this service keeps; ``account`` gives the store of a customer's account."""

    def __init__(self, rows: Documents, account: Callable[[str], Store]) -> None:
        self._rows, self._account = rows, account

    async def page(self, customer_id: str, *, personal: bool, history: bool = True) -> dict[str, Any] | None:
        """The customer with everything known of them, newest first; None when nothing is.

        ``personal`` shows names, numbers and birth dates in clear. A customer of whom only bills and the like have come
        has no fields but the id.
        """
        keys = {kind: key(customer_id, kind.name) for kind in KINDS.values()}
        account = await self._account(customer_id).load(list(keys.values()))
        customer = await self._rows.get("customers", customer_id)
        records = {kind: _newest(account.get(key)) for kind, key in keys.items()}
        if customer is None and not any(records.values()):
            return None
        manager = await self._known("managers", (customer or {}).get("manager_id"))
        changes = await self._history(customer_id) if history else []
        page: dict[str, Any] = {
            "customer": _plain(customer or {"customer_id": customer_id}),
            "manager": manager,
            "unit": await self._known("units", (manager or {}).get("unit_id")),
            "history": [_plain(change) for change in changes],
            **{k.name: found if k.id else next(iter(found), None) for k, found in records.items()},
        }
        return page if personal else _masked(page)

    async def _history(self, customer_id: str) -> list[dict[str, Any]]:
        return await self._rows.find("history", {"customer_id": customer_id}, sort="-revision", limit=_HISTORY_SHOWN)

    async def _known(self, collection: str, id: str | None) -> dict[str, Any] | None:
        found = None if id is None else await self._rows.get(collection, id)
        return None if found is None else _plain(found)


def _newest(raw: bytes | None) -> list[dict[str, Any]]:
    """Records of a kind, newest first, each with its time and the event that brought it."""
    records = [] if raw is None else _decode_facts(raw).newest_first()
    return [{"at": f.at, **_decode_body(f.body), "event_id": f.event_id} for f in records]


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "_id"}


def _masked(page: dict[str, Any]) -> dict[str, Any]:
    return {
        **page,
        "customer": shown_record(page["customer"]),
        "history": [shown_change(change) for change in page["history"]],
    }
