"""Detection, notifications and work of a few customers through a disorderly year, against what must always hold.

Records come late, twice, again as replayed dead letters and older than what is known; they move from one customer to
another and back; dates are of the years 1 and 9999, the clock leaps. No machinery: handlers only, states as stored.
By hand: ``python tests/fuzz/fuzz_customers.py --seconds 60 --seed 7``. A fault
names its seed, which does the same again.
"""

import random
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))

from contracts.alert import Alert, WorkItem
from fuzz.doors import Fault, by_hand
from harness.notifications_feed import PHONE, Story
from manager_work import handlers as work_handlers
from manager_work import rules as work_rules
from manager_work.domain import Command, Ended, Item, Manager, work_id_of
from manager_work.settings import Settings
from servicekit.clock import SHANGHAI, local_date
from servicekit.decision import Context, Decision, OutgoingEvent, Refused
from servicekit.ids import derive

_RULES = work_rules.load(Settings.model_fields["work_rules"].default)
_STEPS = 160
_LAST = datetime(9999, 12, 30, 12)  # of the business clock
_STRANGE_DAYS = ("0001-01-01", "1969-12-31", "9999-12-30", "9999-12-31")
_MOVING = ("contract.changed", "complaint.changed", "service.requested", "payment.received")
_PERIODS = ("202510", "202511", "202512", "202601", "202602", "202603", "999912", "000101")


class Managers:
    """manager-work over its handlers: items by alert; events are handed back."""

    def __init__(self) -> None:
        self.handlers = work_handlers.handlers(work_rules.Duties(_RULES))
        self.raw: dict[str, bytes] = {}

    def item(self, alert_id: str) -> Item | None:
        state = self._state(work_id_of(alert_id))
        return state if isinstance(state, Item) else None

    def hear(self, type_: str, data: Any, ctx: Context) -> list[OutgoingEvent]:
        """An event or command for the item of its alert."""
        return self._handle(work_id_of(data.alert_id), type_, data, ctx)

    def close(self, alert_id: str, outcome: Any, ctx: Context) -> list[OutgoingEvent]:
        """A person closes the item. Raises ``Refused``."""
        return self._handle(work_id_of(alert_id), "close", Command(by="m1", outcome=outcome), ctx)

    def _state(self, key: str) -> Item | Ended | Manager | None:
        raw = self.raw.get(key)
        return None if raw is None else msgspec.msgpack.decode(raw, type=Item | Ended | Manager)

    def _handle(self, key: str, type_: str, data: Any, ctx: Context) -> list[OutgoingEvent]:
        decision: Decision = self.handlers[type_].handle(self._state(key), data, ctx)
        if decision.state is not None:
            self.raw[key] = msgspec.msgpack.encode(decision.state)
        events = list(decision.events)
        for forward in decision.forwards:
            events += self._handle(forward.key, forward.type, forward.data, ctx)
        return events


class Customer(Story):
    """A customer whose alert events reach the managers as well, and whose work events come back."""

    def __init__(self, customer_id: str, managers: Managers, *, alerts_first: bool) -> None:
        super().__init__(customer_id, alerts_first=alerts_first)
        self.managers = managers
        self.dead: set[int] = set()  # numbers of messages that were not handled

    def close_work(self, alert_id: str, outcome: str) -> bool:
        """Whether a manager could close the item of an alert."""
        context = Context(self.now, "close/1", "close", "")
        try:
            events = self.managers.close(alert_id, outcome, context)
        except Refused:
            return False
        self._work_events(events)
        return True

    def hear_again(self, emit: OutgoingEvent) -> None:
        """An alert's event once more, at the desk and at the managers: a replayed dead letter."""
        super()._desk_hears([emit])
        self._managers_hear(emit)

    def _desk_hears(self, emits: list[OutgoingEvent]) -> None:
        super()._desk_hears(emits)
        for emit in emits:
            self._managers_hear(emit)

    def _managers_hear(self, emit: OutgoingEvent) -> None:
        id_ = derive("alerts-detect", emit.seed, emit.type)
        context = Context(self.now, id_, emit.type, emit.correlation or "")
        self._work_events(self.managers.hear(emit.type, emit.data, context))

    def _work_events(self, events: list[OutgoingEvent]) -> None:
        for event in events:
            assert isinstance(event.data, WorkItem)
            id_ = derive("manager-work", event.seed, event.type)
            context = Context(self.now, id_, event.type, event.correlation or "feed:test#w")
            data = msgspec.to_builtins(event.data)
            if event.type in self.app.handlers or event.type in self.desk.handlers:
                self._hear(event.type, data, context)


class Year:
    """One history. ``run`` raises ``Fault``."""

    def __init__(self, seed: int, start: datetime = datetime(2026, 1, 1, 9, 0)) -> None:
        self.seed, self.dice = seed, random.Random(seed)
        self.pick = self.dice.choice
        managers = Managers()
        first = self.dice.random() < 0.3
        self.customers = [Customer(f"c{n}", managers, alerts_first=first) for n in range(2)]
        for who in self.customers:
            if self.dice.random() < 0.7:
                who.customer(status="active", city="320100")
        self.managers = managers
        self.now = start
        self.did: Counter[str] = Counter()
        self._owned: dict[tuple[str, str], tuple[Customer, dict[str, Any]]] = {}
        self._taken: Counter[str] = Counter()
        self._a_day: Counter[tuple[str, Any]] = Counter()
        self._steps: list[str] = []

    def run(self) -> Counter[str]:
        doing = {
            self.a_record: 9, self.a_moving_record: 8, self.a_move: 2, self.a_replay: 3, self.an_alert_again: 2,
            self.a_tick: 4, self.a_round_of_sms: 4, self.a_managers_word: 2,
        }  # fmt: skip
        try:
            for _ in range(_STEPS):
                self.now = _later(self.now, minutes=self.pick([0, 0, 1, 30, 300, 900, 1440, 1440 * 7, 1440 * 31]))
                if self.dice.random() < 0.004:
                    self.now = _later(self.now, days=self.pick([400, 2000]))
                do = self.dice.choices(list(doing), list(doing.values()))[0]
                self._steps.append(f"{do.__name__} {_when(self.now)}")
                self.did[do.__name__] += 1
                do(self.pick(self.customers))
                if self.dice.random() < 0.3:
                    self.now = _later(self.now, minutes=self.pick([1, 60, 300]))
                    for who in self.customers:
                        self.a_round_of_sms(who)
                self.check()
        except Exception as error:
            raise Fault(f"seed {self.seed}, after {self._steps[-3:]}: {error!r}") from error
        return self.did

    # --- what happens -------------------------------------------------------------------------------------------

    def a_record(self, who: Customer) -> None:
        pick, when = self.pick, self._effective()
        if self.dice.random() < 0.03:
            who.boss("customer.left", when, left_on=self._day(0))
            return
        kind = pick(["cust", "cust", "cust", "bill", "bill", "usage", "arr", "arr", "arr", "arr"])
        if kind == "cust":
            who.customer(
                when,
                status=pick(["active"] * 8 + ["suspended", "left", None]),
                do_not_disturb=self.dice.random() < 0.1,
                area=pick(["urban", "rural", None]),
                city=pick(["320100", None]),
                language=pick(["zh", "en", None]),
                phone=pick([PHONE] * 6 + [None]),
                manager_id=pick(["m1", None]),
                opened_on=self._day(-4000, -30, 0),
            )
        elif kind == "bill":
            who.boss("bill.issued", when, period=pick(_PERIODS), amount_fen=pick([None, 0, 100, 50, 10, -5]))
        elif kind == "usage":
            who.boss("usage.summarised", when, period=pick(_PERIODS), voice_minutes=pick([None, 0, 100, 60, 10]))
        else:
            due_on = pick([None, self._day(5, 0, -1, -29, -59, -89, -200)])
            who.owes(pick([0, 0, 100, 5000]), when, due_on, suspended=self.dice.random() < 0.1)

    def a_moving_record(self, _: Customer) -> None:
        """A record with an id of its own, of the customer whose it is."""
        type_, key = pick_key = self.pick(_MOVING), self.pick(["1", "2"])
        who, _data = self._owned.get(pick_key, (self.pick(self.customers), {}))
        data = self._made(type_, key)
        who.boss(type_, self._effective(), **data)
        self._owned[pick_key] = (who, data)

    def a_move(self, _: Customer) -> None:
        """A record becomes another customer's, as it was or changed; now and then the word of it is a dead letter."""
        if not self._owned:
            return
        type_, key = self.pick(list(self._owned))
        who, data = self._owned[type_, key]
        to = next(c for c in self.customers if c is not who)
        if self.dice.random() < 0.5:
            data = self._made(type_, key)
        to.now = who.now = max(to.now, who.now)
        dead = self.dice.random() < 0.2
        who.hand_over(to, type_, _when(max(self.now, _local(who.now))), dead=dead, **data)
        if dead:
            who.dead.add(len(who.heard) - 1)
        self._owned[type_, key] = (to, data)

    def a_replay(self, who: Customer) -> None:
        """Any earlier message, as a replayed dead letter."""
        if who.heard:
            before = len(who.emits)
            number = self.dice.randrange(len(who.heard))
            type_, _data, context = who.heard[number]
            who.replay(number)
            if number in who.dead:
                who.dead.remove(number)
            elif type_.startswith("kam.boss.") and len(who.emits) > before:
                raise Fault(f"{type_} {context.time} replayed brought {who.told[before:]}")

    def an_alert_again(self, who: Customer) -> None:
        if who.emits:
            who.hear_again(self.pick(who.emits))

    def a_tick(self, who: Customer) -> None:
        who.tick(_when(self.now))

    def a_managers_word(self, who: Customer) -> None:
        opened = [a for a in who.alerts() if a.state == "raised"]
        if opened and who.close_work(self.pick(opened).alert_id, self.pick(["retained", "lost", "other"])):
            self.did["closed"] += 1

    def a_round_of_sms(self, who: Customer) -> None:
        who.tick(_when(self.now))
        for intent in who.intend():
            local = who.now.astimezone(SHANGHAI)
            if local.hour >= 21 or local.hour < 8:
                raise Fault(f"an SMS at {local}")
            outcome = self.pick(["accepted", "accepted", "throttled", "unknown", "refused", "not_written"])
            if outcome in ("accepted", "unknown"):
                self.did["sms"] += 1
                self._taken[intent.sms_id] += 1
                self._a_day[who.customer_id, local_date(who.now)] += 1
            who.answer(intent, outcome, status=0x58 if outcome == "throttled" else 0x45)
            if self.dice.random() < 0.5:
                state = self.pick(["DELIVRD", "UNDELIV", "ENROUTE"])
                who.receipt(intent.sms_id, f"m{intent.parts[0].reference}", state)

    # --- what must hold -----------------------------------------------------------------------------------------

    def check(self) -> None:
        twice = [id_ for id_, times in self._taken.items() if times > 1]
        if twice:
            raise Fault(f"sent twice: {twice}")
        if too_many := [day for day, count in self._a_day.items() if count > 3]:
            raise Fault(f"more than three SMS on {too_many}")
        known: dict[str, str] = {}
        for who in self.customers:
            for alert in who.alerts():
                if known.setdefault(alert.alert_id, who.customer_id) != who.customer_id:
                    raise Fault(f"alert {alert.alert_id} is of two customers")
                self._has_its_work(alert)
        strays = {item.alert_id for item in self._items()} - known.keys()
        if strays:
            raise Fault(f"work without an alert: {strays}")

    def _has_its_work(self, alert: Alert) -> None:
        item = self.managers.item(alert.alert_id)
        if item is None:
            if alert.state == "raised" and not alert.late:
                raise Fault(f"no work item of {alert}")
        elif (item.state == "closed") != (alert.state == "resolved"):
            raise Fault(f"the alert is {alert.state} {alert.outcome}, its work {item.state}: {alert} {item}")
        elif item.state == "closed" and item.outcome != alert.outcome:
            raise Fault(f"{alert.outcome} is the outcome of the alert, {item.outcome} of its work")

    def _items(self) -> list[Item]:
        states = [msgspec.msgpack.decode(raw, type=Item | Ended | Manager) for raw in self.managers.raw.values()]
        return [state for state in states if isinstance(state, Item)]

    # --- dice ---------------------------------------------------------------------------------------------------

    def _made(self, type_: str, key: str) -> dict[str, Any]:
        """Fields of a record with an id of its own."""
        pick, stamp = self.pick, self._stamp()
        if type_ == "contract.changed":
            ends_on = pick([None, self._day(-3, 0, 1, 5, 7, 30, 60, 89, 90, 91, 400)])
            return {"contract_id": f"x{key}", "ends_on": ends_on}
        if type_ == "complaint.changed":
            status = pick(["opened", "in_progress", "closed", "reopened"])
            return {"complaint_id": f"k{key}", "opened_at": stamp, "status": status}
        if type_ == "service.requested":
            return {"request_id": f"s{key}", "kind": pick(["stop", "port_query", "suspend"]), "requested_at": stamp}
        return {"payment_id": f"p{key}", "paid_at": stamp, "amount_fen": pick([100, 5000, -100])}

    def _effective(self) -> str:
        return _when(self.now - timedelta(minutes=self.pick([0, 0, 0, 0, 10, 1440, 1440 * 5])))

    def _day(self, *offsets: int) -> str:
        if self.dice.random() < 0.05:
            return self.pick(_STRANGE_DAYS)
        return f"{_later(self.now, days=self.pick(offsets)):%Y-%m-%d}"

    def _stamp(self) -> str:
        if self.dice.random() < 0.03:
            return self.pick(["0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-08:00"])
        return f"{_when(self.now - timedelta(hours=self.pick([0, 30, 100])))}:00+08:00".replace(" ", "T")


def _later(at: datetime, **by: float) -> datetime:
    try:
        return min(at + timedelta(**by), _LAST)
    except OverflowError:
        return _LAST


def _when(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M")


def _local(at: datetime) -> datetime:
    return at.astimezone(SHANGHAI).replace(tzinfo=None)


async def fuzz(seed: int) -> Counter[str]:
    """What was done in the history of this seed, and of some also in the last month of all. Raises ``Fault``."""
    did = Year(seed).run()
    return did + Year(seed, datetime(9999, 12, 1, 9)).run() if seed % 20 == 0 else did


if __name__ == "__main__":
    by_hand(fuzz, __doc__, "steps")
