"""What is held already, and which of it a stop holds back as well."""

from collections.abc import AsyncIterator, Callable

from alerts.notifications.lookup import Lookup
from alerts.notifications.routing import ready
from alerts.notifications.send_policy import SendPolicy
from alerts.notifications.state import ReadyToSend
from servicekit.pipeline import StreamProcessor


async def stopped(
    messages: Lookup, in_force: Callable[[StreamProcessor | None], SendPolicy], stops: SendPolicy
) -> AsyncIterator[list[ReadyToSend]]:
    """What is held, for the morning, another day, or by a stop that was released, and which a stop that stands
    concerns that it does not name."""
    for index in ("held", "sms"):
        found = list[ReadyToSend]()
        async for processor, customer, message in messages.open_messages(index):
            if message.state != "held" or stops.stands(message.stop):
                continue
            held = ready(in_force(processor), message, customer.cases)
            if stops.holds(held.about, held.channels) is not None:
                found.append(held)
        yield found
