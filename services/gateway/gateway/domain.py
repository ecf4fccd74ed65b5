"""When is everything settled? Termination detection by double collection, as a pure function.

Two collections of where every service stands, the ends of all input partitions read after the first one was complete:
when the two agree, nobody has anything left to do, and every processor has read up to those ends, then at the moment
between them no message was under way and nothing can happen any more without the outside (Mattern 1987, section 6).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct


class ProcessorStanding(Struct, frozen=True):
    """One processor of a service as ``/internal/settle`` tells it; inputs and offsets by ``topic/partition``."""

    processor: str
    inputs: tuple[str, ...] = ()
    offsets: dict[str, int] = {}
    sequence: int = 0
    outbox: int = 0
    outbox_seconds: float = 0.0
    seconds_behind: float = 0.0
    documents: int = 0
    documents_seconds: float = 0.0
    busy: bool = False
    clock: str | None = None
    failed: str | None = None

    def lag(self, ends: Mapping[str, int]) -> int:
        """Messages between this processor's position and the ends of its inputs."""
        return sum(max(0, ends.get(tp, 0) - self.offsets.get(tp, 0)) for tp in self.inputs)


class Standing(Struct, frozen=True):
    """A service as ``/internal/settle`` tells it. ``pending`` counts other work that must end first."""

    service: str
    ready: bool = True
    processors: tuple[ProcessorStanding, ...] = ()
    pending: dict[str, int] = {}
    freshness: dict[str, Any] = {}
    delays: dict[str, float | None] = {}


class Blocker(Struct, frozen=True):
    """Who is still busy and why."""

    service: str
    zh: str
    en: str


#: what is known of every service; None: it did not answer
Collection = Mapping[str, Standing | None]


def blockers(before: Collection, after: Collection, ends: Mapping[str, int]) -> list[Blocker]:
    """Why it can't be said that everything is settled; empty when it is.

    ``ends`` are the end offsets of the input partitions, read after ``before`` was complete; partitions whose log is
    empty are left out.
    """
    return [blocker for name in sorted(after) for blocker in _of_service(name, before.get(name), after[name], ends)]


def _of_service(
    name: str, before: Standing | None, after: Standing | None, ends: Mapping[str, int]
) -> Iterator[Blocker]:
    if after is None:
        yield Blocker(name, "没有应答", "does not answer")
        return
    if not after.ready:
        yield Blocker(name, "正在启动或停止", "is starting or stopping")
    for what, count in after.pending.items():
        if count:
            yield Blocker(name, f"{what} 还有 {count} 项", f"{count} {what} left")
    for processor in after.processors:
        yield from _of_unit(name, processor, ends)
    if before is None or _trace(before) != _trace(after):
        yield Blocker(name, "刚有进展，再看一次", "has just moved, looking again")


def _of_unit(name: str, processor: ProcessorStanding, ends: Mapping[str, int]) -> Iterator[Blocker]:
    if processor.failed:
        yield Blocker(
            name,
            f"{processor.processor} 失败：{processor.failed}",
            f"{processor.processor} has failed: {processor.failed}",
        )
    if processor.busy:
        yield Blocker(name, f"{processor.processor} 正在处理", f"{processor.processor} is at work")
    if processor.outbox:
        yield Blocker(
            name,
            f"{processor.processor} 还有 {processor.outbox} 条待发",
            f"{processor.processor} has {processor.outbox} to send",
        )
    if processor.documents:
        yield Blocker(
            name,
            f"{processor.processor} 还有 {processor.documents} 份文档待写入查询数据库",
            f"{processor.processor} has {processor.documents} documents for the query database",
        )
    if lag := processor.lag(ends):
        yield Blocker(name, f"{processor.processor} 落后 {lag} 条", f"{processor.processor} is {lag} messages behind")


def _trace(standing: Standing) -> list[tuple[str, dict[str, int], int]]:
    """What would differ if a processor had read or said anything in between."""
    return [(u.processor, u.offsets, u.sequence) for u in standing.processors]
