"""SMS that people write: what would become of one if it were sent now, and sending it once. Pure.

They take the road of all others: planned here, decided on at the next tick, sent at the policy's rate.
"""

import hashlib
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from alerts.notifications.channel import segments
from alerts.notifications.decision_builder import DecisionBuilder, unchanged
from alerts.notifications.send_decision import SendDecision, delayed, shut_up
from alerts.notifications.send_policy import MANUAL, SendPolicy, Template
from alerts.notifications.state import STOPPED, Customer
from contracts.alert import SmsState
from servicekit.clock import iso, local_date
from servicekit.decision import Context, Decision, KeyUsed, Refused
from servicekit.ids import derive
from servicekit.personal import mask_number

WRITE = "kam.command.sms_write"
_MAY_NOT = {
    "left": ("客户已离网，不能发短信", "the customer has left: no SMS"),
    "do_not_disturb": ("免打扰，不能发短信", "do-not-disturb: no SMS"),
    "no_phone": ("没有可收短信的号码", "no number that can receive SMS"),
    "opted_out": ("客户已退订短信（TD）", "the customer has opted out of SMS (TD)"),
}


class Write(Struct, frozen=True):
    """Command: a person writes to a customer. ``preview``: only say what would become of it. ``key``: under which it is
    sent once."""

    customer_id: str
    text: str
    by: str
    key: str
    preview: bool = False


def on_write(send_policy: SendPolicy, state: Customer | None, data: Write, ctx: Context) -> Decision:
    """Answers with the text as the customer gets it and what keeps it from leaving now. Raises ``Refused``."""
    if state is None:
        raise Refused("not_found", "没有此客户", "there is no such customer", 404)
    builder = DecisionBuilder(send_policy, state, state.customer_id, ctx)
    template, text = send_policy.manual(data.text, builder.contact.language)
    sms_id, digest = derive("sms", "manual", state.customer_id, data.key), _digest(data.text)
    verdict = shut_up(builder) or _stopped(builder, template) or delayed(builder, "", len(builder.waiting()))
    if data.preview:
        return replace(unchanged(state), answer=_answer(builder, None, text, verdict))
    known = {written.sms_id: written.digest for written in builder.handwritten}
    if sms_id in known:
        if known[sms_id] != digest:
            raise KeyUsed()
        return replace(unchanged(state), answer=_answer(builder, sms_id, text, verdict))
    if verdict is not None and verdict.reason in _MAY_NOT:
        raise Refused(verdict.reason, *_MAY_NOT[verdict.reason])
    builder.write(sms_id, text, template, data.by, digest)
    return builder.decision(_answer(builder, sms_id, text, verdict))


def _stopped(builder: DecisionBuilder, template: Template) -> SendDecision | None:
    policy, language = builder.send_policy, builder.contact.language
    named, channels = (f"template/{template.id}", f"kind/{MANUAL}"), policy.channels(MANUAL, None, language)
    return SendDecision("held", STOPPED) if policy.holds(named, channels) else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]


def _answer(builder: DecisionBuilder, sms_id: str | None, text: str, verdict: SendDecision | None) -> dict[str, Any]:
    contact, policy, plan = builder.contact, builder.send_policy.policy, segments.plan(text)
    today = local_date(builder.clock)
    state: SmsState = "queued" if verdict is None else verdict.state
    return {
        "sms_id": sms_id,
        "text": text,
        "language": contact.language,
        "phone": None if contact.phone is None else mask_number(contact.phone),
        "encoding": plan.encoding,
        "characters": len(text),
        "segments": len(plan.parts),
        "state": state,
        "reason": None if verdict is None else verdict.reason,
        "hold_until": None if verdict is None or verdict.until is None else iso(verdict.until),
        "sent_today": sum(1 for day in builder.sent_on.values() if day == today),
        "waiting": len([m for m in builder.waiting() if m.sms_id != sms_id]),
        "daily_cap": policy.daily_cap,
    }
