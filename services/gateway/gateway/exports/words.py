"""The words of exported files, Chinese and English; a wire value that has none stands as it is."""

from collections.abc import Mapping
from typing import Literal

Language = Literal["zh", "en"]
Words = Mapping[str, tuple[str, str]]

KIND: Words = {
    "churn_warning": ("离网", "churn"),
    "arrears": ("欠费", "arrears"),
    "complaint_opened": ("投诉", "complaint"),
    "contract_expiring": ("合约", "contract"),
    "attention": ("关注", "attention"),
}
SEVERITY: Words = {"critical": ("紧急", "urgent"), "major": ("重要", "important"), "minor": ("一般", "normal")}
ALERT_STATE: Words = {
    "raised": ("新预警", "new"),
    "acknowledged": ("已知悉", "acknowledged"),
    "acted": ("处理中", "in progress"),
    "resolved": ("已解除", "resolved"),
    "expired": ("已失效", "expired"),
}
WORK_KIND: Words = {
    "retention": ("挽留", "retention"),
    "dunning": ("催缴", "dunning"),
    "complaint_follow_up": ("投诉跟进", "complaint follow-up"),
    "renewal": ("续约", "renewal"),
    "follow_up": ("跟进", "follow-up"),
}
WORK_STATE: Words = {
    "new": ("待接单", "not accepted"),
    "accepted": ("已接单", "accepted"),
    "acted": ("处理中", "in progress"),
    "closed": ("已办结", "closed"),
}
SMS_STATE: Words = {
    "queued": ("待发", "queued"),
    "held": ("静默中", "held"),
    "sending": ("发送中", "sending"),
    "sent": ("已提交", "submitted"),
    "delivered": ("已送达", "delivered"),
    "failed": ("失败", "failed"),
    "cancelled": ("已取消", "cancelled"),
    "suppressed": ("未发", "not sent"),
    "unknown": ("未知", "unknown"),
}
CUSTOMER_KIND: Words = {
    "person": ("个人", "person"), "individual": ("个人", "person"), "corporate": ("集团", "corporate")
}  # fmt: skip
FLAG: Words = {"True": ("是", "yes"), "False": ("否", "no")}


def word(words: Words, value: object, language: Language) -> str | None:
    """The word for a wire value."""
    if value is None:
        return None
    found = words.get(str(value))
    return str(value) if found is None else found[language == "en"]
