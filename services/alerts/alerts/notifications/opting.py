"""The subscriber's word: TD, and 订阅 that takes it back. Pure."""

from msgspec.structs import replace

from alerts.notifications.blocked import Said, is_newer, row_of
from alerts.notifications.decision_builder import DecisionBuilder, unchanged
from alerts.notifications.send_policy import SendPolicy
from alerts.notifications.state import Customer, hidden
from contracts.alert import OptedIn, OptedOut
from servicekit.clock import iso
from servicekit.decision import Context, Decision, DocumentWrite

#: of one number, the last: of so many it is known that they were told already
_WORDS_KEPT = 20


def on_opted_out(send_policy: SendPolicy, state: Customer | None, data: OptedOut, ctx: Context) -> Decision:
    """TD: the number gets no more SMS, whoever owns it. Every partition keeps it, under a key that is no customer's."""
    return _said(send_policy, state, data, ctx, wants=False)


def on_opted_in(send_policy: SendPolicy, state: Customer | None, data: OptedIn, ctx: Context) -> Decision:
    """订阅: the number gets SMS again, unless people blocked it."""
    return _said(send_policy, state, data, ctx, wants=True)


def _said(
    send_policy: SendPolicy, state: Customer | None, data: OptedOut | OptedIn, ctx: Context, *, wants: bool
) -> Decision:
    """The subscriber's last word counts, by when it was received; each word once, however often it is told."""
    builder = DecisionBuilder(send_policy, state, hidden(data.phone) if state is None else state.customer_id, ctx)
    before, words = builder.contact.said_at, builder.contact.words
    if data.word in words or (before is not None and not is_newer(data.received_at, wants, before)):
        return unchanged(state)
    if data.word is not None:
        words = (*words, data.word)[-_WORDS_KEPT:]
    out, back = (None, data.phone) if wants else (data.phone, None)
    builder.contact = replace(builder.contact, opted_out=out, opted_in=back, said_at=data.received_at, words=words)
    since = None if wants else {"phone": data.phone, "since": iso(data.received_at)}
    builder.row(DocumentWrite("blocked_numbers", row_of(data.phone), since))
    builder.effects.append(Said(data.phone, data.received_at, wants))
    return builder.decision()
