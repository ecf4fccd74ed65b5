"""``kam sms stop|go|stops``: what may not be sent from now on, and may again."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

import typer

from kam import render
from kam.client import Client, segment
from kam.commands.common import Data, Json, Why, print_json
from kam.failure import Misused
from kam.render import pick

What = Annotated[
    str,
    typer.Argument(
        metavar="WHAT", help="channel/smpp · template/arrears-reminder · kind/arrears · rule/drop-30 · kind/manual"
    ),
]
_COLUMNS: list[render.Column] = [
    ("停发 stopped", pick("what")),
    ("谁 by", pick("by")),
    ("时间 at", pick("at", render.moment)),
    ("为什么 why", pick("why")),
]
_SORTS = ("channel", "template", "kind", "rule")


def stop(what: What, why: Why, data: Data = None, as_json: Json = False) -> None:
    """停发，一秒内生效 / send none of it from now on, within a second; what waits is held."""
    _parts(what)
    found = Client.of(data).send("POST", "gateway", "/v1/stops", {"what": what, "why": why})
    if as_json:
        print_json(found)
    else:
        print(f"{what}：已停发，恢复用 kam sms go {what} / stopped; kam sms go {what} lets it go again")


def go(what: What, why: Why, data: Data = None, as_json: Json = False) -> None:
    """恢复发送 / let it be sent again; what was held goes, where it is still wanted."""
    sort, id = _parts(what)
    path = f"/v1/stops/{sort}/{segment(id)}?{urlencode({'why': why})}"
    found = Client.of(data).send("DELETE", "gateway", path)
    if as_json:
        print_json(found)
    else:
        print(f"{what}：已恢复 / goes again")


def stops(data: Data = None, as_json: Json = False) -> None:
    """现在停发了什么 / what is stopped now."""
    found = Client.of(data).get("gateway", "/v1/stops")
    if as_json:
        print_json(found)
    else:
        render.table("停发 / stops", _COLUMNS, found, "没有停发 / nothing is stopped")


def _parts(what: str) -> tuple[str, str]:
    sort, _, id = what.partition("/")
    if sort not in _SORTS or not id:
        named = " ".join(f"{name}/…" for name in _SORTS)
        raise Misused(f"要停的应写成 {named}", f"say what as one of {named}")
    return sort, id
