"""What happened to the versions of a document, and what each is now because of it: computed, never kept. Pure.

A step is an order to billing-sync and what became of it, or that one which waited was taken back. The document that
decides is that of the last ``active`` step that was placed, unless a ``stopped`` one came behind it.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Literal

import msgspec

from contracts.documents import Placed, State
from servicekit.clock import EPOCH
from servicekit.decision import KeyUsed, Refused
from servicekit.ids import derive

Standing = Literal["draft", "scheduled", "shadow", "active", "retired", "stopped"]


class Step(msgspec.Struct, frozen=True):
    """An order of a version, ``id`` of the document: placed at ``number`` in system time ``at``, or waiting (None).
    ``number`` 0, ``at`` None: in force from the beginning of the log. ``taken_back``: one that waited for the day
    ``on`` does so no more, since ``at``."""

    order: str
    id: str
    version: int
    state: State | Literal["taken_back"]
    by: str
    why: str
    number: int | None = None
    at: datetime | None = None
    on: date | None = None

    def plain(self) -> dict[str, Any]:
        """As people get it."""
        shown = ("state", "by", "why", "number", "at", "on")
        return {name: value for name, value in msgspec.to_builtins(self).items() if name in shown}


def step_of(placed: Placed) -> Step:
    """What billing-sync says of an order."""
    p = placed
    return Step(p.id, p.document_id, p.version, p.state, p.by, p.why, p.number, p.at, p.on)


def placed_of(steps: Iterable[Step]) -> list[Step]:
    """Those that have their place, in the order of the log."""
    return sorted((s for s in steps if s.number is not None), key=lambda s: (s.number, s.version))


def in_force(steps: Iterable[Step]) -> Step | None:
    """The step by which a document decides, or decides no more (``stopped``)."""
    return _now(steps)[0]


def in_shadow(steps: Iterable[Step]) -> Step | None:
    """The step by which a version is looked at by analysts alone: until it, or nothing at all, is in force, or it alone
    was stopped."""
    return _now(steps)[1]


def _now(steps: Iterable[Step]) -> tuple[Step | None, Step | None]:
    now: Step | None = None
    shadow: Step | None = None
    for step in placed_of(steps):
        is_looked_at = shadow is not None and shadow.version == step.version
        if step.state == "shadow":
            shadow = step
        elif step.state == "stopped" and is_looked_at and now is not None and now.version != step.version:
            shadow = None
        else:
            now = step
            if step.state == "stopped" or is_looked_at:
                shadow = None
    return now, shadow


def waiting_of(steps: Iterable[Step], version: int | None = None) -> list[Step]:
    """Those whose day has not come."""
    return [s for s in steps if s.number is None and s.state != "taken_back" and version in (None, s.version)]


def told_of(version: int, steps: Iterable[Step]) -> list[Step]:
    """All that was done with a version: what has its place in the order of the log, what was taken back where it was,
    what waits."""
    mine = [s for s in steps if s.version == version]
    over = [s for s in mine if s.state == "taken_back"]
    done = sorted((*placed_of(mine), *over), key=lambda s: EPOCH if s.at is None else s.at)
    return [*done, *waiting_of(mine)]


def held(steps: Sequence[Step]) -> list[int]:
    """The versions that others must go with: those in force or stopped, looked at, or waiting for their day."""
    last = (in_force(steps), in_shadow(steps), *waiting_of(steps))
    return sorted({s.version for s in last if s is not None})


def standing_of(version: int, steps: Sequence[Step]) -> Standing:
    """What a version is, by all steps of its document."""
    now, shadow = in_force(steps), in_shadow(steps)
    if now is not None and now.version == version:
        return "active" if now.state == "active" else "stopped"
    if shadow is not None and shadow.version == version:
        return "shadow"
    if waiting_of(steps, version):
        return "scheduled"
    return "retired" if any(s.version == version for s in placed_of(steps)) else "draft"


def active_from(version: int, steps: Sequence[Step]) -> datetime | date | None:
    """Since when a version has been in force (None: from the beginning), or from which day on it will be."""
    mine = [s for s in placed_of(steps) if s.version == version and s.state == "active"]
    waiting = waiting_of(steps, version)
    return mine[-1].at if mine else waiting[0].on if waiting else None


def before(steps: Sequence[Step]) -> int | None:
    """The version that was in force before the one that is, or was last."""
    active = [s.version for s in placed_of(steps) if s.state == "active"]
    return next((version for version in reversed(active) if version != active[-1]), None) if active else None


def order_id(
    kind: str,
    id: str,
    version: int,
    state: State,
    steps: Sequence[Step],
    on: date | None = None,
    by: str = "",
    key: str | None = None,
) -> str:
    """The same for who asks again: by their ``key`` for the request, or since its day and how often it was placed
    before are part of it."""
    if key is not None:
        return derive("order", kind, id, by, key)
    times = sum(1 for s in placed_of(steps) if s.version == version and s.state == state)
    return derive("order", kind, id, version, state, times, on or "")


def repeated(order: str, state: State, steps: Sequence[Step]) -> Step | None:
    """The step of this order, where it was asked for before. Raises ``KeyUsed`` where that was something else."""
    found = next((s for s in steps if s.order == order), None)
    if found is not None and found.state != state:
        raise KeyUsed()
    return found


def refuse_activation(version: int, state: State, steps: Sequence[Step]) -> None:
    """Raises ``Refused`` where nothing would come of it."""
    standing = standing_of(version, steps)
    if standing == state:
        raise Refused(
            f"already_{state}", f"第 {version} 版已在此状态，无须再次启用", f"version {version} is that already"
        )
    if standing == "active" and state == "shadow":
        raise Refused(
            "already_active",
            f"第 {version} 版已生效；影子运行请用另一版",
            f"version {version} is in force: take another one for the shadow",
        )


def refuse_stop(steps: Sequence[Step], *, shadow: bool = False) -> None:
    """Raises ``Refused`` where there is nothing to stop; ``shadow``: but what runs in shadow."""
    if shadow:
        if in_shadow(steps) is None:
            raise Refused(
                "not_in_shadow", "没有影子运行的版本，无需停用", "no version runs in shadow: there is nothing to stop"
            )
        return
    now = in_force(steps)
    if (now is None or now.state != "active") and in_shadow(steps) is None and not waiting_of(steps):
        raise Refused("not_active", "没有生效中的版本，无需停用", "no version is in force: there is nothing to stop")
