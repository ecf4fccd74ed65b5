"""Sends what the ledger holds. What a notice says is made at that moment: of alerts that are still untaken and still in
the scope of whom it is for. No failure of one keeps the others waiting, and nothing outside stops the gateway.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from functools import partial

import msgspec
import structlog
from prometheus_client import Counter, Gauge

from gateway.notices import due, figures, text
from gateway.notices.due import Channel
from gateway.notices.ledger import Delivery, Ledger, Notice
from gateway.notices.people import People
from gateway.notices.preferences import Preferences, PreferenceStore
from gateway.notices.senders import Passing, Refusal, Sender
from gateway.projection.follow import Projection
from servicekit.clock import SystemClock, later, system_now
from servicekit.decision import Refused
from servicekit.store import Transient

log = structlog.get_logger()
SENT = Counter("kam_notices_total", "Notices to staff by what became of a try", ["kind", "channel", "result"])
WAITING = Gauge("kam_notices_waiting", "Notices to staff that wait to be sent")
PACE_SECONDS = 2.0
_AT_ONCE = 8


class Dispatch:
    """``run`` is the job. ``url``: the address of the page, for links."""

    def __init__(
        self,
        senders: Mapping[Channel, Sender],
        url: str,
        preferences: PreferenceStore,
        ledger: Ledger,
        people: People,
        projection: Projection,
        clock: SystemClock = system_now,
    ) -> None:
        self._senders, self._url = senders, url
        self._preferences, self._ledger, self._people = preferences, ledger, people
        self._projection, self._clock = projection, clock
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def run(self) -> None:
        """Job: until cancelled."""
        while True:
            try:
                await self.send()
            except (Transient, Refused) as error:
                log.warning("notices.wait", error=str(error)[:200])
            except Exception:
                log.exception("notices.failed")
            await asyncio.sleep(PACE_SECONDS)

    async def send(self) -> None:
        """Try all that is due."""
        found = await self._ledger.open()
        WAITING.set(len(found))
        await asyncio.gather(*(self._one(notice) for notice in found))

    async def _one(self, notice: Notice) -> None:
        async with self._places:
            try:
                waiting = [channel for channel, delivery in notice.deliveries if delivery.state == "waiting"]
                settled = [await self._try(notice, channel) for channel in waiting]
                if all(settled):
                    await self._ledger.close(notice)
            except (Transient, Refused) as error:
                log.warning("notices.wait", notice=notice.id, error=str(error)[:200])
            except Exception:
                log.exception("notices.failed", notice=notice.id)

    async def _try(self, notice: Notice, channel: Channel) -> bool:
        """Whether nothing more is to be done by this channel."""
        now, known = self._clock(), notice.delivery(channel)
        if known is not None and known.next_at is not None and now < known.next_at:
            return False
        preferences = (await self._preferences.get(notice.staff_no)).document
        if notice.kind != "test" and due.is_quiet(preferences.quiet, self._projection.clock):
            return False
        made: text.Text | str = "gave_up"
        if now < later(notice.at, due.TRIED[notice.kind]) and (known is None or known.attempts < due.MOST_ATTEMPTS):
            made = await self._text(notice, channel, preferences)
        delivery = await self._ledger.claim(notice, channel)
        if delivery is None:
            return False
        if isinstance(made, str):
            delivery = _ended(delivery, made)
        else:
            delivery = await self._sent(notice, channel, delivery, preferences, made)
        SENT.labels(notice.kind, channel, delivery.state).inc()
        delivery = msgspec.structs.replace(delivery, at=self._clock())
        await self._ledger.settle(notice, channel, delivery)
        return delivery.state != "waiting"

    async def _text(self, notice: Notice, channel: Channel, preferences: Preferences) -> text.Text | str:
        """The message, or why there is none."""
        who = await self._people.find(notice.staff_no)
        if who is None:
            return "no_account"
        if channel not in preferences.channels(notice.kind):
            return "switched_off"
        now, language = self._projection.clock, preferences.language
        if notice.kind == "test":
            return text.trial(language, self._url, now)
        alerts = await self._people.alerts(who)
        if notice.kind == "digest":
            work = await self._people.work(who)
            read = partial(figures.day, alerts=alerts, work=work, now=now)
            day = await self._projection.store.read(read)
            return text.digest(day, language, self._url, now, await self._people.releases(who))
        items = await self._projection.store.read(partial(figures.items, scope=alerts, ids=notice.alerts, now=now))
        if not items:
            return "nothing_left"
        return (text.flood if notice.many else text.urgent)(items, language, self._url, now)

    async def _sent(
        self, notice: Notice, channel: Channel, delivery: Delivery, preferences: Preferences, made: text.Text
    ) -> Delivery:
        try:
            to, sender = await self._preferences.destination(preferences, channel), self._senders.get(channel)
        except Refused:
            return _ended(delivery, "not_allowed")
        if sender is None:
            return _ended(delivery, "not_allowed")
        if to is None:
            return _ended(delivery, "no_destination")
        try:
            await sender(to, made, f"{notice.id}:{channel}")
        except Refusal as error:
            return _ended(delivery, str(error))
        except Passing as error:
            return _again(delivery, str(error), self._clock())
        except Exception as error:
            # The error may hold an address: its kind is all that is written down.
            log.warning("notices.fault", notice=notice.id, channel=channel, error=type(error).__name__)
            return _again(delivery, "error", self._clock())
        return msgspec.structs.replace(delivery, state="sent", reason=None, next_at=None)


def _ended(delivery: Delivery, reason: str) -> Delivery:
    state = "dropped" if reason in ("nothing_left", "switched_off", "no_account") else "failed"
    return msgspec.structs.replace(delivery, state=state, reason=reason, next_at=None)


def _again(delivery: Delivery, reason: str, now: datetime) -> Delivery:
    return msgspec.structs.replace(delivery, reason=reason, next_at=due.next_try(delivery.attempts, now))
