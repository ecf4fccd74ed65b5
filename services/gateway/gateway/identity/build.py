"""Puts accounts, sessions and tokens together for the composition root."""

from datetime import timedelta
from typing import NamedTuple

from fastapi import APIRouter

from gateway.audit import Audit
from gateway.identity.admin import revocation_routes, token_routes, user_routes
from gateway.identity.api import BusinessClock, session_routes
from gateway.identity.guard import Guards
from gateway.identity.lockout import SignInLockout
from gateway.identity.passwords import Passwords
from gateway.identity.seeds import Seeds
from gateway.identity.sessions import Limits, Sessions
from gateway.identity.signin import SignIn
from gateway.identity.tokens import Tokens
from gateway.identity.users import Users
from gateway.repeats import Repeats
from gateway.settings import Settings
from servicekit.clock import SystemClock, system_now
from servicekit.store import Documents


class Identity(NamedTuple):
    """Who people and machines are."""

    sign_in: SignIn
    tokens: Tokens
    guards: Guards
    seeds: Seeds
    limits: Limits

    def routers(self, settings: Settings, audit: Audit, repeats: Repeats, business: BusinessClock) -> list[APIRouter]:
        """All its routes."""
        return [
            session_routes(self.sign_in, self.guards, self.limits, self.seeds, business),
            user_routes(self.sign_in, self.guards, audit, repeats, settings.secret_file),
            token_routes(self.tokens, self.guards, audit, settings.secret_file),
            revocation_routes(self.tokens, settings.secret_file),
        ]


def identity(
    settings: Settings,
    rows: Documents,
    audit: Audit,
    *,
    passwords: Passwords | None = None,
    lockout: SignInLockout | None = None,
    clock: SystemClock = system_now,
) -> Identity:
    """Over the documents in ``rows``; tests hand in quicker passwords, other limits and another clock."""
    limits = Limits(timedelta(seconds=settings.session_idle), timedelta(seconds=settings.session_lasts))
    users = Users(rows, passwords or Passwords(), clock)
    sessions, tokens = Sessions(rows, users, limits, clock), Tokens(rows)
    return Identity(
        SignIn(users, sessions, audit, lockout),
        tokens,
        Guards(settings.secret_file, sessions, tokens.is_good),
        Seeds(users, settings.demo_accounts, settings.first_password),
        limits,
    )
