"""When everything is settled: two collections and the ends of the log between them, as a table."""

import pytest
from msgspec.structs import replace

from gateway.domain import ProcessorStanding, Standing, blockers

QUIET = ProcessorStanding(
    processor="alerts-detect.0", inputs=("boss.events/0", "work.events/0"), offsets={"boss.events/0": 7}, sequence=3
)
ENDS = {"boss.events/0": 7}
EARLIER = replace(QUIET, offsets={"boss.events/0": 6})


def alerts(processor: ProcessorStanding = QUIET, ready: bool = True, pending: int = 0) -> Standing:
    return Standing(service="alerts", ready=ready, processors=(processor,), pending={"sms": pending})


@pytest.mark.parametrize(
    ("case", "before", "after", "ends", "says"),
    [
        ("quiet twice, all read", alerts(), alerts(), ENDS, None),
        ("an input nobody ever wrote to needs no offset", alerts(), alerts(), {**ENDS, "work.events/0": 0}, None),
        ("topics of others don't matter", alerts(), alerts(), {**ENDS, "audit.log/0": 99}, None),
        ("a service is down", alerts(), None, ENDS, "does not answer"),
        ("it was down a moment ago", None, alerts(), ENDS, "has just moved"),
        ("it is starting: no processors yet", alerts(), alerts(ready=False), ENDS, "starting or stopping"),
        ("other work is pending", alerts(pending=2), alerts(pending=2), ENDS, "2 sms left"),
        ("a processor is at work", alerts(), alerts(replace(QUIET, busy=True)), ENDS, "is at work"),
        ("not all is sent", alerts(), alerts(replace(QUIET, outbox=4)), ENDS, "4 to send"),
        ("behind the end", alerts(), alerts(), {"boss.events/0": 9}, "2 messages behind"),
        (
            "never read an input that has messages",
            alerts(),
            alerts(),
            {**ENDS, "work.events/0": 1},
            "1 messages",
        ),
        (
            "read something meanwhile",
            alerts(EARLIER),
            alerts(),
            ENDS,
            "just moved",
        ),
        (
            "said something meanwhile",
            alerts(),
            alerts(replace(QUIET, sequence=4)),
            ENDS,
            "just moved",
        ),
        ("a processor failed", alerts(), alerts(replace(QUIET, failed="Boom()")), ENDS, "has failed: Boom()"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_settled(
    case: str, before: Standing | None, after: Standing | None, ends: dict[str, int], says: str | None
) -> None:
    left = blockers({"alerts": before}, {"alerts": after}, ends)

    assert [b.service for b in left] == ["alerts"] * len(left)
    assert (not left) if says is None else any(says in b.en for b in left), case


def test_one_busy_service_is_enough() -> None:
    other = Standing(service="analytics")
    left = blockers({"alerts": alerts(), "analytics": other}, {"alerts": alerts(), "analytics": None}, ENDS)

    assert [(b.service, b.zh) for b in left] == [("analytics", "没有应答")]
