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
from alerts.notifications.send_policy import MANUAL, Language, SendPolicy, Template
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
    "not_allowed": (
        "非生产环境，号码不在短信策略的允许名单（allowed）中",
        "outside production, and the SMS policy does not allow this number (allowed)",
    ),
    "no_phone": ("没有可收短信的号码", "no number that can receive SMS"),
    "opted_out": ("客户已退订短信（TD）", "the customer has opted out of SMS (TD)"),
}


class Write(Struct, frozen=True):
    """Command: a person writes to a customer. ``preview``: only say what would become of it. ``key``: under which it is
    sent once. ``campaign``: whose budget it takes from; empty: as the policy says."""

    customer_id: str
    text: str
    by: str
    key: str
    preview: bool = False
    campaign: str = ""


def on_write(send_policy: SendPolicy, state: Customer | None, data: Write, ctx: Context) -> Decision:
    """Answers with the text as the customer gets it and what keeps it from leaving now. Raises ``Refused``."""
    if state is None:
        raise Refused("not_found", "没有此客户", "there is no such customer", 404)
    builder = DecisionBuilder(send_policy, state, state.customer_id, ctx)
    template, text = send_policy.manual(data.text, builder.contact.language)
    if data.campaign and data.campaign not in send_policy.policy.campaigns:
        known_ones = ", ".join(send_policy.policy.campaigns) or "–"
        raise Refused(
            "no_campaign",
            f"没有活动 {data.campaign}；短信策略中有：{known_ones}",
            f"there is no campaign {data.campaign}; the SMS policy has: {known_ones}",
            422,
            "campaign",
        )
    sms_id, about = derive("sms", "manual", state.customer_id, data.key), digest(data.text)
    verdict = shut_up(builder) or _stopped(builder, template) or delayed(builder, "", len(builder.waiting()))
    if data.preview:
        return replace(unchanged(state), answer=_answer(builder, None, text, verdict))
    known = {written.sms_id: written.digest for written in builder.handwritten}
    if sms_id in known:
        if known[sms_id] != about:
            raise KeyUsed()
        return replace(unchanged(state), answer=_answer(builder, sms_id, text, verdict))
    refuse(verdict)
    builder.write(sms_id, text, template, data.by, about, data.campaign)
    return builder.decision(_answer(builder, sms_id, text, verdict))


def refuse(verdict: SendDecision | None) -> None:
    """Raises ``Refused`` where it would never leave."""
    if verdict is not None and verdict.reason in _MAY_NOT:
        raise Refused(verdict.reason, *_MAY_NOT[verdict.reason])


def _stopped(builder: DecisionBuilder, template: Template) -> SendDecision | None:
    policy, language = builder.send_policy, builder.contact.language
    named, channels = (f"template/{template.id}", f"kind/{MANUAL}"), policy.channels(MANUAL, None, language)
    return SendDecision("held", STOPPED) if policy.holds(named, channels) else None


def digest(text: str) -> str:
    """What stands for a text."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]


def _answer(builder: DecisionBuilder, sms_id: str | None, text: str, verdict: SendDecision | None) -> dict[str, Any]:
    return answer(builder, sms_id, text, verdict, builder.contact.phone, builder.contact.language)


def answer(
    builder: DecisionBuilder,
    sms_id: str | None,
    text: str,
    verdict: SendDecision | None,
    phone: str | None,
    language: Language,
) -> dict[str, Any]:
    """What becomes of a text as things stand (``contracts.answers.SmsWritten``)."""
    policy, plan = builder.send_policy.policy, segments.plan(text)
    today = local_date(builder.clock)
    state: SmsState = "queued" if verdict is None else verdict.state
    return {
        "sms_id": sms_id,
        "text": text,
        "language": language,
        "phone": None if phone is None else mask_number(phone),
        "encoding": plan.encoding,
        "characters": len(text),
        "segments": len(plan.parts),
        "cost_fen": len(plan.parts) * policy.fen_per_part,
        "state": state,
        "reason": None if verdict is None else verdict.reason,
        "hold_until": None if verdict is None or verdict.until is None else iso(verdict.until),
        "sent_today": sum(1 for day in builder.sent_on.values() if day == today),
        "waiting": len([m for m in builder.waiting() if m.sms_id != sms_id]),
        "daily_cap": policy.daily_cap,
    }
