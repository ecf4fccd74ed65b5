"""``kam whynot``: how the rules in force stand for a customer, condition by condition."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kam import render
from kam.client import Client, segment
from kam.commands.common import Data, Json, a_period, print_json

_RESULTS = {"met": "满足", "not_met": "未满足", "excluded": "被排除"}
_MARKS = {True: "✓", False: "✕", None: "?"}


def whynot(
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="客户编号 / number of the customer")],
    rule: Annotated[str | None, typer.Argument(metavar="[RULE]", help="只看这条 / only this rule")] = None,
    period: Annotated[
        str | None,
        typer.Option(
            "--period",
            metavar="P",
            callback=a_period,
            help="月份，缺省最新有数据的 / month, else the newest: 202606",
        ),
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """为何没有预警 / why no alert came: each rule in force with its conditions, and what excludes the customer."""
    path = f"/v1/customers/{segment(customer)}/whynot"
    found = Client.of(data).get("gateway", path, rule=rule, period=period)
    if as_json:
        print_json(found)
        return
    for answer in found:
        print("\n".join(_lines(answer)))
    if not found:
        print("没有你能看的规则 / no rules that you may see")


def _lines(answer: dict[str, Any]) -> list[str]:
    result = answer["result"]
    said = f"{_RESULTS[result]} {result}" if result in _RESULTS else render.word(result)
    alert = f" · 预警 alert {render.short(answer['alert_id'])}" if answer["alert_id"] else ""
    head = f"{answer['rule']} v{answer['version']} · {answer['period']} · {said}{alert}"
    held = [f"  ✕ {each['zh']} / {each['en']}" for each in answer["exclusions"]]
    if answer["result"] == "met" and not answer["alert_id"]:
        held.append(
            "  满足而没有预警：规则只判启用之后到来的记录 / met without an alert: a rule judges what comes after it"
        )
    return [head, *held, *map(_line, answer["conditions"])]


def _line(told: dict[str, Any]) -> str:
    value = told["value"]
    if isinstance(value, bool):
        seen = "是 yes" if value else "否 no"
    elif value is None:
        seen = "未知 unknown" if told["met"] is None else "–"
    else:
        seen = _amount(value, told)
    # The line of a figure that moves stands in no text.
    limit = _amount(told["limit"], told) if type(told["limit"]) is int else ""
    line = "" if told["text_en"].endswith(limit) else f"（界限 limit {limit}）"
    return f"  {_MARKS[told['met']]} {told['text_zh']} / {told['text_en']}：{seen}{line}"


def _amount(value: Any, told: dict[str, Any]) -> str:
    return f"¥{render.money(value)}" if told["unit"] == "fen" and isinstance(value, int) else str(value)


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(whynot)
