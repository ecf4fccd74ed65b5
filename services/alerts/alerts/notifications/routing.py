"""Which channels a message may take, in order. Pure, but for what ``SendPolicy`` is told of the outside.

Another channel than the first is for what was surely not taken: once any part of a message may have left, it stays
where it is, until everything of it has come back.
"""

from collections.abc import Mapping
from datetime import timedelta
from string import Formatter

from msgspec.structs import replace

from alerts.notifications.channel import segments
from alerts.notifications.channel.channels import BY_TEMPLATE
from alerts.notifications.channel.transport import ProviderText, SubmitOutcome, SubmitResult
from alerts.notifications.send_policy import SendPolicy, Template
from alerts.notifications.state import TEST, AlertProgress, Notification, ReadyToSend, about

Cases = Mapping[str, AlertProgress]
_REFUSED = (SubmitOutcome.REFUSED, SubmitOutcome.REFUSED_FOR_NOW)
_BUSY = (SubmitOutcome.THROTTLED, SubmitOutcome.NOT_WRITTEN)


def route(send_policy: SendPolicy, message: Notification, cases: Cases) -> tuple[str, ...]:
    """At least one, and none that is not set up: what has left in part by such a one is not sent on
    (``send_decision.rest_stopped``). What has refused the message stands aside until all of them have."""
    if not message.is_waiting and message.channel is not None and send_policy.has(message.channel):
        return (message.channel,)
    names = _all(send_policy, message, cases)
    return tuple(name for name in names if name not in message.declined) or names


def ready(send_policy: SendPolicy, message: Notification, cases: Cases, delay: float = 0.0) -> ReadyToSend:
    """The message as the sender gets it."""
    return ReadyToSend(
        message.customer_id,
        message.sms_id,
        message.priority,
        delay,
        about(message, cases),
        route(send_policy, message, cases),
        message.kind,
        message.campaign,
        segments.count(message.text) if message.is_waiting else 0,
    )


def declined(
    send_policy: SendPolicy, message: Notification, cases: Cases, answers: tuple[SubmitResult, ...]
) -> Notification:
    """The message, of which surely nothing was taken, after these answers of its channel: one that has refused it, or
    has kept it waiting for too long, gives way to the next."""
    if message.channel is None or not any(a.outcome in _REFUSED or _kept(send_policy, message, a) for a in answers):
        return message
    aside = (*message.declined, message.channel)
    is_round = set(_all(send_policy, message, cases)) <= set(aside)
    return replace(message, declined=() if is_round else aside)


def _kept(send_policy: SendPolicy, message: Notification, answer: SubmitResult) -> bool:
    since = message.trying_since
    patience = timedelta(seconds=send_policy.policy.failover_seconds)
    return answer.outcome in _BUSY and since is not None and send_policy.system_clock() - since >= patience


def provider_text(
    send_policy: SendPolicy, channel: str, message: Notification, values: Mapping[str, str]
) -> ProviderText | None:
    """What a channel that takes templates is told: ``values`` of the variables that are in the text."""
    template = send_policy.templates.get(message.template)
    id_ = None if template is None else template.provider_id(channel, message.language)
    if channel not in BY_TEMPLATE or template is None or id_ is None:
        return None
    named = {name for _, name, _, _ in Formatter().parse(template.text(message.language)) if name is not None}
    return ProviderText(id_, message.language, {name: values[name] for name in sorted(named)})


def _all(send_policy: SendPolicy, message: Notification, cases: Cases) -> tuple[str, ...]:
    template = _template(send_policy, message, cases)
    kind = template.kind if message.kind == TEST and template is not None else message.kind
    return send_policy.channels(kind, template, message.language)


def _template(send_policy: SendPolicy, message: Notification, cases: Cases) -> Template | None:
    """What its text is made of; None where it is nobody's template any more, or was never."""
    case = cases.get(message.alert_id)
    is_made = message.kind == TEST or (message.by is None and case is not None and case.alert is not None)
    return send_policy.templates.get(message.template) if is_made else None
