"""``kam sms budget`` and ``kam sms test``: how budgets stand, and a text to oneself."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kam import render
from kam.client import Client
from kam.commands.common import Data, Json, print_json
from kam.failure import Misused
from kam.render import word


def _of(used: str, limit: str, shown: Any = str) -> Any:
    """Used of the limit, as people read it."""

    def cell(row: dict[str, Any]) -> str:
        most = row.get(limit)
        return f"{shown(row[used])} / {'不限 no limit' if most is None else shown(most)}"

    return cell


_COLUMNS: list[render.Column] = [
    ("活动 campaign", lambda row: "全部 all" if row["campaign"] == "all" else str(row["campaign"])),
    ("条 parts", _of("parts", "parts_limit")),
    ("费用 cost", _of("fen", "fen_limit", render.money)),
    ("", lambda row: "快用完 nearly used up" if row["is_near"] else ""),
]


def budget(data: Data = None, as_json: Json = False) -> None:
    """今日短信预算用了多少 / what today's SMS have taken of their budgets, in parts and in money."""
    found = Client.of(data).get("gateway", "/v1/sms/budget")
    if as_json:
        print_json(found)
    else:
        render.table("短信预算 / SMS budgets", _COLUMNS, found, "–")


def test(
    template: Annotated[str, typer.Argument(metavar="TEMPLATE", help="模板 / id of a template in force")],
    to: Annotated[
        str, typer.Option("--to", metavar="NUMBER", help="自己账号的号码或允许的号码 / own or allowed number")
    ],
    language: Annotated[str, typer.Option("--language", help="zh | en")] = "zh",
    value: Annotated[
        list[str] | None, typer.Option("--value", metavar="NAME=TEXT", help="变量 / a variable of the text")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """给自己发一条测试短信 / send a text to oneself; it takes the road of all SMS."""
    if language not in ("zh", "en"):
        raise typer.BadParameter("zh | en", param_hint="--language")
    values = dict(_pair(text) for text in value or ())
    body = {"template": template, "to": to, "language": language, "values": values}
    found = Client.of(data).send("POST", "gateway", "/v1/sms/test", body)
    if as_json:
        print_json(found)
    elif isinstance(found, dict):
        found = {**found, "state": word(found["state"]), "reason": word(found["reason"], place="sms_reason")}
        render.fields("测试短信 / test SMS", found)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Misused(f"变量应写成 NAME=TEXT，收到 {text}", f"write a variable as NAME=TEXT, not {text}")
    return name, value
