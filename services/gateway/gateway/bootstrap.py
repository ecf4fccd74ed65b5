"""The composition root of the gateway."""

import asyncio
from functools import partial
from pathlib import Path

import httpx
import msgspec

from gateway.access.api import own_rights_routes, role_routes
from gateway.access.roles import ROLES, Roles
from gateway.access.viewer import Access
from gateway.api import clock_routes, item_routes, read_routes, settling_routes
from gateway.audit import Audit, AuditLog, ReadsOnce
from gateway.callers import caller_routes
from gateway.claims import claim_routes
from gateway.contacts import contact_routes
from gateway.customer_actions import customer_action_routes
from gateway.customer_view import customer_view_routes
from gateway.customers import customer_routes
from gateway.documents import document_routes
from gateway.domain import Collection, Standing
from gateway.examples import with_examples
from gateway.exports.api import export_routes
from gateway.exports.jobs import Jobs
from gateway.exports.runner import Runner
from gateway.feeds.api import feed_routes
from gateway.feeds.letters import Letters, LogLetters
from gateway.holidays import holiday_routes
from gateway.identity.build import identity
from gateway.identity.guard import asker_now
from gateway.identity.lockout import SignInLockout
from gateway.identity.passwords import Passwords
from gateway.identity.sessions import LOGOUTS, SESSIONS
from gateway.identity.tokens import TOKENS
from gateway.identity.users import LINKS, USERS
from gateway.live.api import live_routes
from gateway.live.streams import Streams
from gateway.notices.build import notices
from gateway.notices.flood import WorkRulesFlood
from gateway.notices.ledger import ATTEMPTS, NOTICES
from gateway.notices.preferences import PREFERENCES, WEBHOOKS
from gateway.overview.api import overview_routes
from gateway.peers import Peers
from gateway.projection.api import list_routes
from gateway.projection.follow import NAME, Projection
from gateway.projection.rebuild import Rebuild
from gateway.projection.rows import Rows
from gateway.projection.store import ProjectionStore
from gateway.releases import Releases, release_routes
from gateway.repeats import REPEATS, Repeats
from gateway.rule_figures import rule_figure_routes
from gateway.settings import Settings
from gateway.settling import Ends, LogEnds
from gateway.shadows import shadow_routes
from gateway.sms_policy import sms_policy_routes
from gateway.stops import stop_routes
from gateway.today import today_routes
from gateway.trail.api import audit_routes
from gateway.trail.follow import NAME as TRAIL_NAME
from gateway.trail.follow import Trail
from gateway.trail.store import TRAIL
from gateway.trials import trial_routes
from gateway.units import unit_routes
from gateway.views import OWNER, UNIT, VIEWS, view_routes
from gateway.web import Pages, SecurityHeaders
from gateway.why_not import why_not_routes
from gateway.work_actions import work_routes
from servicekit.clock import SystemClock, system_now
from servicekit.kafka import start_consumer
from servicekit.mongo import MongoDocuments, connect
from servicekit.pace import Pace
from servicekit.service import Service
from servicekit.store import Documents, patiently

#: Under load the log is asked for so often: soon enough for a screen (a second), and seldom enough to cost little. That
#: long after the beat detection has sent what came of it.
_PACE_SECONDS, _BEHIND_SECONDS = 0.4, 0.07


def build(
    settings: Settings,
    *,
    client: httpx.AsyncClient | None = None,
    audit: Audit | None = None,
    ends: Ends | None = None,
    projection: Projection | None = None,
    trail: Trail | None = None,
    documents: Documents | None = None,
    letters: Letters | None = None,
    passwords: Passwords | None = None,
    lockout: SignInLockout | None = None,
    provider: httpx.AsyncBaseTransport | None = None,
    now: SystemClock = system_now,
) -> Service:
    """The service; tests hand in a client, an audit log, log ends, read models, documents, passwords, an identity
    provider and a clock of their own."""
    service = Service("gateway", settings)
    peers = Peers(settings, client)
    service.jobs.append(peers.close_at_end)
    if ends is None:
        log_ends = LogEnds(settings.kafka)
        service.jobs.append(log_ends.run)
        ends = log_ends
    if audit is None:
        audit = ReadsOnce(AuditLog(lambda: service.publisher, settings.partitions, settings.audit_timeout))
    if projection is None:
        projection = read_model(settings, peers)
        service.jobs.append(projection.run)
    service.standings.append(projection.settle)
    if trail is None:
        trail = audit_trail(settings)
        service.jobs.append(trail.run)
    if documents is None:
        documents = database = MongoDocuments(connect(settings.mongodb, "gateway"))
        service.jobs.append(partial(_index, database))
    repeats = Repeats(documents, now)
    service.jobs.append(repeats.forget)
    who = identity(settings, documents, audit, passwords=passwords, lockout=lockout, provider=provider, clock=now)
    service.jobs += who.jobs

    async def collect() -> Collection:
        own = msgspec.convert({**service.settle(), "ready": True}, Standing)
        return {**await peers.collect(), "gateway": own}

    model = projection
    access = Access(who.guards, Roles(documents, now), projection.store)
    asker = partial(asker_now, who.sign_in.users, who.tokens.is_good)
    exports = Runner(Jobs(settings.service_data / "exports", now), model, access, asker)
    service.jobs.append(exports.run)
    releases = Releases(peers)
    told = notices(settings, documents, who, access, projection, audit, releases, now, WorkRulesFlood(peers))
    service.jobs += told.jobs
    streams = Streams(projection)
    service.jobs.append(streams.run)
    service.routers += [
        *who.routers(settings, audit, access, repeats, lambda: model.clock),
        own_rights_routes(access, who.guards),
        role_routes(access, projection.store, audit, who.sign_in.users.count),
        audit_routes(trail, access, audit),
        unit_routes(projection, access),
        list_routes(projection, audit, access),
        export_routes(exports, audit, access, who.guards, repeats),
        live_routes(projection, streams, access, audit),
        today_routes(projection, access, audit),
        overview_routes(projection, audit, access, peers.feeds),
        sms_policy_routes(peers, audit, access, who.sign_in.users),
        item_routes(peers, audit, access),
        customer_routes(peers, audit, access, repeats, now),
        read_routes(peers, audit, access, settings),
        work_routes(peers, audit, access, projection.store, repeats),
        claim_routes(projection, peers, audit, access, repeats),
        contact_routes(projection, audit, access),
        customer_view_routes(projection, peers, audit, access),
        customer_action_routes(peers, audit, access),
        why_not_routes(peers, audit, access),
        *document_routes(peers, audit, access),
        stop_routes(peers, audit, access),
        release_routes(releases, peers, audit, access),
        trial_routes(peers, audit, access),
        shadow_routes(peers, audit, access),
        rule_figure_routes(projection, audit, access),
        caller_routes(projection, audit, access),
        told.router,
        view_routes(documents, access, who.guards, who.sign_in.users, projection.store, now),
        clock_routes(peers, audit, access, who.guards),
        holiday_routes(who.guards),
        feed_routes(peers, audit, access, letters or LogLetters(settings.kafka), repeats),
        settling_routes(peers, collect, ends, service.ready, who.guards),
    ]
    service.middlewares.append(SecurityHeaders)
    service.fallback = Pages(settings.web_dist)
    service.described = with_examples
    return service


async def _index(documents: MongoDocuments) -> None:
    """Job: by what else accounts, tokens and sessions are looked for."""
    versioned = [(f"{name}.versions", "id") for name in (USERS, TOKENS, ROLES, VIEWS, PREFERENCES)]
    of_notices = (
        (NOTICES, "staff_no"),
        (NOTICES, "is_open"),
        (NOTICES, "at"),
        (ATTEMPTS, "at"),
        (WEBHOOKS, "staff_no"),
    )
    # What has had its time is looked for every few minutes, among all that is kept.
    by_time = ((SESSIONS, "until"), (SESSIONS, "seen_at"), (LOGOUTS, "until"), (LINKS, "until"), (REPEATS, "begun"))
    of_views = ((VIEWS, OWNER), (VIEWS, UNIT))
    for collection, field in (
        (SESSIONS, "staff_no"),
        (SESSIONS, "sso_sub"),
        *by_time,
        *of_views,
        *of_notices,
        *versioned,
    ):
        await patiently(partial(documents.index, collection, field), "indexes of accounts")
    await asyncio.Event().wait()


def read_model(settings: Settings, peers: Peers) -> Projection:
    """The read model of this process, in its own folder."""
    rows = Rows(_secret(settings.secret_file))
    return Projection(
        ProjectionStore(settings.service_data / NAME, rows.identity),
        rows,
        settings.partitions,
        partial(start_consumer, settings.kafka, f"gateway-{NAME}", pace=Pace(_PACE_SECONDS, _BEHIND_SECONDS)),
        Rebuild(peers.collect, peers.export),
    )


def audit_trail(settings: Settings) -> Trail:
    """The searchable copy of the audit log, in its own folder."""
    return Trail(
        ProjectionStore(settings.service_data / "audit", "", TRAIL),
        settings.partitions,
        partial(start_consumer, settings.kafka, f"gateway-{TRAIL_NAME}", pace=Pace(_PACE_SECONDS, _BEHIND_SECONDS)),
    )


def _secret(file: Path | None) -> bytes:
    try:
        return b"" if file is None else file.read_bytes().strip()
    except OSError:  # nobody is let in without it either
        return b""
