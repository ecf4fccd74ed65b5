"""SMS over real SMPP: what leaves, what the SMSC says it took, and what comes back."""

from typing import Any

import pytest

from harness.waiting import until
from integration.house import House, Month, Row

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(180)]


@pytest.fixture(autouse=True)
def well_smsc(house: House) -> None:
    house.smsc()


def in_arrears(month: Month, number: int, day: int = 2, **more: Any) -> list[Row]:
    """Events that make a customer owe 123.45 yuan since a while."""
    debt = month.debt(number, 12_345, day, days_overdue=5)
    return [month.newcomer(number, **more), month.event("arrears.changed", debt, day)]


def phone_of(month: Month, number: int) -> str:
    return str(month.profile(number)["phone"])


def test_dunning_is_delivered_once_and_names_the_debt(house: House, month: Month) -> None:
    house.accept(*in_arrears(month, 1))
    (sms,) = house.delivered(month.customer(1))
    assert "123.45" in sms["text"] and month.profile(1)["name"] in sms["text"]
    assert (sms["language"], sms["segments"], sms["template"]) == ("zh", 1, "arrears-reminder")
    assert [r["state"] for r in sms["receipts"]] == ["DELIVRD"]
    (taken,) = house.smsc_took(phone_of(month, 1))
    assert taken["text"] == sms["text"]
    # What lists show of a number is masked.
    assert phone_of(month, 1) not in str(sms)


def test_an_english_text_holds_no_chinese(house: House, month: Month) -> None:
    house.accept(*in_arrears(month, 1, language="en"), *in_arrears(month, 2, language="en", name="Ann Lee"))
    for number, name in ((1, "Dear customer"), (2, "Dear Ann Lee")):
        (sms,) = house.delivered(month.customer(number))
        assert sms["text"].isascii() and name in sms["text"] and "CNY 123.45" in sms["text"]
        assert (sms["encoding"], sms["segments"]) == ("gsm7", 1)


@pytest.mark.parametrize(
    ("language", "name", "product", "encoding"),
    [
        ("zh", "呼伦贝尔额尔古纳右岸牧民合作社", "政企千兆光网与天翼云主机融合套餐", "ucs2"),
        ("en", "Maximilian Rosenberg", "Gigabit Fibre Office", "gsm7"),
    ],
)
def test_a_long_text_goes_in_two_segments(
    house: House, month: Month, language: str, name: str, product: str, encoding: str
) -> None:
    one = month.customer(1)
    contract = {"contract_id": f"{one}-c", "customer_id": one, "product_code": product, "ends_on": str(month.day(3))}
    house.accept(month.newcomer(language=language, name=name), month.event("contract.changed", contract, 2))
    (sms,) = house.delivered(one)
    assert (sms["encoding"], sms["segments"]) == (encoding, 2) and name in sms["text"] and product in sms["text"]
    assert len(sms["text"]) > (70 if language == "zh" else 160)
    parts = house.smsc_took(phone_of(month, 1))
    assert len(parts) == len(sms["receipts"]) == 2
    assert sorted(len(part["text"]) for part in parts)[-1] == (67 if language == "zh" else 153)
    assert "".join(part["text"] for part in sorted(parts, key=lambda part: part["concat"][2])) == sms["text"]


def test_receipts_without_our_reference_find_their_message(house: House, month: Month) -> None:
    house.smsc(receipt_echo_reference=False, receipt_repeat=2)
    house.accept(*(event for n in range(1, 6) for event in in_arrears(month, n)))
    for number in range(1, 6):
        (sms,) = house.delivered(month.customer(number))
        assert len(sms["receipts"]) == 1
        assert len(house.smsc_took(phone_of(month, number))) == 1


def test_throttling_delays_but_never_doubles(house: House, month: Month) -> None:
    # The clock has come to this month, and the reminders of months before have left: every second submit is ours.
    house.accept(*in_arrears(month, 9))
    house.delivered(month.customer(9))
    house.settle()
    house.smsc(throttle_every=2)
    people = range(1, 5)
    house.accept(*(event for n in people for event in in_arrears(month, n)))
    found = [sms for n in people for sms in house.delivered(month.customer(n))]
    assert len(found) == len(people) and max(sms["attempts"] for sms in found) > 1
    assert [len(house.smsc_took(phone_of(month, n))) for n in people] == [1] * len(people)


def test_a_cut_link_leaves_unknown_what_may_have_left(house: House, month: Month) -> None:
    """Never sent again in hope: what was written and not answered is settled by a receipt or stays unknown."""
    house.smsc(drop_link_every=3, drop_before_answer_every=4)
    people = range(1, 9)
    house.accept(*(event for n in people for event in in_arrears(month, n)))
    house.smsc()

    def settled() -> bool:
        return all(s["state"] in ("delivered", "unknown") for n in people for s in house.sms(month.customer(n)))

    until(settled, every=0.05)
    for number in people:
        (sms,) = house.sms(month.customer(number))
        taken = len(house.smsc_took(phone_of(month, number)))
        assert taken <= 1 and (taken == 1 or sms["state"] == "unknown"), (sms, taken)


def test_what_cannot_be_delivered_says_so(house: House, month: Month) -> None:
    house.smsc(deliver_fail_every=1)
    house.accept(*in_arrears(month, 1))
    until(lambda: [s["state"] for s in house.sms(month.customer(1))] == ["failed"], every=0.05)
    (sms,) = house.sms(month.customer(1))
    assert sms["reason"] and [r["state"] for r in sms["receipts"]] == ["UNDELIV"]


def test_who_answers_td_gets_no_more(house: House, month: Month) -> None:
    one, phone = month.customer(1), phone_of(month, 1)
    house.accept(*in_arrears(month, 1))
    house.delivered(one)
    house.text_us(phone, "td")
    house.settle()
    complaint = {"complaint_id": f"{one}-c", "customer_id": one, "opened_at": month.at(3), "status": "opened"}
    house.accept(month.event("complaint.changed", {**complaint, "category": "network", "severity": 1}, 3))
    first, second = house.sms(one)
    assert (first["state"], second["state"]) == ("delivered", "suppressed")
    assert second["reason"]
    assert len(house.smsc_took(phone)) == 1
    # The alert and the work item are there all the same.
    assert {a["kind"] for a in house.alerts(one)} == {"arrears", "complaint_opened"}
    assert len(house.work(one)) == 2


def test_paid_before_the_dunning_leaves(house: House, month: Month) -> None:
    one = month.customer(1)
    debt = month.debt(1, 12_345, 2, days_overdue=5)
    paid = {"payment_id": f"{one}-p", "customer_id": one, "paid_at": month.at(2, "22:10"), "amount_fen": 12_345}
    house.accept(month.newcomer(), month.event("arrears.changed", debt, 2, "22:00"))
    assert [s["state"] for s in house.sms(one)] == ["held"]
    house.accept(month.event("payment.received", paid, 2, "22:11"))
    house.accept(month.newcomer(2, day=3))
    assert [s["state"] for s in house.sms(one)] == ["cancelled"]
    assert house.smsc_took(phone_of(month, 1)) == []
