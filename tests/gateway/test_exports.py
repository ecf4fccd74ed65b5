"""Exports in the background: what is in the file, whose it is, and what becomes of it when things go wrong."""

import asyncio
import csv
import io
import itertools
import threading
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from gateway.access.grants import Grant
from gateway.access.grants import Principal as Caller
from gateway.bootstrap import build
from gateway.domain import Collection
from gateway.exports import columns, files, runner
from gateway.exports.jobs import KEPT, OWN_KEPT, OWN_UNFINISHED, Jobs
from gateway.exports.words import Language
from gateway.identity.tokens import ACTIVE, MachineToken, Tokens
from gateway.projection.visible import List
from gateway.settings import Settings
from harness.read_model import Log, alert, customer, following, manager, reached, sms, unit, until, work
from harness.typed_answers import TypedAnswers
from servicekit.auth import Principal, issue_token
from servicekit.memory_store import MemoryDocuments, MemoryStore

SECRET = "0123456789abcdef0123456789abcdef"
LANGUAGES: tuple[Language, ...] = ("zh", "en")
LISTS: tuple[List, ...] = ("alerts", "work", "sms", "customers")
NAMES = ["=cmd|' /C calc'!A0", "+86 1", "-1+1", "@SUM(A1)", "\tTab", "＝1+1", "王小明", '<script>"x"</script>']


class World:
    """A province in a read model, the gateway over it, its clock and its audit."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, Log()
        self.audited: list[tuple[str, str, str, str]] = []
        self.now = datetime(2026, 6, 30, 2, tzinfo=UTC)
        self.documents = MemoryDocuments(MemoryStore())

    async def audit(self, who: Principal, action: str, object_: str, result: str, reason: str | None = None) -> None:
        self.audited.append((who.subject, action, object_, result))

    async def ends(self, _: Collection) -> dict[str, int] | None:
        return {}

    def app(self, lists: Any) -> tuple[FastAPI, list[Any]]:
        secret = self.folder / "secret"
        secret.write_text(SECRET)
        peers = {name: (f"http://{name}",) for name in ("alerts", "manager-work", "customer-profile")}
        settings = Settings(service_data=self.folder, kafka="unused:1", secret_file=secret, peers=peers)
        nobody = httpx.MockTransport(lambda _: httpx.Response(503))
        service = build(
            settings,
            client=httpx.AsyncClient(transport=nobody),
            audit=self.audit,
            ends=self.ends,
            projection=lists,
            documents=self.documents,
            now=lambda: self.now,
        )
        exports = [job for job in service.jobs if getattr(job, "__qualname__", "") == "Runner.run"]
        return service.asgi(), exports


@pytest.fixture
async def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
async def asks(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with following(world.folder / "lists", world.log) as lists:
        world.log.put("boss.events", unit(), manager(), manager("m2"))
        for n, name in enumerate(NAMES):
            about: dict[str, Any] = {"customer_id": f"c{n}", "alert_id": f"a{n}"}
            phone = f"1390100012{n}"
            world.log.put("boss.events", customer(f"c{n}", name=name, manager_id="m2" if n == 7 else "m1", phone=phone))
            world.log.put("alert.events", alert("raised", f"a{n}", customer_id=f"c{n}"))
            world.log.put("work.events", work("opened", f"w{n}", **about))
            world.log.put("sms.outbound", sms("planned", f"s{n}", **about))
        await until(lambda: reached(lists, world.log))
        app, exports = world.app(lists)
        jobs = [asyncio.create_task(job()) for job in exports]
        async with httpx.AsyncClient(transport=TypedAnswers(app), base_url="http://gateway") as client:
            client.headers["authorization"] = token("head", units=["u1"])
            yield client
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)


def token(role: str, subject: str = "li", **scope: Any) -> str:
    return f"Bearer {issue_token(SECRET, subject, role, scope=scope or None)}"


async def started(asks: httpx.AsyncClient, list_: str, format_: str = "csv", **more: Any) -> dict[str, Any]:
    answer = await asks.post("/v1/exports", json={"list": list_, "format": format_, **more})
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{found['id']}"
    return found


async def finished(asks: httpx.AsyncClient, id_: str) -> dict[str, Any]:
    while True:
        job: dict[str, Any] = (await asks.get(f"/v1/jobs/{id_}")).json()
        if job["state"] in ("done", "failed"):
            return job
        await asyncio.sleep(0.01)


async def exported(asks: httpx.AsyncClient, list_: str, format_: str = "csv", **more: Any) -> httpx.Response:
    job = await finished(asks, (await started(asks, list_, format_, **more))["id"])
    assert job["state"] == "done", job
    answer = await asks.get(f"/v1/jobs/{job['id']}/file")
    assert answer.status_code == 200
    assert len(answer.content) == job["size"]
    return answer


def lines(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


async def test_a_file_holds_the_rows_of_the_list(asks: httpx.AsyncClient) -> None:
    for list_, language in itertools.product(LISTS, LANGUAGES):
        answer = await exported(asks, list_, language=language)
        table = lines(answer.content)
        assert table[0] == columns.headings(list_, language)
        assert len(table) == len(NAMES) + 1 and {len(line) for line in table} == {len(table[0])}
        assert "13901000" not in answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-disposition"] == f'attachment; filename="kam-{list_}-20260630-020000.csv"'


async def test_a_filter_narrows_it_as_it_does_the_list(asks: httpx.AsyncClient, world: World) -> None:
    for filter_ in ({"id": "a1,a3"}, {"customer": "c1,c3", "open": "true", "state": ""}):
        table = lines((await exported(asks, "alerts", filter=filter_)).content)
        assert sorted(line[0] for line in table[1:]) == ["a1", "a3"]
    assert ("li", "alerts.export", "id=a1,a3", "202") in world.audited
    assert any(action == "export.read" and "rows=2" in what for _, action, what, _ in world.audited)
    answer = await asks.post("/v1/exports", json={"list": "alerts", "format": "csv", "filter": {"colour": "x"}})
    assert (answer.status_code, answer.json()["error"]) == (422, "bad_filter")


async def test_what_begins_like_a_formula_is_text(asks: httpx.AsyncClient) -> None:
    table = lines((await exported(asks, "customers")).content)
    assert {line[1] for line in table[1:]} >= {"'=cmd|' /C calc'!A0", "'+86 1", "'-1+1", "'@SUM(A1)", "'＝1+1"}
    assert not [cell for line in table for cell in line if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


async def test_a_workbook_holds_text_numbers_and_times_and_no_formula(asks: httpx.AsyncClient) -> None:
    answer = await exported(asks, "alerts", "xlsx")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        styles = book.read("xl/styles.xml").decode()
    assert "<f>" not in sheet and "&lt;script&gt;" in sheet and "=cmd|" in sheet
    assert 'quotePrefix="1"' in styles
    assert sheet.count("<row ") == len(NAMES) + 1
    assert "<v>129</v>" in sheet  # 12900 fen
    assert answer.headers["content-type"] == files.MEDIA["xlsx"]


def test_what_no_file_takes_is_left_out_of_it(tmp_path: Path) -> None:
    for format_ in ("csv", "xlsx"):
        path = tmp_path / format_
        file = files.opened("csv" if format_ == "csv" else "xlsx", path, tmp_path, ["a"])
        file.add(
            [["x\x00\x08y"], ["z" * 40_000], [None], [datetime(2026, 6, 30, 14, 5, 9)], [-1], ["\U0001f600\u2028"]]
        )
        file.close()
        assert path.stat().st_size > 0
        if format_ == "csv":
            assert path.read_text("utf-8-sig").splitlines()[1] == "xy"


async def test_who_may_not_export_is_refused(asks: httpx.AsyncClient) -> None:
    for role, list_ in itertools.product(("manager", "operations", "administrator", "integrator"), LISTS):
        asks.headers["authorization"] = token(role)
        answer = await asks.post("/v1/exports", json={"list": list_, "format": "csv"})
        assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")


async def test_another_ones_job_is_not_there(asks: httpx.AsyncClient) -> None:
    job = await finished(asks, (await started(asks, "alerts"))["id"])
    asks.headers["authorization"] = token("analyst", "wang")
    for path in (f"/v1/jobs/{job['id']}", f"/v1/jobs/{job['id']}/file", "/v1/jobs/..%2F..%2Fsecret/file", "/v1/jobs/x"):
        assert (await asks.get(path)).status_code == 404
    assert (await asks.delete(f"/v1/jobs/{job['id']}")).status_code == 404
    assert (await asks.get("/v1/jobs")).json() == []


async def test_what_is_out_of_scope_is_not_in_it_nor_counted(asks: httpx.AsyncClient) -> None:
    asks.headers["authorization"] = token("head", manager_id="none", units=["u2"])
    assert (await started(asks, "alerts"))["total"] == 0
    asks.headers["authorization"] = token("head", kinds=["churn_warning"])
    for list_ in ("alerts", "work", "sms"):
        assert len(lines((await exported(asks, list_)).content)) == 1


async def test_a_file_is_not_given_out_once_a_row_has_left_the_scope(asks: httpx.AsyncClient, world: World) -> None:
    job = await finished(asks, (await started(asks, "alerts"))["id"])
    world.log.put("boss.events", unit("u9"), manager("m9", unit_id="u9"), customer("c1", 2, manager_id="m9"))
    while (await asks.get("/v1/lists/customers", params={"unit": "u9"})).json()["total"] != 0:
        await asyncio.sleep(0.01)
    while (await asks.get("/v1/lists/alerts")).json()["total"] != len(NAMES) - 1:
        await asyncio.sleep(0.01)
    answer = await asks.get(f"/v1/jobs/{job['id']}/file")
    assert (answer.status_code, answer.json()["error"]) == (409, "scope_changed")
    assert (await asks.get(f"/v1/jobs/{job['id']}")).status_code == 404


async def test_an_export_ends_where_the_token_of_its_owner_is_revoked_meanwhile(
    asks: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = MachineToken("li", Grant("head", units=("u1",)), world.now, world.now + timedelta(days=9000))
    await Tokens(world.documents).documents.save("t1", issued, after=0, author="X1", reason="x", state=ACTIVE)
    began, goes_on, add = threading.Event(), threading.Event(), files.Csv.add

    def slowly(file: files.Csv, rows: Any) -> None:
        began.set()
        goes_on.wait(10)
        add(file, rows)

    monkeypatch.setattr(files.Csv, "add", slowly)
    monkeypatch.setattr(runner, "PAGE", 3)
    own = asks.headers["authorization"]
    asks.headers["authorization"] = f"Bearer {issue_token(SECRET, 'li', 'head', jti='t1', scope={'units': ['u1']})}"
    job = await started(asks, "alerts")
    assert await asyncio.to_thread(began.wait, 10)
    administrator = {"authorization": token("administrator", "X1"), "if-match": '"1"'}
    revoked = await asks.post("/v1/admin/tokens/t1/revoke", json={"reason": "x"}, headers=administrator)
    goes_on.set()
    asks.headers["authorization"] = own
    failure = (await finished(asks, job["id"]))["failure"]
    assert (revoked.status_code, failure["code"]) == (200, "owner_gone")
    assert (await asks.get(f"/v1/jobs/{job['id']}/file")).status_code == 409


async def test_it_is_gone_after_a_day_and_when_it_is_taken_away(asks: httpx.AsyncClient, world: World) -> None:
    one, two = [await finished(asks, (await started(asks, "sms"))["id"]) for _ in range(2)]
    assert (await asks.delete(f"/v1/jobs/{one['id']}")).status_code == 204
    assert [job["id"] for job in (await asks.get("/v1/jobs")).json()] == [two["id"]]
    world.now += KEPT + timedelta(seconds=1)
    assert (await asks.get(f"/v1/jobs/{two['id']}/file")).status_code == 404
    assert not list((world.folder / "exports").iterdir())


async def test_a_disk_that_fails_is_told(asks: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.Csv, "add", full)
    job = await finished(asks, (await started(asks, "alerts"))["id"])
    assert (job["state"], job["failure"]["code"]) == ("failed", "failed")
    assert (await asks.get(f"/v1/jobs/{job['id']}/file")).status_code == 409
    monkeypatch.undo()
    await exported(asks, "alerts")


async def test_too_many_rows_are_refused_at_once(asks: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.exports.api.MOST_ROWS", 3)
    answer = await asks.post("/v1/exports", json={"list": "alerts", "format": "csv"})
    assert (answer.status_code, answer.json()["error"]) == (422, "too_many_rows")


async def test_pages_follow_each_other_without_gap_or_repeat(
    asks: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "PAGE", 3)
    for list_ in LISTS:
        table = lines((await exported(asks, list_)).content)
        assert len({line[0] for line in table[1:]}) == len(NAMES)


def test_what_a_machine_keeps_is_nobodys_whose_staff_number_is_its_name() -> None:
    machine, person = Caller("M0001", "head", ()), Caller("M0001", "head", (), session="s")
    assert person.owner == "M0001" != machine.owner
    assert machine.as_role("head").owner == machine.owner


# --- jobs -----------------------------------------------------------------------------------------------------------


def test_what_a_crash_left_is_told_and_no_half_file(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    job = jobs.start("li", "alerts", "csv", "zh", {}, 7)
    job.state = "running"
    jobs.keep(job)
    jobs.part(job).write_text("half of it")
    (tmp_path / "stray").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "job.json").write_text("{")
    again = Jobs(tmp_path)
    again.load()
    found = again.get("li", job.id)
    assert found is not None and found.failure is not None
    assert (found.state, found.failure.code) == ("failed", "interrupted")
    assert not again.part(found).exists() and not again.file(found).exists()
    assert [place.name for place in tmp_path.iterdir()] == [job.id]


def test_jobs_are_bounded(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    for n in range(OWN_KEPT + 5):
        job = jobs.start("li", "alerts", "csv", "zh", {}, n)
        jobs.part(job).write_text("x")
        jobs.finish(job)
    assert len(jobs.of("li")) == OWN_KEPT == len(list(tmp_path.iterdir()))
    for _ in range(OWN_UNFINISHED):
        jobs.start("li", "alerts", "csv", "zh", {}, 1)
    with pytest.raises(Exception, match="under way"):
        jobs.start("li", "alerts", "csv", "zh", {}, 1)
    jobs.start("wang", "alerts", "csv", "zh", {}, 1)


def test_a_job_reads_back_as_it_was(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    job = jobs.start("li", "work", "xlsx", "en", {"kind": "x"}, 1)
    jobs.part(job).write_bytes(b"PK")
    jobs.finish(job)
    again = Jobs(tmp_path)
    again.load()
    assert msgspec.json.encode(again.get("li", job.id)) == msgspec.json.encode(job)


def test_a_job_that_a_full_disk_takes_no_note_of_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would count as under way until the process ends."""

    def full(job: Any) -> None:
        raise OSError(28, "No space left on device")

    jobs = Jobs(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(jobs, "keep", full)
        for _ in range(OWN_UNFINISHED):
            with pytest.raises(OSError, match="No space"):
                jobs.start("li", "alerts", "csv", "zh", {}, 1)
    assert jobs.of("li") == [] and list(tmp_path.iterdir()) == []
    jobs.start("li", "alerts", "csv", "zh", {}, 1)


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+00:00"])
@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_a_time_at_the_ends_of_time_keeps_nobody_from_a_file(tmp_path: Path, at: str, format_: files.Format) -> None:
    """One row that BOSS told so would break every export that it is in."""
    row = dict.fromkeys((column.field.partition(".")[0] for column in columns.COLUMNS["work"]), None) | {"due_at": at}
    file = files.opened(format_, tmp_path / "file", tmp_path, columns.headings("work", "zh"))
    file.add([columns.cells("work", row, "zh")])
    file.close()
    assert (tmp_path / "file").stat().st_size > 0


def test_words_of_an_exported_row_are_those_of_the_page() -> None:
    stage = next(column for column in columns.COLUMNS["alerts"] if column.field == "stage")
    status = next(column for column in columns.COLUMNS["customers"] if column.field == "status")
    told = [columns._cell(stage, {"kind": kind, "stage": "opened"}, "zh") for kind in ("arrears", "complaint_opened")]
    assert told == ["新欠", "已登记"]
    assert [columns._cell(status, {"status": code}, "zh") for code in ("active", "suspended", "left", None)] == [
        "正常", "已停机", "已离网", None,
    ]  # fmt: skip
