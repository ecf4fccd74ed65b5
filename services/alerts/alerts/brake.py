"""The brake as a document that staff change (ADR 0023): there is one, off as delivered. billing-sync goes by it too."""

from collections.abc import Sequence

import msgspec

from contracts.brake import KIND, Brake
from servicekit.documents.fault import Checker, Fault
from servicekit.documents.kinds import Kind, Others
from servicekit.documents.library import Library


def check(brake: Brake, others: Others) -> Sequence[Fault]:
    """What is wrong with the meaning of a brake."""
    checker = Checker()
    if brake.id != KIND:
        checker.under("id").say(f"刹车只有一份，编号 {KIND}", f"there is one brake: {KIND}")
    return checker.faults


async def plant(library: Library) -> None:
    """What holds before any switch: nothing is held."""
    await library.plant([(1, msgspec.to_builtins(Brake()))], is_in_force=lambda id, version: True)


BRAKE = Kind(
    name=KIND,
    may_stop=False,
    read=lambda document: msgspec.convert(document, Brake),
    check=check,
    fields={
        "enabled": ("启用", "on"),
        "percent": ("占全市客户的上限（%）", "percent of a city's customers, at most"),
        "min_customers": ("从多少客户的地市起", "customers that a city has at least"),
    },
)
