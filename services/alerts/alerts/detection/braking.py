"""The brake where alerts are made (ADR 0023): what one step (a file, a day of the clock) would say of too many of a
city waits for a person's word. Pure.

Each partition keeps a *book* of its own under a key that no customer can have: how many customers its cities have, and
the groups of alerts that one step made. Whoever joins a group says nothing until it is judged: behind the file's last
row, at the tick. Members stand in small lists beside the book, so that a large group is woken piece by piece.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from alerts.detection.decision_builder import JOIN, DecisionBuilder
from alerts.detection.state import Book, Braking, CustomerState, Decided, Group, Joins, Word
from alerts.rules import Rules
from contracts.brake import BOOK, Brake, LoadEnded, ReleaseDecided
from contracts.registry import LOAD_ENDED, RELEASE_DECIDED
from servicekit.clock import later
from servicekit.decision import Context, Decision, Forward

LIST, GO, SPEAK = "brake.list", "brake.go", "brake.speak"
#: members of a list
_A_LIST = 10
#: what is over is remembered so long, by the business clock: what comes late is judged with it
_REMEMBERED = timedelta(days=7)
#: whose file's end never comes (a dead letter of an old file; a store that was lost) is judged after so much of it
_LONGEST_STEP = timedelta(days=1)


class Listed(Struct, frozen=True):
    """A member for a list."""

    customer_id: str


def list_key(group: str, number: int) -> str:
    """Under which a list of members stands."""
    return f"{BOOK}/{group}/{number}"


# --- the book -------------------------------------------------------------------------------------------------------


def on_join(rules: Rules, state: CustomerState | None, data: Joins, ctx: Context) -> Decision:
    """A customer's alert waits for what becomes of its group."""
    book = _book(state)
    group = book.groups.get(data.group) or Group(data.city, data.kind, data.cause, data.by_clock, ctx.now)
    member = Forward(list_key(data.group, group.members // _A_LIST), LIST, Listed(data.customer_id))
    group = replace(group, count=group.count + 1, members=group.members + 1)
    # One of the clock is judged at the very tick, when everybody whose time had come has been looked at.
    if not group.is_over:
        return _with(state, book, {data.group: group}, _ends(group), member)
    return _with(state, book, {data.group: group}, None if group.state == "waiting" else ctx.now, member)


def on_load_ended(rules: Rules, state: CustomerState | None, data: LoadEnded, ctx: Context) -> Decision:
    """All rows of a file have been handled here: what they made is judged at the next tick."""
    book = _book(state)
    if data.customers:
        book = replace(book, cities={**book.cities, data.city: (data.customers, data.here)})
    over = {id: replace(g, is_over=True) for id, g in book.groups.items() if g.cause == data.file and not g.is_over}
    return _with(state, book, over, ctx.now if over else None)


def on_decided(rules: Rules, state: CustomerState | None, data: ReleaseDecided, ctx: Context) -> Decision:
    """A person's word on a group that waits here, or yet will: others may have had their part of it before."""
    book = _book(state)
    group = book.groups.get(data.release_id)
    if group is None or group.state == "open":
        words = {id: word for id, word in book.words.items() if ctx.now - word.heard_at <= _REMEMBERED}
        word = Decided(data.verdict, data.by, data.why, data.decided_at, ctx.now)
        return _with(state, replace(book, words={data.release_id: word, **words}), {}, None)
    if group.state != "waiting":
        return Decision(state, timer_at=None if state is None else state.wake)
    group = replace(group, state=data.verdict, by=data.by, why=data.why, decided_at=data.decided_at)
    return _with(state, book, {data.release_id: group}, ctx.now)


def _judge(rules: Rules, state: CustomerState, ctx: Context) -> Decision:
    """The tick has come: each group whose step is over passes or waits; those of whom a person has decided hear it."""
    book, groups, forwards = _book(state), dict[str, Group](), list[Forward]()
    for id, group in book.groups.items():
        if not group.is_over and _ends(group) <= ctx.now:
            group = replace(group, is_over=True)
        if group.state == "open" and group.is_over:
            group = _judged(rules.brake, group, *book.cities.get(group.city, (0, 0)))
            if group.state == "waiting" and (said := book.words.get(id)) is not None:
                group = replace(group, state=said.verdict, by=said.by, why=said.why, decided_at=said.decided_at)
        if group.told < group.members and group.is_over and group.state != "waiting":
            word = Word(id, "passed" if group.state == "open" else group.state, group.by)
            lists = -(-group.members // _A_LIST)
            forwards += [Forward(list_key(id, n), GO, word) for n in range(group.told // _A_LIST, lists)]
            # The next member begins a new list.
            passed = group.count if group.state == "open" else group.passed
            group = replace(group, passed=passed, members=lists * _A_LIST, told=lists * _A_LIST)
        if group.told < group.members or ctx.now - group.since <= _REMEMBERED:
            groups[id] = group
    ends = (_ends(group) for group in groups.values() if not group.is_over)
    return _kept(replace(book, groups=groups), min(ends, default=None), *forwards)


def _ends(group: Group) -> datetime:
    """When a step is over in any case."""
    return later(group.since, _LONGEST_STEP)


def _judged(brake: Brake | None, group: Group, customers: int, here: int) -> Group:
    """It waits where it is too much of this partition's share of the city, and the city is large enough."""
    if brake is None or not brake.enabled or customers < brake.min_customers:
        return group
    if group.count * 100 <= brake.percent * here:
        return group
    return replace(group, state="waiting", percent=brake.percent, customers=customers, here=here)


def _book(state: CustomerState | None) -> Book:
    return Book() if state is None or state.brake is None else state.brake.book


def _with(
    state: CustomerState | None, book: Book, changed: dict[str, Group], wake: datetime | None, *forwards: Forward
) -> Decision:
    """The book with these groups; to be looked at then, if not earlier anyhow."""
    wakes = [at for at in (wake, None if state is None else state.wake) if at is not None]
    return _kept(replace(book, groups={**book.groups, **changed}), min(wakes, default=None), *forwards)


def _kept(book: Book, wake: datetime | None, *forwards: Forward) -> Decision:
    state = CustomerState(BOOK, brake=Braking(book), wake=wake)
    return Decision(state, timer_at=wake, forwards=forwards)


# --- lists of members -----------------------------------------------------------------------------------------------


def on_listed(rules: Rules, state: CustomerState | None, data: Listed, ctx: Context) -> Decision:
    """One more."""
    before = Braking() if state is None or state.brake is None else state.brake
    return Decision(CustomerState(BOOK, brake=replace(before, members=(*before.members, data.customer_id))))


def on_go(rules: Rules, state: CustomerState | None, data: Word, ctx: Context) -> Decision:
    """The members of a list are told when it is woken: piece by piece, where there are many."""
    if state is None or state.brake is None:
        return Decision(None)
    return Decision(replace(state, brake=replace(state.brake, word=data), wake=ctx.now), timer_at=ctx.now)


def on_timer(rules: Rules, state: CustomerState, ctx: Context) -> Decision:
    """A tick has come by for the book, or for a list, which is needed no more then."""
    if state.brake is None or state.brake.word is None:
        return _judge(rules, state, ctx)
    return Decision(None, forwards=tuple(Forward(id, SPEAK, state.brake.word) for id in state.brake.members))


# --- customers ------------------------------------------------------------------------------------------------------


def on_speak(rules: Rules, state: CustomerState | None, data: Word, ctx: Context) -> Decision:
    """What waited of this customer is said now, or never."""
    if state is None:
        return Decision(None)
    builder = DecisionBuilder(state, ctx, rules)
    for key, held in state.alerts.items():
        if held.waits is not None and held.waits.group == data.group:
            if data.verdict == "rejected":
                builder.hush(key, data.by)
            else:
                builder.speak(key)
    return builder.decision(state.wake)


HANDLERS: dict[str, tuple[type, Callable[[Rules, CustomerState | None, Any, Context], Decision]]] = {
    LOAD_ENDED: (LoadEnded, on_load_ended),
    RELEASE_DECIDED: (ReleaseDecided, on_decided),
    JOIN: (Joins, on_join),
    LIST: (Listed, on_listed),
    GO: (Word, on_go),
    SPEAK: (Word, on_speak),
}
