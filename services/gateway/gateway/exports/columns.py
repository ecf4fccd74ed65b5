"""What stands in an exported list: its columns in their order, and a row of the list as their values. Pure.

Values are text, numbers, amounts of yuan and moments; how a file shows each is the file's to say (``files``).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from gateway.exports import words
from gateway.exports.words import Language, Words, word
from gateway.projection.visible import List
from servicekit.clock import in_range
from servicekit.words import stage_said

_ZONE = ZoneInfo("Asia/Shanghai")
Cell = str | int | Decimal | datetime | None


class Column(NamedTuple):
    """A column: the field of a row, its heading in Chinese and English, and what it holds."""

    field: str
    zh: str
    en: str
    holds: Literal["text", "money", "time", "flag", "stage"] | Words = "text"


_CUSTOMER = (
    Column("customer_id", "客户编号", "Customer"),
    Column("customer_name", "客户", "Name"),
    Column("customer_kind", "客户类型", "Customer kind", words.CUSTOMER_KIND),
)
_PLACE = (
    Column("city", "地市", "City"),
    Column("unit_id", "单位", "Unit"),
    Column("manager_id", "经理编号", "Manager"),
    Column("manager_name", "经理", "Manager name"),
    Column("do_not_disturb", "免打扰", "Do not disturb", "flag"),
)
COLUMNS: Mapping[List, Sequence[Column]] = {
    "alerts": (
        Column("alert_id", "预警编号", "Alert"),
        Column("severity", "紧急度", "Severity", words.WORDS),
        Column("kind", "类别", "Kind", words.WORDS),
        Column("stage", "阶段", "Stage", "stage"),
        Column("state", "状态", "State", words.WORDS),
        Column("outcome", "结果", "Outcome", words.OUTCOME),
        *_CUSTOMER,
        Column("amount_fen", "金额（元）", "Amount (CNY)", "money"),
        Column("period", "账期", "Period"),
        Column("raised_at", "预警时间", "Raised", "time"),
        Column("due_at", "时限", "Due", "time"),
        Column("escalated", "已上报", "Escalated", "flag"),
        Column("rule.id", "规则", "Rule"),
        Column("rule.version", "规则版本", "Rule version"),
        Column("work_state", "工单状态", "Work item", words.WORK_STATE),
        Column("holder_id", "处理人", "In hand of"),
        Column("sms_state", "短信", "SMS", words.WORDS),
        *_PLACE,
    ),
    "work": (
        Column("work_id", "工单编号", "Work item"),
        Column("kind", "类型", "Type", words.WORDS),
        Column("state", "状态", "State", words.WORK_STATE),
        Column("outcome", "结果", "Outcome", words.OUTCOME),
        *_CUSTOMER,
        Column("amount_fen", "金额（元）", "Amount (CNY)", "money"),
        Column("opened_at", "开单时间", "Opened", "time"),
        Column("due_at", "时限", "Due", "time"),
        Column("holder_id", "处理人", "In hand of"),
        Column("queue", "队列", "Queue"),
        Column("alert_id", "预警编号", "Alert"),
        Column("alert_kind", "预警类别", "Kind of alert", words.WORDS),
        Column("alert_state", "预警状态", "State of alert", words.WORDS),
        Column("severity", "紧急度", "Severity", words.WORDS),
        *_PLACE,
    ),
    "sms": (
        Column("sms_id", "短信编号", "SMS"),
        Column("state", "状态", "State", words.WORDS),
        Column("reason", "原因", "Reason", words.SMS_REASON),
        *_CUSTOMER,
        Column("phone", "电话", "Phone"),
        Column("template", "模板", "Template"),
        Column("language", "语言", "Language"),
        Column("segments", "条数", "Segments"),
        Column("planned_at", "计划时间", "Planned", "time"),
        Column("at", "最近变化", "Last change", "time"),
        Column("alert_id", "预警编号", "Alert"),
        Column("alert_kind", "预警类别", "Kind of alert", words.WORDS),
        *_PLACE,
    ),
    "customers": (
        *_CUSTOMER,
        Column("phone", "电话", "Phone"),
        Column("status", "状态", "Status", words.CUSTOMER_STATUS),
        Column("brand", "品牌", "Brand"),
        Column("plan_code", "套餐", "Plan"),
        Column("monthly_fee_fen", "月费（元）", "Monthly fee (CNY)", "money"),
        Column("opened_on", "入网日期", "Opened on"),
        Column("credit_class", "信用等级", "Credit class"),
        Column("corporate_id", "集团编号", "Corporate"),
        Column("role", "角色", "Role"),
        Column("open_alerts", "未结预警", "Open alerts"),
        Column("open_work", "未结工单", "Open work items"),
        Column("district", "区县", "District"),
        *_PLACE,
    ),
}
#: in which order rows are written: by what does not change while they are, so that none is missed or comes twice
ORDERS: Mapping[List, str] = {"alerts": "-raised", "work": "-opened", "sms": "-planned", "customers": "id"}


def headings(list_: List, language: Language) -> list[str]:
    """The first line of the file."""
    return [column.en if language == "en" else column.zh for column in COLUMNS[list_]]


def cells(list_: List, row: Mapping[str, Any], language: Language) -> list[Cell]:
    """A row of the list, as its API gives it, as the values of a line."""
    return [_cell(column, row, language) for column in COLUMNS[list_]]


def _of(row: Mapping[str, Any], field: str) -> Any:
    name, _, part = field.partition(".")
    return row[name][part] if part else row[name]


def _cell(column: Column, row: Mapping[str, Any], language: Language) -> Cell:
    value = _of(row, column.field)
    if value is None or value == "":
        return None
    match column.holds:
        case "text":
            return value if type(value) is int else str(value)
        case "money":
            return Decimal(value) / 100
        case "time":
            # BOSS may name a day at the very end of time; one such row must not keep everybody from a file.
            return in_range(datetime.fromisoformat(value)).astimezone(_ZONE).replace(tzinfo=None, microsecond=0)
        case "flag":
            return word(words.FLAG, bool(value), language)
        case "stage":
            return stage_said(row["kind"], value)[language == "en"]
        case known:
            return word(known, value, language)
