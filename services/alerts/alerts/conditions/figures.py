"""The figures that conditions may ask for: one table, of which checks, compilation, words and docs/figures.md come.

Names and meanings are those of interfaces.md, "Rules at run time".
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Literal

from msgspec import Struct

from servicekit.words import said

Text = tuple[str, str]  # Chinese and English
Value = int | str | bool | None
Family = Literal["bill", "usage", "balance", "arrears", "contract", "complaints", "requests", "clock", "customer"]
Unit = Literal["fen", "minutes", "calls", "messages", "megabytes", "days", "months", "times", "none"]
Type = Literal["int", "str", "bool"]

#: a unit as it stands behind a number; fen are shown as yuan
UNITS: Mapping[Unit, Text] = {
    "fen": ("元", "yuan"),
    "minutes": ("分钟", "minutes"),
    "calls": ("次", "calls"),
    "messages": ("条", "messages"),
    "megabytes": ("MB", "MB"),
    "days": ("天", "days"),
    "months": ("个月", "months"),
    "times": ("次", "times"),
    "none": ("", ""),
}
#: the kind of record that brings the figures of a family; the clock's come by themselves
RECORDS: Mapping[Family, str | None] = {
    "bill": "BILL",
    "usage": "USAGE",
    "balance": "BAL",
    "arrears": "ARR",
    "contract": "CONT",
    "complaints": "COMP",
    "requests": "SERV",
    "clock": None,
    "customer": "CUST",
}
#: of a record of a month the figure that is at hand for every month; the others are kept packed
CARRIED: Mapping[str, str] = {"BILL": "amount_fen", "USAGE": "voice_minutes"}
#: the bound of numbers in BOSS's records
MOST = 2**53


class Figure(Struct, frozen=True, kw_only=True):
    """A figure. ``zh``, ``en``: what it is called within a sentence. ``meaning``: what it says, and when it is unknown.

    ``monthly``: it is of a calendar month, so months before can be asked for. ``values``: the codes of a closed set,
    each in words. ``least``, ``most``: the numbers it can have.
    """

    name: str
    family: Family
    type: Type = "int"
    unit: Unit = "none"
    zh: str
    en: str
    meaning: Text
    least: int = -MOST
    most: int = MOST
    values: Mapping[str, Text] | None = None

    @property
    def monthly(self) -> bool:
        return self.family in ("bill", "usage")


def _bill(name: str, zh: str, en: str, meaning: Text) -> Figure:
    return Figure(name=f"bill.{name}", family="bill", unit="fen", zh=zh, en=en, meaning=meaning)


def _usage(name: str, unit: Unit, zh: str, en: str, meaning: Text, most: int = MOST) -> Figure:
    return Figure(name=f"usage.{name}", family="usage", unit=unit, zh=zh, en=en, meaning=meaning, least=0, most=most)


def _customer(name: str, zh: str, en: str, meaning: Text, values: Mapping[str, Text] | None = None) -> Figure:
    return Figure(name=f"customer.{name}", family="customer", type="str", zh=zh, en=en, meaning=meaning, values=values)


FIGURES: Mapping[str, Figure] = {
    figure.name: figure
    for figure in (
        _bill("amount_fen", "账单金额", "bill", ("当月账单总额，可为负", "total of the month's bill, may be negative")),
        _bill("voice_fen", "语音费", "voice charges", ("当月账单中的语音费", "of the month's bill, for voice")),
        _bill("data_fen", "流量费", "data charges", ("当月账单中的流量费", "of the month's bill, for data")),
        _bill("sms_fen", "短信费", "SMS charges", ("当月账单中的短信费", "of the month's bill, for SMS")),
        _bill(
            "other_fen", "其它费用", "other charges", ("当月账单中的其它费用", "of the month's bill, for anything else")
        ),
        _usage(
            "voice_minutes", "minutes", "通话分钟", "voice minutes", ("当月通话分钟数", "minutes of voice in the month")
        ),
        _usage(
            "out_calls", "calls", "主叫次数", "outgoing calls", ("当月主叫次数", "calls the customer made in the month")
        ),
        _usage(
            "sms_count",
            "messages",
            "短信条数",
            "SMS sent",
            ("当月发出的短信条数", "SMS the customer sent in the month"),
        ),
        _usage("data_mb", "megabytes", "流量", "data", ("当月流量", "data used in the month")),
        _usage(
            "active_days",
            "days",
            "活跃天数",
            "active days",
            ("当月有使用的天数", "days of the month on which there was any use"),
            most=31,
        ),
        _usage(
            "competitor_calls",
            "calls",
            "拨打竞争对手客服次数",
            "calls to competitors",
            ("当月拨打其他运营商客服的次数", "calls to the hotlines of other operators in the month"),
        ),
        _usage(
            "care_calls",
            "calls",
            "拨打客服次数",
            "calls to customer care",
            ("当月拨打本公司客服的次数", "calls to our own customer care in the month"),
        ),
        Figure(
            name="balance.balance_fen",
            family="balance",
            unit="fen",
            zh="账户余额",
            en="balance",
            meaning=("最近一次余额，可为负", "the account's balance as last told, may be negative"),
        ),
        Figure(
            name="arrears.amount_fen",
            family="arrears",
            unit="fen",
            zh="欠费金额",
            en="debt",
            meaning=("最近一次欠费；已结清为 0", "what the customer owes as last told; 0 when cleared"),
            least=0,
        ),
        Figure(
            name="arrears.days_overdue",
            family="arrears",
            unit="days",
            zh="欠费逾期天数",
            en="days overdue",
            meaning=(
                "自最早到期日起的天数；未到期或无欠费为 0；有欠费而到期日未知则未知",
                "days since the oldest due date; 0 before it and without a debt; unknown for a debt without a due date",
            ),
            least=0,
        ),
        Figure(
            name="arrears.suspended",
            family="arrears",
            type="bool",
            zh="因欠费停机",
            en="suspended for debt",
            meaning=(
                "最近一次欠费记录是否标明停机；无欠费为否",
                "whether BOSS has suspended for the debt; no without a debt",
            ),
        ),
        Figure(
            name="contract.days_left",
            family="contract",
            unit="days",
            zh="合约剩余天数",
            en="days left of the contract",
            meaning=(
                "最近将到期且未到期合约的剩余天数；当天到期为 0；没有会到期的合约则未知",
                "days to the soonest end that has not passed, 0 on the day; unknown without a contract that ends",
            ),
            least=0,
        ),
        Figure(
            name="complaints.count_90_days",
            family="complaints",
            unit="times",
            zh="90 天内投诉次数",
            en="complaints within 90 days",
            meaning=("90 天内登记的投诉数；没有为 0", "complaints opened within the last 90 days; 0 without any"),
            least=0,
        ),
        Figure(
            name="requests.count_90_days",
            family="requests",
            unit="times",
            zh="90 天内业务申请次数",
            en="service requests within 90 days",
            meaning=(
                "90 天内各类业务申请数；没有为 0",
                "service requests of any kind within the last 90 days; 0 without any",
            ),
            least=0,
        ),
        Figure(
            name="clock.days_to_month_end",
            family="clock",
            unit="days",
            zh="距月末天数",
            en="days to the month's end",
            meaning=("业务时钟距当月最后一天的天数；最后一天为 0", "of the business clock; 0 on the month's last day"),
            least=0,
            most=30,
        ),
        _customer(
            "kind",
            "客户类型",
            "kind of customer",
            ("个人或集团", "a person or a corporate customer"),
            {"person": ("个人", "person"), "corporate": ("集团", "corporate")},
        ),
        _customer(
            "status",
            "客户状态",
            "status",
            ("BOSS 中的状态；已离网的客户不预警", "in BOSS; customers who left are never warned of"),
            {code: said(code, "customer") for code in ("active", "suspended", "left")},
        ),
        _customer("city", "地市", "city", ("六位行政区划代码，用引号写", "six-digit division code, in quotes")),
        _customer("district", "区县", "district", ("BOSS 所写的区县", "as BOSS writes it")),
        _customer(
            "area",
            "城乡",
            "area",
            ("城区或农村", "urban or rural"),
            {"urban": ("城区", "urban"), "rural": ("农村", "rural")},
        ),
        _customer("brand", "品牌", "brand", ("BOSS 所写的品牌", "as BOSS writes it")),
        _customer("plan_code", "套餐", "plan", ("套餐代码", "code of the plan")),
        Figure(
            name="customer.monthly_fee_fen",
            family="customer",
            unit="fen",
            zh="月费",
            en="monthly fee",
            meaning=("套餐月费", "of the plan"),
        ),
        _customer("credit_class", "信用等级", "credit class", ("BOSS 所写的等级", "as BOSS writes it")),
        _customer(
            "role",
            "集团中的角色",
            "role",
            ("在所属集团中的角色", "within the corporate customer"),
            {"member": ("成员", "member"), "key_contact": ("关键人", "key contact")},
        ),
        Figure(
            name="customer.tenure_months",
            family="customer",
            unit="months",
            zh="在网月数",
            en="months in network",
            meaning=("自入网日起满几个月", "whole months since opened_on"),
            least=0,
        ),
    )
}


def meant(name: str, names: Iterable[str] = FIGURES) -> list[str]:
    """Up to three names that somebody who wrote this one may have meant."""
    return get_close_matches(name[:100], list(names), 3, 0.6)
