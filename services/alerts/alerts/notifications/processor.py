"""The stream processor of notifications: what it asks of its own index, since handlers are pure."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from alerts.notifications.blocked import Blocked, said_in
from alerts.notifications.budget import Ledger, counted_in
from alerts.notifications.lookup import pages
from alerts.notifications.receipts import RECEIPT, TOPIC, Receipts
from alerts.notifications.state import ReadyToSend
from contracts.alert import ReceiptReceived
from servicekit.aligned_processor import AlignedProcessor
from servicekit.commands import Command
from servicekit.envelope import UNDECODABLE, Message, encode_data
from servicekit.log_reader import place_of
from servicekit.unit_of_work import UnitOfWork

_decode = msgspec.json.Decoder(ReceiptReceived).decode


class NotificationsProcessor(AlignedProcessor):
    """``blocked`` takes up what subscribers said, as its states know it; ``receipts`` finds the message of a receipt
    that came to another process; ``claim`` gives the command that freezes a message's intent, where it may leave at
    once (``Sender.claim``), ``in_turn`` puts the most important first."""

    def __init__(
        self,
        *args: Any,
        receipts: Receipts,
        blocked: Blocked,
        claim: Callable[[ReadyToSend], Command | None],
        in_turn: Callable[[list[ReadyToSend]], list[ReadyToSend]],
        ledger: Ledger,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self._receipts, self._blocked, self._claim = receipts, blocked, claim
        self._in_turn, self._ledger = in_turn, ledger
        self._told: dict[str, int] | None = None

    async def open(self) -> None:
        await super().open()
        for index, wants in (("blocked", False), ("allowed", True)):
            async for entries in pages(self, index):
                for entry, _ in entries:
                    self._blocked.hear(said_in(entry, wants))
        async for entries in pages(self, "spent"):
            self._ledger.count(counted_in(entry) for entry, _ in entries)

    async def run(self, consumer: Any) -> None:
        told = [tp for tp in self.inputs if tp.topic == TOPIC]
        ends = {} if consumer is None else await self._reader.ends(consumer, told)
        self._told = {place_of(tp): end for tp, end in ends.items()}
        await super().run(consumer)

    def has_heard(self) -> bool:
        """Whether it has handled all that the SMSC had told when it began to run."""
        offsets = self.settle()["offsets"]
        return self._told is not None and all(offsets.get(place, 0) >= end for place, end in self._told.items())

    async def transact(self, messages: Sequence[Message], commands: Sequence[Command]) -> None:
        await super().transact([await self._with_message(m) if _is_nobody_s(m) else m for m in messages], commands)

    async def commit(self, work: UnitOfWork) -> None:
        """What may leave at once has its intent in the very commit that lets it go; the rest is offered to the sender
        behind it."""
        ready = [effect for effect in work.effects if isinstance(effect, ReadyToSend)]
        work.effects = [effect for effect in work.effects if not isinstance(effect, ReadyToSend)]
        claimed: list[Command] = []
        try:
            for message in self._in_turn(ready):
                if (command := self._claim(message)) is not None:
                    claimed.append(command)
                    self._dispatch.carry_out(work, command)
                else:
                    work.effects.append(message)
            await super().commit(work)
        except BaseException:
            for _, intent in claimed:
                intent.cancel()  # it is claimed anew where the batch is tried again
            raise

    async def _with_message(self, message: Message) -> Message:
        """The same record as its customer's, where it belongs to one of them."""
        try:
            asked = _decode(message.body or b"")
        except UNDECODABLE:
            return message  # its handler says so
        event = await self._receipts.of_partition(self, asked)
        if event == asked:
            return message
        key, body = (event.customer_id or message.key).encode(), encode_data(event)
        return Message(message.topic, message.partition, message.offset, key, message.headers, body, message.timestamp)


def _is_nobody_s(message: Message) -> bool:
    return message.type == RECEIPT and b'"sms_id":null' in (message.body or b"")
