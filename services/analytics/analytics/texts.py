"""What a fact of the chain says to people, Chinese and English, from its type and (masked) data."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from servicekit.clock import SHANGHAI, in_range
from servicekit.words import Text, money, period_said, said, stage_said

Data = dict[str, Any]

_VERBS = {
    "kam.alert.raised.v1": ("发出预警", "alert raised"),
    "kam.alert.changed.v1": ("预警变化", "alert changed"),
    "kam.alert.delivered.v1": ("预警已送达", "alert delivered"),
    "kam.alert.acknowledged.v1": ("预警已知悉", "alert acknowledged"),
    "kam.alert.unacknowledged.v1": ("预警知悉已撤回", "acknowledgement of the alert taken back"),
    "kam.alert.acted.v1": ("预警已处理", "alert acted on"),
    "kam.alert.escalated.v1": ("预警上报", "alert escalated"),
    "kam.alert.resolved.v1": ("预警解除", "alert resolved"),
    "kam.alert.expired.v1": ("预警失效", "alert expired"),
    "kam.alert.shadow.raised.v1": ("影子预警发出", "shadow alert raised"),
    "kam.alert.shadow.changed.v1": ("影子预警变化", "shadow alert changed"),
    "kam.alert.shadow.resolved.v1": ("影子预警解除", "shadow alert resolved"),
    "kam.work.opened.v1": ("工单建立", "work item opened"),
    "kam.work.accepted.v1": ("工单已接单", "work item accepted"),
    "kam.work.released.v1": ("接单已撤回", "acceptance of the work item taken back"),
    "kam.work.acted.v1": ("工单已处理", "work item acted on"),
    "kam.work.closed.v1": ("工单办结", "work item closed"),
    "kam.work.reopened.v1": ("工单重新打开", "work item reopened"),
    "kam.work.reassigned.v1": ("工单转派", "work item handed over"),
    "kam.work.due_changed.v1": ("工单时限变更", "work item due at another time"),
    "kam.contact.logged.v1": ("联系客户", "contact with the customer"),
    "kam.sms.planned.v1": ("计划短信", "SMS planned"),
    "kam.sms.held.v1": ("短信暂缓", "SMS held"),
    "kam.sms.intended.v1": ("短信待提交，内容已冻结", "SMS about to be submitted, its content frozen"),
    "kam.sms.submitted.v1": ("短信已提交短信中心", "SMS submitted to the SMSC"),
    "kam.sms.delivered.v1": ("短信已送达", "SMS delivered"),
    "kam.sms.failed.v1": ("短信失败", "SMS failed"),
    "kam.sms.cancelled.v1": ("短信取消", "SMS cancelled"),
    "kam.sms.suppressed.v1": ("短信不发（免打扰等）", "SMS suppressed"),
    "kam.sms.unknown.v1": ("短信结果未知", "SMS outcome unknown"),
    "kam.sms.subscriber.opted_out.v1": ("用户退订短信", "subscriber opted out of SMS"),
    "kam.sms.subscriber.opted_in.v1": ("用户重新订阅短信", "subscriber opted in to SMS again"),
    "kam.control.stopped.v1": ("停发短信", "SMS stopped"),
    "kam.control.released.v1": ("恢复发送短信", "SMS released"),
    "kam.customer.created.v1": ("客户建档", "customer archived for the first time"),
    "kam.customer.changed.v1": ("客户档案变更", "customer archive changed"),
    "kam.customer.left.v1": ("客户离网", "customer left"),
    "kam.customer.returned.v1": ("客户回网", "customer returned"),
    "kam.audit.recorded.v1": ("审计记录", "audit record"),
    "kam.feed.file.received.v1": ("收到文件", "file received"),
    "kam.feed.file.accepted.v1": ("文件已接收", "file accepted"),
    "kam.feed.file.partial.v1": ("文件部分接收", "file accepted in part"),
    "kam.feed.file.rejected.v1": ("文件被拒", "file rejected"),
    "kam.feed.file.duplicate.v1": ("重复文件", "file seen before"),
    "kam.feed.file.missing.v1": ("文件未到", "file missing"),
    "kam.feed.file.late.v1": ("文件迟到", "file late"),
    "kam.feed.file.held.v1": ("文件等候放行", "file waits for release"),
    "kam.feed.event.rejected.v1": ("实时事件被拒", "event of the feed rejected"),
    "kam.load.ended.v1": ("文件装载结束", "file loaded to its end"),
    "kam.release.decided.v1": ("放行已决定", "release decided"),
    "kam.cities.counted.v1": ("各地市客户数已清点", "customers of all cities counted"),
}


def summary(type_: str, data: Data) -> Text:
    """One line about an event; its type where there is nothing better to say."""
    tell = _TELLERS.get(type_) or _TELLERS.get(type_.split(".")[1])
    if tell is not None:
        zh, en = tell(data)
        verb = _VERBS.get(type_)
        return (f"{verb[0]}：{zh}", f"{verb[1]}: {en}") if verb else (zh, en)
    return _VERBS.get(type_, (type_, type_))


def _money(fen: Any) -> str:
    return money(fen) if isinstance(fen, int) else "?"


def _period(data: Data) -> Text:
    return period_said(str(data.get("period")))


def _joined(*pieces: Text | None) -> Text:
    said = [piece for piece in pieces if piece is not None]
    return "，".join(zh for zh, _ in said), ", ".join(en for _, en in said)


def _outcome(data: Data) -> Text | None:
    if not data.get("outcome"):
        return None
    zh, en = said(data["outcome"], "outcome")
    return f"结果：{zh}", f"outcome: {en}"


def _told(zh: str, en: str, text: Text) -> Text:
    return f"{zh} {text[0]}", f"{en} {text[1]}"


def _by(data: Data) -> Text | None:
    return (f"由 {data['by']}", f"by {data['by']}") if data.get("by") else None


def _alert(data: Data) -> Text:
    rule = data.get("rule") or {}
    version = f"{rule.get('id')} v{rule.get('version')}"
    period = _told("账期", "period", _period(data)) if data.get("period") else None
    late = ("迟到数据", "late figures") if data.get("late") else None
    return _joined(
        said(data.get("kind")),
        period,
        stage_said(data.get("kind"), data["stage"]) if data.get("stage") else None,
        (f"规则 {version}", f"rule {version}"),
        late,
        _suppressed(data),
        _escalation(data),
        _outcome(data),
        _by(data),
    )


def _suppressed(data: Data) -> Text | None:
    held = data.get("suppressed")
    if not held:
        return None
    until = _moment(held.get("until"))
    why = held.get("reason")
    return f"维护中，{until} 前不提醒（{why}）", f"held by maintenance until {until} ({why})"


def _moment(text: Any) -> str:
    """An instant as local time; as it stands where it is none."""
    try:
        return in_range(datetime.fromisoformat(str(text))).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return str(text)


def _escalation(data: Data) -> Text | None:
    up = data.get("escalation")
    if not up:
        return None
    (to_zh, to_en), (cause_zh, cause_en) = said(up.get("level"), "level"), said(up.get("cause"), "cause")
    hours, calendar = up.get("hours"), up.get("calendar")
    zh = f"{hours} 个工作小时" if calendar else f"{hours} 小时"
    en = f"{hours} working hours" if calendar else f"{hours} hours"
    return f"{zh}{cause_zh}，上报{to_zh}", f"{cause_en} for {en}, told to {to_en}"


def _work(data: Data) -> Text:
    owner = data.get("manager_id") or data.get("queue")
    action = (data.get("action") or {}).get("kind")
    return _joined(
        said(data.get("kind")),
        (f"负责 {owner}", f"with {owner}") if owner else None,
        _told("动作", "action", said(action, "act")) if action else None,
        _outcome(data),
        _by(data),
    )


def _sms(data: Data) -> Text:
    reason = data.get("reason")
    return _joined(
        (
            f"模板 {data.get('template')}（{data.get('language')}）",
            f"template {data.get('template')} ({data.get('language')})",
        ),
        (f"{data.get('segments')} 段", f"{data.get('segments')} part(s)"),
        _told("原因", "reason", said(reason, "sms_reason")) if reason else None,
        _stop(data),
    )


def _stop(data: Data) -> Text | None:
    stop = data.get("stop")
    if not stop:
        return None
    what, by, why = (stop.get(name) for name in ("what", "by", "why"))
    return f"{by} 停发 {what}：{why}", f"{what} stopped by {by}: {why}"


def _receipt(data: Data) -> Text:
    error = f" ({data['error']})" if data.get("error") else ""
    return f"状态报告：{data.get('state')}{error}", f"delivery receipt: {data.get('state')}{error}"


def _changes(data: Data) -> Text:
    fields = ", ".join(str(change.get("field")) for change in data.get("changes") or ())
    return fields or "-", fields or "-"


def _bill(data: Data) -> Text:
    amount, (zh, en) = _money(data.get("amount_fen")), _period(data)
    return f"{zh}账单 {amount}", f"bill of {en}: {amount}"


def _payment(data: Data) -> Text:
    amount = _money(data.get("amount_fen"))
    return f"缴费 {amount}", f"payment of {amount}"


def _arrears(data: Data) -> Text:
    amount, due = _money(data.get("amount_fen")), data.get("oldest_due_on")
    if data.get("amount_fen") == 0:
        return "欠费结清", "arrears cleared"
    return _joined(
        (f"欠费 {amount}", f"arrears of {amount}"),
        (f"最早应缴 {due}", f"oldest due {due}") if due else None,
        ("已停机", "suspended") if data.get("suspended") else None,
    )


def _usage(data: Data) -> Text:
    (zh, en), minutes = _period(data), data.get("voice_minutes", "?")
    return f"{zh}用量，语音 {minutes} 分钟", f"usage of {en}: {minutes} voice minutes"


def _contract(data: Data) -> Text:
    id_, end = data.get("contract_id"), data.get("ends_on", "?")
    return f"合约 {id_}，{end} 到期", f"contract {id_} ends on {end}"


def _complaint(data: Data) -> Text:
    id_, (zh, en) = data.get("complaint_id"), said(data.get("status"))
    return f"投诉 {id_}：{zh}", f"complaint {id_}: {en}"


def _request(data: Data) -> Text:
    zh, en = said(data.get("kind"))
    return f"业务申请：{zh}", f"service request: {en}"


def _customer(data: Data) -> Text:
    zh, en = said(data.get("status") or "?", "customer")
    return f"客户资料，状态 {zh}", f"customer record, status {en}"


def _moved(data: Data) -> Text:
    kind, record, to = data.get("kind"), data.get("record_id"), data.get("moved_to")
    return f"{kind} {record} 转到客户 {to}", f"{kind} {record} moved to customer {to}"


def _balance(data: Data) -> Text:
    amount = _money(data.get("balance_fen"))
    return f"余额 {amount}", f"balance {amount}"


#: by full type, else by the owner in the type
def _switch(data: Data) -> Text:
    version = f"{data.get('document_id')} v{data.get('version')}"
    return _joined(
        (f"{_DOCUMENTS.get(str(data.get('kind')), ('文档', ''))[0]} {version}", f"{data.get('kind')} {version}"),
        _SWITCHES.get(str(data.get("state"))),
        _by(data),
    )


_DOCUMENTS: dict[str, Text] = {"rule": ("规则", "rule"), "list": ("名单", "list")}
_SWITCHES: dict[str, Text] = {
    "active": ("由此生效", "in force from here on"),
    "shadow": ("由此影子运行", "in shadow from here on"),
    "stopped": ("由此停用", "stopped from here on"),
}
_TELLERS: dict[str, Callable[[Data], Text]] = {
    "kam.boss.customer.changed.v1": _customer,
    "kam.boss.customer.left.v1": lambda data: (f"{data.get('left_on')} 离网", f"left on {data.get('left_on')}"),
    "kam.boss.bill.issued.v1": _bill,
    "kam.boss.payment.received.v1": _payment,
    "kam.boss.arrears.changed.v1": _arrears,
    "kam.boss.arrears.confirmed.v1": lambda _: ("欠费再次确认", "arrears confirmed anew"),
    "kam.boss.usage.summarised.v1": _usage,
    "kam.boss.contract.changed.v1": _contract,
    "kam.boss.complaint.changed.v1": _complaint,
    "kam.boss.service.requested.v1": _request,
    "kam.boss.balance.changed.v1": _balance,
    "kam.boss.record.moved.v1": _moved,
    "kam.boss.unit.changed.v1": lambda data: (f"单位 {data.get('unit_id')}", f"unit {data.get('unit_id')}"),
    "kam.boss.manager.changed.v1": lambda d: (f"客户经理 {d.get('manager_id')}", f"manager {d.get('manager_id')}"),
    "kam.sms.receipt.received.v1": _receipt,
    "kam.sms.subscriber.opted_out.v1": lambda _: ("TD", "TD"),
    "kam.sms.subscriber.opted_in.v1": lambda _: ("订阅", "DY"),
    "kam.feed.event.rejected.v1": lambda data: (str(data.get("reason_zh")), str(data.get("reason_en"))),
    "alert": _alert,
    "work": _work,
    "contact": lambda data: said(data.get("kind"), "act"),
    "sms": _sms,
    "customer": _changes,
    "document": _switch,
    "control": lambda data: (f"{data.get('what')} {data.get('why')}", f"{data.get('what')} {data.get('why')}"),
    "feed": lambda data: (str(data.get("file")), str(data.get("file"))),
    "audit": lambda d: (f"{d.get('action')} {d.get('object')}", f"{d.get('action')} {d.get('object')}"),
}
