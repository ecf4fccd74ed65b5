"""Topics from their contracts: ``schemas/topics/*.yaml`` → topics and dead-letter topics in Kafka. Idempotent."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts import DEFAULT_PARTITIONS
from contracts.apps import APPS, LIVE_COUNTS, LIVE_COUNTS_HOURS

CONTRACTS = Path(__file__).resolve().parents[3] / "schemas" / "topics"
MESSAGE_MAX_BYTES = 8 * 1024 * 1024
#: dead letters are few, and people look at them late
DEAD_LETTER_HOURS = 90 * 24
#: what checkpoints make superfluous in a journal is removed by its service, nothing by time
KEPT_UNTIL_CUT = -1
#: Kafka frees the disk by whole segments: what is cut is gone within hours
_SMALL_SEGMENTS = {"segment.bytes": str(64 << 20), "segment.ms": str(6 * 3_600_000)}
ALREADY_EXISTS = 36


class TopicError(RuntimeError):
    """A contract cannot be read, or Kafka refuses a topic or has it with another number of partitions."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as Kafka should have it; ``retention_hours`` -1 keeps messages for ever."""

    name: str
    partitions: int
    retention_hours: int
    cleanup: str = "delete"

    def settings(self) -> dict[str, str]:
        """Kafka's per-topic configuration."""
        kept = self.retention_hours < 0
        retention = -1 if kept else self.retention_hours * 3_600_000
        return {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(retention),
            "max.message.bytes": str(MESSAGE_MAX_BYTES),
            **(_SMALL_SEGMENTS if kept else {}),
        }


def from_contract(contract: dict[str, Any], partitions: int = DEFAULT_PARTITIONS) -> list[Topic]:
    """The topic of one contract, with as many partitions as the instance has unless it says otherwise, and its
    dead-letter topics ``<topic>.<service>.dlq``."""
    name, cleanup = str(contract["name"]), str(contract.get("cleanup", "delete"))
    number = int(contract.get("partitions", partitions))
    topics = [Topic(name, number, int(contract["retention_hours"]), cleanup)]
    for service in contract.get("dead_letter_for") or ():
        topics.append(Topic(f"{name}.{service}.dlq", 1, DEAD_LETTER_HOURS))
    return topics


def declared(partitions: int = DEFAULT_PARTITIONS, directory: Path = CONTRACTS) -> list[Topic]:
    """Every topic that the contracts in *directory* declare, sorted by name; raises TopicError on an unreadable one."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    topics = []
    for path in sorted(directory.glob("*.yaml")):
        try:
            topics += from_contract(yaml.load(path.read_text(encoding="utf-8"), Loader=loader), partitions)
        except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
            raise TopicError(f"{path.name}: {error!r}") from error
    topics += [
        Topic(app.journal, partitions if app.one_for == "partition" else 1, KEPT_UNTIL_CUT) for app in APPS.values()
    ]
    topics.append(Topic(LIVE_COUNTS, partitions, LIVE_COUNTS_HOURS))
    return sorted(topics, key=lambda topic: topic.name)


def _partitions(described: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    return {entry["topic"]: entry["partitions"] for entry in described if not entry["error_code"]}


async def create(bootstrap: str, topics: Sequence[Topic], timeout: float = 30.0) -> int:
    """Create what is missing, all in one request, and wait until every partition has a leader.

    Returns how many topics are new. Raises TopicError (see there) and TimeoutError after *timeout* seconds.
    """
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=15000)
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        new = [topic for topic in topics if topic.name not in existing]
        if new:
            answer = await admin.create_topics(
                [NewTopic(t.name, t.partitions, 1, topic_configs=t.settings()) for t in new]
            )
            for name, code, *rest in answer.topic_errors:
                if code not in (0, ALREADY_EXISTS):
                    raise TopicError(f"{name}: error {code} {rest[0] if rest else ''}")
        async with asyncio.timeout(timeout):
            while True:
                have = _partitions(await admin.describe_topics([topic.name for topic in topics]))
                if all(t.name in have and all(p["leader"] >= 0 for p in have[t.name]) for t in topics):
                    break
                await asyncio.sleep(0.05)
    finally:
        await admin.close()
    wrong = [f"{t.name} {len(have[t.name])} ≠ {t.partitions}" for t in topics if len(have[t.name]) != t.partitions]
    if wrong:
        raise TopicError("主题的分区数不同 / topics have another number of partitions: " + ", ".join(wrong))
    return len(new)


def main() -> int:
    """``python -m kam.embedded.topics HOST:PORT``: create what is missing, with KAM_PARTITIONS partitions (the compose
    file's one-shot step).
    """
    wanted = declared(int(os.environ.get("KAM_PARTITIONS") or DEFAULT_PARTITIONS))
    new = asyncio.run(create(sys.argv[1], wanted, timeout=120))
    print(f"topics: {len(wanted)} ({new} new)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
