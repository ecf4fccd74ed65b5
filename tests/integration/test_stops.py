"""Two workers and no query database: alerts become SMS, receipts come back, and a TD told to one stops the other."""

import json
from pathlib import Path

import pytest

from harness.waiting import until
from integration.house import House, Month, opened
from integration.test_workers import a_number_of, debtors, paused

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(300)]


def post(house: House, month: Month, numbers: list[int]) -> None:
    answer = house.post_events(json.dumps(debtors(month, numbers, 2)).encode(), "application/cloudevents-batch+json")
    assert answer.status_code == 202, answer.text


def test_a_stop_told_to_one_worker_stops_the_other(tmp_path: Path) -> None:
    with opened(tmp_path / "data", "--partitions", "6", "--workers", "2") as house:
        month = house.month()
        stopped = [a_number_of(month, worker, 2, 1) for worker in (0, 1)]
        others = [a_number_of(month, worker, 2, 300) for worker in (0, 1)]
        phones = {n: str(month.profile(n)["phone"]) for n in (*stopped, *others)}
        house.accept(*(month.newcomer(n) for n in phones))
        with paused(house, "mongodb"):
            for n in stopped:
                house.text_us(phones[n], "TD")
            post(house, month, [*stopped, *others])
            until(lambda: all(house.smsc_took(phones[n]) for n in others), timeout=30, every=0.1)
        house.settle()
        assert [house.sms(month.customer(n))[0]["state"] for n in others] == ["delivered"] * 2
        for n in stopped:
            (sms,) = house.sms(month.customer(n))
            assert (sms["state"], sms["reason"]) == ("suppressed", "opted_out")
            assert house.smsc_took(phones[n]) == []
            assert len(house.alerts(month.customer(n))) == len(house.work(month.customer(n))) == 1
