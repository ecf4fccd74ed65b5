"""A text sent to oneself, to see it on a phone: it takes the road of all SMS, marked as a test. Pure.

It stands under a key that is no customer's (``key_of``), so that it counts in nobody's limits but the sender's own.
"""

from msgspec import Struct
from msgspec.structs import replace

from alerts.notifications.decision_builder import DecisionBuilder, unchanged
from alerts.notifications.handwritten import answer, digest, refuse
from alerts.notifications.send_decision import delayed, unreachable
from alerts.notifications.send_policy import MOST_PARTS, Language, SendPolicy, Template, is_sendable
from alerts.notifications.state import TEST, Customer, Handwritten, Notification
from alerts.notifications.textbook import sample_values
from servicekit.clock import local_date
from servicekit.decision import Context, Decision, KeyUsed, Refused
from servicekit.ids import derive

SEND = "kam.command.sms_test"
#: of one person a day
MOST_A_DAY = 20


class Send(Struct, frozen=True):
    """Command: a person wants to see a text. ``to``: the number; ``own``: that of their account, if it has one;
    ``values``: of variables; ``key``: under which it is sent once."""

    template: str
    to: str
    by: str
    key: str
    language: Language = "zh"
    own: str | None = None
    values: dict[str, str] = {}


def on_send(send_policy: SendPolicy, state: Customer | None, data: Send, ctx: Context) -> Decision:
    """Answers with the text and what keeps it from leaving now. Raises ``Refused``."""
    builder = DecisionBuilder(send_policy, state, key_of(data.by), ctx)
    template = send_policy.templates.get(data.template)
    if template is None:
        raise Refused(
            "no_template", f"没有模板 {data.template}", f"there is no template {data.template}", 404, "template"
        )
    phone = _number(send_policy, data)
    values = sample_values(send_policy.policy, data.language, data.values)
    text = template.text(data.language).format_map(values)
    if not is_sendable(text):
        raise Refused(
            "bad_text",
            f"代入后不能成文，或超过 {MOST_PARTS} 条短信，请改短",
            f"these words make no SMS, or one of over {MOST_PARTS} parts: make them shorter",
            422,
            "values",
        )
    verdict = unreachable(builder, phone) or delayed(builder, "")
    sms_id, about = derive("sms", TEST, data.by, data.key), digest(f"{data.template}|{phone}|{text}")
    known = {sent.sms_id: sent.digest for sent in builder.handwritten}
    if sms_id in known:
        if known[sms_id] != about:
            raise KeyUsed()
        return replace(unchanged(state), answer=answer(builder, sms_id, text, verdict, phone, data.language))
    refuse(verdict)
    if len(builder.waiting()) + _sent_today(builder) >= MOST_A_DAY:
        raise Refused(
            "too_many_tests",
            f"每人每天最多 {MOST_A_DAY} 条测试短信，请明天再试",
            f"{MOST_A_DAY} test SMS a person and day at most: try again tomorrow",
            429,
        )
    builder.handwritten = (*builder.handwritten, Handwritten(sms_id, about))[-2 * MOST_A_DAY :]
    message = _message(builder, sms_id, template, phone, data)
    builder.move(replace(message, text=text, values=values), "queued")
    return builder.decision(answer(builder, sms_id, text, verdict, phone, data.language))


def _number(send_policy: SendPolicy, data: Send) -> str:
    """The number that it goes to, with country code: one's own, or one that the policy allows."""
    policy = send_policy.policy
    phone = policy.e164(data.to)
    if phone is None:
        raise Refused("bad_number", "请写能收短信的手机号", "give a number that can receive SMS", 422, "to")
    if phone != policy.e164(data.own) and not send_policy.is_allowed(phone):
        raise Refused(
            "not_own_number",
            "测试短信只能发到自己账号的号码，或短信策略允许名单（allowed）中的号码",
            "a test goes to the number of your own account, or to one that the SMS policy allows (allowed)",
            403,
            "to",
        )
    return phone


def _sent_today(builder: DecisionBuilder) -> int:
    today = local_date(builder.clock)
    return sum(day == today for day in builder.sent_on.values())


def _message(builder: DecisionBuilder, sms_id: str, template: Template, phone: str, data: Send) -> Notification:
    ctx = builder.ctx
    return Notification(
        sms_id=sms_id,
        alert_id="",
        customer_id=builder.customer_id,
        kind=TEST,
        step=TEST,
        template=template.id,
        template_version=template.version,
        priority=template.priority,
        planned_at=ctx.now,
        at=ctx.now,
        correlation=ctx.correlation,
        language=data.language,
        phone=phone,
        by=data.by,
    )


def key_of(person: str) -> str:
    """The key of a person's tests: no id of a customer holds a "|"."""
    return f"{TEST}|{person}"
