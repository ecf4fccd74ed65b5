"""What the last process left: answers that it kept, intents without one, and what may go or is held."""

import asyncio
from collections.abc import Callable, Iterable

import structlog

from alerts.notifications import orders
from alerts.notifications.answers import Kept, KeptAnswers
from alerts.notifications.lookup import Lookup
from alerts.notifications.routing import ready
from alerts.notifications.send_policy import SendPolicy
from alerts.notifications.sending import Answered
from alerts.notifications.state import HeldBack, ReadyToSend
from servicekit.pipeline import StreamProcessor

log = structlog.get_logger()


async def recover(
    kept: KeptAnswers,
    messages: Lookup,
    processor_of: Callable[[str], StreamProcessor | None],
    in_force: Callable[[StreamProcessor | None], SendPolicy],
    hold_back: Callable[[Iterable[HeldBack]], None],
) -> list[ReadyToSend]:
    """What may go; ``hold_back`` is told what is held, as it is found. Answers that were kept are told first, and what
    was on its way without one is unknown: it is never sent again in hope."""
    # Side by side: one by one each would wait for a beat, and nothing is sent meanwhile.
    ours = [each for each in kept.read() if processor_of(each.customer_id) is not None]
    await asyncio.gather(*(_tell_kept(kept, each, messages) for each in ours))
    lost, may_go = [], []
    async for processor, customer, message in messages.open_messages():
        found = ready(in_force(processor), message, customer.cases)
        if message.state == "sending":
            lost.append(processor.command(orders.lost(message.customer_id, message.sms_id)))
        elif message.state == "queued":
            may_go.append(found)
        elif message.is_stopped or message.is_short:
            hold_back([HeldBack(found, message.is_short)])
    await asyncio.gather(*lost)
    log.info("sms.recovered", unknown=len(lost), ready=len(may_go))
    return may_go


async def _tell_kept(kept: KeptAnswers, each: Kept, messages: Lookup) -> None:
    sms_id = each.answered.sms_id
    found = await messages.message(sms_id)
    if found is None:
        log.warning("sms.kept_answer_of_nobody", sms_id=sms_id)  # it was written, or the state was begun anew
        return kept.drop(sms_id)
    processor, message = found
    now = {part.number: part.reference for part in message.parts}
    parts = tuple(p for p in each.answered.parts if now.get(p.number) == each.references.get(p.number))
    await orders.tell(processor, each.customer_id, Answered(sms_id, parts))
    kept.drop(sms_id)
    log.info("sms.kept_answer_told", sms_id=sms_id)
