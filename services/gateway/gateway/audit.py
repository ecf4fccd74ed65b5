"""Who read personal data, and who changed what: a record on audit.log, acknowledged by the broker before the data is
given out."""

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Protocol

import httpx
from aiokafka.errors import KafkaError

from contracts.misc import AuditRecorded
from servicekit import correlation
from servicekit.auth import Principal
from servicekit.clock import SystemClock, iso, system_now
from servicekit.decision import Refused
from servicekit.envelope import encode_data, write_headers
from servicekit.kafka import Publisher, partition_of

_TYPE = "kam.audit.recorded.v1"
#: the result of what is written down before it is done, for whether it was done may stay unknown
ASKED = "asked"
#: Reads that one record stands for, however often the same person repeats them within the window: a screen that looks
#: every second is one visit. Not among them: whatever is given away for good, what was typed, and the audit itself.
READS = frozenset({
    *("sms.read", "customer.read", "customer.timeline", "customer.account", "customer.history", "contacts.read"),
    *("alerts.list", "work.list", "sms.list", "customers.list", "today", "live"),
    *("overview.read", "team.read", "rule.trial_read"),
})  # fmt: skip
WINDOW_SECONDS = 300.0
_MOST_REMEMBERED = 50_000


class Audit(Protocol):
    """Writes down who did what to which object, with what result and, where they had to say it, why."""

    async def __call__(
        self, who: Principal, action: str, object_: str, result: str, reason: str | None = None
    ) -> None: ...


async def audited(
    audit: Audit,
    who: Principal,
    action: str,
    object_: str,
    ask: Callable[[], Awaitable[httpx.Response]],
    reason: str | None = None,
) -> httpx.Response:
    """What a service answers to a change (``ask``). It is written down before it is asked for, for where no answer
    comes it may have been made all the same; and how it was answered. A refusal is told also where that can't be
    written: nothing was done."""
    await audit(who, action, object_, ASKED, reason)
    answer = await ask()
    try:
        await audit(who, action, object_, str(answer.status_code), reason)
    except Refused:
        if answer.is_success:
            raise
    return answer


def narrowed_by(asked: Mapping[str, object]) -> str:
    """The object of a record of rows that were read: by what they were narrowed; ``*``: by nothing. Whole, for what was
    cut off could be the customer, and one page be taken for another."""
    return "&".join(f"{name}={value}" for name, value in asked.items() if value is not None) or "*"


class AuditLog:
    """Writes audit records. Raises ``Refused`` 503 when one can't be written: then nothing is given out, nor done where
    it was only asked for."""

    def __init__(
        self,
        publisher: Callable[[], Publisher],
        partitions: int,
        timeout: float,
        clock: SystemClock = system_now,
    ) -> None:
        self._publisher, self._partitions, self._timeout, self._clock = publisher, partitions, timeout, clock

    async def __call__(self, who: Principal, action: str, object_: str, result: str, reason: str | None = None) -> None:
        now = self._clock()
        id_ = str(uuid.uuid4())
        record = AuditRecorded(
            actor=who.subject, role=who.role, action=action, object=object_, reason=reason, result=result, at=now
        )
        headers = write_headers(
            id=id_,
            type=_TYPE,
            source="kam/gateway",
            subject=who.subject,
            time=iso(now),
            correlation_id=correlation.current(),
        )
        try:
            async with asyncio.timeout(self._timeout):
                await self._publisher().send_and_wait(
                    "audit.log",
                    encode_data(record),
                    key=who.subject.encode(),
                    partition=partition_of(who.subject, self._partitions),
                    headers=headers,
                )
        except (KafkaError, TimeoutError) as error:
            raise _unavailable(is_done=result != ASKED) from error


def _unavailable(*, is_done: bool) -> Refused:
    if is_done:
        zh = "审计记录无法写入：不显示任何内容；若是更改，可能已经生效，请先查看再重试"
        en = "the audit record can't be written: nothing is shown; a change may have been made: look before repeating"
    else:
        zh = "审计记录无法写入，因此没有执行"
        en = "the audit record can't be written, so nothing was done"
    return Refused("audit_unavailable", zh, en, 503)


class ReadsOnce:
    """An audit in which the same read by the same person of the same object with the same result is one record in a
    window. Who read which customer stays whole: another customer, filter, page of a list, role or result is another
    record, and the first one is acknowledged before anything is given out.
    """

    def __init__(
        self, audit: Audit, window: float = WINDOW_SECONDS, since_start: Callable[[], float] = monotonic
    ) -> None:
        self._audit, self._window, self._since_start = audit, window, since_start
        self._begun: OrderedDict[tuple[str, ...], float] = OrderedDict()

    async def __call__(self, who: Principal, action: str, object_: str, result: str, reason: str | None = None) -> None:
        if action not in READS or reason is not None:
            return await self._audit(who, action, object_, result, reason)
        read, now = (who.subject, who.role, action, object_, result), self._since_start()
        begun = self._begun.get(read)
        if begun is not None and now - begun < self._window:
            return
        await self._audit(who, action, object_, result)
        self._begun.pop(read, None)
        self._begun[read] = now
        if len(self._begun) > _MOST_REMEMBERED:
            self._begun.popitem(last=False)
