"""``kam rule figures``: what became of the alerts of a rule."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kam import render
from kam.client import Client, segment
from kam.commands.common import Data, Json, print_json
from kam.render import pick, word

_COLUMNS: list[render.Column] = [
    ("版本 version", pick("version")),
    ("发出 raised", pick("raised")),
    ("未结 open", pick("open")),
    ("误报 false alarms", pick("false_alarms")),
    ("占人工办结 of those people closed", pick("share", lambda share: "–" if share is None else f"{share:.1%}")),
    ("办结 closed", pick("closed", lambda closed: _outcomes(closed))),
    ("影子运行时 in shadow", pick("shadow", lambda shadow: f"{shadow['raised']} / {shadow['open']}")),
]


def figures(
    id: Annotated[str, typer.Argument(metavar="ID", help="规则编号 / its id, e.g. drop-30")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """成效：各版发出多少预警、误报多少 / what became of a rule's alerts, version by version."""
    found = Client.of(data).get("gateway", f"/v1/rules/{segment(id)}/figures")
    if as_json:
        print_json(found)
        return
    render.table(f"{id} 的预警 / alerts of {id}", _COLUMNS, found["versions"], "还没有预警 / no alerts yet")


def _outcomes(closed: dict[str, Any]) -> str:
    return ", ".join(f"{word(outcome, place='outcome')} {count}" for outcome, count in closed.items()) or "–"
