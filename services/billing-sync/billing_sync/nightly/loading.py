"""Jobs of the intake that load a file, chunk by chunk. Each commits its rows together with how far the file has come,
so that a kill in the middle resumes at the next row.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import get_args

import msgspec

from billing_sync import metrics
from billing_sync.domain.keys import (
    LOAD,
    half_key,
    index_key,
    last_key,
    receipts_key,
    record_key,
    release_key,
    sequence_key,
)
from billing_sync.domain.kinds import KINDS, Kind, morning_of
from billing_sync.domain.record import Known, Outcome, is_older
from billing_sync.domain.rows import FactMaker
from billing_sync.domain.segment import Segment
from billing_sync.handlers import ANY_CITY, mark_seen, take
from billing_sync.intake import Draft
from billing_sync.nightly.chunks import DataFile, Rows
from billing_sync.nightly.held import Held, keep
from billing_sync.nightly.names import DATA, PairName
from billing_sync.steps import tell_brake
from billing_sync.store import ScanStore, encode
from contracts.brake import LoadEnded
from contracts.misc import FileReceipt
from contracts.registry import LOAD_ENDED
from servicekit.clock import iso, to_millis
from servicekit.envelope import OutgoingMessage, encode_data, write_headers
from servicekit.ids import derive
from servicekit.kafka import partition_of

_KEPT_RECEIPTS = 50
_REMEMBERED_MS = 400 * 86_400_000
_NAMED = 10
_TURN = 500
_ENDS_ON = KINDS["CONT"].columns.index("ends_on")
_OWN_RECORDS = ("UNIT", "MGR", "CUST")


class Loading(msgspec.Struct, frozen=True):
    """How far the file being loaded has come.

    ``done`` counts data rows; ``unreadable`` rejected rows that name nobody; ``reject_bytes`` is the length of its
    reject file; ``cursor`` where the walk over a snapshot's absent records stands; ``receipt`` is set when nothing is
    left but to move the files to ``folder`` under the name ``target``; ``taken_over`` says that its files lie in
    ``.work`` (earlier releases left them in the inbox). ``held``: that they lay in ``held/`` under this name, and some
    may lie there still. ``release``: what they wait for there.
    """

    stem: str
    sha256: str
    started: datetime
    notes: tuple[str, ...] = ()
    done: int = 0
    loaded: int = 0
    unchanged: int = 0
    stale: int = 0
    rejected: int = 0
    unknown_customer: int = 0
    cleared: int = 0
    amount: int = 0
    reject_bytes: int = 0
    unreadable: int = 0
    cursor: str = ""
    absent: int = 0
    absent_named: tuple[str, ...] = ()
    receipt: FileReceipt | None = None
    folder: str = ""
    target: str = ""
    taken_over: bool = False
    held: str = ""
    release: Held | None = None


class Taken(msgspec.Struct, frozen=True):
    """A file that was taken: what ``SEQ/…`` and ``LAST/…`` hold."""

    stem: str
    sha256: str
    sequence: int
    business_date: date
    ended: datetime
    path: str


decode_loading = msgspec.msgpack.Decoder(Loading).decode
decode_taken = msgspec.msgpack.Decoder(Taken).decode
decode_receipts = msgspec.json.Decoder(list[FileReceipt]).decode
decode_receipt = msgspec.json.Decoder(FileReceipt).decode
_encode_json = msgspec.json.Encoder().encode
_decode_content = msgspec.msgpack.Decoder(tuple).decode


def say(draft: Draft, verb: str, receipt: FileReceipt) -> None:
    """Tell of a file on feed.events."""
    about = f"file:{receipt.file}"
    headers = write_headers(
        id=derive(about, verb, iso(receipt.started)),
        type=f"kam.feed.file.{verb}.v1",
        source="kam/billing-sync",
        subject=receipt.file,
        time=iso(receipt.ended),
        correlation_id=about,
        sequence=draft.next_label(),
        clock=None if draft.clock is None else iso(draft.clock),
    )
    partition = partition_of(receipt.file, draft.intake.app.partitions)
    draft.send(OutgoingMessage("feed.events", partition, receipt.file.encode(), encode_data(receipt), headers))


def say_received(draft: Draft, name: PairName, loading: Loading) -> None:
    """Tell that the loading of a file begins."""
    at = loading.started
    receipt = FileReceipt(file=name.file, result="received", started=at, ended=at, business_date=name.date)
    say(draft, receipt.result, receipt)


class Fetch:
    """A file that was released is the one under way from here on, and received; its pair is still in ``held/``."""

    def __init__(self, name: PairName, held: Held, loading: Loading) -> None:
        self._name, self._held, self._loading = name, held, loading

    async def carry_out(self, draft: Draft) -> None:
        say_received(draft, self._name, self._loading)
        draft.put(LOAD, encode(self._loading))
        keep(draft, self._held)


class Begin:
    """A pair was checked and found good: its loading begins. ``told``: what else its coming says of the feed."""

    def __init__(self, name: PairName, loading: Loading, told: tuple[FileReceipt, ...] = ()) -> None:
        self._name, self._loading, self._told = name, loading, told

    async def carry_out(self, draft: Draft) -> None:
        say_received(draft, self._name, self._loading)
        for receipt in self._told:
            say(draft, receipt.result, receipt)
        draft.put(LOAD, encode(self._loading))


class TellHalf:
    """The other half of a pair has not come for long: said once, whatever restarts there are."""

    def __init__(self, stem: str, receipt: FileReceipt) -> None:
        self._stem, self._receipt = stem, receipt

    async def carry_out(self, draft: Draft) -> None:
        key = half_key(self._stem)
        await draft.need(others=[key])
        if draft.get(key) is None:
            draft.put(key, b"1", _until(draft))
            say(draft, self._receipt.result, self._receipt)


class LoadRows:
    """A chunk of rows, through the one compare step. Answers how far the file is then."""

    def __init__(self, data: DataFile, loading: Loading, chunk: Sequence[Rows], reject_bytes: int) -> None:
        self._data, self._loading, self._chunk = data, loading, chunk
        self._name, self._maker, self._reject_bytes = data.name, data.maker, reject_bytes

    async def carry_out(self, draft: Draft) -> Loading:
        kind, before = self._name.kind, self._loading
        keys = [key for rows in self._chunk if rows.is_read for key in self._keys(rows)]
        await draft.need(keys, segments=[rows.digest for rows in self._chunk if rows.digest])
        draft.reach(morning_of(self._name.date))
        counts: Counter[Outcome] = Counter()
        subjects: list[str] = []
        amount = turn = 0
        for rows in self._chunk:
            segment = self._confirm(draft, rows)
            if segment is None:
                outcomes = await self._take(draft, rows)
                counts.update(outcomes)
                subjects += [fact.subject for fact, was in zip(rows.facts, outcomes, strict=True) if was == "changed"]
            else:
                counts["unchanged"] += segment.rows
            amount += rows.amount if segment is None else segment.amount
            turn += len(rows.facts)
            if turn > _TURN:
                # A large chunk takes its time: health checks and others have their turn meanwhile.
                await asyncio.sleep(0)
                turn = 0
        rejected = sum(len(rows.rejects) for rows in self._chunk)
        after = msgspec.structs.replace(
            before,
            done=before.done + sum(rows.count for rows in self._chunk),
            loaded=before.loaded + counts["changed"],
            unchanged=before.unchanged + counts["unchanged"],
            stale=before.stale + counts["stale"],
            rejected=before.rejected + rejected,
            unknown_customer=before.unknown_customer + await self._unknown(draft, subjects),
            amount=before.amount + amount,
            unreadable=before.unreadable + (self._mark(draft, kind) if kind.snapshot else 0),
            reject_bytes=self._reject_bytes,
        )
        draft.put(LOAD, encode(after))
        for result in get_args(Outcome):
            metrics.RECORDS.labels("file", kind.name, result).inc(counts[result])
        metrics.RECORDS.labels("file", kind.name, "rejected").inc(rejected)
        return after

    def _keys(self, rows: Rows) -> Iterator[str]:
        prefix, snapshot = self._name.kind.name + "/", self._name.kind.snapshot
        yield from (prefix + fact.key for fact in rows.facts)
        yield from (prefix + key for key, _ in rows.named if key is not None and snapshot)

    def _confirm(self, draft: Draft, rows: Rows) -> Segment | None:
        if rows.digest is None:
            return None
        return draft.segments.confirm(rows.digest, self._maker.end_ms, self._name.sequence, self._maker.tag)

    async def _take(self, draft: Draft, rows: Rows) -> list[Outcome]:
        # Both have been done, unless the segment was whole a moment ago.
        self._data.read([rows])
        keys = list(self._keys(rows))
        await draft.need(keys)
        outcomes = [take(draft, fact) for fact in rows.facts]
        if rows.digest and not rows.rejects and "stale" not in outcomes and len(set(keys)) == len(keys):
            draft.joined(rows.digest, keys, rows.amount)
        return outcomes

    async def _unknown(self, draft: Draft, subjects: list[str]) -> int:
        """How many changed rows are of customers who are not known yet."""
        if self._name.kind.name in _OWN_RECORDS:
            return 0
        await draft.need(record_key("CUST", subject) for subject in subjects)
        customers = [draft.known(record_key("CUST", subject)) for subject in subjects]
        return sum(customer is None or not customer.content for customer in customers)

    def _mark(self, draft: Draft, kind: Kind) -> int:
        """Rejected rows that still say whom they are of count as present; how many don't say."""
        unreadable = 0
        for key, well_formed in [named for rows in self._chunk for named in rows.named]:
            # In a row of the wrong shape a cell may have slipped: it counts only when it names what we know.
            if key is None or not (well_formed or draft.known(record_key(kind.name, key))):
                unreadable += 1
            else:
                mark_seen(draft, kind, key, self._maker.tag)
        return unreadable


class Absent:
    """Records that this city's snapshot should name and does not: debts are cleared, the others reported.

    Walks some index keys; answers how far the file is then, with an empty cursor at the end.
    """

    def __init__(self, name: PairName, maker: FactMaker, loading: Loading, prefix: str, limit: int) -> None:
        self._name, self._maker, self._loading, self._prefix, self._limit = name, maker, loading, prefix, limit

    async def carry_out(self, draft: Draft) -> tuple[Loading, bool]:
        kind, before = self._name.kind, self._loading
        store: ScanStore = draft.intake.store
        found = await store.keys(self._prefix, before.cursor, self._limit)
        keys = [entry[len(self._prefix) :] for entry in found]
        wanted = [record_key(kind.name, key) for key in keys]
        if kind.name == "ARR":
            wanted += [record_key("CUST", key) for key in keys]
        await draft.need(wanted)
        missing = [key for key in keys if self._is_missing(draft, kind, key)]
        cleared = sum(self._clear(draft, key) for key in missing) if kind.name == "ARR" else 0
        reported = missing if kind.name != "ARR" else []
        after = msgspec.structs.replace(
            before,
            cursor=found[-1] if found else before.cursor,
            cleared=before.cleared + cleared,
            absent=before.absent + len(reported),
            absent_named=(*before.absent_named, *reported)[:_NAMED],
        )
        draft.put(LOAD, encode(after))
        return after, len(found) < self._limit

    def _is_missing(self, draft: Draft, kind: Kind, key: str) -> bool:
        known = draft.known(record_key(kind.name, key))
        if known is None or known.seen == self._maker.tag or is_older(*self._time(), known):
            return False
        if kind.name == "CONT":
            ends_on = _decode_content(known.content)[_ENDS_ON]
            return ends_on is None or ends_on >= self._maker.day
        return kind.name != "ARR" or still_here(draft.known(record_key("CUST", key)), known, self._name.city)

    def _time(self) -> tuple[int, int]:
        return self._maker.end_ms, self._name.sequence

    def _clear(self, draft: Draft, key: str) -> int:
        return take(draft, self._maker.make((key, self._maker.day, 0, None, None), "absent")) == "changed"


class Finish:
    """The file is done: receipt, registration and event in one write; the files are moved after it. ``told``: what it
    says of others. ``held``: what is to be remembered of it as the brake's. ``ended``: what each
    partition is told of its end."""

    def __init__(
        self,
        name: PairName | None,
        loading: Loading,
        told: tuple[FileReceipt, ...] = (),
        held: Held | None = None,
        ended: Sequence[LoadEnded] = (),
    ) -> None:
        self._name, self._loading, self._told, self._held, self._ended = name, loading, told, held, ended

    async def carry_out(self, draft: Draft) -> None:
        loading, name = self._loading, self._name
        receipt = loading.receipt
        assert receipt is not None
        key = receipts_key(loading.stem)
        await draft.need(others=[key])
        known = draft.get(key)
        receipts = [*(decode_receipts(known) if known else []), receipt][-_KEPT_RECEIPTS:]
        draft.put(key, _encode_json(receipts), _until(draft))
        if name is not None and receipt.result in ("accepted", "partial"):
            draft.reach(morning_of(name.date))
            await self._register(draft, name, receipt)
        for other in self._told:
            say(draft, other.result, other)
        say(draft, receipt.result, receipt)
        draft.put(half_key(loading.stem), None)
        draft.put(LOAD, encode(loading))
        if self._held is not None:
            keep(draft, self._held)
        for partition, load in enumerate(self._ended):
            tell_brake(draft, partition, LOAD_ENDED, load, f"file:{receipt.file}", iso(receipt.started))
        metrics.FILES.labels(name.kind.name if name else "unknown", receipt.result).inc()

    async def _register(self, draft: Draft, name: PairName, receipt: FileReceipt) -> None:
        loading = self._loading
        path = f"{loading.folder}/{loading.target}{DATA}"
        taken = Taken(name.stem, loading.sha256, name.sequence, name.date, receipt.ended, path)
        draft.put(sequence_key(name.kind.name, name.city, name.sequence), encode(taken), _until(draft))
        last = last_key(name.kind.name, name.city)
        await draft.need(others=[last])
        before = draft.get(last)
        if before is None or decode_taken(before).sequence < name.sequence:
            draft.put(last, encode(taken))


class TakeBack:
    """A pair that lies in ``held/`` goes on waiting there, where the store that knew of it was lost; whether it was is
    known by the time that jobs are carried out."""

    def __init__(self, held: Held, receipt: FileReceipt) -> None:
        self._held, self._receipt = held, receipt

    async def carry_out(self, draft: Draft) -> None:
        if not draft.revisions_from:
            return
        receipts = receipts_key(self._held.stem)
        await draft.need(others=[release_key(self._held.id), receipts])
        if draft.get(release_key(self._held.id)) is None:
            keep(draft, self._held)
            if draft.get(receipts) is None:
                draft.put(receipts, _encode_json([self._receipt]), _until(draft))


class Forget:
    """The files are where they belong: no file is being loaded any more."""

    async def carry_out(self, draft: Draft) -> None:
        draft.put(LOAD, None)


def _until(draft: Draft) -> int:
    """When what is kept of a file under its own name may be forgotten (epoch ms): its rows would be stale by then."""
    return to_millis(draft.system_now) + _REMEMBERED_MS


def still_here(customer: Known | None, debt: Known, city: str) -> bool:
    """Whether a debtor is still of the city whose file does not name them; of one whose city nobody has said, it is
    the one whose file named the debt."""
    if customer is None or not customer.city:
        return debt.city != ANY_CITY
    return customer.city == city


def index_prefixes(kind: Kind, city: str) -> list[str]:
    """Where the records stand that a snapshot of this kind and city is expected to name, in the order of keys."""
    cities = [ANY_CITY, city] if kind.name == "ARR" else [city] if kind.name in ("CUST", "CONT") else []
    return [index_key(kind.name, c, "") for c in cities]
