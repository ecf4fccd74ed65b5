"""The brake as a document that staff change (ADR 0023): there is one, off as delivered. billing-sync goes by it too."""

from collections.abc import Sequence

import msgspec
import structlog
from msgspec.structs import replace

from contracts.brake import KIND, Brake
from servicekit.documents.fault import Checker, Fault
from servicekit.documents.kinds import Kind, Others
from servicekit.documents.library import Library
from servicekit.documents.steps import in_force

log = structlog.get_logger()


def check(brake: Brake, others: Others) -> Sequence[Fault]:
    """What is wrong with the meaning of a brake."""
    checker = Checker()
    if brake.id != KIND:
        checker.under("id").say(f"刹车只有一份，编号 {KIND}", f"there is one brake: {KIND}")
    return checker.faults


class BrakeLibrary(Library):
    """billing-sync goes by the brake as well, and loses it with its store: then it is told again, as a switch of the
    same version."""

    async def look(self) -> None:
        await super().look()
        step = in_force(await self._steps_of(KIND))
        if step is None or not step.number:
            return  # as delivered: it goes by that anyway
        told = await self._switchboard.after(step.number - 1, KIND)
        if all(placed.id != step.order for placed in told):
            log.warning("brake.told_again", version=step.version)
            document = (await self.get(KIND, step.version)).version.document
            await self._place(replace(step, on=None), document)


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
