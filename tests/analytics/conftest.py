"""A log in memory made of golden messages, read by the real lineage unit and by the real archive."""

import json
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiokafka import TopicPartition

from analytics.archive import Archive, row_of
from analytics.domain import TOPICS
from analytics.settings import Settings
from analytics.store import Lineage, LineageStore
from analytics.worker import lineage_app
from contracts.registry import EVENTS
from servicekit.envelope import Message
from servicekit.pipeline import StreamProcessor

EXAMPLES = Path(__file__).resolve().parents[2] / "schemas" / "examples"


class Record(NamedTuple):
    """As it lies in the log."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    def message(self) -> Message:
        """As the consumer gives it."""
        return Message(
            self.topic, self.partition, self.offset, self.key, dict(self.headers), self.value, self.timestamp
        )


class Log:
    """Partition 0 of every topic. ``add`` appends a golden message, changed where the test says so."""

    def __init__(self, folder: Path) -> None:
        self.records: dict[str, list[Record]] = defaultdict(list)
        self.settings = Settings(service_data=folder / "data", archive_dir=folder / "archive", kafka="unused:1")
        self._stamp = 1_750_000_000_000

    def add(
        self,
        type_: str,
        id_: str,
        *,
        correlation: str = "",
        cause: str = "",
        time: str = "",
        key: str = "",
        owner: int = 0,
        revision: int = 0,
        **data: Any,
    ) -> str:
        name = f"kam.{type_}.v1"
        golden = json.loads((EXAMPLES / f"{name}.json").read_text())
        headers = {**golden["headers"], "ce_id": id_}
        headers["ce_causationid"] = cause
        headers["ce_sequence"] = f"test.0.e1:{self._next()}"
        if correlation:
            headers["ce_correlationid"] = correlation
        if time:
            headers["ce_time"] = time
        if owner:
            headers["ce_ownerrevision"] = str(owner)
        if revision:
            headers["ce_revision"] = str(revision)
        body = json.dumps({**golden["data"], **data}).encode()
        self.put(EVENTS[name].topic, headers, body, key or golden["key"])
        return id_

    def put(self, topic: str, headers: dict[str, str], body: bytes | None, key: str = "1000123") -> None:
        self._stamp += 1000
        raw = tuple((k, v.encode()) for k, v in headers.items() if v)
        offset = len(self.records[topic])
        self.records[topic].append(Record(topic, 0, offset, self._stamp, key.encode(), body, raw))

    def repeat(self, topic: str, offset: int) -> None:
        """The same message again, as a relay sends it after its producer's store was made anew."""
        old = self.records[topic][offset]
        headers = {k: v.decode() for k, v in old.headers} | {"ce_sequence": f"test.0.e2:{self._next()}"}
        self.put(topic, headers, old.value or b"", (old.key or b"").decode())

    def messages(self) -> list[Message]:
        return [record.message() for topic in TOPICS for record in self.records[topic]]

    async def read(self, store: LineageStore | None = None) -> Lineage:
        """Everything not read yet, through the production unit."""
        store = store or LineageStore(self.settings.service_data / "lineage")
        unit = StreamProcessor(lineage_app(self.settings), 0, [TopicPartition(t, 0) for t in TOPICS], store, None)
        await unit.open()
        at = unit.position.offsets
        left = {TopicPartition(t, 0): self.records[t][at.get(f"{t}/0", 0) :] for t in TOPICS}
        await unit.process({tp: [r.message() for r in records] for tp, records in left.items()})
        return Lineage([store])

    def archive(self) -> Archive:
        """Everything not archived yet, in one write, by a process that ends then."""
        archive = Archive(self.settings.archive_dir, [0])
        with closing(archive):
            positions = archive.open()
            rows = [row_of(m) for m in self.messages() if m.offset >= positions.get(f"{m.topic}/0", 0)]
            archive.write(rows, self.ends())
        return archive

    def ends(self) -> dict[str, int]:
        return {f"{topic}/0": len(records) for topic, records in self.records.items()}

    def _next(self) -> int:
        return sum(map(len, self.records.values())) + 1


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


@pytest.fixture
def churn(log: Log) -> Log:
    """Four bills, two of them from files, and what became of them: alert, work, a manager's outcome."""
    log.add("boss.customer.changed", "cust", correlation="file:CUST_320100_20260630_0001.dat.gz#3")
    for number, (period, fen) in enumerate([("202603", 10000), ("202604", 10000), ("202605", 10000)], 1):
        road = "file:BILL_320100_20260630_0001.dat.gz#" if number < 3 else "feed:boss/billing#b-"
        log.add("boss.bill.issued", f"bill{number}", correlation=f"{road}{number}", period=period, amount_fen=fen)
    last = "feed:boss/billing#b-4"
    log.add("boss.bill.issued", "bill4", correlation=last, period="202606", amount_fen=7000)
    about: dict[str, Any] = {
        "alert_id": "alert",
        "kind": "churn_warning",
        "evidence": ["bill1", "bill2", "bill3", "bill4"],
    }
    about |= {"stage": None, "period": "202606"}
    log.add("alert.raised", "raised", correlation=last, cause="bill4", **about)
    item: dict[str, Any] = {"alert_id": "alert", "work_id": "work", "kind": "retention", "outcome": None}
    log.add("work.opened", "opened", correlation=last, cause="raised", **item)
    log.add("work.accepted", "accepted", correlation="call-1", cause="call-1", **item)
    log.add("work.closed", "closed", correlation="call-2", cause="call-2", **{**item, "outcome": "retained"})
    log.add("alert.resolved", "resolved", correlation="call-2", cause="closed", **about, outcome="retained")
    return log


@pytest.fixture
def arrears(log: Log) -> Log:
    """A debt, its alert and two SMS of it, with their receipts; the second only by the SMSC's message id."""
    record = "file:ARR_320100_20260630_0001.dat.gz#17"
    log.add("boss.arrears.changed", "debt", correlation=record, amount_fen=12345)
    log.add("alert.raised", "raised", correlation=record, cause="debt", alert_id="alert", evidence=["debt"])
    for sms in ("sms1", "sms2"):
        part = {"number": 1, "reference": 7, "state": "sent", "message_id": f"{sms}-at-smsc"}
        about: dict[str, Any] = {"sms_id": sms, "alert_id": "alert", "parts": []}
        log.add("sms.planned", f"{sms}.planned", correlation=record, cause="raised", **about)
        log.add("sms.intended", f"{sms}.intended", correlation=record, cause=f"{sms}.planned", **about)
        about["parts"] = [part]
        known: dict[str, Any] = (
            {"sms_id": "sms1"} if sms == "sms1" else {"sms_id": None, "customer_id": None, "part": None}
        )
        # The answer of the SMSC and its receipt may be written down in either order.
        log.add("sms.receipt.received", f"{sms}.receipt", cause="smsc", message_id=f"{sms}-at-smsc", **known)
        log.add("sms.submitted", f"{sms}.submitted", correlation=record, cause=f"{sms}.intended", **about)
    return log
