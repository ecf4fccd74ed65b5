"""Accounts that are there from the first start: those of the embedded demo, elsewhere the first administrator's."""

import asyncio
from pathlib import Path

import msgspec
import structlog

from gateway.access.grants import Grant, Role
from gateway.identity.users import User, Users, check_user, staff_no_of
from servicekit.decision import Refused
from servicekit.store import patiently

log = structlog.get_logger()
#: whoever signs in while they are being made waits so long
_PATIENCE = 15.0
#: the staff number of the first administrator outside of the demo
FIRST = "ADMIN"
_SHOWN = ("staff_no", "password", "role", "name", "unit_id", "manager_id")


class SeededAccount(msgspec.Struct, frozen=True):
    """A line of the file. A head's scope is their unit, a city head's ``city``; others have the whole province."""

    staff_no: str
    password: str
    role: Role
    name: str
    unit_id: str | None = None
    manager_id: str | None = None
    city: str | None = None

    def user(self) -> User:
        """The account it makes."""
        units = (self.unit_id,) if self.role == "head" and self.unit_id else ()
        cities = (self.city,) if self.role == "city_head" and self.city else ()
        grant = Grant(self.role, cities=cities, units=units)
        return check_user(User(self.name, self.unit_id, self.manager_id, (grant,)))


class Seeds:
    """Accounts that are made once; what was changed since stays. Those of the demo are shown at the sign-in page, and
    nobody need change a password that all can read there; ``first_password`` is in a file.
    """

    def __init__(self, users: Users, demo: Path | None, first_password: Path | None) -> None:
        self._users, self._demo, self._made = users, demo is not None, asyncio.Event()
        self._accounts: list[SeededAccount] = []
        if demo is not None:
            self._accounts += msgspec.json.decode(demo.read_bytes(), type=list[SeededAccount])
        if first_password is not None:
            password = first_password.read_text(encoding="utf-8").strip()
            self._accounts.append(SeededAccount(FIRST, password, "administrator", "管理员 administrator"))
        if not self._accounts:
            self._made.set()

    async def make(self) -> None:
        """Job: make those that are not there yet, as soon as the database answers."""
        for account in self._accounts:
            await patiently(lambda account=account: self._make(account), "seeded accounts")  # type: ignore[misc]
        self._made.set()
        await asyncio.Event().wait()

    async def are_there(self) -> None:
        """Wait until they have been made. Raises ``Refused`` (503) when that takes too long."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._made.wait()
        except TimeoutError:
            raise Refused(
                "starting", "服务正在启动，请稍候", "the service is starting; try again shortly", 503
            ) from None

    def shown(self) -> list[dict[str, str | None]] | None:
        """Those of the embedded demo; None elsewhere."""
        return [{field: getattr(a, field) for field in _SHOWN} for a in self._accounts] if self._demo else None

    async def _make(self, account: SeededAccount) -> None:
        made = await self._users.seed(
            staff_no_of(account.staff_no),
            account.user(),
            account.password,
            reason="演示账号 / demo account" if self._demo else "首个账号 / first account",
            must_change=not self._demo,
        )
        if made:
            log.info("account.seeded", staff_no=account.staff_no, role=account.role)
