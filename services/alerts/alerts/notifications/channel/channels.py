"""The channels of this process, by name: which of them a message may take now, and all of them as one to start and end.

The first one takes any text; others take what they know a template of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from time import monotonic

from .transport import DeliveryReceipt, OnInbound, OnLateAnswer, OnReceipt, Transport

#: what a policy may name, in the order that holds where it names none
SMPP, HTTP = "smpp", "http"
CHANNELS = (SMPP, HTTP)
#: those that put variables into a template of their own
BY_TEMPLATE = frozenset({HTTP})


class Channels:
    """Closed all at once; a channel that can't be reached keeps none of the others from beginning."""

    def __init__(self, transports: Mapping[str, Transport]) -> None:
        self._transports = dict(transports)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._transports)

    def of(self, name: str) -> Transport:
        """Raises ``KeyError``."""
        return self._transports[name]

    def choose(self, names: Sequence[str], patience: float) -> str | None:
        """Of these, in order of preference, the one to take now: the first that is connected, or the only one there is.
        None: the first has not been away for ``patience`` seconds yet, so nothing else is tried, or all are away."""
        if len(self._transports) == 1:
            return next(iter(names), None)
        for name in names:
            since = self._transports[name].down_since
            if since is None:
                return name
            if monotonic() - since < patience:
                return None
        return None

    async def start(self, on_receipt: OnReceipt, on_inbound: OnInbound, on_late_answer: OnLateAnswer) -> None:
        """See ``Transport.start``; receipts say by which channel they came."""
        for name, transport in self._transports.items():
            await transport.start(partial(_said_by, on_receipt, name), on_inbound, on_late_answer)

    async def close(self) -> None:
        for transport in self._transports.values():
            await transport.close()

    def connected(self) -> dict[str, bool]:
        return {name: transport.connected for name, transport in self._transports.items()}


async def _said_by(on_receipt: OnReceipt, channel: str, receipt: DeliveryReceipt) -> None:
    await on_receipt(replace(receipt, channel=channel))
