"""What notifications ask of an SMS transport, and the exact meaning of its answers.

The one rule behind all of it: a part is sent at most once. Only an answer that says "surely not taken" (NOT_WRITTEN,
THROTTLED, REFUSED) leaves us free to decide on another attempt; UNKNOWN is settled by a receipt or a late answer.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class ProviderText:
    """A text as a provider knows it: the id of its template, the language of the text, and its variables."""

    id: str
    language: Literal["zh", "en"]
    variables: dict[str, str]


@dataclass(frozen=True, slots=True)
class SubmitRequest:
    """One part of a message as a PDU to submit; to a provider that takes templates, the whole message.

    reference: our 16-bit reference of this part (TLV user_message_reference 0x0204, SMPP 3.4 §5.3.2.17).
    destination: E.164 digits without "+".
    encoding: "gsm7" or "ucs2"; the text must fit it (see segments.plan).
    concat: (group reference 0-255, total, number from 1), sent as the header 05 00 03; None for a message of one part.
    part_id: "<sms_id>/<number>", opaque to the transport and given back in the SubmitResult.
    template: what a provider that takes templates is told instead of the text.
    """

    reference: int
    destination: str
    text: str
    encoding: str
    concat: tuple[int, int, int] | None
    part_id: str
    template: ProviderText | None = None

    @property
    def number(self) -> int:
        """That of the part, from 1."""
        return _number(self.part_id)


class SubmitOutcome(enum.Enum):
    """What is known of one submitted part."""

    ACCEPTED = "accepted"  # the SMSC took it and gave a message_id
    REFUSED = (
        "refused"  # the SMSC said no with a status that waiting does not change, or (status None) it can't be encoded
    )
    REFUSED_FOR_NOW = "refused_for_now"  # said no to this message, and may say otherwise later
    THROTTLED = "throttled"  # ESME_RTHROTTLED or ESME_RMSGQFUL: not taken, may be tried again
    NOT_WRITTEN = "not_written"  # never left this process, or came where we are not let in: may be tried again
    UNKNOWN = "unknown"  # handed to the socket, no answer: never sent again


@dataclass(frozen=True, slots=True)
class SubmitResult:
    """The outcome of one part. message_id is set when ACCEPTED, command_status whenever the SMSC answered, code (a
    word) whenever a provider did."""

    part_id: str
    outcome: SubmitOutcome
    message_id: str | None
    command_status: int | None
    detail: str = ""
    code: str = ""

    @property
    def number(self) -> int:
        """That of the part, from 1."""
        return _number(self.part_id)


@dataclass(frozen=True, slots=True)
class DeliveryReceipt:
    """A delivery receipt (SMPP 3.4 Appendix B).

    state: DELIVRD, EXPIRED, DELETED, UNDELIV, UNKNOWN, REJECTD; or ACCEPTD, ENROUTE, which are not final.
    reference: the echoed user_message_reference; None when the SMSC does not echo it.
    destination: the customer's number, digits only, as the SMSC writes it (it may drop the country code).
    done_at: as the SMSC writes it (YYMMDDhhmm[ss], its own time zone). text: the raw receipt text.
    May come twice, before the SubmitResult of its part, or for a part of an earlier process.
    channel: by which it came; of other channels ids and references mean nothing.
    """

    message_id: str
    state: str
    reference: int | None
    destination: str
    error: str
    done_at: str | None
    text: str
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class InboundSms:
    """A message that a customer sent to us, e.g. TD. source: digits only. Parts of a long one come one by one.

    at: when, where the channel says so: then it may be told twice, or late. word: what tells it from every other one,
    where it may be told again as well; None: the channel tells nothing again that it has an OK for."""

    source: str
    destination: str
    text: str
    at: datetime | None = None
    word: str | None = None


OnReceipt = Callable[[DeliveryReceipt], Awaitable[None]]
OnInbound = Callable[[InboundSms], Awaitable[None]]
OnLateAnswer = Callable[[SubmitResult], Awaitable[None]]


class Permit(Protocol):
    """Leave to submit, which grows old while a part waits for room."""

    def is_valid(self) -> bool:
        """Whether the part may be written now."""
        ...

    async def renew(self) -> bool:
        """Ask again; False: the part must not leave. True says that it is worth looking at ``is_valid`` again."""
        ...


class TransportClosed(Exception):
    """ready() cannot come true any more: close() was called."""


class Transport(Protocol):
    """A road to an SMSC or a provider. One instance, one account."""

    async def start(
        self, on_receipt: OnReceipt, on_inbound: OnInbound, on_late_answer: OnLateAnswer | None = None
    ) -> None:
        """Begin to connect, and return without waiting for the SMSC (see ready).

        on_receipt and on_inbound are awaited before the SMSC gets its OK; when one raises, the SMSC is told to repeat.
        on_late_answer is given the SMSC's answer to a part whose submit() has already said UNKNOWN or was cancelled.
        """

    async def submit(self, part: SubmitRequest, permit: Permit | None = None) -> SubmitResult:
        """Submit once. Waits for room in the window and for the end of a throttle pause; returns when the SMSC has
        answered, the PDU surely wasn't written, or the answer can't come any more.

        ``permit``: is valid at the moment of the write, which no waiting follows; what it forbids is NOT_WRITTEN.

        A task cancelled here may have written: treat it as UNKNOWN.
        """
        ...

    async def ready(self) -> None:
        """Returns when a submit would be written at once: bound, room in the window, no throttle pause.

        Raises TransportClosed after close().
        """

    @property
    def is_ready(self) -> bool:
        """Whether ``ready`` would return at once."""
        ...

    async def close(self) -> None:
        """Take no more parts, wait (bounded) for outstanding answers and handlers, unbind, disconnect. Idempotent."""

    @property
    def connected(self) -> bool:
        """Bound to the SMSC right now; of a provider: as far as its last answer says."""
        ...

    @property
    def down_since(self) -> float | None:
        """Since when it has not been connected, on the monotonic clock; None where it is, or may be tried."""
        ...


def _number(part_id: str) -> int:
    return int(part_id.rpartition("/")[2])
