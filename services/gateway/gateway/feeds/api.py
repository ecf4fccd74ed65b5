"""What comes in: files of a business day, one file with its rejects, live events, dead letters and their replay.

Whoever has a part of the province sees the files and senders of its cities; whoever may not change feeds (a sender)
sees the dead letters of the feed alone. Reject files hold personal data: who takes one is written down first.
"""

from collections.abc import AsyncIterator
from datetime import date
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from fastapi.responses import Response, StreamingResponse

from contracts.feeds import DeadLetters, FeedEvents, FeedFile, FileDay, ReplayBody, ReplayView
from gateway.access.scope import Scope
from gateway.access.viewer import Access, Viewer, not_found
from gateway.audit import ASKED, Audit
from gateway.feeds.files import FileName, file_name, first_rows
from gateway.feeds.letters import CAP, FEED, Letters, check, plan
from gateway.peers import Peers, failed
from gateway.repeats import Repeats
from gateway.scoped import same
from servicekit.answer import json_answer
from servicekit.clock import iso, system_now
from servicekit.dead_letter_log import Letter
from servicekit.query import AtMost, Id, IdempotencyKey
from servicekit.routes import Router

SERVICE = "billing-sync"
_READS = 4
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_decode_receipts = msgspec.json.Decoder(list[dict[str, Any]]).decode


class _Part(msgspec.Struct):
    text: str
    next: int | None = None


_decode_part = msgspec.json.Decoder(_Part).decode
_REJECTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/tab-separated-values": {"schema": {"type": "string"}}}, "description": "the reject file"}
}


def feed_routes(peers: Peers, audit: Audit, access: Access, letters: Letters, repeats: Repeats) -> APIRouter:
    """The routes of the page *Feeds*."""
    router = Router(prefix="/v1", tags=["feeds"])
    reads = AtMost(_READS)
    See = Annotated[Viewer, Depends(access.may("feeds"))]
    Change = Annotated[Viewer, Depends(access.may("feeds", "change"))]
    Export = Annotated[Viewer, Depends(access.may("feeds", "export"))]

    async def part(viewer: Viewer, name: FileName, offset: int) -> _Part | None:
        """Some lines of a reject file; None where there is none. Raises ``Refused``."""
        answer = await peers.call(
            SERVICE, "GET", f"/v1/files/{name.stem}/rejected", actor=viewer.who, query={"offset": str(offset)}
        )
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        try:
            return _decode_part(answer.content)
        except msgspec.MsgspecError as error:
            raise failed(SERVICE, "not a part of a reject file") from error

    @router.get("/feeds", name="get_feeds", response_model=FileDay)
    async def get_feeds(viewer: See, date: date | None = None) -> Response:
        """Files of a business day by city and kind, and those that came the night before but not yet; without a day,
        the newest."""
        query = {"date": None if date is None else date.isoformat()}
        answer = await peers.call(SERVICE, "GET", "/v1/files/day", actor=viewer.who, query=query)
        if not answer.is_success or viewer.scope.is_everything:
            return same(answer)
        try:
            day = _decode(answer.content)
            seen = {n: [f for f in day[n] if viewer.scope.sees_city(f["city"])] for n in ("files", "missing")}
        except (msgspec.MsgspecError, KeyError, TypeError) as error:
            raise failed(SERVICE, "not its files") from error
        return json_answer({**day, **seen})

    @router.get("/feeds/events", name="get_feed_events", response_model=FeedEvents)
    async def get_feed_events(viewer: See) -> Response:
        """Who sends live events, how many, and when they were last heard."""
        answer = await peers.call(SERVICE, "GET", "/v1/events/sources", actor=viewer.who)
        if not answer.is_success or viewer.scope.is_everything:
            return same(answer)
        try:
            found = _decode(answer.content)
            found["sources"] = [s for s in found["sources"] if viewer.scope.sees_city(s["city"])]
        except (msgspec.MsgspecError, KeyError, TypeError) as error:
            raise failed(SERVICE, "not its senders") from error
        return json_answer(found)

    @router.get("/feeds/files/{name}", name="get_feed_file", response_model=FeedFile)
    async def get_feed_file(viewer: See, name: Id) -> Response:
        """A file: its receipts, newest last, and where and why its first rows were rejected."""
        known = _seen(viewer.scope, name)
        answer = await peers.call(SERVICE, "GET", "/v1/files", actor=viewer.who, query={"name": known.stem})
        if not answer.is_success:
            return same(answer)
        try:
            receipts = _decode_receipts(answer.content)
        except msgspec.MsgspecError as error:
            raise failed(SERVICE, "not its receipts") from error
        if not receipts:
            raise not_found()
        rejects = await part(viewer, known, 0) if any(r.get("rejected") for r in receipts) else None
        may_download = bool(await access.roles.grants(viewer.who.grants, "feeds", "export"))
        return json_answer(
            {
                "file": known.stem,
                "kind": known.kind,
                "city": known.city,
                "receipts": receipts,
                "first_rejected": [] if rejects is None else first_rows(rejects.text),
                "downloadable": rejects is not None and may_download,
            }
        )

    @router.get(
        "/feeds/files/{name}/rejected", name="download_rejected", response_class=StreamingResponse, responses=_REJECTS
    )
    async def download_rejected(viewer: Export, name: Id) -> Response:
        """The newest reject file of this name, whole: line, field, value, reason. Written into the audit log first."""
        known = _seen(viewer.scope, name)
        first = await part(viewer, known, 0)
        await audit(viewer.who, "feeds.rejected.read", known.stem, "404" if first is None else "200")
        if first is None:
            raise not_found()

        async def content() -> AsyncIterator[bytes]:
            here: _Part | None = first
            while here is not None:
                yield here.text.encode()
                here = None if here.next is None else await part(viewer, known, here.next)

        headers = {"Content-Disposition": f'attachment; filename="{known.stem}.rej"', "Cache-Control": "no-store"}
        return StreamingResponse(content(), headers=headers, media_type="text/tab-separated-values; charset=utf-8")

    async def seen_letters(viewer: Viewer) -> list[Letter]:
        with reads:
            waiting = await letters.waiting()
        may_change = bool(await access.roles.grants(viewer.who.grants, "feeds", "change"))
        if may_change and viewer.scope.is_everything:
            return waiting
        return [letter for letter in waiting if letter.topic == FEED and _is_own(viewer.scope, letter)]

    @router.get("/dead-letters", name="list_dead_letters", response_model=DeadLetters)
    async def list_dead_letters(viewer: See) -> Response:
        """Messages that could not be handled and wait for a replay, oldest first."""
        rows = [letter.summary() for letter in await seen_letters(viewer)]
        return json_answer({"rows": rows, "cap": CAP, "as_of": iso(system_now())})

    @router.post("/dead-letters/replay", name="replay_dead_letters", response_model=ReplayView)
    async def replay_dead_letters(viewer: Change, body: ReplayBody, key: IdempotencyKey = None) -> Response:
        """``dry_run``: what would be done, with its ``selection``. Else it is done, ``after`` that dry run."""
        if body.dry_run:
            return json_answer(plan(body.ids, await seen_letters(viewer)).told(dry_run=True))
        replayed = partial(replay, viewer, body)
        return json_answer(await repeats.once(viewer.who, key, "dead_letters.replay", body, replayed))

    async def replay(viewer: Viewer, body: ReplayBody) -> dict[str, Any]:
        made = plan(body.ids, await seen_letters(viewer))
        check(made, body.after)
        if not made.replayed:
            return made.told(dry_run=False)
        asked = ",".join(letter.id for letter in made.replayed)
        await audit(viewer.who, "dead_letters.replay", asked, ASKED)
        done, late = await letters.replay(made.replayed)
        await audit(viewer.who, "dead_letters.replay", ",".join(done), "200")
        return {**made.told(dry_run=False), "replayed": done, "quarantined": [*made.quarantined, *late]}

    return router


def _seen(scope: Scope, name: str) -> FileName:
    """A file that somebody may see. Raises ``Refused``: not found."""
    known = file_name(name)
    if known is None or not (scope.is_everything or scope.sees_city(known.city)):
        raise not_found()
    return known


def _is_own(scope: Scope, letter: Letter) -> bool:
    """Whether a dead letter of the feed is of a sender in scope: ``boss/410100`` sends for that city."""
    return scope.is_everything or scope.sees_city(str(letter.summary()["source"] or "")[-6:])
