"""A month of BOSS as it happens to thirty customers of a city, day by day, and what a key-account platform must make of
it: computed here from the records alone, the plain way, by code that shares nothing with the platform."""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from integration.house import Month, Row

CUSTOMERS = range(30)
# days overdue on the first of the month (None: BOSS does not know), first and last day in the ARR files
DEBTS: dict[int, tuple[int | None, int, int]] = {
    6: (95, 1, 9),
    7: (65, 1, 31),
    8: (45, 2, 23),
    9: (31, 1, 31),
    10: (20, 1, 16),
    11: (5, 1, 31),
    12: (0, 1, 31),
    13: (-3, 1, 11),
    14: (None, 1, 31),
    28: (2, 2, 19),
}
SUSPENDED_FROM = {14: 12}
LEAVES_ON = {28: 20}
# days to the end of the contract on the first of the month
CONTRACTS = {9: 95, 15: 70, 16: 40, 17: 20, 18: 14, 19: 29}
RENEWED_ON = {19: 18}
# opened on (from the end of the month where negative), closed on, reopened on
COMPLAINTS: dict[int, tuple[int, int | None, int | None]] = {
    20: (1, 8, None),
    21: (9, None, None),
    22: (9, 16, 23),
    23: (-1, None, None),
    24: (-3, None, None),
    25: (-2, None, None),
}
REQUESTS = [(26, 3, "stop"), (26, 10, "port_query"), (27, 15, "port_query"), (25, 8, "change")]
BILLS_ON, USAGE_ON = 3, 4
NEVER_WARNED = {1, 2}  # suspended; too new


@dataclass
class Expected:
    """An alert as it must stand at the end of the month; ``texts`` are its steps that the customer is told of."""

    customer_id: str
    kind: str
    stage: str | None
    state: str = "raised"
    outcome: str | None = None
    period: str | None = None
    reasons: int = 1
    texts: list[str] = field(default_factory=list)

    def key(self) -> tuple[Any, ...]:
        return (self.customer_id, self.kind, self.stage, self.state, self.outcome, self.period, self.reasons)

    def resolve(self, outcome: str) -> None:
        self.state, self.outcome = "resolved", outcome


class City:
    """One city's customers; ``number`` 0 or 1 keeps the cities' ids and figures apart."""

    def __init__(self, month: Month, number: int) -> None:
        self.month, self.number, self.code = month, number, month.city(number)
        dice = random.Random(f"{number}")
        low = [0.5, 0.6, 0.69, 0.7, 0.71, 0.9, 1.1]
        self.bills = {i: self._figures(dice, low[i % 7] if i % 2 else 1.0, 10_000) for i in CUSTOMERS}
        self.minutes = {i: self._figures(dice, low[(i + number) % 7], 600) for i in CUSTOMERS}
        self.minutes[3][0] = None
        self.bills[5][2] = None
        # The correction: two fall after all, two did not, one stays as it was.
        self.corrected = {4: 10, 16: 10, 21: 20_000, 29: 20_000, 15: self.bills[15][0]}
        for i in (21, 29):
            self.minutes[i][0] = 10_000

    @staticmethod
    def _figures(dice: random.Random, part: float, about: int) -> list[int | None]:
        """Figure of the last period, then of the three before it."""
        before = [about + dice.randrange(about // 10) for _ in range(3)]
        return [int(part * sum(before) / 3), *before]

    def id(self, i: int) -> str:
        return self.month.customer(100 * self.number + i)

    def rows(self, day: int) -> dict[str, list[Row]]:
        """The files of a day, kind -> rows."""
        return {
            "CUST": [self._customer(i, day) for i in CUSTOMERS],
            "CONT": [self._contract(i, day) for i in CONTRACTS],
            "BILL": self._bills(day),
            "USAGE": self._usage(day),
            "PAY": [self._payment(day)],
            "ARR": [self._debt(i, day) for i in DEBTS if self._owes(i, day)],
            "COMP": [row for i in COMPLAINTS for row in self._complaint(i, day)],
            "SERV": [self._request(i, day, kind) for i, on, kind in REQUESTS if on == day],
        }

    def correction(self) -> list[Row]:
        return [self._bill(i, amount, 1) for i, amount in self.corrected.items()]

    # --- rows -------------------------------------------------------------------------------------------------------

    def _customer(self, i: int, day: int) -> Row:
        return self.month.profile(
            100 * self.number + i,
            city=self.code,
            name=f"诸葛𠀀{i}明",
            status="suspended" if i == 1 else "left" if day >= LEAVES_ON.get(i, 99) else "active",
            opened_on=str(self.month.day(1) - timedelta(days=75)) if i == 2 else "2015-01-01",
            area="rural" if i % 3 == 0 else "urban",
            do_not_disturb=i % 5 == 3,
            manager_id=self.manager(i),
        )

    def manager(self, i: int) -> str | None:
        return None if i % 4 == 3 else f"M{self.month}{i % 4}"

    def _bill(self, i: int, amount: int | None, back: int) -> Row:
        issued = self.month.day(BILLS_ON if back == 1 else 1)
        row = {"customer_id": self.id(i), "period": self.month.period(back), "issued_on": issued, "amount_fen": amount}
        return {**row, "due_on": issued + timedelta(days=20), "voice_fen": 100, "data_fen": 0, "sms_fen": 0}

    def _bills(self, day: int) -> list[Row]:
        if day not in (1, BILLS_ON):
            return []
        return [
            self._bill(i, figures[back - 1], back)
            for i, figures in self.bills.items()
            for back in ((2, 3, 4) if day == 1 else (1,))
            if figures[back - 1] is not None
        ]

    def _usage(self, day: int) -> list[Row]:
        if day not in (1, USAGE_ON):
            return []
        backs = (2, 3, 4) if day == 1 else (1,)
        return [
            {"customer_id": self.id(i), "period": self.month.period(b), "voice_minutes": figures[b - 1], "sms_count": 3}
            for i, figures in self.minutes.items()
            for b in backs
        ]

    def _payment(self, day: int) -> Row:
        paid: Row = {
            "payment_id": f"p{self.id(0)}{day}",
            "customer_id": self.id(29),
            "amount_fen": -5 if day == 7 else 500,
        }
        return {**paid, "paid_at": self.month.at(day, "09:00"), "channel": "bank"}

    def _owes(self, i: int, day: int) -> bool:
        _, first, last = DEBTS[i]
        return first <= day <= last

    def _due(self, i: int) -> date | None:
        overdue = DEBTS[i][0]
        return None if overdue is None else self.month.day(1) - timedelta(days=overdue)

    def _debt(self, i: int, day: int) -> Row:
        suspended = day >= SUSPENDED_FROM.get(i, 99)
        owed = {"customer_id": self.id(i), "as_of": self.month.day(day), "amount_fen": 12_345 + i}
        return {**owed, "oldest_due_on": self._due(i), "suspended": suspended}

    def ends_on(self, i: int) -> date:
        return self.month.day(1) + timedelta(days=CONTRACTS[i])

    def _contract(self, i: int, day: int) -> Row:
        moved = timedelta(days=365 if day >= RENEWED_ON.get(i, 99) else 0)
        row = {"contract_id": f"c{self.id(i)}", "customer_id": self.id(i), "product_code": "FTTR"}
        return {**row, "starts_on": "2020-01-01", "ends_on": self.ends_on(i) + moved, "auto_renew": False}

    def _complaint_days(self, i: int) -> tuple[int, int | None, int | None]:
        opened, closed, reopened = COMPLAINTS[i]
        return opened if opened > 0 else self.month.length + opened, closed, reopened

    def _complaint(self, i: int, day: int) -> list[Row]:
        opened, closed, reopened = self._complaint_days(i)
        status = {opened: "opened", closed: "closed", reopened: "reopened"}.get(day)
        if status is None:
            return []
        row: Row = {"complaint_id": f"k{self.id(i)}", "customer_id": self.id(i), "text": "话费有误"}
        row |= {
            "opened_at": self.month.at(opened, "15:00"),
            "category": "billing",
            "channel": "10086",
            "severity": 2,
            "status": status,
        }
        return [{**row, "closed_at": self.month.at(day, "16:00") if status == "closed" else None}]

    def _request(self, i: int, day: int, kind: str) -> Row:
        asked = {"customer_id": self.id(i), "requested_at": self.month.at(day, "08:30"), "kind": kind}
        return {"request_id": f"r{self.id(i)}{day}", **asked}

    # --- what must come of it ---------------------------------------------------------------------------------------

    def expected(self) -> list[Expected]:
        """Every alert of this city at the end of the month."""
        return [*self._falls(), *self._asked(), *self._arrears(), *self._complaints(), *self._ends()]

    def _falls(self) -> list[Expected]:
        found = []
        for i in CUSTOMERS:
            before, after = [self.bills[i], self.minutes[i]], [[*self.bills[i]], self.minutes[i]]
            after[0][0] = self.corrected.get(i, self.bills[i][0])
            fell, falls = (sum(map(_falls_by_30, figures)) for figures in (before, after))
            if i in NEVER_WARNED or not (fell or falls):
                continue
            alert = Expected(self.id(i), "churn_warning", None, period=self.month.period(1), reasons=falls)
            if not falls:
                alert.resolve("withdrawn")
            elif i in LEAVES_ON:
                alert.resolve("left")
            found.append(alert)
        return found

    def _asked(self) -> list[Expected]:
        reasons = Counter(i for i, _, kind in REQUESTS if kind in ("stop", "port_query"))
        period = self.month.period()
        return [Expected(self.id(i), "churn_warning", None, period=period, reasons=n) for i, n in reasons.items()]

    def _arrears(self) -> list[Expected]:
        found = []
        for i in DEBTS:
            alert = Expected(self.id(i), "arrears", "opened")
            for day in range(1, self.month.length + 1):
                if day == LEAVES_ON.get(i):
                    alert.resolve("left")
                elif self._owes(i, day):
                    alert.stage = self._stage(i, day)
                    if alert.stage not in ("opened", *alert.texts):
                        alert.texts.append(alert.stage)
                elif alert.state == "raised" and day > DEBTS[i][1]:
                    alert.resolve("cleared")
            found.append(alert)
        return found

    def _stage(self, i: int, day: int) -> str:
        if day >= SUSPENDED_FROM.get(i, 99):
            return "suspended"
        due = self._due(i)
        overdue = 0 if due is None else (self.month.day(day) - due).days
        steps = {90: "suspension_proposed", 60: "final_notice", 30: "second_reminder", 1: "reminder"}
        return next((stage for days, stage in steps.items() if overdue >= days), "opened")

    def _complaints(self) -> list[Expected]:
        now, found = datetime.fromisoformat(self.month.at(self.month.length)), []
        for i in COMPLAINTS:
            opened, closed, reopened = self._complaint_days(i)
            # A row of a file speaks for the end of its business date.
            began = datetime.fromisoformat(self.month.at(opened, "15:00"))
            if reopened:
                began = datetime.fromisoformat(self.month.at(reopened, "00:00")) + timedelta(days=1)
            gone, given = now - began, timedelta(hours=72 if i % 3 == 0 else 48)
            late = "overdue" if gone >= given else "due_soon" if gone >= given * 0.8 else None
            alert = Expected(self.id(i), "complaint_opened", late or ("reopened" if reopened else "opened"))
            alert.texts = ["opened", "closed"] if closed else ["opened"]
            if closed and not reopened:
                alert.stage = "overdue"
                alert.resolve("closed")
            found.append(alert)
        return found

    def _ends(self) -> list[Expected]:
        found = []
        for i in CONTRACTS:
            alert = Expected(self.id(i), "contract_expiring", None)
            for day in range(1, self.month.length + 1):
                left = (self.ends_on(i) - self.month.day(day)).days
                if day == RENEWED_ON.get(i):
                    alert.resolve("renewed")
                elif left < 0 and alert.state == "raised":
                    alert.resolve("expired")
                step = next((str(s) for s in (1, 7, 30, 60, 90) if left <= s), None)
                if alert.state == "raised" and step is not None and step not in alert.texts:
                    alert.stage = step
                    alert.texts.append(step)
            if alert.texts:
                found.append(alert)
        return found


def _falls_by_30(figures: list[int | None]) -> bool:
    if any(figure is None for figure in figures):
        return False
    now, *before = (int(figure or 0) for figure in figures)
    return sum(before) > 0 and now <= 0.7 * sum(before) / 3 + 1e-9
