"""`kam feed` and `kam file deliver`: what goes out, in which order, and what comes back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import FakeInstance, Kam, Reply, Request
from kam import delivery, feeding


def event(number: int, **more: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": f"e{number}", "source": "t", "type": "kam.boss.bill.issued.v1", **more}


def written(path: Path, *events: dict[str, Any] | str) -> Path:
    path.write_text("".join((e if isinstance(e, str) else json.dumps(e)) + "\n" for e in events), "utf-8")
    return path


def accept_all(request: Request) -> Reply:
    receipts = [{"source": e["source"], "id": e["id"], "status": "accepted"} for e in request.body]
    return 202, receipts


def test_one_receipt_an_event_in_the_order_of_the_lines(fake: FakeInstance, kam: Kam, tmp_path: Path) -> None:
    fake.routes["POST /v1/events"] = accept_all
    file = written(tmp_path / "f.jsonl", event(1), "", "{broken", event(2), "[1]", '{"a": NaN}')
    done = kam("feed", file, "--json")
    assert done.status == 0
    assert [(r["id"], r["status"]) for r in done.json] == [
        ("e1", "accepted"),
        (None, "rejected"),
        ("e2", "accepted"),
        (None, "rejected"),
        (None, "rejected"),
    ]
    assert done.json[1]["field"] == "line 3"
    assert "line 3 is not a CloudEvent" in done.json[1]["reason"]
    request = fake.asked("POST /v1/events")[0]
    assert request.headers["Content-Type"] == "application/cloudevents-batch+json"
    assert fake.asked("GET /v1/wait")


def test_no_wait_does_not_wait(fake: FakeInstance, kam: Kam, tmp_path: Path) -> None:
    fake.routes["POST /v1/events"] = accept_all
    assert kam("feed", written(tmp_path / "f", event(1)), "--no-wait").status == 0
    assert not fake.asked("GET /v1/wait")


def test_batches_hold_500_events_and_4_mib_at_most() -> None:
    small = [feeding.Line(n, b"x" * 10, {}) for n in range(1201)]
    assert [len(b) for b in feeding.batches(small)] == [500, 500, 201]
    big = [feeding.Line(n, b"x" * (3 << 20), {}) for n in range(3)] + [feeding.Line(3, b"x" * (6 << 20), {})]
    assert [len(b) for b in feeding.batches(big)] == [1, 1, 1, 1]


def test_when_told_to_slow_down_it_comes_again(fake: FakeInstance, kam: Kam, tmp_path: Path) -> None:
    replies = [(429, {"detail": "忙 / busy"}, {"retry-after": "0"})]  # as it comes over the wire

    def busy_once(request: Request) -> Reply:
        return replies.pop() if replies else accept_all(request)

    fake.routes["POST /v1/events"] = busy_once
    assert [r["status"] for r in kam("feed", written(tmp_path / "f", event(1)), "--json").json] == ["accepted"]


def test_one_unreadable_event_does_not_spoil_its_batch(fake: FakeInstance, kam: Kam, tmp_path: Path) -> None:
    def strict(request: Request) -> Reply:
        if any(e["id"] == "e3" for e in request.body):
            return 413, {"detail": "太大 / too large"}
        return accept_all(request)

    fake.routes["POST /v1/events"] = strict
    receipts = kam("feed", written(tmp_path / "f", *map(event, range(6))), "--json").json
    assert [r["status"] for r in receipts] == ["accepted"] * 3 + ["rejected"] + ["accepted"] * 2
    assert receipts[3]["reason"] == "太大 / too large"


def test_a_refused_token_fails_with_the_reason(fake: FakeInstance, kam: Kam, tmp_path: Path) -> None:
    fake.routes["POST /v1/events"] = (403, {"detail": "无权 / may not do this"})
    done = kam("feed", written(tmp_path / "f", event(1)))
    assert (done.status, done.err) == (1, "无权 / may not do this\n")


def test_a_file_that_is_not_there_is_misuse(kam: Kam) -> None:
    done = kam("feed", "/does/not/exist")
    assert done.status == 2
    assert "can't read" in done.err


def test_on_kafka_an_event_is_binary_and_keyed_by_customer() -> None:
    known = event(1, time="2026-01-01T00:00:00Z", subject="7", data={"customer_id": "9", "amount_fen": 1})
    key, headers, body = feeding.binary(known)
    assert key == b"9"
    assert json.loads(body) == known["data"]
    assert dict(headers) == {
        "content-type": b"application/json",
        "ce_specversion": b"1.0",
        "ce_id": b"e1",
        "ce_source": b"t",
        "ce_type": b"kam.boss.bill.issued.v1",
        "ce_time": b"2026-01-01T00:00:00Z",
        "ce_subject": b"7",
    }


def pair(folder: Path, name: str, data: bool = True, control: bool = True) -> Path:
    folder.mkdir(exist_ok=True)
    if data:
        (folder / f"{name}.dat.gz").write_bytes(b"rows")
    if control:
        (folder / f"{name}.chk").write_text("file=x")
    return folder / f"{name}.dat.gz"


def test_pairs_are_taken_in_the_order_of_the_boss(tmp_path: Path) -> None:
    names = [
        "PAY_320100_20260701_0001",
        "BILL_320100_20260701_0002",
        "BILL_320100_20260701_0001",
        "CUST_320500_20260702_0001",
        "MGR_320000_20260701_0001",
    ]
    known = delivery.pairs([pair(tmp_path / "out", name) for name in names])
    assert [p.name for p in known] == [names[4], names[2], names[1], names[0], names[3]]


def test_either_half_names_the_pair_once(tmp_path: Path) -> None:
    data = pair(tmp_path, "BILL_320100_20260701_0001")
    control = data.with_name("BILL_320100_20260701_0001.chk")
    assert len(delivery.pairs([data, control])) == 1
    data.unlink()
    assert delivery.pairs([control])[0].data is None


@pytest.fixture
def receipts(fake: FakeInstance) -> FakeInstance:
    def of(request: Request) -> Reply:
        old = {"file": request.query["name"], "result": "accepted", "ended": "2026-01-01T00:00:00+00:00"}
        new = {**old, "result": "duplicate", "ended": (datetime.now(UTC) + timedelta(seconds=1)).isoformat()}
        return 200, [old, new]

    fake.routes["POST /v1/files/scan"] = (202, {"queued": 1})
    fake.routes["GET /v1/files"] = of
    return fake


def test_deliver_copies_the_pair_and_prints_the_receipt_of_this_delivery(
    receipts: FakeInstance, kam: Kam, tmp_path: Path
) -> None:
    done = kam("file", "deliver", pair(tmp_path / "out", "BILL_320100_20260701_0001"), "--json")
    assert done.status == 0
    assert [(r["file"], r["result"]) for r in done.json] == [("BILL_320100_20260701_0001.dat.gz", "duplicate")]
    inbox = receipts.data / "boss" / "inbox"
    assert sorted(p.name for p in inbox.iterdir()) == [
        "BILL_320100_20260701_0001.chk",
        "BILL_320100_20260701_0001.dat.gz",
    ]


def test_list_shows_what_lies_in_the_inbox(fake: FakeInstance, kam: Kam) -> None:
    half = {
        "file": "BILL_320100_20260701_0001.dat.gz",
        "result": "waiting",
        "seconds": 700,
        "reason_zh": "只有 .dat.gz",
    }
    fake.routes["GET /v1/files"] = (200, [half])
    assert kam("file", "list", "--json").json == [half]
    assert "等 .chk waiting" in kam("file", "list").out


def test_neither_half_is_misuse(kam: Kam, tmp_path: Path) -> None:
    assert kam("file", "deliver", tmp_path / "BILL_320100_20260701_0001.dat.gz").status == 2
    assert kam("file", "deliver", tmp_path / "notes.txt").status == 2


def test_wait_says_who_is_still_at_work(fake: FakeInstance, kam: Kam) -> None:
    fake.routes["GET /v1/wait"] = (504, {"settled": False, "zh": "alerts 落后 3 条", "en": "alerts is 3 behind"})
    done = kam("wait", "--timeout", "0")
    assert done.status == 1
    assert done.err == "alerts 落后 3 条；看 kam status / alerts is 3 behind; see kam status\n"
