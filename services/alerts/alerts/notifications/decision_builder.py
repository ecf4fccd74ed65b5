"""One decision in the making: the customer so far, and the rows, events and effects of what moves."""

from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from alerts.notifications.channel import segments
from alerts.notifications.channel.transport import ProviderText
from alerts.notifications.routing import provider_text, ready, route
from alerts.notifications.send_policy import MANUAL, SendPolicy, Template
from alerts.notifications.state import (
    SHORT,
    STOPPED,
    TEST,
    AlertProgress,
    Counted,
    Customer,
    Forgotten,
    Handwritten,
    HeldBack,
    Notification,
    Spent,
    Withdrawn,
    about,
)
from alerts.notifications.views import case_document, is_same_document, sms_document, sms_payload
from contracts.alert import Escalation, SmsState
from servicekit.clock import local_date
from servicekit.decision import Context, Decision, DocumentWrite, OutgoingEvent
from servicekit.ids import derive

APP = "alerts-desk"
#: Alerts of one customer that are remembered; beyond it those go that ended first and have nothing to wait for.
MOST_CASES = 600
#: SMS that people wrote to one customer, of which it is remembered that they were asked for.
HANDWRITTEN_KEPT = 50
_VERBS: dict[SmsState, str] = {
    "queued": "planned",
    "held": "held",
    "sending": "intended",
    "sent": "submitted",
    "delivered": "delivered",
    "failed": "failed",
    "cancelled": "cancelled",
    "suppressed": "suppressed",
    "unknown": "unknown",
}


class DecisionBuilder:
    """Local to one call of a handler; ``decision`` hands out plain data. ``contact`` and ``debt`` may be replaced.

    ``clock`` is what quiet hours and caps go by, never before the business time of ``ctx``.
    """

    def __init__(self, send_policy: SendPolicy, state: Customer | None, customer_id: str, ctx: Context) -> None:
        state = state or Customer(customer_id)
        self.send_policy, self.ctx, self.customer_id = send_policy, ctx, customer_id
        self.contact, self.debt = state.contact, state.debt
        self._cases_before, self._messages_before = state.cases, state.messages
        self.cases, self.messages = dict(state.cases), dict(state.messages)
        self.references, self.handwritten = state.references, state.handwritten
        self.clock = send_policy.clock(ctx.now)
        today = local_date(self.clock)
        self.sent_on = {sms: day for sms, day in state.sent_on.items() if day >= today}
        self.spent = {sms: spent for sms, spent in state.spent.items() if spent.day >= today}
        self._spent_before = self.spent.copy()
        self.effects: list[Any] = []
        self._rows: dict[tuple[str, str], DocumentWrite] = {}
        self._events: list[OutgoingEvent] = []

    @property
    def is_test(self) -> bool:
        """Whether this is no customer, but a person's texts to themselves."""
        return self.customer_id.startswith(f"{TEST}|")

    # --- alerts -------------------------------------------------------------------------------------------------

    def keep(self, alert_id: str, case: AlertProgress) -> None:
        """The alert is different now."""
        before = self._cases_before.get(alert_id)
        self.cases[alert_id] = case
        if case.alert is not None:
            is_new = before is None or before.alert is None
            self.row(DocumentWrite("alerts", alert_id, case_document(case), new=is_new))

    def tell(self, verb: str, case: AlertProgress, escalation: Escalation | None = None) -> None:
        """What was learnt of an alert here; its revision stays detection's."""
        assert case.alert is not None
        alert = replace(case.alert, state=case.state, at=self.ctx.now, escalation=escalation)
        self._events.append(OutgoingEvent(f"kam.alert.{verb}.v1", alert, subject=self.customer_id))

    # --- messages -----------------------------------------------------------------------------------------------

    def plan(self, case: AlertProgress, step: str | None) -> AlertProgress:
        """Plan the message of a step, once an alert; the next tick decides on it. Gives back the case with the step."""
        alert = case.alert
        assert alert is not None
        template = self.send_policy.template(alert.kind, step)
        if template is None or step is None or alert.late or step in case.steps:
            return case
        message = Notification(
            sms_id=derive("sms", alert.alert_id, step, *((case.taken_back,) if case.taken_back else ())),
            alert_id=alert.alert_id,
            customer_id=self.customer_id,
            kind=alert.kind,
            step=step,
            template=template.id,
            template_version=template.version,
            priority=template.priority,
            planned_at=self.ctx.now,
            at=self.ctx.now,
            correlation=self.ctx.correlation,
            accepted=self.ctx.accepted,
        )
        case = replace(case, steps=(*case.steps, step))
        self.cases[alert.alert_id] = case
        if alert.baseline:
            self.move(self.written(message), "suppressed", "baseline")
        else:
            self.move(self.written(message), "queued")
        return case

    def write(
        self, sms_id: str, text: str, template: Template, by: str, digest: str, campaign: str = ""
    ) -> Notification:
        """Plan what a person wrote; the next tick decides on it, as on any other."""
        message = Notification(
            sms_id=sms_id,
            alert_id="",
            customer_id=self.customer_id,
            kind=MANUAL,
            step=MANUAL,
            template=template.id,
            template_version=template.version,
            priority=template.priority,
            planned_at=self.ctx.now,
            at=self.ctx.now,
            correlation=self.ctx.correlation,
            language=self.contact.language,
            text=text,
            by=by,
            campaign=self.send_policy.policy.campaign_of(MANUAL, campaign or template.campaign),
        )
        self.handwritten = (*self.handwritten, Handwritten(sms_id, digest))[-HANDWRITTEN_KEPT:]
        return self.move(self.written(message), "queued")

    def written(self, message: Notification) -> Notification:
        """The message with phone, language and text as they are now."""
        contact = self.contact
        if message.kind == TEST:
            return message
        if message.by is not None:
            return replace(message, phone=contact.phone)
        alert = self.cases[message.alert_id].alert
        template = self.send_policy.templates.get(message.template)
        if template is None or alert is None:  # withdrawn in the meantime: the text stays as it was planned
            return replace(message, phone=contact.phone)
        text = self.send_policy.text(template, contact.language, contact.name, self.debt.due_fen, alert.values)
        return replace(
            message,
            language=contact.language,
            phone=contact.phone,
            text=text,
            template_version=template.version,
            campaign=self.send_policy.policy.campaign_of(message.kind, template.campaign),
        )

    def provider_text(self, message: Notification, channel: str) -> ProviderText | None:
        """What a channel that takes templates is told of a message that was ``written`` just now."""
        if message.kind == TEST:
            return provider_text(self.send_policy, channel, message, message.values)
        case, contact = self.cases.get(message.alert_id), self.contact
        if case is None or case.alert is None:
            return None
        values = self.send_policy.variables(message.language, contact.name, self.debt.due_fen, case.alert.values)
        return provider_text(self.send_policy, channel, message, values)

    def move(self, message: Notification, state: SmsState, reason: str | None = None, **changes: Any) -> Notification:
        """A message comes into a state, which is told to others."""
        type_ = f"kam.sms.{_VERBS[state]}.v1"
        revision = message.revision + 1
        seed = f"{message.sms_id}|{revision}"
        changes = {"ready": False, "hold_until": None, "stop": None, **changes}
        if state == "cancelled":
            self._take_back(message)
        if state == "held":
            changes["accepted"] = b""  # it waits for the morning, not for us
        message = replace(message, state=state, reason=reason, revision=revision, at=self.ctx.now, **changes)
        # What clock or sender do is caused by what was told of the message last.
        own = self.ctx.type == "wake" or self.ctx.type.startswith("kam.command.")
        cause = message.event or message.correlation if own else self.ctx.id
        self._events.append(
            OutgoingEvent(type_, sms_payload(message), seed=seed, causation=cause, correlation=message.correlation)
        )
        return self.note(replace(message, event=derive(APP, seed, type_)))

    def _take_back(self, message: Notification) -> None:
        """A message of an alert's end that is cancelled because the alert is open again goes with its next end."""
        case = self.cases.get(message.alert_id)
        if case is None:
            return
        if case.ended is None and message.kind not in self.send_policy.policy.ladders and message.step != "opened":
            steps = tuple(step for step in case.steps if step != message.step)
            self.cases[message.alert_id] = replace(case, steps=steps, taken_back=case.taken_back + 1)

    def note(self, message: Notification) -> Notification:
        """Something of a message is different that nobody else needs to hear of."""
        before = self.messages.get(message.sms_id)
        self._recount(message)
        if message.is_settled:
            self.messages.pop(message.sms_id, None)
        else:
            self.messages[message.sms_id] = message
        if before is None or not is_same_document(before, message):
            self.row(DocumentWrite("sms", message.sms_id, sms_document(message), new=before is None))
        return message

    def offer(self, message: Notification, *, reason: str | None = None, delay: float = 0.0) -> None:
        """The message may go: the sender hears of it after the commit. ``reason``: why it goes again."""
        message = self.note(replace(message, state="queued", reason=reason, ready=True, hold_until=None, stop=None))
        self.effects.append(ready(self.send_policy, message, self.cases, delay))

    def is_held_back(self, message: Notification) -> bool:
        """Whether a stop keeps a message from leaving; then it is held until that is released, and says by whom and
        why, once; again where another stop holds it on. ``trying_since`` begins anew: that it waits is our doing."""
        stop = self.send_policy.holds(about(message, self.cases), route(self.send_policy, message, self.cases))
        if stop is None:
            return False
        if not self.send_policy.stands(message.stop):
            message = self.written(message) if message.is_waiting else message
            message = self.move(message, "held", STOPPED, trying_since=None, stop=stop)
        self.effects.append(HeldBack(ready(self.send_policy, message, self.cases)))
        return True

    def hold_short(self, message: Notification) -> None:
        """No budget has room for the message today."""
        until = self.send_policy.policy.next_day(self.clock)
        if not message.is_short or message.hold_until != until:
            message = self.move(self.written(message), "held", SHORT, hold_until=until, trying_since=None)
        self.effects.append(HeldBack(ready(self.send_policy, message, self.cases), is_short=True))

    def count(self, message: Notification) -> None:
        """The message leaves: it counts for this day, once, however often it is tried."""
        parts = segments.count(message.text)
        fen = parts * self.send_policy.policy.fen_per_part
        self.spent[message.sms_id] = Spent(local_date(self.clock), parts, fen, message.campaign)

    def _recount(self, message: Notification) -> None:
        """What surely was not taken counts neither for the budget nor for the daily cap, whatever says so and when;
        what may have been taken counts."""
        sms_id = message.sms_id
        if sms_id not in self.sent_on:
            return  # not tried today
        parts, spent = message.charged_parts, self.spent.get(sms_id)
        if parts == 0:
            del self.sent_on[sms_id]
            self.spent.pop(sms_id, None)
        elif spent is not None and spent.parts != parts:
            self.spent[sms_id] = replace(spent, parts=parts, fen=spent.fen // spent.parts * parts)

    def waiting(self, alert_id: str | None = None) -> list[Notification]:
        """Messages, of one alert or all, that can still be cancelled."""
        return [m for m in self.messages.values() if m.is_waiting and alert_id in (None, m.alert_id)]

    # --- the end ------------------------------------------------------------------------------------------------

    def row(self, row: DocumentWrite) -> None:
        """A document to be written; the last one of an id counts."""
        before = self._rows.get((row.collection, row.id))
        self._rows[row.collection, row.id] = replace(row, new=True) if before is not None and before.new else row

    def _forget(self) -> None:
        """A message whose receipt did not come leaves the state, which would grow with each; its row stays as it is."""
        patience = timedelta(hours=self.send_policy.policy.receipt_hours)
        for message in list(self.messages.values()):
            since = message.submitted_at if message.state in ("sent", "unknown", "failed") else None
            if since is not None and self.send_policy.system_clock() - since > patience:
                del self.messages[message.sms_id]
                self.effects.append(Forgotten(message.sms_id, message.state))

    def _withdraw(self) -> None:
        """The sender is told of what it has no more to do with: its lists would keep it for as long as a stop stands
        or a channel is away."""
        for sms_id, before in self._messages_before.items():
            after = self.messages.get(sms_id)
            if before.is_with_sender and (after is None or not (after.is_with_sender or after.state == "sending")):
                self.effects.append(Withdrawn(sms_id))

    def decision(self, answer: Any = None) -> Decision:
        self._forget()
        self._withdraw()
        for sms_id in self._spent_before.keys() | self.spent.keys():
            before, after = self._spent_before.get(sms_id), self.spent.get(sms_id)
            if before != after:
                self.effects.append(Counted(sms_id, before, after))
        busy = {m.alert_id for m in self.messages.values()}
        cases = {id: _compact(case, id in busy) for id, case in self.cases.items()}
        if len(cases) > MOST_CASES:
            over = sorted((id for id, case in cases.items() if case.is_over), key=lambda id: _last_told(cases[id]))
            for id in over[: len(cases) - MOST_CASES]:
                del cases[id]
                self.effects.append(Forgotten(id, "alert"))
        state = Customer(
            self.customer_id,
            self.contact,
            self.debt,
            cases,
            self.messages,
            self.sent_on,
            self.references,
            self.handwritten,
            self.spent,
        )
        rows, events, effects = tuple(self._rows.values()), tuple(self._events), tuple(self.effects)
        return Decision(state, events, wake_of(state), rows, effects, answer)


def wake_of(state: Customer | None) -> datetime | None:
    """When the clock must look again: at once for what is fresh, at the end of each hold that has one, and when an
    alert goes up."""
    if state is None:
        return None
    times = [m.planned_at if m.is_fresh else m.hold_until for m in state.messages.values()]
    times += [case.steps_up[0].at for case in state.cases.values() if case.steps_up]
    return min((at for at in times if at is not None), default=None)


def unchanged(state: Customer | None) -> Decision:
    """Nothing of it concerns notifications."""
    return Decision(state, timer_at=wake_of(state))


def _last_told(case: AlertProgress) -> float:
    return 0.0 if case.recency is None else case.recency.at.timestamp()


def _compact(case: AlertProgress, busy: bool) -> AlertProgress:
    """A resolved alert whose work item is known and whose messages are settled leaves only what stops repeats."""
    alert = case.alert
    if alert is None or case.ended is None or busy or (case.work_id is None and not alert.late):
        return case
    return replace(case, alert=None)
