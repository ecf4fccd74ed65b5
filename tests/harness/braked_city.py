"""Detection of one partition in a small city, with a brake: what its tests say to it and ask of it."""

from datetime import datetime, timedelta
from typing import Any

from alerts.detection import app
from alerts.detection.state import CustomerState
from alerts.release_routes import held
from contracts.alert import Alert
from contracts.boss import Arrears, Complaint, Customer
from contracts.brake import BOOK, Census, CitiesCounted, LoadEnded, Part, ReleaseDecided
from contracts.documents import DocumentSwitched
from contracts.registry import CITIES_COUNTED, LOAD_ENDED, RELEASE_DECIDED, SWITCH
from contracts.releases import StepView
from harness.detection_feed import RULES
from harness.one_processor import NOON, OneProcessor
from servicekit.dead_letter import REPLAYS
from servicekit.envelope import Message
from servicekit.ids import derive

CITY, PEOPLE = "320100", 20
CUST, ARR, NIGHT = "CUST_320100_20260701_0001.dat.gz", "ARR_320100_20260701_0001.dat.gz", NOON.date()
CUSTOMER, ARREARS = "kam.boss.customer.changed.v1", "kam.boss.arrears.changed.v1"
COMPLAINT = "kam.boss.complaint.changed.v1"
#: a word about all that people were shown
ALL = Part(places=1_000_000, count=1_000_000)


class City(OneProcessor):
    """Detection of one partition, in a city of twenty, all of them here."""

    ticks = 0
    revisions = 0
    baseline = b""

    def switch(self, number: int = 1, enabled: bool = True, least: int = 10, percent: int = 20) -> Message:
        document = {"id": "brake", "enabled": enabled, "percent": percent, "min_customers": least}
        made = DocumentSwitched(
            number=number,
            kind="brake",
            document_id="brake",
            version=number + 1,
            state="active",
            document=document,
            by="X1",
            why="try",
            switched_at=NOON,
        )
        return self.record("boss.events", SWITCH, made, key="document/brake/brake")

    def row(self, type_: str, data: Any, correlation: str, clock: datetime = NOON, replays: bytes = b"") -> Message:
        self.revisions += 1
        more = [("ce_revision", b"%d" % self.revisions)]
        more += [(REPLAYS, replays)] if replays else []
        more += [("ce_baseline", self.baseline)] if self.baseline else []
        return self.record(
            "boss.events",
            type_,
            data,
            key=data.customer_id,
            id=f"e{self.revisions}",
            correlation=correlation,
            clock=clock,
            time=clock,
            headers=more,
        )

    def people(self) -> list[Message]:
        rows = [Customer(customer_id=f"c{n}", status="active", city=CITY) for n in range(PEOPLE)]
        return [self.row(CUSTOMER, row, f"file:{CUST}#{n}") for n, row in enumerate(rows)] + [self.ended(CUST)]

    def ended(self, file: str = ARR, customers: int = PEOPLE, here: int = PEOPLE) -> Message:
        data = LoadEnded(file=file, city=CITY, customers=customers, here=here)
        return self.record("boss.events", LOAD_ENDED, data, key=BOOK, correlation=f"file:{file}")

    def counted(self, customers: int = PEOPLE, here: int = PEOPLE) -> Message:
        data = CitiesCounted(cities={CITY: Census(customers=customers, here=here)} if customers else {})
        return self.record("boss.events", CITIES_COUNTED, data, key=BOOK, correlation="brake:1")

    def complaint(self, n: int, id: str, road: str, status: str = "open", clock: datetime = NOON) -> Message:
        made = Complaint(customer_id=f"c{n}", complaint_id=id, status=status, opened_at=NOON)
        return self.row(COMPLAINT, made, road, clock)

    def debt(self, n: int, correlation: str = "", replays: bytes = b"", **more: Any) -> Message:
        made = {"customer_id": f"c{n}", "as_of": NIGHT, "amount_fen": 500, "oldest_due_on": NIGHT - timedelta(days=2)}
        return self.row(ARREARS, Arrears(**{**made, **more}), correlation or f"file:{ARR}#{n}", replays=replays)

    def word(self, id: str, verdict: Any = "released", by: str = "li", seen: Part = ALL) -> Message:
        data = ReleaseDecided(release_id=id, verdict=verdict, by=by, why="已核对", decided_at=NOON, seen=seen)
        return self.record("boss.events", RELEASE_DECIDED, data, key=BOOK)

    def beat(self, clock: datetime = NOON) -> Message:
        self.ticks += 1
        return self.tick("boss.events", self.ticks, clock)

    async def alerts(self) -> list[tuple[str, Alert]]:
        return [(type_.split(".")[2], data) for type_, data in await self.events("alert.events") if "alert" in type_]

    async def releases(self) -> list[StepView]:
        return await held([self.processor])

    async def state(self, key: str) -> CustomerState:
        found: CustomerState = self.processor.committer.decode_state((await self.store.load([key]))[key])
        return found


async def city(store: Any = None, **brake: Any) -> City:
    made = City(app(RULES), store=store)
    await made.open()
    await made.take(made.switch(**brake), *made.people(), made.beat())
    return made


async def night(place: City, count: int, first: int = 0) -> None:
    """A file of so many new debts, to its end, and the tick behind it."""
    await place.take(*(place.debt(n) for n in range(first, first + count)))
    assert await place.alerts() == [], "nothing is said before the file is at its end"
    await place.take(place.ended(), place.beat())


def group_of(kind: str, cause: str) -> str:
    """Id of the first group of a step."""
    return derive("release", "step", CITY, kind, cause)
