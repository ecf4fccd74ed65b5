"""One running instance as its users see it: the command line, HTTP, Kafka and files. Nothing here looks inside.

Every test takes a ``Month`` of its own: the business clock only moves forward, so the month after it belongs to nobody
yet, and its digits make ids (customers, cities, records) that no other test uses.
"""

import calendar
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from aiokafka import AIOKafkaProducer

from harness.embedded_servers import free_port_base
from harness.waiting import until

KAM = Path(sys.executable).with_name("kam")
SHANGHAI = ZoneInfo("Asia/Shanghai")
FIRST_MONTH = date(2021, 1, 1)
STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
Row = dict[str, Any]
_COMPLAINT = re.compile(r'"level": "(warning|error|critical)"')


def shifted(month: date, by: int) -> date:
    """First day of the month ``by`` months away."""
    years, index = divmod(month.year * 12 + month.month - 1 + by, 12)
    return date(years, index + 1, 1)


@dataclass(frozen=True)
class Month:
    """A month that belongs to one test: its days, its ids, and records of its customers."""

    first: date

    def __str__(self) -> str:
        return self.first.strftime("%y%m")

    @property
    def length(self) -> int:
        return calendar.monthrange(self.first.year, self.first.month)[1]

    def day(self, number: int) -> date:
        return self.first + timedelta(days=number - 1)

    def at(self, day: int, clock: str = "10:00") -> str:
        """An instant of this month in ISO 8601, Asia/Shanghai."""
        return f"{self.day(day)}T{clock}:00+08:00"

    def period(self, back: int = 0) -> str:
        """This month as a period, or one ``back`` months before."""
        return shifted(self.first, -back).strftime("%Y%m")

    def customer(self, number: int) -> str:
        return f"{self}{number:04d}"

    def city(self, number: int = 0) -> str:
        return f"3{self}{number}"

    def profile(self, number: int = 1, **more: Any) -> Row:
        """A CUST record, columns as of files; an adult person in town with a phone of his own."""
        return {
            "customer_id": self.customer(number),
            "kind": "person",
            "name": f"欧阳震{number}华",
            "phone": f"137{self}{number:04d}",
            "id_number": f"32010219700501{number:04d}",
            "birth_date": "1970-05-01",
            "gender": "f",
            "city": self.city(),
            "district": "320102",
            "area": "urban",
            "brand": "GoTone",
            "plan_code": "P199",
            "monthly_fee_fen": 19900,
            "opened_on": "2015-01-01",
            "status": "active",
            "credit_class": "A",
            "language": "zh",
            "do_not_disturb": False,
            **more,
        }

    def bill(self, number: int, amount: Any, back: int = 0, day: int = 1, **more: Any) -> Row:
        """A BILL record of the period ``back`` months before."""
        return {
            "customer_id": self.customer(number),
            "period": self.period(back),
            "issued_on": str(self.day(day)),
            "due_on": str(self.day(day + 20)),
            "amount_fen": amount,
            **more,
        }

    def debt(self, number: int, amount: Any, day: int = 1, days_overdue: int = 0, **more: Any) -> Row:
        """An ARR record as of a day, overdue for so many days by then."""
        return {
            "customer_id": self.customer(number),
            "as_of": str(self.day(day)),
            "amount_fen": amount,
            "oldest_due_on": str(self.day(day) - timedelta(days=days_overdue)),
            "suspended": False,
            **more,
        }

    def event(self, noun: str, data: Any, day: int = 1, clock: str = "10:00", **attributes: Any) -> Row:
        """A CloudEvent ``kam.boss.<noun>.v1``; its id is told by type, content and time."""
        at = self.at(day, clock)
        return {
            "specversion": "1.0",
            "id": f"{self}-{noun}-{abs(hash((json.dumps(data, sort_keys=True), at))):x}",
            "source": f"integration/{self}",
            "type": f"kam.boss.{noun}.v1",
            "time": at,
            "datacontenttype": "application/json",
            "data": data,
            **attributes,
        }

    def newcomer(self, number: int = 1, day: int = 1, clock: str = "09:00", **more: Any) -> Row:
        """The event by which BOSS makes a customer known."""
        return self.event("customer.changed", self.profile(number, **more), day, clock)


@contextmanager
def opened(data: Path, *options: str) -> Iterator["House"]:
    """An empty province whose clock follows the feed, started with these options of ``kam up``; down at the end."""
    given = ["--no-sim", "--clock", "feed", "--port-base", str(free_port_base()), *options]
    try:
        subprocess.run([KAM, "up", "--detach", "--json", *given, "--data", data], check=True, timeout=240)
        yield House(data)
    finally:
        subprocess.run([KAM, "down", "--data", data], check=False, timeout=120)


class House:
    """The instance under ``data``."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.urls: Row = json.loads((data / "instance.json").read_text())
        self.boss = data / "boss"
        self._scratch = data / "scratch"
        self._scratch.mkdir(exist_ok=True)
        self._http = httpx.Client(trust_env=False, timeout=60)
        self._tokens: dict[str, str] = {}

    # --- the command line -------------------------------------------------------------------------------------------

    def run(self, *words: object, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """A kam command as a person types it, with ``--json``."""
        command = [str(KAM), *map(str, words), "--json", "--data", str(self.data)]
        try:
            return subprocess.run(command, capture_output=True, text=True, input=given, timeout=180, check=False)
        except subprocess.TimeoutExpired as late:
            raise AssertionError(f"kam {words} did not end: {late.stderr!r}\n{self.standing()}") from late

    def standing(self) -> str:
        """What a person would look at when something does not end: ``kam status``, and the logs' last complaints."""
        command = [str(KAM), "status", "--data", str(self.data)]
        said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        complaints = []
        for file in sorted((self.data / "logs").glob("*.log")):
            lines = file.read_text(errors="replace").splitlines()
            complaints += [f"{file.stem}: {line[:300]}" for line in lines if _COMPLAINT.search(line)][-5:]
        return "\n".join([said.stdout, said.stderr, *complaints])

    def kam(self, *words: object, given: str | None = None) -> Any:
        """What a kam command that must do its work prints."""
        done = self.run(*words, given=given)
        assert done.returncode == 0, f"kam {words}: {done.stderr or done.stdout}\n{self.standing()}"
        return json.loads(done.stdout or "null")

    def feed(self, *events: Row, via: str = "http") -> list[Row]:
        """Receipts, after all is settled."""
        lines = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events)
        receipts: list[Row] = self.kam("feed", "-", "--via", via, "--timeout", 120, given=lines)
        return receipts

    def accept(self, *events: Row, via: str = "http") -> None:
        """Feed events that must all be taken."""
        receipts = self.feed(*events, via=via)
        assert {r["status"] for r in receipts} <= {"accepted", "sent"}, receipts

    def deliver(self, folder: Path, *names: str) -> list[Row]:
        """Receipts of pairs in the folder (all of it when none is named), after all is settled."""
        paths = [folder / f"{name}.dat.gz" for name in names] or sorted(folder.glob("*.dat.gz"))
        receipts: list[Row] = self.kam("file", "deliver", *paths)
        return receipts

    def settle(self) -> None:
        assert self.kam("wait", "--timeout", 60)["settled"]

    def month(self) -> Month:
        """The month after the business clock, which nobody has used."""
        said = self.get("clock", role="operations")["clock"]
        if said is None:
            return Month(FIRST_MONTH)
        return Month(shifted(datetime.fromisoformat(said).astimezone(SHANGHAI).date().replace(day=1), 1))

    # --- HTTP -------------------------------------------------------------------------------------------------------

    def token(self, role: str) -> str:
        if role not in self._tokens:
            self._tokens[role] = self.kam("token", role)["token"]
        return self._tokens[role]

    def get(self, path: str, role: str = "analyst", **query: str) -> Any:
        """A read of the gateway's ``/v1/…``."""
        headers = {"Authorization": f"Bearer {self.token(role)}"}
        answer = self._http.get(f"{self.urls['gateway']}/v1/{path}", params=query, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    def post_events(
        self, body: Any, media: str = STRUCTURED, role: str | None = "integrator", **headers: str
    ) -> httpx.Response:
        """POST to billing-sync as an integrator does; ``body`` is bytes or to become JSON."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers["Content-Type"] = media
        if role is not None:
            headers["Authorization"] = f"Bearer {self.token(role)}"
        return self._http.post(f"{self.urls['billing_sync']}/v1/events", content=sent, headers=headers)

    def alerts(self, customer: str, **more: str) -> list[Row]:
        found: list[Row] = self.get("alerts", customer=customer, **more)
        return found

    def alert(self, customer: str) -> Row:
        """The customer's only alert."""
        found = self.alerts(customer)
        assert len(found) == 1, found
        return found[0]

    def sms(self, customer: str) -> list[Row]:
        found: list[Row] = self.get("sms", customer=customer)
        return found

    def work(self, customer: str) -> list[Row]:
        found: list[Row] = self.get("work", customer=customer)
        return found

    def why(self, id_: str) -> list[Row]:
        """The chain of ``kam why``."""
        chain: list[Row] = self.kam("why", id_)["chain"]
        return chain

    def delivered(self, customer: str, count: int = 1) -> list[Row]:
        """The customer's messages, once the receipts of ``count`` of them have come."""

        def all_there() -> bool:
            return [s["state"] for s in self.sms(customer)].count("delivered") >= count

        until(all_there, every=0.05)
        return self.sms(customer)

    # --- the SMSC ---------------------------------------------------------------------------------------------------

    def smsc(self, **settings: Any) -> None:
        """Change how the SMSC behaves; without any, well again."""
        well = {"throttle_every": 0, "receipt_echo_reference": True, "receipt_repeat": 0, "deliver_fail_every": 0}
        well |= {"drop_link_every": 0, "drop_before_answer_every": 0}
        self._http.put(f"{self.urls['smsc_control']}/settings", json=settings or well).raise_for_status()

    def smsc_took(self, phone: str) -> list[Row]:
        """What the SMSC's own log says it accepted for this number (as customers write it)."""
        query = {"destination": f"86{phone}"}
        found: list[Row] = self._http.get(f"{self.urls['smsc_control']}/messages", params=query).json()
        return found

    def text_us(self, phone: str, text: str) -> None:
        """A customer sends us an SMS."""
        body = {"source": f"86{phone}", "text": text}
        answer = self._http.post(f"{self.urls['smsc_control']}/inbound", json=body)
        assert answer.json() == {"command_status": 0}, answer.text

    # --- Kafka and files --------------------------------------------------------------------------------------------

    async def produce(self, records: Iterable[tuple[str, bytes | None, bytes | None, dict[str, str]]]) -> None:
        """Raw records (topic, key, value, headers), past every check of ours."""
        producer = AIOKafkaProducer(bootstrap_servers=self.urls["kafka"])
        await producer.start()
        try:
            for topic, key, value, headers in records:
                packed = [(name, text.encode()) for name, text in headers.items()]
                await producer.send_and_wait(topic, value, key=key, headers=packed)
        finally:
            await producer.stop()

    def folder(self, month: Month, name: str = "out") -> Path:
        """An empty folder to write pairs into."""
        path = self._scratch / f"{month}-{name}"
        path.mkdir()
        return path

    def result(self, folder: str, name: str) -> str:
        """Text of a file beside the inbox."""
        return (self.boss / folder / name).read_text()
