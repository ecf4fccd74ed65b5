"""Lists of customers as documents that staff change: rules name them, by what they are for."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from contracts.documents import MOST_LIST_BYTES
from servicekit.documents.fault import Checker, Fault
from servicekit.documents.in_force import Edition
from servicekit.documents.kinds import Kind, Others

#: kind of document that a list is
KIND = "list"
MOST_CUSTOMERS, MOST_LISTS = 20_000, 20
_LONGEST_NAME = 200
_ID = re.compile(r"[^\s|]{1,64}")
#: exclusion: a rule leaves these alone; allow: a rule looks at these alone; vip: their alerts are critical
Purpose = Literal["exclusion", "allow", "vip"]
#: the field of a rule in which lists of a purpose are named
NAMED_IN: Mapping[str, Purpose] = {"exclude_lists": "exclusion", "only_lists": "allow", "vip_lists": "vip"}


class CustomerList(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A version as it is kept, without its number."""

    id: str
    name_zh: str
    name_en: str
    purpose: Purpose
    customers: tuple[str, ...]


class Listed(Struct, frozen=True):
    """A list in force: made once for each switch."""

    id: str
    version: int
    name_zh: str
    name_en: str
    purpose: Purpose
    customers: frozenset[str]


Lists = Mapping[str, Listed]


def read_listed(edition: Edition) -> Listed:
    """A list that a switch brought. Raises ``msgspec.ValidationError``."""
    found = edition.document
    return found if isinstance(found, Listed) else listed(found, edition.version)


def listed(document: Mapping[str, Any], version: int) -> Listed:
    """A version to be asked. Raises ``msgspec.ValidationError``."""
    named = msgspec.convert(document, CustomerList)
    return Listed(named.id, version, named.name_zh, named.name_en, named.purpose, frozenset(named.customers))


def on_any(lists: Lists, names: Collection[str], customer_id: str) -> list[str]:
    """Those of these lists, in force, that name the customer."""
    return [name for name in names if name in lists and customer_id in lists[name].customers]


def check(document: CustomerList, others: Others) -> Sequence[Fault]:
    """What is wrong with the meaning of a list."""
    checker = Checker()
    checker.under("name_zh").called(document.name_zh, _LONGEST_NAME, "中文", "a Chinese")
    checker.under("name_en").called(document.name_en, _LONGEST_NAME, "英文", "an English")
    if checker.under("customers").few(document.customers, MOST_CUSTOMERS):
        for n, customer_id in enumerate(document.customers):
            if not _ID.fullmatch(customer_id):
                checker.under("customers").under(n).say(
                    "应为客户编号：1 至 64 个字符，不含空白和 |",
                    "must be a customer's id: 1 to 64 characters, no blanks, no |",
                )
        checker.under("customers").distinct(document.customers)
    was = next((other["purpose"] for other in others if other["id"] == document.id), document.purpose)
    if was != document.purpose:
        checker.under("purpose").say(
            f"用途不能由 {was} 改为 {document.purpose}，请另立一份名单", f"was {was} and stays so: make another list"
        )
    if len({other["id"] for other in others} | {document.id}) > MOST_LISTS:
        checker.under("id").say(
            f"最多 {MOST_LISTS} 份名单，请先停用一份，或并入已有的名单",
            f"at most {MOST_LISTS} lists: stop one first, or put it into one that there is",
        )
    return checker.faults


def check_named(checker: Checker, rule: Any, purposes: Mapping[str, Purpose]) -> None:
    """Lists that a rule names must be in force (those are ``purposes``, by id), and for what it names them for."""
    for field, purpose in NAMED_IN.items():
        at = checker.under(field)
        names: tuple[str, ...] = getattr(rule, field, ())
        if not at.few(names, MOST_LISTS):
            continue
        at.distinct(names)
        for n, name in enumerate(names):
            found = purposes.get(name)
            if found is None:
                at.under(n).say(
                    f"没有启用中的名单“{name[:50]}”；请先启用它（kam list）",
                    f"no list {name[:50]!r} is in force: activate it first (kam list)",
                )
            elif found != purpose:
                at.under(n).say(
                    f"{name} 的用途是 {found}，这里要 {purpose} 的名单",
                    f"{name} is for {found}: here goes one for {purpose}",
                )


LIST = Kind(
    name=KIND,
    read=lambda document: msgspec.convert(document, CustomerList),
    check=check,
    fields={
        "name_zh": ("中文名称", "Chinese name"),
        "name_en": ("英文名称", "English name"),
        "purpose": ("用途", "purpose"),
        "customers": ("客户", "customers"),
    },
    shows=lambda document: {"count": len(document["customers"])},
    masked=frozenset({"customers"}),
    most_bytes=MOST_LIST_BYTES,
    too_large=(
        f"名单超过 {MOST_LIST_BYTES >> 10} KiB；一份名单最多 {MOST_CUSTOMERS:,} 个客户，请拆成几份",
        f"a list over {MOST_LIST_BYTES >> 10} KiB: at most {MOST_CUSTOMERS:,} customers, so make several",
    ),
)
