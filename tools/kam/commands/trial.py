"""``kam rule try``: what a version of a rule would have warned of."""

from __future__ import annotations

import json
import sys
import time
from typing import Annotated, Any

import typer

from kam import render
from kam.client import Client, segment
from kam.commands.common import Data, Json, a_period, print_json
from kam.failure import Failed
from kam.render import pick

_POLL_SECONDS, _PATIENCE, _UNAVAILABLE = 0.3, 30.0, 503
_ROWS = 20
_MONTHS: list[render.Column] = [
    ("月份 period", pick("period")),
    ("预警 alerts", pick("alerts")),
    ("相同 same", pick("same")),
    ("新增 added", pick("added")),
    ("不再 gone", pick("gone")),
]
_WARNED: list[render.Column] = [
    ("客户 customer", pick("customer_id")),
    ("月份 period", pick("period")),
    ("原因 reasons", pick("reasons", lambda reasons: "、".join(map(str, reasons)))),
]


def try_(
    id: Annotated[str, typer.Argument(metavar="ID", help="规则编号 / id of the rule, e.g. drop-30")],
    version: Annotated[
        int | None, typer.Option("--version", min=1, metavar="N", help="哪一版，缺省最新 / which one, else the newest")
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="PERIOD", callback=a_period, help="起始月 / first month: 202601"),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="PERIOD", callback=a_period, help="截止月 / last month: 202606")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """用归档试算：会预警谁，与生效中的版本相比多了谁、少了谁 / whom it would have warned of, from the archive, beside
    the version in force.

    不产生预警、工单和短信；缺省最近十二个月；Ctrl-C 取消 / no alert, work item or SMS comes of it; the newest twelve
    months unless told otherwise; Ctrl-C calls it off
    """
    if from_ is not None and to is not None and from_ > to:
        raise typer.BadParameter(f"{from_} > {to}", param_hint="--from")
    client = Client.of(data)
    if version is None:
        version = int(client.get("gateway", f"/v1/rules/{segment(id)}")["version"])
    asked = {name: period for name, period in (("from", from_), ("to", to)) if period is not None}
    path = f"/v1/rules/{segment(id)}/versions/{version}/try"
    answer = client.call("POST", "gateway", path, json.dumps(asked).encode())
    if isinstance(answer.data, dict) and answer.data.get("error") == "not_tried":
        raise Failed(*answer.problem(), more={"field": "type"})
    trial = _followed(client, client.checked(answer)["trial_id"])
    if trial["state"] != "done":
        raise Failed(trial["zh"] or "试算已取消", trial["en"] or "the trial was called off")
    if as_json:
        print_json(trial["result"])
    else:
        _tell(trial["result"])


def _followed(client: Client, trial_id: str) -> dict[str, Any]:
    """The trial once it has ended; how far it is goes to standard error where somebody watches."""
    path, is_watched, shown = f"/v1/rules/trials/{segment(trial_id)}", sys.stderr.isatty(), False
    try:
        while True:
            trial = _asked(client, path)
            if trial["state"] not in ("waiting", "running"):
                return trial
            if is_watched:
                percent = 100 * trial["done"] // trial["of"] if trial["of"] else 0
                how = "排队 / waits for another" if trial["state"] == "waiting" else f"试算 / trying … {percent} %"
                print(f"\r{how:<40}", end="", file=sys.stderr, flush=True)
                shown = True
            time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        client.call("DELETE", "gateway", path)
        raise
    finally:
        if shown:
            print(file=sys.stderr)


def _asked(client: Client, path: str) -> dict[str, Any]:
    """How it stands. A service that starts anew meanwhile says soon what became of it."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        answer = client.call("GET", "gateway", path, patience=_PATIENCE)
        if answer.status != _UNAVAILABLE or time.monotonic() >= deadline:
            found: dict[str, Any] = client.checked(answer)
            return found
        time.sleep(_POLL_SECONDS)


def _tell(found: dict[str, Any]) -> None:
    against = f"v{found['against']}" if found["against"] else "–"
    print(
        f"{found['rule']} v{found['version']} {found['from']}–{found['to']}：{found['customers']} 户，"
        f"预警 {found['alerts']}；对照生效版 {against}：相同 {found['same']}，新增 {found['added_count']}，"
        f"不再 {found['gone_count']}\n"
        f"{found['customers']} customers, {found['alerts']} alerts; against {against} in force: "
        f"{found['same']} the same, {found['added_count']} added, {found['gone_count']} gone"
    )
    outcome = found["outcome"]
    if outcome["left"]:
        early = "–" if outcome["days_early"] is None else outcome["days_early"]
        print(
            f"离网 {outcome['left']} 户，预见 {outcome['caught']}，漏掉 {outcome['missed']}，中位提前 {early} 天 / "
            f"{outcome['left']} left: {outcome['caught']} caught, {outcome['missed']} missed, {early} days early"
        )
    render.table("按月 / by month", _MONTHS, found["months"], "")
    for title, name in (("新增 / added", "added"), ("不再 / gone", "gone")):
        if rows := found[name]:
            render.table(title, _WARNED, rows[:_ROWS], "")
            if found[f"{name}_count"] > _ROWS:
                print(f"…… 共 {found[f'{name}_count']}，全部见 --json / all of them with --json")
