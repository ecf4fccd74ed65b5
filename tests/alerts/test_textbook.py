"""What is wrong with a text or a policy is said field by field, in both languages; what is right is kept."""

from typing import Any

import msgspec
import pytest

from alerts.notifications.limits import Campaign
from alerts.notifications.policybook import POLICY
from alerts.notifications.send_policy import SendPolicy, SmsPolicy, Template, seeds
from alerts.notifications.textbook import preview, read_text, template_kind
from servicekit.documents.fault import Faulty

BASE = max(seeds("sms_policy.yaml", SmsPolicy), key=lambda p: p.version)
TEMPLATES = seeds("templates.yaml", Template)
TEMPLATE = template_kind(lambda: BASE)


def plain(document: Any) -> dict[str, Any]:
    return {name: value for name, value in msgspec.to_builtins(document).items() if name != "version"}


BY_ID = {template.id: plain(template) for template in TEMPLATES}
OTHERS, REMINDER = list(BY_ID.values()), BY_ID["arrears-reminder"]
SMS = plain(BASE)


@pytest.mark.parametrize("id", sorted(BY_ID))
def test_the_seeds_are_right(id: str) -> None:
    assert TEMPLATE.checked(BY_ID[id], OTHERS) == BY_ID[id]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"zh": REMINDER["zh"].replace("{debt}", "")}, ["zh"]),
        ({"en": REMINDER["en"].replace("{name}", "you")}, ["en"]),
        ({"zh": REMINDER["zh"] + "{plan}"}, ["zh"]),
        ({"zh": REMINDER["zh"] + "{name.x}", "en": REMINDER["en"] + "{0}"}, ["zh", "en"]),
        ({"zh": REMINDER["zh"] + "{debt!r}"}, ["zh"]),
        ({"zh": REMINDER["zh"] + "{debt:>9}"}, ["zh"]),
        ({"zh": REMINDER["zh"] + "{text}"}, ["zh"]),
        ({"zh": REMINDER["zh"] + "{"}, ["zh"]),
        ({"zh": ""}, ["zh"]),
        ({"zh": REMINDER["zh"].removeprefix("【大客户中心】")}, ["zh"]),
        ({"zh": REMINDER["zh"].replace("【大客户中心】", "【】")}, ["zh"]),
        ({"zh": REMINDER["zh"].replace("【大客户中心】", "【 】")}, ["zh"]),
        ({"zh": "【{name}】" + REMINDER["zh"]}, ["zh"]),
        ({"priority": 10**400}, ["priority"]),
        ({"priority": True}, ["priority"]),
        ({"zh": REMINDER["zh"] + "{debt:{name}}"}, ["zh"]),
        ({"zh": REMINDER["zh"] + "{}"}, ["zh"]),
        ({"zh": REMINDER["zh"] + "长" * 230}, ["zh"]),
        ({"en": REMINDER["en"] + "x" * 500}, ["en"]),
        ({"en": REMINDER["en"] + "你"}, ["en"]),
        ({"en": REMINDER["en"] + "\n"}, ["en"]),
        ({"en": REMINDER["en"] + "`"}, ["en"]),
        ({"step": "someday"}, ["step"]),
        ({"step": "final_notice"}, ["step"]),
        ({"step": ""}, ["step"]),
        ({"kind": " "}, ["kind"]),
        ({"priority": 101}, ["priority"]),
        ({"priority": "high"}, ["priority"]),
        ({"zh": REMINDER["zh"] + "长" * 20_000}, ["zh"]),
        ({"en": REMINDER["en"] + "x" * 60_000}, ["en"]),
        ({"kind": "arears"}, ["kind"]),
        ({"kind": "attention", "step": "opened"}, ["kind"]),
        ({"kind": "complaint_opened", "step": "openned"}, ["step"]),
        ({"kind": "complaint_opened", "step": "reopened"}, ["step"]),
        ({"kind": "complaint_opened", "step": "retained"}, ["kind"]),
        ({"step": "opened"}, ["step"]),
        ({"zh": 7}, ["zh"]),
        ({"extra": 1}, ["extra"]),
        ({"provider_ids": {"smpp": "SMS_1"}}, ["provider_ids.smpp"]),
        ({"provider_ids": {"fax": {"zh": "SMS_1"}}}, ["provider_ids.fax"]),
        ({"provider_ids": {"http": ""}}, ["provider_ids.http"]),
        ({"provider_ids": {"http": "短信1"}}, ["provider_ids.http"]),
        ({"provider_ids": {"http": {}}}, ["provider_ids.http"]),
        ({"provider_ids": {"http": {"zh": "SMS 1"}}}, ["provider_ids.http.zh"]),
        ({"provider_ids": {"http": 7}}, ["provider_ids"]),
        ({"provider_ids": {"http": {"fr": "SMS_1"}}}, ["provider_ids.http.fr"]),
        ({"campaign": "nobody"}, ["campaign"]),
        ({"campaign": 7}, ["campaign"]),
    ],
)
def test_bad_texts(changes: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(Faulty) as refused:
        TEMPLATE.checked({**REMINDER, **changes}, OTHERS)
    faults = refused.value.faults
    assert [fault.field for fault in faults] == fields
    assert all(fault.zh and fault.en for fault in faults)


def test_a_text_without_all_of_its_fields() -> None:
    with pytest.raises(Faulty) as refused:
        TEMPLATE.checked({"id": "x", "kind": "arrears"}, OTHERS)
    assert refused.value.faults[0].field == "step"


def test_the_frame_of_what_people_write_needs_the_text() -> None:
    assert TEMPLATE.checked({**BY_ID["manual"], "zh": "【客服】{text}谢谢"}, OTHERS)
    for changes, field in (
        ({"zh": "【客服】"}, "zh"),
        ({"en": "Care: {name}"}, "en"),
        ({"step": "opened"}, "step"),
        ({"provider_ids": {"http": "SMS_1"}}, "provider_ids"),
    ):
        with pytest.raises(Faulty) as refused:
            TEMPLATE.checked({**BY_ID["manual"], **changes}, OTHERS)
        assert refused.value.faults[0].field == field


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": "another"}, "id"),
        ({"quiet": {"start": "21:00:00", "end": "21:00:00"}}, "quiet"),
        ({"quiet": {"start": "25:00:00", "end": "21:00:00"}}, "quiet.start"),
        ({"quiet": {"start": "21:00:00+08:00", "end": "08:00:00"}}, "quiet.start"),
        ({"quiet": {"start": "21:00:00", "end": "08:00:00Z"}}, "quiet.end"),
        ({"quiet": {"start": "21:00", "end": "08:00:00"}}, "quiet.start"),
        ({"daily_cap": 101}, "daily_cap"),
        ({"daily_cap": 0}, "daily_cap"),
        ({"rate_per_second": 5001}, "rate_per_second"),
        ({"retry": {**SMS["retry"], "max_seconds": 0.5}}, "retry.max_seconds"),
        ({"retry": {**SMS["retry"], "temporary_statuses": [2**64 - 1]}}, "retry.temporary_statuses[0]"),
        ({"retry": {**SMS["retry"], "temporary_statuses": list(range(1, 60))}}, "retry.temporary_statuses"),
        ({"retry": {**SMS["retry"], "factor": float("inf")}}, "retry.factor"),
        ({"retry": {**SMS["retry"], "first_seconds": float("nan")}}, "retry.first_seconds"),
        ({"country_code": "+86"}, "country_code"),
        ({"opt_out": []}, "opt_out"),
        ({"opt_out": ["td"]}, "opt_out[0]"),
        ({"opt_out": ["TD", "TD"]}, "opt_out[1]"),
        ({"opt_out": ["ＴＤ"]}, "opt_out[0]"),
        ({"opt_out": ["T" * 21]}, "opt_out[0]"),
        ({"opt_in": ["DY", "TD"]}, "opt_in[1]"),
        ({"ladders": {"arrears": SMS["ladders"]["arrears"]}}, "ladders.contract_expiring"),
        ({"ladders": {**SMS["ladders"], "$where": ["1"]}}, "ladders.$where"),
        ({"unnamed": {**SMS["unnamed"], "zh": {**SMS["unnamed"]["zh"], "$x": "y"}}}, "unnamed.zh.$x"),
        ({"ladders": {**SMS["ladders"], "arrears": []}}, "ladders.arrears"),
        ({"ladders": {**SMS["ladders"], "arrears": SMS["ladders"]["arrears"][:-1]}}, "ladders.arrears"),
        ({"unnamed": {**SMS["unnamed"], "zh": {"name": "客" * 21, "product": "套餐"}}}, "unnamed.zh.name"),
        ({"unnamed": {"zh": SMS["unnamed"]["zh"]}}, "unnamed.en.name"),
        ({"unnamed": {**SMS["unnamed"], "en": {"name": "客户", "product": "plan"}}}, "unnamed.en.name"),
        ({"fen_per_part": -1}, "fen_per_part"),
        ({"channels": {"arrears": []}}, "channels.arrears"),
        ({"channels": {"arears": ["smpp"]}}, "channels.arears"),
        ({"channels": {"any": ["smpp", "smpp"]}}, "channels.any[1]"),
        ({"channels": {"any": ["smpp", "pigeon"]}}, "channels.any[1]"),
        ({"failover_seconds": 100_000}, "failover_seconds"),
        ({"fen_per_part": "cheap"}, "fen_per_part"),
        ({"fen_per_part": 4.5}, "fen_per_part"),
        ({"priorities": ["arrears", "complaint_opened", "arrears"]}, "priorities[2]"),
        ({"priorities": "arrears"}, "priorities"),
        ({"priorities": ["arrears", "weather"]}, "priorities[1]"),
        ({"campaigns": {"a": {"kinds": ["weather"]}}}, "campaigns.a.kinds[0]"),
        ({"oldest_every": 1}, "oldest_every"),
        ({"oldest_every": 0}, "oldest_every"),
        ({"budget": {"parts": -1}}, "budget.parts"),
        ({"budget": {"fen": -1}}, "budget.fen"),
        ({"budget": {"fen": "100 yuan"}}, "budget.fen"),
        ({"budget": {"yuan": 100}}, "budget.yuan"),
        ({"budget_warn_percent": 101}, "budget_warn_percent"),
        ({"campaigns": {"care": {"parts": -5}}}, "campaigns.care.parts"),
        ({"campaigns": {"all": {}}}, "campaigns.all"),
        ({"campaigns": {"关怀": {}}}, "campaigns.关怀"),
        ({"campaigns": {"a": {"kinds": ["arrears"]}, "b": {"kinds": ["arrears"]}}}, "campaigns.b.kinds[0]"),
        ({"campaigns": {"a": {"kinds": ["arrears", "arrears"]}}}, "campaigns.a.kinds[1]"),
        ({"campaigns": {f"c{n}": {} for n in range(101)}}, "campaigns"),
        ({"quiet": {"start": "08:30:00", "end": "08:00:00"}}, "quiet"),
        ({"quiet": {"start": "00:00:00", "end": "23:59:59"}}, "quiet"),
        ({"quiet": {"start": "00:00:00", "end": "24:00:00"}}, "quiet.end"),
        ({"quiet": {"start": 75600, "end": "08:00:00"}}, "quiet.start"),
        ({"quiet": None}, "quiet"),
        ({"retry": {**SMS["retry"], "first_seconds": 1e-9}}, "retry.first_seconds"),
        ({"retry": {**SMS["retry"], "first_seconds": 10**400}}, "retry.first_seconds"),
        ({"retry": {**SMS["retry"], "give_up_hours": 1e-9}}, "retry.give_up_hours"),
        ({"retry": {**SMS["retry"], "give_up_hours": 10_000}}, "retry.give_up_hours"),
        ({"retry": {**SMS["retry"], "attempts": 2**63}}, "retry.attempts"),
        ({"retry": {**SMS["retry"], "temporary_statuses": [True]}}, "retry.temporary_statuses[0]"),
        ({"daily_cap": True}, "daily_cap"),
        ({"daily_cap": 10**400}, "daily_cap"),
        ({"daily_cap": -(10**400)}, "daily_cap"),
        ({"daily_cap": 3.0}, "daily_cap"),
        ({"rate_per_second": "400"}, "rate_per_second"),
        ({"mobile_digits": 10**30}, "mobile_digits"),
        ({"fen_per_part": 10**400}, "fen_per_part"),
        ({"fen_per_part": 0, "budget": {"fen": 100}}, "fen_per_part"),
        ({"fen_per_part": 0, "campaigns": {"care": {"fen": 100}}}, "fen_per_part"),
        ({"budget": {"parts": 10**400}}, "budget.parts"),
        ({"budget": []}, "budget"),
        ({"campaigns": {"": {}}}, "campaigns."),
        ({"campaigns": {"a\u0000b": {}}}, "campaigns.a?b"),
        ({"country_code": "８６"}, "country_code"),
        ({"country_code": ""}, "country_code"),
        ({"country_code": 86}, "country_code"),
        ({"opt_in": ["TD "]}, "opt_in[0]"),
        ({"opt_out": ["TD", "\u202eDT"]}, "opt_out[1]"),
        ({"unnamed": {**SMS["unnamed"], "fr": {}}}, "unnamed"),
        ({"unnamed": {**SMS["unnamed"], "zh": {"name": "𠮷" * 11, "product": "套餐"}}}, "unnamed.zh.name"),
        ({"unnamed": {**SMS["unnamed"], "en": {"name": "[" * 11, "product": "plan"}}}, "unnamed.en.name"),
        ({"allowed": ["025-84000000"]}, "allowed[0]"),
        ({"allowed": ["13900000001", "13900000001"]}, "allowed[1]"),
        ({"allowed": [f"139{n:08d}" for n in range(1001)]}, "allowed"),
    ],
)
def test_bad_policies(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Faulty) as refused:
        POLICY.checked({**SMS, **changes}, [SMS])
    assert refused.value.faults[0].field == field and refused.value.faults[0].zh and refused.value.faults[0].en


@pytest.mark.parametrize("depth", [100, 900, 5_000, 100_000])
def test_a_document_of_documents_is_refused(depth: int) -> None:
    nested: Any = 1
    for _ in range(depth):
        nested = {"a": nested}
    with pytest.raises(Faulty):
        POLICY.checked({**SMS, "budget": nested}, [SMS])


def test_a_policy_is_kept_as_it_is() -> None:
    assert POLICY.checked(SMS, [SMS]) == SMS
    assert msgspec.convert({**SMS, "version": 2}, SmsPolicy) == BASE


def test_a_preview_counts_parts_and_cost() -> None:
    shown = preview(BASE, read_text(REMINDER), {"name": "张三", "debt": "7.00"})
    assert "张三" in shown["zh"]["text"] and "7.00" in shown["en"]["text"]
    assert (shown["zh"]["encoding"], shown["zh"]["segments"], shown["zh"]["cost_fen"]) == ("ucs2", 1, 4)
    assert (shown["en"]["encoding"], shown["en"]["segments"]) == ("gsm7", 1)
    assert "Dear customer" in shown["en"]["text"], "as it would leave: English holds no Chinese"
    long = preview(BASE, read_text({**REMINDER, "zh": REMINDER["zh"] + "长" * 60}), {})["zh"]
    assert (long["segments"], long["cost_fen"]) == (2, 8)


def test_a_preview_of_more_than_any_sms_holds_is_refused() -> None:
    document = {**REMINDER, "zh": "【】{name}" + "{debt}" * 100, "en": "{name}" + "{debt}" * 100}
    with pytest.raises(Faulty) as refused:
        preview(BASE, read_text(document), {"debt": "9" * 400})
    assert refused.value.faults[0].field == "values"


@pytest.mark.parametrize(
    ("ids", "zh", "en"),
    [
        ({}, (True, False), (True, False)),
        ({"http": "SMS_1"}, (True, True), (True, True)),
        ({"http": {"zh": "SMS_1"}}, (True, True), (True, False)),
    ],
)
def test_a_preview_says_which_channels_take_it(ids: Any, zh: tuple[bool, bool], en: tuple[bool, bool]) -> None:
    document = TEMPLATE.checked({**REMINDER, "provider_ids": ids}, OTHERS)
    shown = preview(BASE, read_text(document), {})
    for language, takes in (("zh", zh), ("en", en)):
        told = shown[language]["channels"]
        assert [each["channel"] for each in told] == ["smpp", "http"]
        assert tuple(each["takes"] for each in told) == takes
        assert all(bool(each["zh"] and each["en"]) is not each["takes"] for each in told)


def test_channels_of_a_kind_and_of_all_others() -> None:
    kept = POLICY.checked({**SMS, "channels": {"arrears": ["http", "smpp"], "any": ["smpp"]}}, [SMS])
    policy = msgspec.convert({**kept, "version": 3}, SmsPolicy)
    assert (policy.order("arrears"), policy.order("complaint_opened")) == (("http", "smpp"), ("smpp",))


def test_a_text_takes_from_a_campaign_of_the_policy() -> None:
    kind = template_kind(lambda: msgspec.structs.replace(BASE, campaigns={"care": Campaign(parts=10)}))
    assert kind.checked({**REMINDER, "campaign": "care"}, OTHERS)["campaign"] == "care"


def test_the_campaign_of_a_message_is_its_template_s_or_that_of_its_kind() -> None:
    policy = msgspec.structs.replace(BASE, campaigns={"care": Campaign(), "dunning": Campaign(kinds=("arrears",))})
    assert [policy.campaign_of(*of) for of in (("arrears", ""), ("arrears", "care"), ("manual", ""))] == [
        "dunning",
        "care",
        "",
    ]
    assert BASE.campaign_of("arrears", "care") == "", "it is no campaign any more"


def test_a_preview_says_which_channels_there_are() -> None:
    document = read_text({**REMINDER, "provider_ids": {"http": "SMS_1"}})
    told = preview(BASE, document, {}, ("smpp",))["zh"]["channels"]
    assert [(each["channel"], each["takes"]) for each in told] == [("smpp", True), ("http", False)]
    assert "没有配置通道 http" in told[1]["zh"] and "there is no channel http" in told[1]["en"]
    alone = msgspec.structs.replace(BASE, channels={"arrears": ("http",)})
    told = preview(alone, document, {}, ("smpp",))["en"]["channels"]
    assert [(each["channel"], each["takes"]) for each in told] == [("http", False), ("smpp", True)], "it leaves anyway"


@pytest.mark.parametrize(
    ("language", "name", "stands"),
    [
        ("zh", "客" * 20, True),
        ("zh", "𠮷" * 10, True),
        ("zh", "𠮷" * 11, False),
        ("zh", "\ud800", False),
        ("en", "x" * 20, True),
        ("en", "[" * 10, True),
        ("en", "[" * 11, False),
    ],
)
def test_a_name_is_as_long_as_an_sms_counts_it(language: Any, name: str, stands: bool) -> None:
    """Rare characters count for two: four parts were five."""
    policy = SendPolicy(BASE, TEMPLATES)
    assert (policy.variables(language, name, 0, {})["name"] == name) is stands
