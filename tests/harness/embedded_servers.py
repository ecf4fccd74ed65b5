"""Real Kafka and a real MongoDB-protocol server for tests: session-scoped, on free loopback ports, data in a temporary
directory, gone with the test session however it ends.

``kafka``: bootstrap string. ``mongodb``: URI. ``contract_topics``: bootstrap of a Kafka with every topic of schemas/.
``mongo_database``: a database name nobody else uses. Each starts only when a test asks for it. KAM_TEST_KAFKA and
KAM_TEST_MONGODB name servers that run already.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kam.embedded import topics
from kam.embedded.process import guarded
from kam.embedded.progress import decode
from kam.embedded.table import Options
from kam.instance import busy_ports, ports

#: of a test's instance at most
WORKERS = 3
TOOLS = Path(__file__).resolve().parents[2] / "tools"


def free_port_base(attempts: int = 50) -> int:
    """A port base whose whole range is free now, outside the kernel's ephemeral ports (32768 and up)."""
    for base in random.sample(range(23500, 32000, 20), attempts):
        if not busy_ports(base, ports(WORKERS)):
            return base
    raise RuntimeError("no free port range")


@contextmanager
def running(data: Path, *nodes: str) -> Iterator[Options]:
    """A supervisor with only these nodes of the table, ready; ended, with its children, on the way out."""
    options = Options(data=data.resolve(), port_base=free_port_base(), nodes=nodes)
    reader, writer = os.pipe()
    supervisor = subprocess.Popen(
        guarded([sys.executable, "-m", "kam.embedded.run", options.to_json(), str(writer)]),
        stdin=subprocess.DEVNULL,
        pass_fds=(writer,),
        env={**os.environ, "PYTHONPATH": f"{TOOLS}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"},
        start_new_session=True,
    )
    os.close(writer)
    try:
        with os.fdopen(reader, encoding="utf-8") as events:
            seen = []
            for line in events:
                seen.append(decode(line))
                if seen[-1].kind == "up":
                    break
            else:
                raise RuntimeError("\n".join(text for e in seen for text in (e.text(), *e.lines)))
        yield options
    finally:
        supervisor.send_signal(signal.SIGTERM)
        supervisor.wait(timeout=60)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    given = os.environ.get("KAM_TEST_KAFKA")
    if given:
        yield given
        return
    with running(tmp_path_factory.mktemp("kafka"), "kafka") as options:
        yield options.address("kafka")


@pytest.fixture(scope="session")
def contract_topics(kafka: str) -> str:
    asyncio.run(topics.create(kafka, topics.declared()))
    return kafka


@pytest.fixture(scope="session")
def mongodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    given = os.environ.get("KAM_TEST_MONGODB")
    if given:
        yield given
        return
    with running(tmp_path_factory.mktemp("mongodb"), "mongodb") as options:
        yield options.mongodb_uri


@pytest.fixture
def mongo_database() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"
