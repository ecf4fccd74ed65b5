"""Whether a part may be written now: asked at the moment of writing, which may come long after the intent."""

import asyncio
from collections.abc import Callable

import structlog
from prometheus_client import Counter

from alerts.notifications.send_policy import Moment, SendPolicy
from alerts.notifications.sending import CONFIRM, Confirm, Intent
from servicekit.decision import Refused
from servicekit.envelope import command
from servicekit.pipeline import StreamProcessor

log = structlog.get_logger()
STALE = Counter("kam_sms_stale_intents_total", "Intents not submitted at once, by what became of them", ["became"])

_CONFIRM_SECONDS = 2.0  # an older intent is submitted only when a commit has shown that its processor is still ours
_DECIDE_SECONDS = 5.0  # an older one is decided on anew


class IntentPermit:
    """See transport.Permit: parts of an intent may leave while it is fresh and their processor is surely this
    process's. Its commit may have taken long, and so may a confirmation's: what has become of clocks and number
    meanwhile is looked at as well.
    """

    def __init__(
        self, processor: StreamProcessor, intent: Intent, in_force: Callable[[StreamProcessor], SendPolicy]
    ) -> None:
        self._processor, self._intent, self._in_force = processor, intent, in_force
        self._confirmed = intent.decided
        self._asking = asyncio.Lock()  # parts wait side by side: one question for all of them

    @property
    def _send_policy(self) -> SendPolicy:
        return self._in_force(self._processor)

    def is_valid(self) -> bool:
        fresh = self._send_policy.moment().since(self._confirmed) <= _CONFIRM_SECONDS
        return fresh and self._processor.failed is None and not self._is_stopped()

    def _is_stopped(self) -> bool:
        policy, intent = self._send_policy, self._intent
        if policy.is_quiet(self._processor.now) or policy.blocked(intent.phone):
            return True
        return policy.stopped(intent.about) is not None

    async def renew(self) -> bool:
        if self._processor.failed is not None:
            return False
        async with self._asking:
            if self.is_valid():
                return True
            waited = self._send_policy.moment().since(self._intent.decided)
            if waited <= _DECIDE_SECONDS and not self._is_stopped():
                intent = self._intent
                order = command(CONFIRM, intent.customer_id, Confirm(intent.sms_id), id=f"{CONFIRM}/{intent.sms_id}")
                try:
                    confirmed: Moment | None = await self._processor.command(order)
                except Refused:  # it has ended: the part is not written, and the next process hears so
                    return False
                if confirmed is not None:
                    STALE.labels("confirmed").inc()
                    self._confirmed = confirmed
                    return True
            STALE.labels("decided_anew").inc()
            log.info("sms.intent_stale", sms_id=self._intent.sms_id, seconds=round(waited, 1))
            return False
