"""``why``: from wherever one starts, the same story from the BOSS records to the outcome."""

from typing import Any

import pytest
from msgspec.json import encode

from analytics.chain import Link, origin, why

FILE = "file:BILL_320100_20260630_0001.dat.gz#"
CHURN = [
    f"{FILE}1", "bill1", f"{FILE}2", "bill2", "feed:boss/billing#b-3", "bill3", "feed:boss/billing#b-4", "bill4",
    "raised", "opened", "accepted", "closed", "resolved",
]  # fmt: skip
DEBT = ["file:ARR_320100_20260630_0001.dat.gz#17", "debt", "raised"]


def sms(name: str) -> list[str]:
    return [f"{name}.{step}" for step in ("planned", "intended", "submitted", "receipt")]


def ids(chain: list[Link]) -> list[str]:
    return [link.id for link in chain]


@pytest.mark.parametrize(
    "start", ["alert", "work", "raised", "resolved", "accepted", "bill1", "bill4", "b-4", f"{FILE}2"]
)
async def test_a_warning_from_anywhere(churn: Any, start: str) -> None:
    assert ids(why(await churn.read(), start)) == CHURN


@pytest.mark.parametrize("start", ["alert", "debt", "raised", DEBT[0]])
async def test_a_debt_with_all_its_sms(arrears: Any, start: str) -> None:
    assert ids(why(await arrears.read(), start)) == [*DEBT, *sms("sms1"), *sms("sms2")]


@pytest.mark.parametrize("start", ["sms1", "sms2", "sms1.planned", "sms1.receipt", "sms2.submitted"])
async def test_an_sms_without_the_others_of_its_alert(arrears: Any, start: str) -> None:
    assert ids(why(await arrears.read(), start)) == [*DEBT, *sms(start[:4])]


async def test_a_receipt_leads_back_by_the_message_id_alone(arrears: Any) -> None:
    assert DEBT[0] in ids(why(await arrears.read(), "sms2.receipt"))


@pytest.mark.parametrize("start", ["alert", "sms1", "sms1.receipt"])
async def test_an_smsc_that_gives_an_id_twice_puts_no_other_customer_into_the_story(arrears: Any, start: str) -> None:
    about: dict[str, Any] = {"sms_id": "sms9", "customer_id": "another"}
    parts = [{"number": 1, "reference": 9, "state": "sent", "message_id": "sms1-at-smsc"}]
    arrears.add("alert.raised", "raised9", cause="debt9", alert_id="alert9", customer_id="another", evidence=[])
    arrears.add("sms.submitted", "sms9.submitted", cause="raised9", alert_id="alert9", parts=parts, **about)
    arrears.add("sms.receipt.received", "sms9.receipt", cause="smsc", message_id="sms1-at-smsc", part=1, **about)
    told = ids(why(await arrears.read(), start))
    assert sms("sms1")[2:] == [id_ for id_ in told if id_ in sms("sms1")[2:]]
    assert not [id_ for id_ in told if "9" in id_]


async def test_a_record_that_caused_nothing(churn: Any) -> None:
    chain = why(await churn.read(), "cust")

    assert [link.type for link in chain] == ["boss.record", "kam.boss.customer.changed.v1"]
    assert (chain[0].detail["file"], chain[0].detail["line"]) == ("CUST_320100_20260630_0001.dat.gz", 3)


async def test_nothing_is_known(churn: Any) -> None:
    assert why(await churn.read(), "nobody") == []


async def test_links_name_service_cause_and_say_what_happened(churn: Any) -> None:
    chain = {link.id: link for link in why(await churn.read(), "alert")}

    assert (chain["bill4"].caused_by, chain["raised"].caused_by) == ("feed:boss/billing#b-4", "bill4")
    assert [chain[i].service for i in (f"{FILE}1", "raised", "opened")] == ["boss", "alerts", "manager-work"]
    assert chain["feed:boss/billing#b-4"].detail["event"] == "b-4"
    assert (chain["bill4"].summary_zh, chain["bill4"].summary_en) == (
        "2026年6月账单 ¥70.00",
        "bill of Jun 2026: ¥70.00",
    )
    assert "离网预警，账期 2026年6月" in chain["resolved"].summary_zh and "结果：已保住" in chain["resolved"].summary_zh
    assert (
        chain["closed"].summary_en.startswith("work item closed: retention")
        and "retained" in chain["closed"].summary_en
    )
    assert chain["raised"].detail["log"] == {"topic": "alert.events", "partition": 0, "offset": 0}


async def test_personal_fields_are_masked_and_texts_left_out(log: Any) -> None:
    person = {"name": "王小芳", "phone": "13901000123", "id_number": "320102198001011234", "birth_date": "1980-01-01"}
    log.add("boss.customer.changed", "cust", **person)
    log.add("boss.complaint.changed", "comp", text="王小芳 says: call 13901000123")
    log.add("sms.planned", "planned", phone="13901000123", text="尊敬的王小芳")
    change = {"field": "phone", "old": "13901000123", "new": "13901000999"}
    log.add("customer.changed", "changed", cause="cust", changes=[change])
    log.add("sms.receipt.received", "receipt", phone="13901000123")
    lineage = await log.read()

    told = b"".join(encode(lineage.node(i)) for i in ("cust", "comp", "planned", "changed", "receipt")).decode()

    assert not [secret for secret in (*person.values(), "13901000999") if secret in told]
    assert "王*" in told and "139****0123" in told


@pytest.mark.parametrize(
    ("correlation", "detail", "zh"),
    [
        ("file:A.dat.gz#17", {"file": "A.dat.gz", "line": 17}, "文件 A.dat.gz 第 17 行"),
        ("feed:/boss/x#e-1", {"source": "/boss/x", "event": "e-1"}, "来自 /boss/x 的事件 e-1"),
        ("call-1", {"record": "call-1"}, "记录 call-1"),
    ],
)
def test_where_a_record_came_from(correlation: str, detail: dict[str, object], zh: str) -> None:
    assert origin(correlation)[:2] == (detail, zh)
