"""Rules that run in shadow, judged beside the others: by the very same handlers, in a world where they alone are in
force. What BOSS says is one for both worlds; what comes of it is not: their alerts have ids, event types and documents
of their own, so that none joins, hides or ends an alert that counts. Nothing wakes them: they are of months.
"""

from msgspec.structs import replace

from alerts.alert_document import alert_document
from alerts.detection.decision_builder import DecisionBuilder
from alerts.detection.handlers import Handler
from alerts.detection.state import CustomerState, Shadow
from alerts.rules import Rules
from contracts.alert import ShadowAlert
from servicekit.decision import Context, Decision, DocumentWrite, OutgoingEvent

ALERTS = "shadow_alerts"


def judge(
    rules: Rules, handle: Handler, state: CustomerState | None, data: object, ctx: Context, decided: Decision
) -> Decision:
    """What the others have ``decided``, and beside it what comes of rules in shadow. ``state`` is that before both."""
    after = decided.state
    before = (None if state is None else state.shadow) or (Shadow() if rules.has_shadow else None)
    if before is None or after is None or not (rules.has_shadow or before.alerts):
        return decided
    found = handle(rules.shadow, _with(state or CustomerState(after.customer_id), before), data, ctx)
    shadow = _of(found.state)
    if not rules.has_shadow and all(held.outcome is not None for held in shadow.alerts.values()):
        shadow = _traces(found.state, rules, ctx)
    if shadow == before and not found.events:
        return decided
    return replace(
        decided,
        state=replace(after, shadow=None if shadow == Shadow() else shadow),
        events=(*decided.events, *found.events),
        writes=(*decided.writes, *map(_document, found.events)),
    )


def _with(state: CustomerState, shadow: Shadow) -> CustomerState:
    """The customer as the shadow's world has them."""
    return replace(
        state,
        floor=shadow.floor,
        alerts=shadow.alerts,
        asked=shadow.asked,
        ended=shadow.ended,
        judged=shadow.judged,
        barred=shadow.barred,
        wake=None,
    )


def _of(state: CustomerState) -> Shadow:
    return Shadow(state.floor, state.alerts, state.asked, state.ended, state.judged, state.barred)


def _traces(state: CustomerState, rules: Rules, ctx: Context) -> Shadow:
    """Nothing runs in shadow any more and nothing is open: their revisions alone are kept, so that they go on should
    an alert come again."""
    builder = DecisionBuilder(state, ctx, rules.shadow)
    for key in state.alerts:
        builder.let_go(key)
    return Shadow(ended=builder.ended)


def _document(event: OutgoingEvent) -> DocumentWrite:
    alert = event.data
    assert isinstance(alert, ShadowAlert)
    document = {**alert_document(alert, alert.state), "shadow": True, "revision": alert.revision}
    return DocumentWrite(ALERTS, alert.alert_id, document)
