"""Which reads are one record: the same by the same person in a window, and nothing else."""

from typing import Any

import pytest
from aiokafka.errors import KafkaError

from gateway.audit import ASKED, WINDOW_SECONDS, AuditLog, ReadsOnce
from servicekit.auth import Principal
from servicekit.decision import Refused

WHO, OTHER = Principal("M0001", "manager"), Principal("M0002", "manager")


class Log:
    def __init__(self) -> None:
        self.written: list[tuple[str | None, ...]] = []
        self.works = True

    async def __call__(self, who: Principal, action: str, object_: str, result: str, reason: str | None = None) -> None:
        if not self.works:
            raise Refused("audit_unavailable", "不能审计", "no audit", 503)
        self.written.append((who.subject, who.role, action, object_, result, reason))


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_screen_that_looks_every_second_is_one_visit() -> None:
    log, time = Log(), Time()
    audit = ReadsOnce(log, since_start=time)
    for _ in range(1000):
        await audit(WHO, "sms.read", "*", "200")
        time.now += 1
    assert len(log.written) == -(-1000 // WINDOW_SECONDS)


@pytest.mark.parametrize(
    ("who", "action", "object_", "result", "reason"),
    [
        (OTHER, "customer.read", "c1", "200", None),
        (Principal("M0001", "head"), "customer.read", "c1", "200", None),
        (WHO, "customer.history", "c1", "200", None),
        (WHO, "customer.read", "c2", "200", None),
        (WHO, "customer.read", "c1", "404", None),
        (WHO, "customer.reveal", "c1 phone", "200", "call"),
        (WHO, "search", "customers=1", "200", None),
        (WHO, "export.read", "alerts j1", "200", None),
        (WHO, "audit.read", "*", "200", None),
        (WHO, "work.act", "w1", "200", None),
    ],
)
async def test_what_is_another_read_is_another_record(
    who: Principal, action: str, object_: str, result: str, reason: str | None
) -> None:
    log = Log()
    audit = ReadsOnce(log)
    await audit(WHO, "customer.read", "c1", "200")
    await audit(who, action, object_, result, reason)
    assert log.written[1] == (who.subject, who.role, action, object_, result, reason)
    is_read = action == "customer.read" or action == "customer.history"
    await audit(who, action, object_, result, reason)
    assert len(log.written) == (2 if is_read else 3)


async def test_what_could_not_be_written_is_no_record() -> None:
    log = Log()
    audit = ReadsOnce(log)
    log.works = False
    for _ in range(2):
        with pytest.raises(Refused):
            await audit(WHO, "customer.read", "c1", "200")
    log.works = True
    await audit(WHO, "customer.read", "c1", "200")
    assert len(log.written) == 1


class _Away:
    async def send_and_wait(self, *_: Any, **__: Any) -> None:
        raise KafkaError


@pytest.mark.parametrize(("result", "told"), [(ASKED, "so nothing was done"), ("200", "a change may have been made")])
async def test_a_log_that_is_away_says_what_became_of_the_request(result: str, told: str) -> None:
    audit: Any = AuditLog(_Away, 4, 1.0)  # type: ignore[arg-type,return-value]
    with pytest.raises(Refused) as refused:
        await audit(WHO, "rule.stopped", "drop-30", result, "误报偏多")
    assert (refused.value.status, refused.value.code) == (503, "audit_unavailable")
    assert told in refused.value.en
