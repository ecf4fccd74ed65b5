"""Documents of alerts, the only place that knows how they are found: ``alerts``, ``sms``,
``blocked_numbers``, ``unmatched_receipts``, and the versioned ``rules``, ``templates`` and ``policies`` (where none is
stored, the seeds)."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec
import structlog
from prometheus_client import Counter

from alerts import rules
from alerts.notifications.limits import VersionedDocument
from alerts.notifications.send_policy import SmsPolicy, Template, seeds
from alerts.rulebook import RULE
from servicekit.clock import iso
from servicekit.documents.library import Library
from servicekit.mongo import MongoDocuments
from servicekit.personal import mask
from servicekit.store import Documents

log = structlog.get_logger()
RECEIPTS_FORGOTTEN = Counter("kam_sms_receipts_forgotten_total", "Unmatched receipts removed for their age or number")

#: collections that people write
AUTHORED = ("rules", "templates", "policies", "blocked_numbers")
#: unmatched receipts are kept so long, and no more than so many (the newest)
UNMATCHED_DAYS, UNMATCHED_MOST = 30, 10_000
_INDEXES: dict[str, tuple[str, ...]] = {
    "alerts": ("customer_id", "raised_at"),
    "shadow_alerts": ("customer_id", "raised_at"),
    "sms": ("customer_id", "planned_at", "state", "phone", "parts.message_id"),
    "unmatched_receipts": ("received_at",),
}
# What the sender needs of a message and nobody else.
_INTERNAL = frozenset({"_id", "correlation", "event", "revision"})


class Authored(Protocol):
    """Read side of documents that people write: the database's, or ``AuthoredDocuments`` as of the start."""

    async def find(self, collection: str) -> list[dict[str, Any]]:
        """Documents of a collection."""


async def prepare(rows: MongoDocuments, indexes: Iterable[tuple[str, str]] = ()) -> None:
    """Make sure that indexes (more of them: collection, field) and seeds are there; a document that is there already
    stays as it is."""
    for collection, field in indexes:
        await rows.index(collection, field)
    for collection, fields in _INDEXES.items():
        for field in fields:
            await rows.index(collection, field)
    found: dict[str, Iterable[rules.Rule | VersionedDocument]] = {
        "rules": rules.load().documents,
        "templates": seeds("templates.yaml", Template),
        "policies": seeds("sms_policy.yaml", SmsPolicy),
    }
    for collection, documents in found.items():
        for document in documents:
            await rows.add(collection, f"{document.id}@{document.version}", msgspec.to_builtins(document))


async def read_rules(rows: Authored) -> rules.Rules:
    """All versions of the rules. Raises ``ValueError`` where those that can be read make no whole."""
    found = await _readable(rows, "rules", rules.Rule)
    return rules.Rules(found) if found else rules.load()


async def plant_rules(library: Library, rows: Authored) -> None:
    """What holds before any switch, as the first versions that staff find; and the conditions that are delivered."""
    documents = (await read_rules(rows)).documents
    await _plant(library, documents)
    # Examples to begin from: drafts, so that nothing is judged by them until somebody puts one in force.
    there = {document.id for document in documents}
    drafts = [RULE.checked(document, []) for document in rules.examples() if document["id"] not in there]
    await library.plant(((1, document) for document in drafts), is_in_force=lambda id, version: False)


async def plant_texts(templates: Library, policies: Library, rows: Authored) -> None:
    """Texts and policy that hold before any switch."""
    await _plant(templates, await read_templates(rows))
    await _plant(policies, await _policies(rows))


async def _plant(library: Library, documents: Sequence[rules.Rule | VersionedDocument]) -> None:
    """Of each id the newest version is in force."""
    newest: dict[str, int] = {}
    for document in documents:
        newest[document.id] = max(document.version, newest.get(document.id, 0))
    await library.plant(
        ((d.version, _without_version(d)) for d in documents),
        is_in_force=lambda id, version: newest[id] == version,
    )


def _without_version(document: rules.Rule | VersionedDocument) -> dict[str, Any]:
    return {name: value for name, value in msgspec.to_builtins(document).items() if name != "version"}


async def read_templates(rows: Authored) -> list[Template]:
    """All versions of the templates."""
    return await _readable(rows, "templates", Template) or seeds("templates.yaml", Template)


async def read_policy(rows: Authored) -> SmsPolicy:
    """The SMS policy in force."""
    return max(await _policies(rows), key=lambda policy: policy.version)


async def _policies(rows: Authored) -> list[SmsPolicy]:
    return await _readable(rows, "policies", SmsPolicy) or seeds("sms_policy.yaml", SmsPolicy)


async def read_blocked(rows: Authored) -> tuple[set[str], set[str]]:
    """Numbers that people blocked, and those that answered TD (``since``), also before every partition kept them."""
    found = [row for row in await rows.find("blocked_numbers") if isinstance(row.get("phone"), str)]
    said = {row["phone"] for row in found if "since" in row}
    return {row["phone"] for row in found if "since" not in row}, said


async def each_alert(
    rows: Documents, *, since: str | None = None, **equal: str | None
) -> AsyncIterator[dict[str, Any]]:
    """Alerts, oldest first, that match; ``since`` is the earliest raising, ISO 8601 in UTC."""
    async for row in rows.each("alerts", _where(equal, "raised_at", since), sort="raised_at"):
        yield _shown(row)


async def each_shadow_alert(
    rows: Documents, *, since: str | None = None, **equal: str | None
) -> AsyncIterator[dict[str, Any]]:
    """As ``each_alert``, of rules in shadow."""
    async for row in rows.each("shadow_alerts", _where(equal, "raised_at", since), sort="raised_at"):
        yield _shown(row)


async def each_sms(rows: Documents, *, since: str | None = None, **equal: str | None) -> AsyncIterator[dict[str, Any]]:
    """Messages, oldest first, that match, with masked numbers; ``since`` is the earliest planning, ISO 8601 in UTC."""
    where = _where(equal, "planned_at", since)
    if "alert_id" in where and "customer_id" not in where:
        alert = await rows.get("alerts", where["alert_id"])
        where |= {"customer_id": None if alert is None else alert["customer_id"]}  # found by this, the only index
    async for row in rows.each("sms", where, sort="planned_at"):
        yield _shown(row)


async def get(rows: Documents, collection: str, id: str) -> dict[str, Any] | None:
    """One of ``alerts`` or of ``sms``, with a masked number."""
    row = await rows.get(collection, id)
    return None if row is None else _shown(row)


async def count_loose_ends(rows: Documents) -> dict[str, int]:
    """SMS of which it is not known whether they arrived, and receipts of which it is not known whose they are."""
    return {
        "sms_unknown": await rows.count("sms", {"state": "unknown"}),
        "receipts_unmatched": await rows.count("unmatched_receipts"),
    }


async def count_not_allowed(rows: Documents) -> int:
    """SMS that did not leave because the policy does not allow their number outside production."""
    return await rows.count("sms", {"state": "suppressed", "reason": "not_allowed"})


async def forget_receipts(rows: Documents, now: datetime) -> None:
    """Remove unmatched receipts that are too old, and the oldest where they are too many (a tenth more is let be)."""
    until = iso(now - timedelta(days=UNMATCHED_DAYS))
    if await rows.count("unmatched_receipts") > UNMATCHED_MOST * 1.1:
        newest = await rows.find("unmatched_receipts", sort="-received_at", limit=UNMATCHED_MOST)
        until = max(until, newest[-1]["received_at"])
    if forgotten := await rows.forget("unmatched_receipts", {"received_at": {"$lt": until}}):
        RECEIPTS_FORGOTTEN.inc(forgotten)
        log.warning("receipts.forgotten", receipts=forgotten, until=until)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {name: mask(name, value) for name, value in row.items() if name not in _INTERNAL}


async def _readable(rows: Authored, collection: str, kind: Any) -> list[Any]:
    """Documents that can be worked with; of one that can't, the version before stays in force, and it is said why."""
    found = []
    for row in await _plain_documents(rows, collection):
        try:
            found.append(msgspec.convert(row, kind))
        except (msgspec.ValidationError, ValueError) as error:
            log.error("document.unreadable", collection=collection, id=row.get("id"), version=row.get("version"),
                      error=str(error)[:500])  # fmt: skip
    return found


def _where(equal: dict[str, str | None], time_field: str, since: str | None) -> dict[str, Any]:
    where: dict[str, Any] = {field: value for field, value in equal.items() if value is not None}
    return where if since is None else {**where, time_field: {"$gte": since}}


async def _plain_documents(rows: Authored, collection: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "_id"} for row in await rows.find(collection)]
