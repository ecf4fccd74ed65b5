"""What the sender orders of the processors of notifications: commands, each under the id of its message."""

from alerts.notifications.sending import ANSWERED, HOLD, INTEND, LOST, Answered, Hold, Intend, Lost
from alerts.notifications.state import ReadyToSend
from servicekit.envelope import Message, command
from servicekit.pipeline import StreamProcessor


def intend(message: ReadyToSend) -> Message:
    """Freeze its intent."""
    return _command(INTEND, message.customer_id, Intend(message.sms_id, message.parts))


def hold(message: ReadyToSend, *, is_short: bool) -> Message:
    """It is held; what becomes of it is told as of any other."""
    return _command(HOLD, message.customer_id, Hold(message.sms_id, is_short))


def lost(customer_id: str, sms_id: str) -> Message:
    """Its answers are gone with the process that had its intent."""
    return _command(LOST, customer_id, Lost(sms_id))


async def tell(processor: StreamProcessor, customer_id: str, answered: Answered) -> None:
    """Answers; returns when they are written."""
    await processor.command(_command(ANSWERED, customer_id, answered))


def _command(type_: str, customer_id: str, data: Intend | Hold | Answered | Lost) -> Message:
    return command(type_, customer_id, data, id=f"{type_}/{data.sms_id}")
