"""Puts notices together for the composition root."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from fastapi import APIRouter

from gateway.access.viewer import Access
from gateway.audit import Audit
from gateway.identity.build import Identity
from gateway.notices.api import notice_routes
from gateway.notices.dispatch import Dispatch
from gateway.notices.due import Channel
from gateway.notices.flood import FloodRule, never
from gateway.notices.ledger import Ledger
from gateway.notices.people import People
from gateway.notices.preferences import Allowed, PreferenceStore
from gateway.notices.senders import Mail, MailServer, Sender, WeCom
from gateway.notices.watch import Watch
from gateway.projection.follow import Projection
from gateway.releases import Releases
from gateway.settings import Settings
from servicekit.clock import SystemClock, system_now
from servicekit.store import Documents

Job = Callable[[], Awaitable[None]]


class Notices(NamedTuple):
    """Routes, and jobs where there is anything to send by."""

    router: APIRouter
    jobs: Sequence[Job]


def notices(
    settings: Settings,
    rows: Documents,
    who: Identity,
    access: Access,
    projection: Projection,
    audit: Audit,
    releases: Releases,
    clock: SystemClock = system_now,
    flood: FloodRule = never,
) -> Notices:
    """Over the documents in ``rows``. Without the page's address or a channel in the settings nothing is ever sent."""
    senders: dict[Channel, Sender] = {}
    jobs: list[Job] = []
    if settings.public_url is not None and settings.smtp is not None and settings.smtp_sender is not None:
        host, _, port = settings.smtp.rpartition(":")
        password = settings.smtp_password_file
        server = MailServer(host, int(port), settings.smtp_sender, settings.smtp_tls, settings.smtp_user, password)
        senders["mail"] = Mail(server, clock)
    if settings.public_url is not None and settings.notice_webhook_hosts:
        wecom = senders["wecom"] = WeCom()
        jobs.append(lambda: _until_the_end(wecom))
    allowed = Allowed(tuple(senders), _names(settings.notice_mail_domains), _names(settings.notice_webhook_hosts))
    preferences, ledger = PreferenceStore(rows, allowed, clock), Ledger(rows, clock)
    people = People(who.sign_in.users, access, releases)
    watch = Watch(preferences, ledger, people, projection, clock, flood)
    if senders and settings.public_url is not None:
        url = settings.public_url.rstrip("/")
        dispatch = Dispatch(senders, url, preferences, ledger, people, projection, clock)
        jobs += [watch.run, dispatch.run]
    router = notice_routes(preferences, ledger, watch, projection, who.guards, audit, clock)
    return Notices(router, jobs)


async def _until_the_end(wecom: WeCom) -> None:
    """Job: nothing but to let go of connections at the end."""
    try:
        await asyncio.Event().wait()
    finally:
        await wecom.close()


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip().lower() for name in text.split(",") if name.strip())
