"""What each person chose: a document in versions. The webhook, a secret, is kept apart under a name of its own, which
the document holds together with what may be shown of it.
"""

from collections.abc import Collection
from datetime import datetime
from http import HTTPStatus
from typing import Literal, NamedTuple

import msgspec

from contracts.notices import NoticePreferences
from gateway.identity.secret import digest, new_secret
from gateway.notices.destinations import check_address, check_webhook, masked
from gateway.notices.due import Channel, Kind, Quiet
from servicekit.clock import EPOCH, SystemClock, system_now
from servicekit.decision import Refused
from servicekit.store import Documents
from servicekit.versioned import Version, VersionedDocuments

PREFERENCES, WEBHOOKS = "notice_preferences", "notice_webhooks"


class Digest(msgspec.Struct, frozen=True):
    """``since``: the business time at which it was asked for as it is."""

    channels: tuple[Channel, ...] = ()
    at: str = "08:30"
    since: datetime = EPOCH


class Urgent(msgspec.Struct, frozen=True):
    """``since``: the version of the preferences in which it was asked for as it is."""

    channels: tuple[Channel, ...] = ()
    severity: Literal["critical", "major"] = "critical"
    kinds: tuple[str, ...] = ()
    since: int = 0


class Preferences(msgspec.Struct, frozen=True):
    """What somebody chose. ``webhook``: the name of the secret, ``webhook_shown``: what they see of it."""

    language: Literal["zh", "en"] = "zh"
    mail: str | None = None
    webhook: str | None = None
    webhook_shown: str | None = None
    digest: Digest = Digest()
    urgent: Urgent = Urgent()
    quiet: Quiet | None = Quiet("21:00", "08:00")

    def channels(self, kind: Kind) -> tuple[Channel, ...]:
        """By which of them notices of this kind go."""
        match kind:
            case "digest":
                return self.digest.channels
            case "urgent":
                return self.urgent.channels
            case _:
                return tuple(channel for channel in ("mail", "wecom") if self.is_ready(channel))

    def is_ready(self, channel: Channel) -> bool:
        """Whether it is known where to send."""
        return (self.mail if channel == "mail" else self.webhook) is not None


class Allowed(NamedTuple):
    """Where notices may go: channels that the settings have, domains of mail (none: all), hosts of webhooks."""

    channels: Collection[Channel] = ()
    domains: Collection[str] = ()
    hosts: Collection[str] = ()


class PreferenceStore:
    """Preferences by staff number. Raises ``Transient`` where the database does not answer."""

    def __init__(self, rows: Documents, allowed: Allowed, clock: SystemClock = system_now) -> None:
        self._rows, self.allowed, self._clock = rows, allowed, clock
        self._documents: VersionedDocuments[Preferences] = VersionedDocuments(rows, PREFERENCES, Preferences, clock)

    async def get(self, staff_no: str) -> Version[Preferences]:
        """As they are now; version 0 of who never said anything."""
        found = await self._documents.get(staff_no)
        return found or Version(staff_no, 0, "active", staff_no, "", self._clock(), Preferences())

    async def all(self) -> list[Version[Preferences]]:
        """Everybody's."""
        return await self._documents.all()

    async def save(
        self, staff_no: str, asked: NoticePreferences, after: int, business: datetime
    ) -> Version[Preferences]:
        """The next version. Raises ``Clash``, and ``Refused`` (422) for what can't be sent to."""
        before = (await self.get(staff_no)).document
        url = None
        if asked.wecom_webhook is None:
            name, told = None, None
        elif asked.wecom_webhook == before.webhook_shown:
            name, told = before.webhook, before.webhook_shown
        else:
            url = check_webhook(asked.wecom_webhook, self.allowed.hosts)
            name, told = digest(new_secret()), masked(url)
        document = self._document(asked, before, (name, told), after + 1, business)
        if name is not None and url is not None:
            # Before the document that names it: what a killed process leaves behind, the next save removes.
            await self._rows.put(WEBHOOKS, name, {"staff_no": staff_no, "url": url})
        try:
            saved = await self._documents.save(staff_no, document, after=after, author=staff_no, reason="saved")
        except Refused:
            if url is not None:
                await self._rows.forget(WEBHOOKS, {"_id": name})
            raise
        for row in await self._rows.find(WEBHOOKS, {"staff_no": staff_no}):
            if row["_id"] != saved.document.webhook:
                await self._rows.forget(WEBHOOKS, {"_id": row["_id"]})
        return saved

    async def destination(self, preferences: Preferences, channel: Channel) -> str | None:
        """Where to send: an address, or the URL of a webhook. Raises ``Refused`` where that is no longer allowed."""
        if channel == "mail":
            return None if preferences.mail is None else check_address(preferences.mail, self.allowed.domains)
        row = None if preferences.webhook is None else await self._rows.get(WEBHOOKS, preferences.webhook)
        return None if row is None else check_webhook(row["url"], self.allowed.hosts)

    def _document(
        self,
        asked: NoticePreferences,
        before: Preferences,
        webhook: tuple[str | None, str | None],
        version: int,
        business: datetime,
    ) -> Preferences:
        mail = None if asked.mail_address is None else check_address(asked.mail_address, self.allowed.domains)
        digest_ = Digest(tuple(dict.fromkeys(asked.digest.channels)), asked.digest.at, before.digest.since)
        if (bool(digest_.channels), digest_.at) != (bool(before.digest.channels), before.digest.at):
            digest_ = msgspec.structs.replace(digest_, since=business)
        kinds = tuple(sorted(set(asked.urgent.kinds)))
        urgent = Urgent(tuple(dict.fromkeys(asked.urgent.channels)), asked.urgent.severity, kinds, before.urgent.since)
        if _watched(urgent) != _watched(before.urgent):
            urgent = msgspec.structs.replace(urgent, since=version)
        quiet = None if asked.quiet is None else Quiet(asked.quiet.begins, asked.quiet.ends)
        made = Preferences(asked.language, mail, *webhook, digest_, urgent, quiet)
        for field, channels in (("digest.channels", digest_.channels), ("urgent.channels", urgent.channels)):
            for channel in channels:
                self._check(made, channel, field)
        return made

    def _check(self, made: Preferences, channel: Channel, field: str) -> None:
        if not made.is_ready(channel):
            raise _faulty(field, "请先填写邮箱或机器人地址", "say first where to send it")
        if channel not in self.allowed.channels:
            raise _faulty(field, "本平台没有开通这种方式", "this platform does not send by that channel")


def shown(preferences: Preferences) -> NoticePreferences:
    """As their owner reads them."""
    made = msgspec.to_builtins(preferences)
    for choice in (made["digest"], made["urgent"]):
        del choice["since"]
    names = {"mail_address": made["mail"], "wecom_webhook": made["webhook_shown"]}
    return NoticePreferences.model_validate(
        {**names, **{name: made[name] for name in ("language", "digest", "urgent", "quiet")}}
    )


def _watched(urgent: Urgent) -> tuple[bool, str, tuple[str, ...]]:
    return bool(urgent.channels), urgent.severity, urgent.kinds


def _faulty(field: str, zh: str, en: str) -> Refused:
    return Refused("bad_destination", zh, en, HTTPStatus.UNPROCESSABLE_ENTITY, field)
