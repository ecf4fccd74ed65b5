"""A text changes while everything runs, and a customer who answered TD comes back."""

from pathlib import Path

import pytest
import yaml

from integration.house import House, Month, opened
from integration.test_workers import debtors

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(300)]


def text_of(house: House, month: Month, number: int) -> tuple[str, str | None, str]:
    (sms,) = house.sms(month.customer(number))
    return sms["state"], sms["reason"], sms["text"]


def test_a_text_changes_and_a_customer_comes_back(tmp_path: Path) -> None:
    with opened(tmp_path / "data", "--partitions", "4") as house:
        month = house.month()
        house.accept(*debtors(month, [1], 2))
        old = text_of(house, month, 1)
        assert old[0] == "delivered" and "请尽快缴费" in old[2]

        document = house.kam("template", "show", "arrears-reminder")["document"]
        file = tmp_path / "reminder.yaml"
        file.write_text(yaml.safe_dump({**document, "zh": "【大客户中心】欠费"}, allow_unicode=True))
        refused = house.run("template", "save", file, "--why", "措辞")
        assert refused.returncode == 1 and "debt" in refused.stdout, refused
        words = document["zh"].replace("请尽快缴费", "请于三日内缴费")
        file.write_text(yaml.safe_dump({**document, "zh": words}, allow_unicode=True))
        assert house.kam("template", "save", file, "--why", "措辞")["version"] == 2
        assert house.kam("template", "activate", "arrears-reminder", 2, "--why", "措辞")["state"] == "active"
        house.accept(*debtors(month, [2, 3], 2))
        for number in (2, 3):
            state, _, text = text_of(house, month, number)
            assert state == "delivered" and "请于三日内缴费" in text

        phone = str(month.profile(4)["phone"])
        house.text_us(phone, "TD")
        house.settle()
        house.accept(*debtors(month, [4], 2))
        assert text_of(house, month, 4)[:2] == ("suppressed", "opted_out")
        house.text_us(phone, "订阅")
        house.settle()
        house.accept(month.event("arrears.changed", month.debt(4, 12_345, 3, days_overdue=31), 3))
        assert [sms["state"] for sms in house.sms(month.customer(4))] == ["suppressed", "delivered"]
