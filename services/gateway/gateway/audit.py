"""Who read personal data: a record on audit.log, acknowledged by the broker before the data is given out."""

import asyncio
import uuid
from collections.abc import Callable
from typing import Protocol

from aiokafka.errors import KafkaError

from contracts.misc import AuditRecorded
from servicekit import correlation
from servicekit.auth import Principal
from servicekit.clock import SystemClock, iso, system_now
from servicekit.decision import Refused
from servicekit.envelope import encode_data, write_headers
from servicekit.kafka import Publisher, partition_of

_TYPE = "kam.audit.recorded.v1"


class Audit(Protocol):
    """Writes down who did what to which object, with what result and, where they had to say it, why."""

    async def __call__(
        self, who: Principal, action: str, object_: str, result: str, reason: str | None = None
    ) -> None: ...


class AuditLog:
    """Writes audit records. Raises ``Refused`` 503 when one can't be written: then nothing is read either."""

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
            raise Refused(
                "audit_unavailable",
                "审计记录无法写入，个人数据暂不能读取",
                "the audit record can't be written, so personal data can't be read just now",
                503,
            ) from error
