"""The composition root of the gateway."""

import httpx

from gateway.api import action_routes, read_routes, settling_routes
from gateway.audit import Audit, AuditLog
from gateway.peers import Peers
from gateway.settings import Settings
from gateway.settling import Ends, LogEnds
from gateway.web import Pages, SecurityHeaders
from servicekit.service import Service


def build(
    settings: Settings,
    *,
    client: httpx.AsyncClient | None = None,
    audit: Audit | None = None,
    ends: Ends | None = None,
) -> Service:
    """The service; tests hand in a client, an audit log and log ends of their own."""
    service = Service("gateway", settings)
    peers = Peers(settings, client)
    service.jobs.append(peers.close_at_end)
    if ends is None:
        log_ends = LogEnds(settings.kafka)
        service.jobs.append(log_ends.run)
        ends = log_ends
    if audit is None:
        audit = AuditLog(lambda: service.publisher, settings.partitions, settings.audit_timeout)
    service.routers += [
        read_routes(peers, audit, settings),
        action_routes(peers, settings),
        settling_routes(peers, ends, settings),
    ]
    service.middlewares.append(SecurityHeaders)
    service.fallback = Pages(settings.web_dist)
    return service
