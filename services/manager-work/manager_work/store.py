"""Documents of manager-work: ``work`` (items with their log), ``contacts``. The only place that knows how they are
found."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from manager_work.rules import WorkRules, in_force, readable
from servicekit.authored import AuthoredDocuments
from servicekit.documents.library import Library
from servicekit.mongo import MongoDocuments
from servicekit.store import Documents

#: collections that people write
AUTHORED = ("work_rules",)
_CALENDARS = Path(__file__).parent / "seeds" / "calendars.yaml"


class Authored(Protocol):
    """Documents that people write, as the database has them."""

    async def find(self, collection: str) -> list[dict[str, Any]]:
        """Those of a collection."""


async def index(rows: MongoDocuments, more: Iterable[tuple[str, str]] = ()) -> None:
    """Make sure the indexes are there (``more``: collection, field)."""
    for collection, field in more:
        await rows.index(collection, field)
    for field in ("customer_id", "manager_id", "opened_at"):
        await rows.index("work", field)
    await rows.index("contacts", "customer_id")


async def keep_rules(rows: MongoDocuments, given: WorkRules) -> None:
    """Make sure that this version of the rules is there; one that is there already stays as it is."""
    await rows.add("work_rules", f"work@{given.version}", msgspec.to_builtins(given))


async def read_rules(authored: AuthoredDocuments, given: WorkRules) -> WorkRules:
    """The rules in force: the highest version of the documents that holds together, or those given."""
    return in_force(await authored.find("work_rules"), given)


async def plant(rules: Library, calendars: Library, rows: Authored, given: WorkRules) -> None:
    """What holds before any switch, as the first versions that staff find; and calendars to begin from, drafts."""
    kept = await rows.find("work_rules")
    now = in_force(kept, given)
    versions = {each.version: each for each in (given, *readable(kept))}
    documents = [
        (n, {k: v for k, v in msgspec.to_builtins(versions[n]).items() if k != "version"}) for n in sorted(versions)
    ]
    await rules.plant(documents, is_in_force=lambda id, version: version == now.version)
    drafts = msgspec.yaml.decode(_CALENDARS.read_bytes(), type=list[dict[str, Any]])
    planted = [(1, calendars.kind.checked(document, [])) for document in drafts]
    await calendars.plant(planted, is_in_force=lambda id, version: False)


async def get_work(rows: Documents, work_id: str) -> dict[str, Any] | None:
    """A work item by its id."""
    item = await rows.get("work", work_id)
    return None if item is None else {name: value for name, value in item.items() if name != "_id"}


async def each_work(rows: Documents, *, since: str | None = None, **equal: str | None) -> AsyncIterator[dict[str, Any]]:
    """Work items, oldest first, that match; ``since`` is the earliest opening, ISO 8601 in UTC."""
    where: dict[str, Any] = {field: value for field, value in equal.items() if value is not None}
    if since is not None:
        where["opened_at"] = {"$gte": since}
    async for item in rows.each("work", where, sort="opened_at"):
        yield {name: value for name, value in item.items() if name != "_id"}


async def find_contacts(rows: Documents, customer_id: str, limit: int) -> list[dict[str, Any]]:
    """A customer's contacts, newest first."""
    found = await rows.find("contacts", {"customer_id": customer_id}, sort="-at", limit=limit)
    return [{name: value for name, value in contact.items() if name != "_id"} for contact in found]
