"""The brake where alerts are made (ADR 0023): what one step (a file, a day of the clock) would say of too many of a
city waits for a person's word. Pure.

Each partition keeps a *book* of its own under a key that no customer can have: how many customers its cities have, and
the groups of alerts that one step made. Whoever joins a group says nothing until it is judged: behind the file's last
row, at the tick. Members stand in small lists beside the book, so that a large group is woken piece by piece.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from alerts.detection.decision_builder import JOIN, DecisionBuilder
from alerts.detection.state import Book, Braking, CustomerState, Group, Joins, Word
from alerts.rules import Rules
from contracts.brake import BOOK, Brake, CitiesCounted, LoadEnded, Part, ReleaseDecided
from contracts.registry import CITIES_COUNTED, LOAD_ENDED, RELEASE_DECIDED
from servicekit.clock import later
from servicekit.decision import Context, Decision, Forward
from servicekit.ids import derive

LIST, GO, SPEAK = "brake.list", "brake.go", "brake.speak"
#: members of a list
_A_LIST = 10
#: what is over is remembered so long, by the business clock: what comes late is judged with it
_REMEMBERED = timedelta(days=7)
#: a group's id is used once: billing-sync takes one word on it, and remembers that for as long
_WORDS_REMEMBERED = timedelta(days=400)
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
    id, group = _current(book, data, ctx.now)
    member = Forward(list_key(data.group, group.members // _A_LIST), LIST, Listed(data.customer_id))
    group = replace(group, count=group.count + 1, members=group.members + 1)
    # One of the clock is judged at the very tick, when everybody whose time had come has been looked at; and so is a
    # dead letter that is replayed, for the end of its file has long gone by.
    return _with(state, book, {id: group}, ctx.now if group.is_over else _ends(group), member)


def _current(book: Book, data: Joins, now: datetime) -> tuple[str, Group]:
    """The group of a step that nobody has given a word on yet, and its id: a word is about those whom people were
    shown, so whoever comes later is of the next one. It is judged with all that the step has said before, but for those
    whom a person has let go."""
    id, before = data.group, None
    while id in book.words:
        before = book.groups.get(id, before)
        id = _next(id)
    if (there := book.groups.get(id)) is not None:
        return id, there
    if before is None:
        return id, Group(data.city, data.kind, data.cause, data.at_once, now, step=data.group)
    fresh = Group(data.city, data.kind, data.cause, before.is_over, now, step=data.group)
    count = 0 if before.state == "released" else before.count
    return id, replace(fresh, count=count, passed=count, members=before.members, told=before.members)


def _next(id: str) -> str:
    """Of the group behind this one: on all partitions the same, as all hear the same words."""
    return derive("release", "behind", id)


def on_load_ended(rules: Rules, state: CustomerState | None, data: LoadEnded, ctx: Context) -> Decision:
    """All rows of a file have been handled here: what they made is judged at the next tick."""
    book = _book(state)
    if data.customers:
        book = replace(book, cities={**book.cities, data.city: (data.customers, data.here)})
    over = {id: replace(g, is_over=True) for id, g in book.groups.items() if g.cause == data.file and not g.is_over}
    return _with(state, book, over, ctx.now)


def on_cities(rules: Rules, state: CustomerState | None, data: CitiesCounted, ctx: Context) -> Decision:
    """How many customers all cities have: a step that came before is judged now."""
    cities = {city: (census.customers, census.here) for city, census in data.cities.items()}
    return _with(state, replace(_book(state), cities=cities, counted=True), {}, ctx.now)


def on_decided(rules: Rules, state: CustomerState | None, data: ReleaseDecided, ctx: Context) -> Decision:
    """A person's word: about those of a group whom they were shown. The others, and a group that nobody was shown, as
    it waited here only later, go on under the next id, for a word of their own."""
    book, id = _book(state), data.release_id
    if id in book.words:
        return Decision(state, timer_at=None if state is None else state.wake)
    words = {other: at for other, at in book.words.items() if ctx.now - at <= _WORDS_REMEMBERED}
    groups = dict(book.groups)
    if (group := groups.pop(id, None)) is not None:
        seen = data.seen if group.state == "waiting" else Part()
        places = min(seen.places // _A_LIST * _A_LIST, group.shown)
        if places > group.told:
            count = min(max(seen.count, group.passed), group.count)
            groups[id] = replace(
                group,
                state=data.verdict,
                by=data.by,
                why=data.why,
                decided_at=data.decided_at,
                count=count,
                members=places,
            )
            group = replace(group, told=places, passed=count, since=ctx.now)
        if group.members > group.told or group.state == "open":
            groups[_next(id)] = group
    return _with(state, replace(book, groups=groups, words={**words, id: ctx.now}), {}, ctx.now)


def _judge(rules: Rules, state: CustomerState, ctx: Context) -> Decision:
    """The tick has come: each group whose step is over passes or waits; those of whom a person has decided hear it."""
    book, groups, forwards = _book(state), dict[str, Group](), list[Forward]()
    for id, group in book.groups.items():
        is_late = _ends(group) <= ctx.now
        if is_late and not group.is_over:
            group = replace(group, is_over=True)
        if group.state == "open" and group.is_over:
            group = _judged(rules.brake, group, book, is_late)
        speaks = group.is_over and group.state != "waiting" and not _is_uncounted(rules.brake, group, book, is_late)
        if group.state == "waiting" and group.shown_count < group.count:
            # People are shown whole lists: the next member begins a new one.
            whole = -(-group.members // _A_LIST) * _A_LIST
            group = replace(group, members=whole, shown=whole, shown_count=group.count)
        if group.told < group.members and speaks:
            step = group.step or id
            word = Word(step, _verdict(group), group.by)
            lists = -(-group.members // _A_LIST)
            forwards += [Forward(list_key(step, n), GO, word) for n in range(group.told // _A_LIST, lists)]
            passed = group.count if group.state == "open" else group.passed
            group = replace(group, passed=passed, members=lists * _A_LIST, told=lists * _A_LIST)
        if group.told < group.members or ctx.now - group.since <= _REMEMBERED:
            groups[id] = group
    ends = [_ends(group) for group in groups.values() if group.state == "open" and group.told < group.members]
    return _kept(replace(book, groups=groups), min(ends, default=None), *forwards)


def _verdict(group: Group) -> Literal["passed", "released", "rejected"]:
    assert group.state != "waiting"
    return "passed" if group.state == "open" else group.state


def _ends(group: Group) -> datetime:
    """When a step is over in any case."""
    return later(group.since, _LONGEST_STEP)


def _is_uncounted(brake: Brake | None, group: Group, book: Book, is_late: bool) -> bool:
    """Whether it can't be judged yet: the brake has just been switched on, the city's customers are being counted."""
    is_on = brake is not None and brake.enabled
    return is_on and group.state == "open" and not (is_late or book.counted or group.city in book.cities)


def _judged(brake: Brake | None, group: Group, book: Book, is_late: bool) -> Group:
    """It waits where it is too much of what this partition has of the city, and the city is large enough; or where
    nobody has told how large it is for a day."""
    customers, here = book.cities.get(group.city, (0, 0))
    if brake is None or not brake.enabled or _is_uncounted(brake, group, book, is_late):
        return group
    is_known = book.counted or group.city in book.cities
    if is_known and not brake.holds_here(group.count, here, customers):
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
    CITIES_COUNTED: (CitiesCounted, on_cities),
    JOIN: (Joins, on_join),
    LIST: (Listed, on_listed),
    GO: (Word, on_go),
    SPEAK: (Word, on_speak),
}
