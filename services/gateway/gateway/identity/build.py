"""Puts accounts, sessions and tokens together for the composition root."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import NamedTuple

import httpx
from fastapi import APIRouter

from gateway.access.viewer import Access
from gateway.audit import Audit
from gateway.identity.admin import revocation_routes, token_routes, user_routes
from gateway.identity.api import BusinessClock, session_routes
from gateway.identity.cookie import SessionCookie
from gateway.identity.guard import Guards
from gateway.identity.lockout import SignInLockout
from gateway.identity.passwords import Passwords
from gateway.identity.seeds import Seeds
from gateway.identity.sessions import Limits, Sessions
from gateway.identity.signin import SignIn
from gateway.identity.sso.api import CALLBACK, SingleSignOn, single_sign_on_routes
from gateway.identity.sso.backchannel import backchannel_routes
from gateway.identity.sso.provider import Client, Provider
from gateway.identity.tokens import Tokens
from gateway.identity.users import Users
from gateway.repeats import Repeats
from gateway.settings import Settings
from servicekit.clock import SystemClock, system_now
from servicekit.store import Documents

Job = Callable[[], Awaitable[None]]


class Identity(NamedTuple):
    """Who people and machines are."""

    sign_in: SignIn
    tokens: Tokens
    guards: Guards
    seeds: Seeds
    cookie: SessionCookie
    sso: SingleSignOn

    @property
    def jobs(self) -> list[Job]:
        """What runs as long as the service does."""
        return [self.seeds.make, self.sign_in.sessions.forget_ended, self.sso.close_at_end]

    def routers(
        self, settings: Settings, audit: Audit, access: Access, repeats: Repeats, business: BusinessClock
    ) -> list[APIRouter]:
        """All its routes."""
        return [
            session_routes(self.sign_in, self.guards, self.cookie, self.seeds, business),
            single_sign_on_routes(self.sso, self.cookie),
            backchannel_routes(self.sso),
            user_routes(self.sign_in, self.tokens, access, audit, repeats, settings.secret_file),
            token_routes(self.tokens, self.sign_in.users, access, audit, settings.secret_file),
            revocation_routes(self.tokens, settings.secret_file),
        ]


def identity(
    settings: Settings,
    rows: Documents,
    audit: Audit,
    *,
    passwords: Passwords | None = None,
    lockout: SignInLockout | None = None,
    provider: httpx.AsyncBaseTransport | None = None,
    clock: SystemClock = system_now,
) -> Identity:
    """Over the documents in ``rows``; tests hand in quicker passwords, other limits, an
    identity provider and another clock."""
    limits = Limits(timedelta(seconds=settings.session_idle), timedelta(seconds=settings.session_lasts))
    users = Users(rows, passwords or Passwords(), clock)
    sessions, tokens = Sessions(rows, users, limits, clock), Tokens(rows)
    sign_in = SignIn(users, sessions, audit, lockout)
    seeds = Seeds(users, settings.demo_accounts, settings.first_password)
    client = _client(settings)
    return Identity(
        sign_in,
        tokens,
        Guards(settings.secret_file, sessions, tokens.is_good),
        seeds,
        SessionCookie(sessions, limits),
        SingleSignOn(
            None if client is None else Provider(client, clock, provider),
            _home(settings),
            sign_in,
            seeds,
            settings.secret_file,
            clock,
        ),
    )


def _client(settings: Settings) -> Client | None:
    """What the identity provider knows us by; None: there is none."""
    if settings.oidc_issuer is None or settings.oidc_client_id is None or settings.oidc_claim is None:
        return None
    return Client(
        settings.oidc_issuer,
        settings.oidc_client_id,
        settings.oidc_secret_file,
        settings.oidc_claim,
        settings.oidc_scope,
        f"{_home(settings)}{CALLBACK}",
    )


def _home(settings: Settings) -> str:
    return (settings.public_url or "").rstrip("/")
