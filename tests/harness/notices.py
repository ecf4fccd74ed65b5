"""Notices over a read model and documents of a test's own, step by step, without the rest of the gateway."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from contracts.notices import NoticePreferences
from contracts.releases import StepView
from contracts.work_rules import Flood
from gateway.access.grants import Grant
from gateway.access.roles import Roles
from gateway.access.viewer import Access, Viewer
from gateway.identity.build import identity
from gateway.identity.passwords import Passwords
from gateway.identity.users import User, Users
from gateway.notices.dispatch import Dispatch
from gateway.notices.due import Channel
from gateway.notices.ledger import Ledger
from gateway.notices.people import People
from gateway.notices.preferences import Allowed, Preferences, PreferenceStore
from gateway.notices.senders import Sender
from gateway.notices.text import Text
from gateway.notices.watch import Watch
from gateway.projection.follow import Projection
from gateway.releases import Releases
from gateway.settings import Settings
from harness.people import QUICK, Clock
from harness.read_model import Log, alert, customer, following, manager, message, reached, unit, until
from servicekit.clock import iso
from servicekit.decision import Refused
from servicekit.store import Documents
from servicekit.versioned import Version

URL = "https://kam.example"
HOST = "qyapi.weixin.qq.com"
WEBHOOK = f"https://{HOST}/cgi-bin/webhook/send?key=693a91f6-0000-4bc4-97a0-0ec2sifa5aaa"


class Outbox:
    """A sender that remembers what it was given. ``fails``: what it raises next, before it takes the message or, with
    ``after``, once it has."""

    def __init__(self) -> None:
        self.got: list[tuple[str, Text, str]] = []
        self.fails: list[BaseException] = []
        self.after = False

    async def __call__(self, to: str, text: Text, id: str) -> None:
        failure = self.fails.pop(0) if self.fails else None
        if failure is None or self.after:
            self.got.append((to, text, id))
        if failure is not None:
            raise failure

    @property
    def ids(self) -> list[str]:
        return [id for _, _, id in self.got]


class Held(Releases):
    """What the brake holds; ``missing``: of whom it lacks something."""

    def __init__(self) -> None:
        self.rows: list[StepView] = []
        self.missing: dict[str, Refused] = {}

    async def seen(self, viewer: Viewer) -> tuple[list[StepView], dict[str, Refused]]:
        return [row for row in self.rows if viewer.scope.sees_city(row.city)], self.missing


class House:
    """Two managers of a unit with a customer each, and one gateway process after the other that tells them."""

    def __init__(self, folder: Path, documents: Documents, projection: Projection, log: Log, clock: Clock) -> None:
        self.documents, self.projection, self.log, self.clock = documents, projection, log, clock
        self.mail, self.wecom = Outbox(), Outbox()
        self.flood: Flood | None = None
        self.held = Held()
        self._folder = folder
        self._alerts = 0
        self.begin()

    def begin(self, documents: Documents | None = None) -> None:
        """A process begins, over nothing but the documents."""
        rows = documents or self.documents
        settings = Settings(service_data=self._folder, kafka="unused:1", peers={})
        who = identity(settings, rows, self._audit, passwords=Passwords(QUICK), clock=self.clock)
        self.users: Users = who.sign_in.users
        access = Access(who.guards, Roles(rows, self.clock, lambda: self.clock.now.timestamp()), self.projection.store)
        self.preferences = PreferenceStore(rows, Allowed(("mail", "wecom"), (), (HOST,)), self.clock)
        self.ledger = Ledger(rows, self.clock)
        people = People(self.users, access, self.held)
        senders: Mapping[Channel, Sender] = {"mail": self.mail, "wecom": self.wecom}
        self.watch = Watch(self.preferences, self.ledger, people, self.projection, self.clock, self._flood)
        self.dispatch = Dispatch(senders, URL, self.preferences, self.ledger, people, self.projection, self.clock)

    async def _audit(self, who: Any, action: str, object_: str, result: str, reason: str | None = None) -> None:
        return None

    async def _flood(self) -> Flood | None:
        return self.flood

    async def account(self, staff_no: str, **grant: Any) -> None:
        """Somebody who may sign in; again: with other grants."""
        before = await self.users.get(staff_no)
        user = User(staff_no, None, staff_no, (Grant(**{"role": "manager", "manager_id": staff_no, **grant}),))
        after = 0 if before is None else before.version
        await self.users.documents.save(staff_no, user, after=after, author="x", reason="x")

    async def chooses(self, staff_no: str, **asked: Any) -> Version[Preferences]:
        """Somebody says what they want to be told; the watch has seen it."""
        after = (await self.preferences.get(staff_no)).version
        told = {"mail_address": f"{staff_no.lower()}@corp.example", "quiet": None, **asked}
        body = NoticePreferences.model_validate(told)
        saved = await self.preferences.save(staff_no, body, after, self.projection.clock)
        await self.watch.urgent(saved)
        return saved

    async def heard(self, *messages: Any, topic: str = "alert.events") -> None:
        """The read model has read this."""
        self.log.put(topic, *messages)
        await until(lambda: reached(self.projection, self.log))

    async def raised(self, n: int = 1, customer_id: str = "c1", **fields: Any) -> list[str]:
        """So many critical alerts."""
        ids = [f"a{self._alerts + k}" for k in range(n)]
        self._alerts += n
        more = {"customer_id": customer_id, "severity": "critical", **fields}
        await self.heard(*(alert("raised", id_, **more) for id_ in ids))
        return ids

    async def it_is(self, at: datetime) -> None:
        """Business time goes on."""
        await self.heard(message("kam.clock.ticked.v1", {"clock": iso(at), "number": 1}))

    async def goes_on(self, minutes: float = 2) -> None:
        """Time passes, and everything that is due is made and sent."""
        self.clock.passes(minutes=minutes)
        await self.watch.look()
        await self.dispatch.send()


@contextlib.asynccontextmanager
async def house(folder: Path, documents: Documents) -> AsyncIterator[House]:
    """One in which all that is known at the beginning has been read."""
    log, clock = Log(), Clock()
    async with following(folder / "lists", log) as projection:
        made = House(folder, documents, projection, log, clock)
        people = (unit("U11"), manager("M0001", unit_id="U11"), manager("M0002", unit_id="U11"))
        customers = (customer("c1", manager_id="M0001"), customer("c2", manager_id="M0002", phone="13901000999"))
        await made.heard(*people, *customers, topic="boss.events")
        await made.it_is(clock.now)
        for staff_no in ("M0001", "M0002"):
            await made.account(staff_no)
        yield made
