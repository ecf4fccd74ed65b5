"""Takes messages that may go, freezes their intents, and only then submits them; brings the answers back.

A message that may leave at once is *claimed*: the commit that lets it go freezes its intent too. One that must wait,
for others before it, room, the rate or the SMSC, is *offered*: its intent is a commit of its own when its turn comes.

Nothing is submitted without a committed intent, and nothing is submitted again unless the SMSC surely did not take it:
that is decided in ``sending.py``. This module knows waiting, rates, stops and retries, in system time,
and that time may pass unseen: a process may be stopped and go on when another has taken its partitions over.
"""

import asyncio
import contextlib
import heapq
import itertools
import math
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from time import monotonic

import structlog
from prometheus_client import Counter

from alerts.notifications import orders
from alerts.notifications.allowance import Allowance
from alerts.notifications.answers import Kept, KeptAnswers
from alerts.notifications.aside import Aside
from alerts.notifications.backlog import stopped
from alerts.notifications.budget import Ledger
from alerts.notifications.channel.channels import Channels
from alerts.notifications.channel.transport import SubmitOutcome, SubmitRequest, SubmitResult
from alerts.notifications.lookup import Lookup
from alerts.notifications.parked import Parked
from alerts.notifications.permit import IntentPermit
from alerts.notifications.receipts import Receipts
from alerts.notifications.recovery import recover
from alerts.notifications.send_policy import SendPolicy
from alerts.notifications.sending import Answered, Intent
from alerts.notifications.state import HeldBack, ReadyToSend
from alerts.notifications.waiting_line import WaitingLine
from servicekit import fault_injection, telemetry
from servicekit.commands import Command
from servicekit.delay import Delay
from servicekit.pipeline import StreamProcessor

log = structlog.get_logger()
PARTS = Counter("kam_sms_parts_total", "SMS parts submitted, by what the SMSC said", ["outcome"])
TO_SMS = Delay(
    "kam_event_to_sms_seconds",
    "From a BOSS record's acceptance to the SMSC's of the first part of the SMS it caused; held ones don't count",
)

_IN_HAND = 100  # messages between intent and the SMSC's answer at most: what a kill can leave unknown for good
_HOLDS_AT_ONCE = 200  # messages of a stop, or without a budget: their commits must leave room for those of answers
_KEEP_SECONDS = 1.0  # answers that have not been written by then are kept on disk until they are
_LOOK_SECONDS = 1.0  # between looks whether a channel is back
_LAST_SECONDS = 2.0  # for answers outstanding when the service stops


class Sender:
    """``claim`` and ``offer`` take what may go, ``run`` sends until cancelled, ``pending`` counts what is not done.
    ``hold_back`` takes what a stop or a budget holds back, ``withdraw`` what does not go any more; ``look_at_stops`` is
    to be called whenever stops have changed, ``look_at_policy`` whenever another policy or text is in force,
    ``look_at_budget`` whenever some of it was given back. A message waits in one place at most.

    ``processor_of``: the processor of notifications that owns a customer, None where another process does. ``heard``
    returns once they know what was told before this process began, and the stops: a TD among it stops what waits.
    ``share``: what part of the policy's rate is this process's. ``in_force``: the policy that a processor has come to,
    of None the newest of all of them; ``send_policy`` where it is not given. ``ledger``: what budgets have room for.
    """

    def __init__(
        self,
        channels: Channels,
        receipts: Receipts,
        processor_of: Callable[[str], StreamProcessor | None],
        messages: Lookup,
        send_policy: SendPolicy,
        *,
        kept: KeptAnswers,
        heard: Callable[[], Awaitable[None]],
        ledger: Ledger,
        share: float = 1.0,
        in_hand: int = _IN_HAND,
        in_force: Callable[[StreamProcessor | None], SendPolicy] | None = None,
    ) -> None:
        self._kept = kept
        self._channels, self._receipts, self._processor_of = channels, receipts, processor_of
        self._messages, self._send_policy = messages, send_policy
        self._heard = heard
        self._in_force = in_force or (lambda _: send_policy)
        self._most, self._ledger = in_hand, ledger
        self._due = WaitingLine(lambda: self._in_force(None).policy)
        self._later: list[tuple[float, int, ReadyToSend]] = []  # by time
        self._count = itertools.count()
        self._aside = Aside()
        self._parked = Parked(lambda channels: self._in_force(None).channel(channels))
        self._routed_before = set[str]()  # whose channels are those of a policy, or text, that is no longer in force
        self._holds, self._holding = asyncio.Semaphore(_HOLDS_AT_ONCE), set[asyncio.Task[None]]()
        self._tasks: set[asyncio.Task[None]] = set()
        self._answered: set[asyncio.Task[None] | None] = set()
        self._failed: asyncio.Task[None] | None = None
        self._recovered = self._is_open = False
        self._changed = asyncio.Event()
        self._allowance = Allowance(lambda: max(1.0, self._in_force(None).policy.rate_per_second * share))

    def offer(self, messages: Iterable[ReadyToSend]) -> None:
        """Messages that may go, each after its delay."""
        for message in messages:
            self._leave(message.sms_id)
            if message.delay > 0:
                heapq.heappush(self._later, (monotonic() + message.delay, next(self._count), message))
            else:
                self._push(message)
        self._changed.set()

    def hold_back(self, messages: Iterable[HeldBack]) -> None:
        """Messages that wait for the release of a stop, or for room in a budget; those that have it meanwhile go."""
        for held in messages:
            has_way = self._ledger.has_room(held.message) if held.is_short else not self._is_stopped(held.message)
            if has_way:
                self._push(held.message)
            else:
                self._leave(held.message.sms_id)
                self._aside.put(held)
        self._changed.set()

    def withdraw(self, sms_ids: Iterable[str]) -> None:
        """Messages that do not go any more. One that waits for its time leaves when that has come."""
        for sms_id in sms_ids:
            self._leave(sms_id)
        self._changed.set()

    def look_at_budget(self, parts: int) -> None:
        """So many parts were given back."""
        self._go_again(self._aside.short(parts))

    def look_at_stops(self) -> None:
        """Stops have changed: what they concern is set aside, and what they concern no more may go."""
        for message in (*self._due.drain(), *self._parked.all()):
            self._push(message)
        self._go_again(self._aside.released(self._is_stopped))
        if self._is_open:
            self._watch(asyncio.create_task(self._hold_what_waits()), self._holding)

    def look_at_policy(self) -> None:
        """Another policy, or another text, is in force: what no budget had room for is asked about again, and so is
        which channels may take what waits for one, or is held because its channels are stopped."""
        for message in self._aside.released(lambda each: self._send_policy.stopped(each.about) is not None):
            self._ask_again(message)
        self._go_again([*self._aside.short(), *self._parked.all()])
        self._routed_before = {message.sms_id for message in self._waiting()}

    def _leave(self, sms_id: str) -> None:
        self._aside.leave(sms_id)
        self._parked.leave(sms_id)
        self._due.leave(sms_id)
        self._routed_before.discard(sms_id)

    def _waiting(self) -> Iterator[ReadyToSend]:
        yield from self._due
        yield from (message for _, _, message in self._later)
        yield from self._parked
        yield from self._aside

    def in_turn(self, messages: list[ReadyToSend]) -> list[ReadyToSend]:
        """The most important first."""
        return self._due.in_turn(messages)

    def _go_again(self, messages: list[ReadyToSend]) -> None:
        for message in messages:
            self._push(message)
        self._changed.set()

    def _is_stopped(self, message: ReadyToSend) -> bool:
        return self._send_policy.holds(message.about, message.channels) is not None

    def _takes(self, message: ReadyToSend) -> bool:
        """Whether its channel would take it at once."""
        name = self._in_force(None).channel(message.channels)
        return name is not None and self._channels.of(name).is_ready

    def claim(self, message: ReadyToSend) -> Command | None:
        """The command that freezes its intent, for the commit at hand, whose answer is sent at once; None where it must
        be offered."""
        if not self._is_open or message.delay > 0 or self._due or self._in_hand >= self._most:
            return None
        if self._is_stopped(message) or not self._takes(message) or self._allowance.now() < 1:
            return None
        if not self._ledger.reserve(message):
            return None
        self._allowance.use(1)
        intent: asyncio.Future[Intent | None] = asyncio.get_running_loop().create_future()
        self._start(message, intent)
        return orders.intend(message), intent

    def pending(self) -> int:
        """Messages allowed to go and not yet answered, those in back-off included; not what a stop holds back."""
        waiting = len(self._due) + len(self._later) + len(self._parked)
        return waiting + len(self._tasks) + len(self._holding) + (not self._recovered)

    @property
    def _in_hand(self) -> int:
        """Messages whose answer is still to come. One that the SMSC has answered makes room, though that is not written
        yet: two commits of its partition for each would be what bounds the rate.
        """
        return len(self._tasks) - len(self._answered)

    async def run(self) -> None:
        """Recover what the last process left, then send until cancelled."""
        self.offer(
            await recover(self._kept, self._messages, self._processor_of, self._in_force, hold_back=self.hold_back)
        )
        self._recovered = True
        await self._channels.start(self._receipts.on_receipt, self._receipts.on_inbound, self.on_late_answer)
        try:
            await self._heard()
            self._is_open = True
            self.look_at_stops()
            while True:
                await self._something_due()
                await self._channel_ready()
                for message in self._take():
                    self._start(message)
        finally:
            self._is_open = False
            await self._last_answers()
            await self._channels.close()
            await self._last_answers()
            for task in (*self._tasks, *self._holding):
                task.cancel()

    async def on_late_answer(self, answer: SubmitResult) -> None:
        """The SMSC's answer to a part that was given up as unknown."""
        sms_id, _, _ = answer.part_id.rpartition("/")
        found = await self._messages.message(sms_id)
        if found is None:
            log.warning("sms.late_answer_unknown", part_id=answer.part_id, outcome=answer.outcome.value)
            return
        processor, message = found
        PARTS.labels("late_" + answer.outcome.value).inc()
        await orders.tell(processor, message.customer_id, Answered(sms_id, (answer,)))

    # --- choosing ---------------------------------------------------------------------------------------------------

    def _push(self, message: ReadyToSend) -> None:
        if self._is_open and self._is_stopped(message):
            self._ask_again(message)
        else:
            self._due.push(message)

    async def _hold_what_waits(self) -> None:
        """What is held already says at once which stop holds it as well."""
        async for found in stopped(self._messages, self._in_force, self._send_policy):
            await asyncio.gather(*map(self._hold, found))

    def _ask_again(self, message: ReadyToSend, *, is_short: bool = False) -> None:
        """Whether it is held, and which channels may take it."""
        self._watch(asyncio.create_task(self._hold(message, is_short=is_short)), self._holding)

    async def _hold(self, message: ReadyToSend, *, is_short: bool = False) -> None:
        """A commit holds it; what becomes of it is told as of any other (``offer``, ``hold_back``)."""
        processor = self._processor_of(message.customer_id)
        assert processor is not None, "only messages of customers of this process may go"
        async with self._holds:
            await processor.command(orders.hold(message, is_short=is_short))

    async def _something_due(self) -> None:
        """Returns when a message is due, there is room for it and the rate allows it."""
        while True:
            self._changed.clear()
            if self._failed is not None:
                # It ends the sender, and so the service: it starts anew and recovers.
                self._failed.result()
            now = monotonic()
            while self._later and self._later[0][0] <= now:
                self._push(heapq.heappop(self._later)[2])
            for message in self._parked.released():
                self._push(message)
            self._park()
            wait = _LOOK_SECONDS if len(self._parked) else None
            if self._due and self._in_hand < self._most and len(self._holding) < _HOLDS_AT_ONCE:
                if self._allowance.now() >= 1:
                    return
                wait = self._allowance.seconds()
            elif not self._due and self._later:
                wait = min(self._later[0][0] - now, math.inf if wait is None else wait)
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _park(self) -> None:
        """What comes first in line has a channel that can be taken."""
        policy = self._in_force(None)
        while self._due and policy.channel(self._due.first().channels) is None:
            if len(self._holding) >= _HOLDS_AT_ONCE:
                return
            message = self._due.pop()
            if message.sms_id in self._routed_before:
                self._routed_before.discard(message.sms_id)
                self._ask_again(message)  # it comes back as it may go now
            else:
                self._parked.put(message)

    async def _channel_ready(self) -> None:
        """Returns when the channel of the first in line would take it, or when it is time to look again which that
        is."""
        name = self._in_force(None).channel(self._due.first().channels) if self._due else None
        if name is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._channels.of(name).ready()

    def _take(self) -> list[ReadyToSend]:
        # Parts of long messages may have used more than there was: what is owed is not forgiven.
        size = max(0, min(self._most - self._in_hand, int(self._allowance.left)))
        taken: list[ReadyToSend] = []
        while self._due and len(taken) < size and len(self._holding) < _HOLDS_AT_ONCE:
            if not self._takes(self._due.first()):
                break
            if self._ledger.reserve(message := self._due.pop()):
                taken.append(message)
            else:
                self._ask_again(message, is_short=True)
        self._allowance.use(len(taken))
        return taken

    # --- sending ----------------------------------------------------------------------------------------------------

    def _start(self, message: ReadyToSend, claimed: "asyncio.Future[Intent | None] | None" = None) -> None:
        self._routed_before.discard(message.sms_id)
        self._watch(asyncio.create_task(self._send(message, claimed)), self._tasks)

    def _watch(self, task: "asyncio.Task[None]", among: "set[asyncio.Task[None]]") -> None:
        among.add(task)
        task.add_done_callback(partial(self._finished, among))

    def _finished(self, among: "set[asyncio.Task[None]]", task: "asyncio.Task[None]") -> None:
        among.discard(task)
        self._answered.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failed = self._failed or task
        self._changed.set()

    async def _last_answers(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_LAST_SECONDS)

    async def _send(self, message: ReadyToSend, claimed: "asyncio.Future[Intent | None] | None") -> None:
        """Have the intent committed (what waits together is committed together), where that is not done by whoever
        claimed it, then submit it and bring the answers back."""
        processor = self._processor_of(message.customer_id)
        assert processor is not None, "only messages of customers of this process may go"
        intent: Intent | None = None
        try:
            intent = await (claimed or processor.command(orders.intend(message)))
        finally:
            self._ledger.free(message.sms_id)  # counted by its commit, or nothing came of it
            if intent is None:  # one of those that found no room may ask again
                self.look_at_budget(1)
        fault_injection.hit("alerts", "sms_after_intent")
        if intent is None:
            return
        self._allowance.use(len(intent.parts) - 1)
        with self._receipts.expecting(intent) as on_its_way:
            permit = IntentPermit(processor, intent, self._in_force)
            submits = [self._submit_part(intent, part, permit) for part in intent.parts]
            # Most have one part, which needs no task of its own.
            answers = [await submits[0]] if len(submits) == 1 else list(await asyncio.gather(*submits))
            on_its_way.answered.set()
            fault_injection.hit("alerts", "sms_after_submit")
            await self._bring(processor, intent, answers)

    async def _bring(self, processor: StreamProcessor, intent: Intent, answers: list[SubmitResult]) -> None:
        """Bring answers back. Those that wait to be written are on disk as well, should this process end before,
        and those that nobody takes any more, because their processor has ended, for the next process."""
        answered = Answered(intent.sms_id, tuple(answers))
        kept = Kept(intent.customer_id, answered, {p.number: p.reference for p in intent.parts})
        self._answered.add(asyncio.current_task())
        self._changed.set()
        waiting = asyncio.get_running_loop().call_later(_KEEP_SECONDS, self._kept.keep, kept)
        try:
            await orders.tell(processor, intent.customer_id, answered)
        except BaseException:
            self._kept.keep(kept)
            raise
        finally:
            waiting.cancel()
        self._kept.drop(intent.sms_id)

    async def _submit_part(self, intent: Intent, part: SubmitRequest, permit: IntentPermit) -> SubmitResult:
        answer = await self._channels.of(intent.channel).submit(part, permit)
        telemetry.of(PARTS, answer.outcome.value).inc()
        if answer.outcome is SubmitOutcome.ACCEPTED:
            if part is intent.parts[0]:
                TO_SMS.observe_since(intent.accepted)
            if answer.message_id is not None:
                self._receipts.remember(answer.message_id, intent, answer.number)
        return answer
