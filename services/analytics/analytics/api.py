"""What analytics answers: why, counts, recount, live rates."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from analytics.chain import ARCHIVE, why
from analytics.domain import Counts
from analytics.recount import differences
from analytics.settings import Settings
from analytics.siblings import Siblings, known
from analytics.store import Lineage
from contracts.analytics_answers import Chain, CountView, LineageOfNames, RateView, RecountView
from contracts.http import LineageNames
from servicekit.answer import json_answer
from servicekit.auth import Guard
from servicekit.decision import Refused
from servicekit.query import AtMost, Filter, Id
from servicekit.routes import Router

_COUNTS = 4  # at once: those of all days are hundreds of thousands after a year
_WALKS, _LOOKUPS = 16, 2
BringUp = Callable[[], Awaitable[None]]
Recount = Callable[[dict[str, int], Path], Awaitable[Counts]]


def routes(lineage: Lineage, siblings: Siblings, recount: Recount, bring_up: BringUp, settings: Settings) -> APIRouter:
    """All routes, for the gateway only."""
    at_once, walks = AtMost(_COUNTS), AtMost(_WALKS)
    # Threads of their own: two workers whose walks hold all the others would wait for each other.
    lookups = ThreadPoolExecutor(_LOOKUPS, "lineage")
    router = Router(prefix="/v1", dependencies=[Depends(Guard(settings.secret_file, "service"))])

    @router.get("/why/{id:path}", name="why", response_model=Chain)
    async def chain_behind(request: Request, id: Id) -> Response:
        """The chain of facts behind an alert, SMS, work item, event or BOSS record; 404 when nothing is known of it."""
        web = siblings.web(lineage, request.headers["authorization"])
        with walks:
            chain = await asyncio.to_thread(why, web, id)
        if not chain:
            days = lineage.days
            raise Refused(
                "unknown_id",
                f"最近 {days} 天里没有找到 {id}：请给出预警、短信、工单或事件的编号（客户用 kam customer）；"
                f"更早的见归档（{ARCHIVE}）",
                f"nothing is known of {id} in the last {days} days: give the id of an alert, an SMS, a work item or "
                f"an event (of a customer: kam customer); older ones are in the archive ({ARCHIVE})",
                404,
            )
        return json_answer({"id": id, "chain": chain})

    @router.post("/lineage", name="get_lineage", response_model=LineageOfNames)
    async def lineage_of(asked: LineageNames) -> Response:
        """What this worker keeps under these names, for its siblings; names of which it has nothing are left out."""
        found = await asyncio.get_running_loop().run_in_executor(lookups, known, lineage, asked.names)
        return json_answer({"names": found})

    @router.get("/counts", name="get_counts", response_model=list[CountView])
    async def counts(day: Filter = None, city: Filter = None, kind: Filter = None) -> Response:
        """Exact counts, ``[{day, city, kind, count}]``; ``kind`` alert.raised takes all of alert.raised:<kind>."""
        with at_once:
            return await asyncio.to_thread(_counted, lineage, day, city, kind)

    @router.get("/recount", name="recount", response_model=RecountView)
    async def recounted() -> Response:
        """The same counts from the archive alone: ``{agree, events, cells, differences}``."""
        live, positions = await asyncio.to_thread(lineage.counts)
        archived = await recount(positions, settings.service_data)
        left = differences(live, archived)
        return json_answer({"agree": not left, "events": archived.total(), "cells": len(archived), "differences": left})

    @router.post("/archive", name="bring_up_archive", status_code=204)
    async def archived() -> None:
        """On return the archive of this worker's partitions holds what the log held when it was asked."""
        await bring_up()

    @router.get("/rates", name="get_rates", response_model=list[RateView])
    async def rates(request: Request) -> Response:
        """Live rates from the Faust agent beside us; 503 while it is away, which hurts nothing else."""
        ours = {"authorization": request.headers["authorization"]}
        try:
            async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
                answer = await client.get(settings.rates_url, headers=ours)
            answer.raise_for_status()
            return json_answer(answer.json())
        except (httpx.HTTPError, ValueError) as error:
            raise Refused("rates_away", "实时速率暂不可用", "live rates are not available just now", 503) from error

    return router


def _counted(lineage: Lineage, day: str | None, city: str | None, kind: str | None) -> Response:
    """In a thread: all cells of a year take seconds, in which health checks are to be answered."""
    found = [
        {"day": cell.day, "city": cell.city, "kind": cell.kind, "count": n}
        for cell, n in lineage.counts(day)[0].items()
        if city in (None, cell.city) and (kind is None or cell.kind == kind or cell.kind.startswith(f"{kind}:"))
    ]
    return json_answer(sorted(found, key=lambda cell: (cell["day"], cell["city"] or "", cell["kind"])))
