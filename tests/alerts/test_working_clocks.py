"""Complaints are due by the calendar that is in force when their clock begins; an open one keeps its due."""

from typing import Any

import msgspec

from alerts.detection import app
from harness.calendars import calendar_switch, work_switch
from harness.detection_feed import RULES, Feed, at
from servicekit.clock import SHANGHAI
from servicekit.documents.in_force import Edition

CUSTOMER = {"status": "active", "opened_on": "2020-01-01", "city": "320100", "area": "urban", "manager_id": "m1"}


class Switched(Feed):
    """A customer's road on which calendars and work rules are switched."""

    editions: tuple[Edition, ...] = ()

    def switch(self, edition: Edition) -> None:
        self.editions = (*self.editions, edition)
        self.app = app(RULES.switched(self.editions))

    def complains(self, id: str, when: str, status: str = "opened", heard: str | None = None, **more: Any) -> list[str]:
        known = {"complaint_id": id, "opened_at": at(when).isoformat(), "status": status, **more}
        return self.boss("complaint.changed", heard or when, **known)

    def due(self, id: str) -> str:
        alert = next(a for a in self.alerts() if a.values["complaint_id"] == id)
        assert alert.due_at is not None
        return alert.due_at.astimezone(SHANGHAI).strftime("%m-%d %H:%M")

    def calendars(self) -> list[str | None]:
        return [None if a.calendar is None else f"{a.calendar.id} v{a.calendar.version}" for a in self.alerts()]


def feed() -> Switched:
    made = Switched()
    made.boss("customer.changed", "2026-01-01", **CUSTOMER)
    return made


def test_hours_are_plain_until_a_calendar_is_activated_and_open_alerts_keep_theirs() -> None:
    feed_ = feed()
    feed_.complains("k1", "2026-09-22 10:00")
    feed_.switch(calendar_switch(1))
    feed_.complains("k2", "2026-09-22 10:00")
    feed_.complains("k1", "2026-09-22 10:00", "in_progress", "2026-09-22 12:00")
    assert (feed_.due("k1"), feed_.due("k2")) == ("09-24 10:00", "09-30 10:00"), "48 hours, 48 working hours"
    feed_.switch(calendar_switch(2, state="stopped"))
    feed_.complains("k3", "2026-09-22 12:00")
    assert feed_.due("k3") == "09-24 12:00"
    assert feed_.calendars() == [None, "office v1", None]


def test_due_soon_and_overdue_come_in_working_time() -> None:
    feed_ = feed()
    feed_.switch(calendar_switch(1))
    assert feed_.complains("k1", "2026-09-28 09:00") == ["complaint_opened raised opened"]
    # 48 h are six working days: 28, 29, 30 September, 8, 9, 10 October. 80 % of them, 38.4 h, are over on the fifth.
    assert feed_.due("k1") == "10-10 19:00"
    assert feed_.tick("2026-10-09 17:23") == []
    assert feed_.tick("2026-10-09 17:24") == ["complaint_opened changed due_soon"]
    assert feed_.tick("2026-10-10 18:59") == []
    assert feed_.tick("2026-10-10 19:00") == ["complaint_opened changed overdue"]


def test_a_switch_in_mid_flight_moves_no_open_clock_and_a_reopening_takes_the_new_one() -> None:
    feed_ = feed()
    feed_.switch(calendar_switch(1))
    feed_.complains("k1", "2026-09-28 09:00")
    feed_.switch(calendar_switch(2, 2, weekdays={"mon": ["09:00-17:00"]}))
    assert feed_.tick("2026-10-09 17:24") == ["complaint_opened changed due_soon"], "by the version it began with"
    feed_.complains("k1", "2026-09-28 09:00", "closed", "2026-10-09 18:00")
    feed_.complains("k1", "2026-09-28 09:00", "reopened", "2026-10-12 09:00")
    assert feed_.calendars() == ["office v2"]
    assert feed_.due("k1") == "11-16 17:00", "six Mondays"


def test_a_clock_beyond_the_calendar_s_last_year_is_said_to_be_assumed() -> None:
    feed_ = feed()
    feed_.switch(calendar_switch(1))
    feed_.complains("k1", "2026-12-30 09:00")
    (alert,) = feed_.alerts()
    assert alert.calendar is not None and alert.calendar.assumed and feed_.due("k1") == "01-06 19:00"


def test_the_same_records_come_to_the_same_whenever_the_state_is_read_anew() -> None:
    """The state goes through its stored bytes between any two records; alerts of before have none of the new fields."""
    feed_ = feed()
    feed_.complains("k1", "2026-09-22 10:00")
    plain = msgspec.msgpack.decode(feed_.raw or b"")
    held = plain[6]["complaint/k1"]
    plain[6]["complaint/k1"] = held[:20]  # as release 0.1.0 wrote it
    feed_.raw = msgspec.msgpack.encode(plain)
    feed_.switch(calendar_switch(1))
    feed_.switch(work_switch(2))
    assert feed_.tick("2026-09-24 00:24") == ["complaint_opened changed due_soon"]
    assert feed_.tick("2026-09-24 10:00") == ["complaint_opened changed overdue"]
