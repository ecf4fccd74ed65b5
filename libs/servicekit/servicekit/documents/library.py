"""The documents of one kind at their owner: versions, and the steps that brought them into force.

Two collections of versions (``servicekit.versioned``) and one of steps, each under its order's id. What billing-sync
has placed is the truth of steps: whoever asks for one notes it, and every worker follows, so that a process that ends
between asking and noting loses nothing.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
import structlog

from contracts.documents import PASSED, Placed, State
from servicekit.clock import SystemClock, iso, system_now
from servicekit.decision import KeyUsed, Refused
from servicekit.documents import steps as stepping
from servicekit.documents.difference import Sentence, sentences
from servicekit.documents.kinds import Kind
from servicekit.documents.steps import Standing, Step
from servicekit.documents.switchboard import Switchboard
from servicekit.ids import derive
from servicekit.store import Documents
from servicekit.versioned import Version, VersionedDocuments, version_of

log = structlog.get_logger()
#: Whoever asks for a step notes it at once: this is for other workers, and for who ended in between.
FOLLOW_SECONDS = 5.0
Document = dict[str, Any]
#: in the row of a step: somebody gives it up
_GIVEN_UP = "given_up"
#: who wrote what is delivered
HOUSE, DELIVERED = "kam", "随产品交付 / as delivered"
#: why a version waits no more, where nobody was asked
TAKEN_BACK = "撤回生效日期 / its day is taken back"


class Shown(msgspec.Struct, frozen=True):
    """A version and how it stands; ``tried``: what its newest trial came to."""

    version: Version[Document]
    state: Standing
    active_from: datetime | date | None
    switches: tuple[Step, ...] = ()
    tried: Document | None = None

    def plain(self, kind: Kind, *, brief: bool = False) -> dict[str, Any]:
        """As people get it: the document within, and its own fields at the top; ``brief``: without its long lists."""
        v, since = self.version, self.active_from
        document = {n: value for n, value in v.document.items() if n not in kind.masked} if brief else v.document
        return {
            **document,
            "id": v.id,
            "version": v.version,
            "state": self.state,
            "author": v.author,
            "why": v.reason,
            "created_at": iso(v.at),
            "active_from": None if since is None else iso(since) if isinstance(since, datetime) else since.isoformat(),
            "tried": self.tried,
            "switches": [step.plain() for step in self.switches],
            **kind.shows(v.document),
            "document": document,
        }


class Library:
    """Raises ``Refused`` (404 for what is not there, 412 where somebody was faster, 422 for what is wrong with a
    document), and ``Transient`` where the database does not answer."""

    def __init__(self, kind: Kind, rows: Documents, switchboard: Switchboard, clock: SystemClock = system_now) -> None:
        self.kind, self._rows, self._switchboard, self._clock = kind, rows, switchboard, clock
        name = f"{kind.name}_documents"
        self._documents: VersionedDocuments[Document] = VersionedDocuments(rows, name, dict, clock)
        self.indexes = ((f"{name}.versions", "id"), (f"{name}.steps", "id"))
        self._steps, self._trials = f"{name}.steps", f"{name}.trials"
        self._heard = 0
        self._unreadable = set[str]()

    # --- what there is ----------------------------------------------------------------------------------------------

    async def brief(self) -> list[dict[str, Any]]:
        """Every version by id and version, as lists show it: without long lists of its own."""
        steps = await self._steps_by_id()
        trials = {row["_id"]: row["tried"] for row in await self._rows.find(self._trials)}
        found = [
            self._shown(each, steps.get(each.id, ()), trials.get(_place(each.id, each.version))).plain(
                self.kind, brief=True
            )
            async for each in self._documents.every()
        ]
        return sorted(found, key=lambda told: (told["id"], told["version"]))

    async def held(self) -> list[Shown]:
        """Of each document, by id, the versions that decide or may come to: in force or stopped, in shadow, waiting."""
        newest, found = {v.id: v for v in await self._documents.all()}, list[Shown]()
        for id, steps in sorted((await self._steps_by_id()).items()):
            for number in stepping.held(steps):
                version = newest.get(id)
                if version is None or version.version != number:
                    version = await self._documents.version(id, number)
                if version is not None:
                    found.append(self._shown(version, steps))
        return found

    async def get(self, id: str, version: int | None = None) -> Shown:
        """A version; without a number the newest."""
        found = await (self._documents.get(id) if version is None else self._documents.version(id, version))
        if found is None:
            raise _missing(id, version)
        trial = await self._rows.get(self._trials, _place(id, found.version))
        return self._shown(found, await self._steps_of(id), None if trial is None else trial["tried"])

    async def difference(self, id: str, before: int, after: int) -> list[Sentence]:
        """What has changed from one version to another."""
        old, new = await self.get(id, before), await self.get(id, after)
        # Documents can be long, and others are served by this process meanwhile.
        return await asyncio.to_thread(sentences, self.kind, old.version.document, new.version.document)

    def _shown(self, version: Version[Document], steps: Sequence[Step], tried: Document | None = None) -> Shown:
        n = version.version
        mine = tuple(stepping.told_of(n, steps))
        return Shown(version, stepping.standing_of(n, steps), stepping.active_from(n, steps), mine, tried)

    # --- what people do ---------------------------------------------------------------------------------------------

    async def save(
        self, id: str, document: Document, *, after: int | None, author: str, why: str, key: str | None = None
    ) -> Shown:
        """The next version, a draft. ``after``: the version it was made from; None: there is none yet."""
        there = await self._documents.get(id)
        if after is None and there is not None and (key is None or there.key != key):
            version_of(None)  # which one was it made from?
        plain = await self.checked({**document, "id": id})
        saved = await self._documents.save(
            id, plain, after=after or 0, author=author, reason=why, state="saved", key=key
        )
        return self._shown(saved, await self._steps_of(id))

    async def activate(
        self,
        id: str,
        version: int,
        *,
        by: str,
        why: str,
        on: date | None = None,
        shadow: bool = False,
        key: str | None = None,
    ) -> Shown:
        """In force from one place of the log on, at once or with the first record of a day. Asked again, a version that
        waits for another day waits for this one. With a ``key`` a repeat of the same person changes nothing."""
        found, steps = await self.get(id, version), await self._steps_of(id)
        state: State = "shadow" if shadow else "active"
        order = stepping.order_id(self.kind.name, id, version, state, steps, on=on, by=by, key=key)
        # Placed first, then given up what waits for another day: who ends between the two loses nothing and asks again.
        others = [s for s in stepping.waiting_of(steps, version) if (s.state, s.on) != (state, on)]
        is_there = on is None and stepping.standing_of(version, steps) == state
        if key is not None and (repeated := stepping.repeated(order, state, steps)) is not None:
            if (repeated.version, repeated.on) != (version, on):
                raise KeyUsed()
            if repeated.number is not None and not is_there:
                return found  # something else has come about since
        elif not (is_there and others):
            if shadow:
                self._refuse_shadow(found.version.document)
            stepping.refuse_activation(version, state, steps)
            # What was right when it was saved may not be so beside others, or for a later release.
            document = await self.checked(found.version.document)
            await self._place(Step(order, id, version, state, by, why, on=on), document)
        for step in others:  # that they wait no more, the new order says
            await self._withdraw(step)
        return await self.get(id, version)

    async def take_back(self, id: str, version: int, *, by: str, why: str) -> Shown:
        """A version waits for no day any more; of one that waits for none nothing changes."""
        await self.get(id, version)
        for waiting in stepping.waiting_of(await self._steps_of(id), version):
            await self._give_up(waiting, by, why)
        return await self.get(id, version)

    async def checked(self, document: Document) -> Document:
        """The document as it is kept, right beside what it must go with. Raises ``Faulty``."""
        return self.kind.checked(document, await self.others())

    def _refuse_shadow(self, document: Document) -> None:
        """Raises ``Refused`` where it has none."""
        why_not = self.kind.why_no_shadow(document)
        if not self.kind.has_shadow:
            why_not = "此类文档不能影子运行", "documents of this kind have no shadow"
        if why_not is not None:
            raise Refused("no_shadow", *why_not, 422, "shadow")

    async def rollback(self, id: str, *, by: str, why: str, key: str | None = None) -> Shown:
        """A new version with what was in force before, at once; what waits for its day is given up."""
        newest, steps = await self.get(id), await self._steps_of(id)
        # Under the same key a save is something else.
        saved_as = None if key is None else f"rollback {key}"
        mine = [] if key is None else await self._documents.history(id)
        made = next((v.version for v in mine if (v.key, v.author) == (saved_as, by)), None)
        if made is None:
            earlier = stepping.before(steps)
            if earlier is None:
                raise Refused("nothing_before", "没有更早生效过的版本", "no version was in force before this one")
            document = (await self.get(id, earlier)).version.document
            if newest.state == "draft" and (newest.version.document, newest.version.author) == (document, by):
                made = newest.version.version  # a roll-back that got so far and no further
            else:
                after = newest.version.version
                made = (await self.save(id, document, after=after, author=by, why=why, key=saved_as)).version.version
        if all(step.version != made for step in steps):  # else a repeat: what waits was asked for behind it
            for waiting in stepping.waiting_of(steps):
                await self._give_up(waiting, by, why)
        return await self.activate(id, made, by=by, why=why, key=key)

    async def stop(self, id: str, *, by: str, why: str, shadow: bool = False, key: str | None = None) -> Shown:
        """Nothing new comes of it from one place of the log on; what waits for its day is given up. ``shadow``: of what
        runs in shadow alone."""
        if not self.kind.may_stop and not shadow:
            zh, en = "此类文档总要有一版生效，请启用另一版", "one of these is always in force: activate another version"
            raise Refused("always_in_force", zh, en)
        await self.get(id)
        steps = await self._steps_of(id)
        if key is not None:
            order = stepping.order_id(self.kind.name, id, 0, "stopped", steps, by=by, key=key)
            if (repeated := stepping.repeated(order, "stopped", steps)) is not None:
                return await self.get(id, repeated.version)
        stepping.refuse_stop(steps, shadow=shadow)
        for waiting in () if shadow else stepping.waiting_of(steps):
            await self._give_up(waiting, by, why)
        now = stepping.in_force(steps)
        last = now if not shadow and now is not None and now.state == "active" else stepping.in_shadow(steps)
        if last is None:
            return await self.get(id)
        document = (await self.get(id, last.version)).version.document
        order = stepping.order_id(self.kind.name, id, last.version, "stopped", steps, by=by, key=key)
        await self._place(Step(order, id, last.version, "stopped", by, why), document)
        return await self.get(id, last.version)

    async def record_trial(self, id: str, version: int, tried: Document) -> None:
        """Keep what a trial of a version came to, as its newest."""
        await self._rows.put(self._trials, _place(id, version), {"tried": tried})

    # --- switches ---------------------------------------------------------------------------------------------------

    async def follow(self) -> None:
        """Job: note what was placed, by whomever it was asked. It goes on whatever happens: without it nobody would
        learn of a switch any more."""
        said = ""
        while True:
            try:
                await self.look()
                said = ""
            except Exception as error:
                why = repr(error)[:200]
                if why != said:  # once, not every few seconds
                    log.warning("documents.not_followed", kind=self.kind.name, error=why)
                said = why
            await asyncio.sleep(FOLLOW_SECONDS)

    async def look(self) -> None:
        """Bring the steps in line with what billing-sync says. An order that can't be noted keeps back none behind it,
        and is told again."""
        known = [step for steps in (await self._steps_by_id()).values() for step in steps]
        # From the first on after each start: one may have been noted before an earlier one was.
        told = await self._switchboard.after(self._heard, self.kind.name)
        failed: Exception | None = None
        for placed in told:
            try:
                await self.note(placed)
            except Exception as error:
                failed = failed or error
            if failed is None and placed.number is not None:
                self._heard = max(self._heard, placed.number)
        missing = {step.order for step in stepping.waiting_of(known)} - {placed.id for placed in told}
        if missing:
            # Given up, or lost; or placed, and noted as waiting by a worker that had heard less.
            told = await self._all_told()
            for placed in told:
                if placed.id in missing:
                    await self.note(placed)
            for order in missing - {placed.id for placed in told}:
                try:
                    await self._ask_again(order)
                except Exception as error:
                    failed = failed or error
        if failed is not None:
            raise failed

    async def noted_anew(self, placed: Placed) -> None:
        """For an owner that has more to do once a switch is placed; at least once, before the switch is noted."""

    async def _all_told(self) -> list[Placed]:
        """All that was placed since the beginning, and what waits."""
        found, number = list[Placed](), -1
        while True:
            told = await self._switchboard.after(max(number, 0), self.kind.name)
            found += told
            last = max((placed.number for placed in told if placed.number is not None), default=number)
            if last == number:
                return found
            number = last

    async def note(self, placed: Placed) -> None:
        """What became of an order. All workers do this at once: what has its place stays as it is."""
        step = stepping.step_of(placed)
        row = msgspec.to_builtins(step)
        there = await self._rows.get(self._steps, step.order)
        if there is not None and there.get("number") is not None:
            return
        if step.number is not None:
            await self.noted_anew(placed)
        if await self._rows.add(self._steps, step.order, row):
            return
        if step.number is not None:
            return await self._rows.put(self._steps, step.order, row, newer_by="number")
        there = await self._rows.get(self._steps, step.order)
        if there is not None and there.get("number") is None and there.get("on") != row["on"]:
            # It was given up and asked for anew.
            await self._forget(step.order)
            await self._rows.add(self._steps, step.order, row)

    async def _place(self, step: Step, document: Document) -> None:
        await self._rows.patch(self._steps, step.order, {_GIVEN_UP: False})
        await self.note(await self._switchboard.place(self.kind.name, step, document))

    async def _give_up(self, step: Step, by: str, why: str) -> None:
        """It waits no more; that it did, and who ended that, stays in the history."""
        if await self._withdraw(step):
            now = self._clock()
            order = derive("taken back", step.order, iso(now))
            over = Step(order, step.id, step.version, "taken_back", by, why, at=now, on=step.on)
            await self._rows.add(self._steps, order, msgspec.to_builtins(over))

    async def _withdraw(self, step: Step) -> bool:
        # Said before it is done: what billing-sync does not know of, and nobody has given up, was lost.
        await self._rows.patch(self._steps, step.order, {_GIVEN_UP: True})
        waited = await self._switchboard.take_back(step.order)
        await self._forget(step.order)
        return waited

    async def _ask_again(self, order: str) -> None:
        """An order that waits, and of which billing-sync knows nothing: its store was lost, unless somebody has given
        the order up. Of a day that has passed meanwhile it comes into force at once."""
        row = await self._rows.get(self._steps, order)
        if row is None or row.get("number") is not None:
            return
        if row.get(_GIVEN_UP):
            return await self._forget(order)
        step = msgspec.convert(row, Step)
        document = (await self.get(step.id, step.version)).version.document
        try:
            placed = await self._switchboard.place(self.kind.name, step, document)
        except Refused as refused:
            if refused.code != PASSED:
                raise
            at_once = msgspec.structs.replace(step, on=None)
            placed = await self._switchboard.place(self.kind.name, at_once, document)
        log.warning("documents.asked_again", kind=self.kind.name, id=step.id, version=step.version, on=str(step.on))
        row = await self._rows.get(self._steps, order)
        if placed.number is None and (row is None or row.get(_GIVEN_UP)):  # meanwhile
            await self._switchboard.take_back(order)
            return await self._forget(order)
        await self.note(placed)

    async def _forget(self, order: str) -> None:
        """An order that waits no more, unless it was placed."""
        await self._rows.forget(self._steps, {"order": order, "number": None})

    # --- what is delivered ------------------------------------------------------------------------------------------

    async def plant(
        self, documents: Iterable[tuple[int, Document]], *, is_in_force: Callable[[str, int], bool]
    ) -> None:
        """Versions that were delivered, each with its number; those in force are so from the beginning of the log.
        What is there already stays as it is."""
        for number, document in documents:
            id = str(document["id"])
            await self._documents.plant(Version(id, number, "saved", HOUSE, DELIVERED, self._clock(), document))
            if is_in_force(id, number):
                step = Step(f"delivered-{id}-{number}", id, number, "active", HOUSE, DELIVERED, 0)
                await self._rows.add(self._steps, step.order, msgspec.to_builtins(step))

    async def others(self) -> list[Document]:
        """What a new version must go with (``kinds.Others``)."""
        return [{**shown.version.document, "id": shown.version.id} for shown in await self.held()]

    async def _steps_of(self, id: str) -> list[Step]:
        return self._read(await self._rows.find(self._steps, {"id": id}))

    async def _steps_by_id(self) -> Mapping[str, list[Step]]:
        found: dict[str, list[Step]] = {}
        for step in self._read(await self._rows.find(self._steps)):
            found.setdefault(step.id, []).append(step)
        return found

    def _read(self, rows: Iterable[Document]) -> list[Step]:
        """Steps of rows, less those that this release can't read: said once each."""
        found = list[Step]()
        for row in rows:
            try:
                found.append(msgspec.convert(row, Step))
            except msgspec.ValidationError as error:
                order = str(row.get("_id"))
                if order not in self._unreadable:
                    self._unreadable.add(order)
                    log.error("documents.step_left_out", kind=self.kind.name, order=order, reason=str(error))
        return found


def _place(id: str, version: int) -> str:
    return f"{id}@{version}"


def _missing(id: str, version: int | None) -> Refused:
    if version is None:
        return Refused("not_found", f"没有 {id}", f"there is no {id}", 404)
    return Refused("not_found", f"{id} 没有第 {version} 版", f"{id} has no version {version}", 404)
