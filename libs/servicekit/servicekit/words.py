"""What people read, once for all rooms: codes in Chinese and English, amounts.

Standard library only, so that the command line stays quick. Codes on the wire never change; words may.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

#: Chinese and English
Text = tuple[str, str]

#: code -> what people call it; the page says the same (tests/gateway/test_page_words.py)
WORDS: Mapping[str, Text] = {
    # alerts and the work that comes of them
    "churn_warning": ("离网预警", "churn warning"),
    "arrears": ("欠费", "arrears"),
    "complaint_opened": ("投诉", "complaint"),
    "contract_expiring": ("合约到期", "contract expiring"),
    "attention": ("关注", "attention"),
    "retention": ("挽留", "retention"),
    "dunning": ("催缴", "dunning"),
    "complaint_follow_up": ("投诉跟进", "complaint follow-up"),
    "renewal": ("续约", "renewal"),
    "follow_up": ("跟进", "follow-up"),
    # roles of people and machines
    "integrator": ("接入方", "integrator"),
    "manager": ("客户经理", "account manager"),
    "head": ("单位负责人", "unit head"),
    "city_head": ("市级负责人", "city head"),
    "analyst": ("分析员", "analyst"),
    "operations": ("运维", "operations"),
    "administrator": ("管理员", "administrator"),
    # states
    "new": ("待接单", "to accept"),
    "raised": ("新预警", "new"),
    "accepted": ("已接受", "accepted"),
    "acknowledged": ("已知悉", "acknowledged"),
    "acted": ("处理中", "in progress"),
    "escalated": ("已上报", "escalated"),
    "resolved": ("已解除", "resolved"),
    "expired": ("已失效", "expired"),
    "critical": ("紧急", "urgent"),
    "major": ("重要", "important"),
    "minor": ("一般", "normal"),
    # stages
    "opened": ("已登记", "opened"),
    "reminder": ("首次提醒", "first reminder"),
    "second_reminder": ("二次提醒", "second reminder"),
    "final_notice": ("最后通知", "final notice"),
    "suspension_proposed": ("建议停机", "suspension proposed"),
    "suspended": ("已停机", "suspended"),
    "due_soon": ("即将超时", "due soon"),
    "overdue": ("已超时", "overdue"),
    "reopened": ("重新打开", "reopened"),
    "in_progress": ("处理中", "in progress"),
    # outcomes
    "withdrawn": ("已撤回", "withdrawn"),
    "recovered": ("已回升", "recovered"),
    "superseded": ("已被取代", "superseded"),
    "cleared": ("已结清", "cleared"),
    "closed": ("已办结", "closed"),
    "renewed": ("已续约", "renewed"),
    "left": ("已离网", "left"),
    "retained": ("已保住", "retained"),
    "lost": ("未保住", "lost"),
    "paid": ("已缴清", "paid"),
    "promised": ("承诺缴费", "promised to pay"),
    "false_alarm": ("误报", "false alarm"),
    "other": ("其它", "other"),
    # SMS
    "queued": ("待发", "queued"),
    "held": ("静默中", "held"),
    "sending": ("发送中", "sending"),
    "sent": ("已提交", "submitted"),
    "delivered": ("已送达", "delivered"),
    "failed": ("失败", "failed"),
    "cancelled": ("已取消", "cancelled"),
    "suppressed": ("未发", "not sent"),
    "unknown": ("未知", "unknown"),
    # events of the feed
    "duplicate": ("重复", "duplicate"),
    "rejected": ("拒收", "rejected"),
    # what a complaint is about (COMP)
    "network": ("网络质量", "network quality"),
    "billing": ("费用", "billing"),
    "service": ("服务", "service"),
    "sales": ("销售", "sales"),
    # service requests
    "stop": ("拆机", "line closure"),
    "port_query": ("携号转网查询", "porting query"),
    "suspend": ("停机", "suspend"),
    "resume": ("复机", "resume"),
    "change": ("变更", "change"),
}


#: where → the codes that mean something of their own there
SENSES: Mapping[str, Mapping[str, Text]] = {
    "alert": {"suppressed": ("维护中", "maintenance")},
    "outcome": {"expired": ("已到期", "ended")},
    "work": {"accepted": ("已接单", "accepted")},
    # stages of arrears begin with the debt, those of a complaint with its record
    "arrears": {"opened": ("新欠", "new debt")},
    "customer": {"active": ("正常", "active")},
    # of the nightly feed
    "file": {
        "accepted": ("已装载", "loaded"),
        "duplicate": ("重复，未再装载", "duplicate, not loaded again"),
        "partial": ("部分装载", "partly loaded"),
        "missing": ("未到", "missing"),
        "loading": ("装载中", "loading"),
        "queued": ("排队", "queued"),
        "waiting": ("等 .chk", "waits for its .chk"),
        "stuck": ("移不走", "can't be moved"),
        "held": ("等候放行", "waits for release"),
        "received": ("已收到", "received"),
        "none": ("不在应到之列", "not expected"),
    },
    # what the brake holds
    "release": {
        "waiting": ("等候放行", "waits for release"),
        "released": ("已放行", "released"),
        "rejected": ("已拒绝", "rejected"),
        "superseded": ("已被替代", "superseded"),
    },
    "act": {
        "call": ("打电话", "call"),
        "sms": ("发短信", "SMS"),
        "visit": ("上门", "visit"),
        "offer": ("给优惠", "offer"),
    },
    # to whom an alert goes up, and why
    "level": {
        "head": ("单位负责人", "the unit's head"),
        "city_head": ("地市负责人", "the city's head"),
        "province": ("省公司", "the province"),
    },
    "cause": {
        "not_acknowledged": ("未知悉", "not acknowledged"),
        "not_begun": ("知悉后未处理", "acknowledged and not acted on"),
    },
    "sms_reason": {
        "do_not_disturb": ("免打扰", "do-not-disturb"),
        "opted_out": ("已退订", "opted out"),
        "no_phone": ("没有号码", "no number"),
        "quiet_hours": ("静默时段", "quiet hours"),
        "daily_cap": ("今日已满", "daily limit"),
        "stopped": ("已停发", "stopped by staff"),
        "budget": ("今日预算已用完", "the day's budget is used up"),
        "not_allowed": ("不在允许名单", "not on the allow-list"),
        "baseline": ("首次装载", "first load"),
        "paid": ("已缴", "paid"),
        "left": ("已离网", "left the network"),
        "resolved": ("预警已解除", "alert resolved"),
        "superseded": ("已有更高一级", "a later stage came"),
        "no_answer": ("没有回应", "no answer"),
        "attempts": ("多次没发出", "tried too often"),
        "deadline": ("过了时限", "past its time"),
        "refused": ("短信中心拒收", "refused by the SMSC"),
        "no_channel": ("所走通道已撤除", "its channel is gone"),
    },
}


@cache
def words_of(place: str | None = None) -> Mapping[str, Text]:
    """The catalogue as it reads in a place of `SENSES`, or anywhere."""
    return {**WORDS, **SENSES[place]} if place else WORDS


def said(code: Any, place: str | None = None) -> Text:
    """A code in both languages; one without words stays as it is (staff may add kinds)."""
    return words_of(place).get(str(code), (str(code), str(code)))


def stage_said(kind: Any, stage: Any) -> Text:
    """A stage of an alert of this kind in both languages; those of a contract are days before its end."""
    days = str(stage)
    if days.isdigit():
        return f"剩 {days} 天内", "within a day" if days == "1" else f"within {days} days"
    return said(stage, "arrears" if kind == "arrears" else None)


def period_said(period: str) -> Text:
    """A month for people: "202610" → "2026年10月", "Oct 2026"; what is none stays as it is."""
    if not re.fullmatch(r"[0-9]{4}(0[1-9]|1[0-2])", period):
        return period, period
    year, month = period[:4], int(period[4:])
    return f"{year}年{month}月", f"{_MONTHS[month - 1]} {year}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def money(fen: int) -> str:
    """Fen as the page shows money: 123456 → "¥1,234.56", -5 → "−¥0.05"."""
    return f"{'−' if fen < 0 else ''}¥{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


def yuan(fen: int) -> str:
    """Fen as yuan: 12345 → "123.45", -5 → "-0.05"."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"
