"""``kam clock``."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import typer

from kam import render
from kam.client import Client
from kam.commands.common import Data, Json, print_json

START_OF_WORK = 10


def _show(client: Client, as_json: bool) -> None:
    said = client.get("billing-sync", "/v1/clock")
    if as_json:
        print_json(said)
    else:
        at = said.get("clock")
        local = render.moment(at, "%Y-%m-%d %H:%M:%S") if at else "未设 unset"
        print(f"业务时钟 / business clock: {local} Asia/Shanghai ({said.get('mode', '–')})")


def show(data: Data = None, as_json: Json = False) -> None:
    """看业务时钟 / show the business clock."""
    _show(Client.of(data), as_json)


def set_(
    when: Annotated[str, typer.Argument(metavar="WHEN", help="2026-06-30 (10:00) | 2026-06-30T15:00[+08:00]")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """拨业务时钟，只能向前 / set the business clock, forward only."""
    try:
        at = datetime.fromisoformat(when)
        if len(when) == len(date.today().isoformat()):
            at = at.replace(hour=START_OF_WORK)
    except ValueError:
        raise typer.BadParameter("2026-06-30 | 2026-06-30T15:00:00+08:00", param_hint="WHEN") from None
    client = Client.of(data)
    local = at if at.tzinfo else at.replace(tzinfo=render.SHANGHAI)
    client.send("PUT", "billing-sync", "/v1/clock", {"at": local.isoformat()})
    _show(client, as_json)


def clock(ctx: typer.Context, data: Data = None, as_json: Json = False) -> None:
    """业务时钟 / the business clock: show it, or set it."""
    if ctx.invoked_subcommand is None:
        _show(Client.of(data), as_json)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(invoke_without_command=True)
    group.callback()(clock)
    group.command("show")(show)
    group.command("set")(set_)
    app.add_typer(group, name="clock")
