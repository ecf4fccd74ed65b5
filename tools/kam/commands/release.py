"""``kam release list|show|go|reject``: what the brake holds, and a person's word on it; ``kam brake``: the brake."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from kam import render
from kam.client import Client, segment
from kam.commands.common import Data, Json, Why, print_json
from kam.commands.versions import Versions
from kam.render import pick

Id = Annotated[str, typer.Argument(metavar="ID", help="编号，见 kam release list / its id")]
Count = Annotated[
    int | None,
    typer.Option(
        "--count",
        metavar="N",
        min=0,
        help="所见的客户数，已变则不决定 / as you saw it; more by now: nothing is done",
    ),
]
BRAKES = Versions(
    "/v1/brakes",
    "刹车 / the brake",
    [
        ("启用 on", pick("enabled", lambda on: render.named("", on))),
        ("上限 % percent", pick("percent")),
        ("客户数起 customers", pick("min_customers")),
    ],
)
_COLUMNS: list[render.Column] = [
    ("编号 id", pick("id")),
    ("状态 state", pick("state", lambda state: render.word(state, "release"))),
    ("地市 city", pick("city")),
    ("种类 kind", pick("kind")),
    ("起因 cause", pick("cause")),
    ("客户 customers", lambda row: f"{row['count']} / {row['of']}"),
    ("全市 city's", pick("customers")),
    ("% share", lambda row: f"{row['share']} > {row['percent']}"),
    ("自 since", pick("since", render.moment)),
    ("谁 by", pick("by")),
    ("为什么 why", pick("why")),
]


def list_(data: Data = None, as_json: Json = False) -> None:
    """等候放行的，后附已决定的 / what waits for release, then what waited."""
    answer = Client.of(data).call("GET", "gateway", "/v1/releases")
    found = Client.checked(answer)
    if missing := answer.header("Kam-Missing"):
        print(
            f"{missing} 没有应答，或不是所有进程都应答：下面可能不全，数字可能偏小"
            f" / {missing} has not answered, or not with all of its processes: rows may be missing, counts too low",
            file=sys.stderr,
        )
    if as_json:
        print_json(found)
    else:
        render.table("放行 / releases", _COLUMNS, found, "没有等候放行的 / nothing waits for release")


def show(id: Id, data: Data = None, as_json: Json = False) -> None:
    """一项 / one of them, with its numbers."""
    found = Client.of(data).get("gateway", f"/v1/releases/{segment(id)}")
    if as_json:
        print_json(found)
    else:
        render.table("放行 / release", _COLUMNS, [found], "")


def go(id: Id, why: Why, count: Count = None, data: Data = None, as_json: Json = False) -> None:
    """放行 / let it go: what it would do, it does."""
    _decide("go", id, {"why": why} if count is None else {"why": why, "count": count}, data, as_json)


def reject(id: Id, why: Why, count: Count = None, data: Data = None, as_json: Json = False) -> None:
    """拒绝 / turn it away: nothing comes of it."""
    _decide("reject", id, {"why": why} if count is None else {"why": why, "count": count}, data, as_json)


def _decide(verb: str, id: str, body: dict[str, Any], data: Any, as_json: bool) -> None:
    found = Client.of(data).send("POST", "gateway", f"/v1/releases/{segment(id)}/{verb}", body)
    if as_json:
        print_json(found)
    else:
        print(f"{found['id']}：{render.word(found['state'], 'release')}")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(no_args_is_help=True, help="放行：太多客户一下子被改动的，等人决定 / what waits for release")
    for name, command in (("list", list_), ("show", show), ("go", go), ("reject", reject)):
        group.command(name)(command)
    app.add_typer(group, name="release")
    app.add_typer(BRAKES.group("刹车：一下子涉及太多客户的先等人放行 / the brake as staff change it"), name="brake")
