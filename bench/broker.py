"""An embedded Kafka of our own, and a database, for the time of a benchmark; their data in a temporary directory."""

import asyncio
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pymongo.errors import PyMongoError

from bench.machine import free_port_base
from kam.embedded import kafka, mongodb, topics
from kam.embedded.process import guarded, tail
from kam.instance import PORTS

START_SECONDS = 60


@asynccontextmanager
async def running(partitions: int, *names: str) -> AsyncIterator[tuple[str, Path]]:
    """Bootstrap address of a broker that has these topics, and a scratch directory; both are gone afterwards."""
    base = free_port_base()
    with tempfile.TemporaryDirectory(prefix="kam-bench-") as folder:
        scratch = Path(folder)
        spec = kafka.spec(scratch / "kafka", base)
        assert spec.prepare is not None
        await asyncio.to_thread(spec.prepare)
        log = scratch / "kafka.log"
        process = _start(list(spec.argv), log)
        try:
            bootstrap = f"{kafka.HOST}:{base + PORTS['kafka']}"
            await _until_ready(process, bootstrap, log)
            await topics.create(bootstrap, [topics.Topic(name, partitions, -1) for name in names])
            yield bootstrap, scratch
        finally:
            await asyncio.to_thread(_end, process)


@asynccontextmanager
async def database() -> AsyncIterator[str]:
    """Address of an empty database; it is gone afterwards."""
    base = free_port_base()
    with tempfile.TemporaryDirectory(prefix="kam-bench-") as folder:
        spec = mongodb.spec(Path(folder), base)
        assert spec.prepare is not None
        await asyncio.to_thread(spec.prepare)
        process = _start(list(spec.argv), Path(folder) / "database.log")
        port = base + spec.ports["mongodb"]
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await asyncio.to_thread(mongodb.answers, mongodb.uri(port)):
                    with contextlib.suppress(PyMongoError):
                        await asyncio.to_thread(mongodb.initiate, port)
                    await asyncio.sleep(0.2)
            yield mongodb.uri(port)
        finally:
            await asyncio.to_thread(_end, process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()


def _start(command: list[str], log: Path) -> "subprocess.Popen[bytes]":
    with log.open("wb") as out:
        return subprocess.Popen(guarded(command), stdout=out, stderr=out, start_new_session=True)


def _says(log: Path, line: str) -> bool:
    return line in log.read_text(errors="replace")


async def _until_ready(process: "subprocess.Popen[bytes]", bootstrap: str, log: Path) -> None:
    print("启动 Kafka / starting Kafka …", file=sys.stderr, flush=True)
    async with asyncio.timeout(START_SECONDS):
        # The port opens before the group coordinator is there; the log line comes after both.
        while not (_says(log, "Kafka Server started") and await kafka.answers(bootstrap)):
            if process.poll() is not None:
                raise RuntimeError("Kafka: " + "\n".join(tail(log)))
            await asyncio.sleep(0.2)
