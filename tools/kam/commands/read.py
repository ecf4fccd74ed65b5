"""``kam alerts``, ``sms``, ``work``, ``customer``, ``why``: what the system knows, and what managers do about it."""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import typer

from kam import render
from kam.client import Client, Failed, segment
from kam.commands import sms_policy, stops
from kam.commands.common import Data, Json, fail, print_json
from kam.render import pick, word

Customer = Annotated[str | None, typer.Option("--customer", metavar="ID", help="客户 / only this customer's")]
Kind = Annotated[str | None, typer.Option("--kind", help="种类 / only this kind")]
State = Annotated[str | None, typer.Option("--state", help="状态 / only in this state")]


def _instant(since: str | None) -> str | None:
    """``--since`` as an instant with offset; a local time is one of Asia/Shanghai."""
    if since is None:
        return None
    try:
        at = datetime.fromisoformat(since)
    except ValueError:
        raise typer.BadParameter("2026-06-30 | 2026-06-30T10:00:00+08:00", param_hint="--since") from None
    return (at if at.tzinfo else at.replace(tzinfo=render.SHANGHAI)).isoformat()


Since = Annotated[
    str | None,
    typer.Option("--since", metavar="WHEN", callback=_instant, help="此后 / since: 2026-06-30[T10:00[+08:00]]"),
]
By = Annotated[str | None, typer.Option("--by", metavar="MANAGER", help="以谁的名义 / on whose behalf")]
_PREFIX = re.compile(r"[0-9a-f]{6,8}(-[0-9a-f-]*)?$")

_ALERTS: list[render.Column] = [
    ("时间 raised", pick("raised_at", render.moment)),
    ("客户 customer", pick("customer_id")),
    ("种类 kind", pick("kind", word)),
    ("阶段 stage", render.stage),
    ("级别 severity", pick("severity", word)),
    ("状态 state", pick("state", word)),
    ("结果 outcome", pick("outcome", partial(word, place="outcome"))),
    ("规则 rule", lambda row: f"{row['rule']['id']} v{row['rule']['version']}" if row.get("rule") else "–"),
    ("城市 city", pick("city")),
    ("编号 id", pick("alert_id", render.short)),
]
_SMS: list[render.Column] = [
    ("客户 customer", pick("customer_id")),
    ("状态 state", pick("state", word)),
    ("模板 template", pick("template")),
    ("条 parts", pick("segments")),
    ("通道 channel", pick("channel")),
    ("正文 text", pick("text")),
    ("原因 reason", pick("reason", partial(word, place="sms_reason"))),
    ("预警 alert", pick("alert_id", render.short)),
    ("编号 id", pick("sms_id", render.short)),
]
_WORK: list[render.Column] = [
    ("到期 due", pick("due_at", render.moment)),
    ("客户 customer", pick("customer_id")),
    ("种类 kind", pick("kind", word)),
    ("经理 manager", lambda row: str(row.get("manager_id") or row.get("queue") or "–")),
    ("状态 state", pick("state", partial(word, place="work"))),
    ("结果 outcome", pick("outcome", partial(word, place="outcome"))),
    ("预警 alert", pick("alert_id", render.short)),
    ("编号 id", pick("work_id", render.short)),
]


def _show(rows: Any, as_json: bool, title: str, columns: list[render.Column], empty: str) -> None:
    if as_json:
        print_json(rows)
    else:
        render.table(title, columns, rows, empty)


def _none(noun_zh: str, noun_en: str, hint: str, *filters: str | None) -> str:
    """What an empty list says: that the filters fit nothing or, without any, where such a thing comes from."""
    if any(given is not None for given in filters):
        return f"没有符合条件的{noun_zh} / no {noun_en} like that"
    return f"没有{noun_zh}{hint}"


def alerts(
    customer: Customer = None,
    kind: Kind = None,
    since: Since = None,
    state: State = None,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="影子运行的规则的预警 / those of rules in shadow, for analysts")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """预警 / alerts."""
    path = "/v1/shadow-alerts" if shadow else "/v1/alerts"
    rows = Client.of(data).get("gateway", path, customer=customer, kind=kind, since=since, state=state)
    if shadow:
        empty = _none("影子预警", "shadow alerts", " / no shadow alerts", customer, kind, since, state)
        return _show(rows, as_json, "影子预警 / shadow alerts", _ALERTS, empty)
    hint = "。试试 kam sim arrears 1000123 / no alerts yet; make one: kam sim arrears 1000123"
    empty = _none("预警", "alerts", hint, customer, kind, since, state)
    _show(rows, as_json, "预警 / alerts", _ALERTS, empty)


def show_alerts(rows: list[Any], empty: str) -> None:
    """Alerts as a table."""
    render.table("预警 / alerts", _ALERTS, rows, empty)


def sms(
    ctx: typer.Context,
    customer: Customer = None,
    kind: Annotated[str | None, typer.Option("--kind", metavar="TEMPLATE", help="模板 / only this template")] = None,
    since: Since = None,
    state: State = None,
    alert: Annotated[str | None, typer.Option("--alert", metavar="ID", help="预警 / only this alert's")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """短信 / SMS to customers; stop, go, stops, budget, test."""
    if ctx.invoked_subcommand is not None:
        return
    rows = Client.of(data).get("gateway", "/v1/sms", customer=customer, since=since, state=state, alert=alert)
    if kind is not None:
        rows = [row for row in rows if str(row.get("template", "")).startswith(kind)]
    empty = _none("短信", "SMS", " / no SMS; an alert sends one: kam alerts", customer, kind, since, state, alert)
    _show(rows, as_json, "短信 / SMS", _SMS, empty)


def customer(
    id: Annotated[str, typer.Argument(metavar="ID", help="客户编号 / customer id")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """客户页 / a customer's page."""
    page = Client.of(data).get("gateway", f"/v1/customers/{segment(id)}")
    if as_json:
        print_json(page)
        return
    lists = {noun: page.pop(noun, []) for noun in ("alerts", "work", "sms")}
    render.fields(f"客户 / customer {id}", page)
    render.table("预警 / alerts", _ALERTS, lists["alerts"], "没有预警 / no alerts")
    render.table("工单 / work items", _WORK, lists["work"], "没有工单 / no work items")
    render.table("短信 / SMS", _SMS, lists["sms"], "没有短信 / no SMS")


def why(
    id: Annotated[str, typer.Argument(metavar="ID", help="预警、短信、工单或事件 / alert, SMS, work item or event")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """来龙去脉 / the chain of facts behind an id, back to the BOSS record."""
    client = Client.of(data)
    answer = client.get("gateway", f"/v1/why/{segment(whole_id(client, id))}")
    if as_json:
        print_json(answer)
    else:
        render.chain(answer)


def whole_id(client: Client, id: str, nouns: tuple[str, ...] = ("alerts", "work", "sms")) -> str:
    """The id that begins like this (tables show eight characters); any other text is taken as it is."""
    if not _PREFIX.match(id) or len(id) >= 36:
        return id
    fields = {"alerts": "alert_id", "work": "work_id", "sms": "sms_id"}
    found = {
        row[fields[n]] for n in nouns for row in client.get("gateway", f"/v1/{n}") if row[fields[n]].startswith(id)
    }
    if len(found) > 1:
        raise Failed(f"{id} 不止一个：{'、'.join(sorted(found))}", f"{id} is not one only: give more of it", 2)
    return found.pop() if found else id


def work(
    ctx: typer.Context,
    customer: Customer = None,
    kind: Kind = None,
    since: Since = None,
    state: State = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """工单 / work items; accept, act, close."""
    if ctx.invoked_subcommand is not None:
        return
    rows = Client.of(data).get("gateway", "/v1/work", customer=customer, kind=kind, since=since, state=state)
    hint = " / no work items; each alert opens one: kam alerts"
    empty = _none("工单", "work items", hint, customer, kind, since, state)
    _show(rows, as_json, "工单 / work items", _WORK, empty)


def _act(data: Any, id: str, verb: str, by: str | None, as_json: bool, body: dict[str, Any]) -> None:
    client = Client.of(data)
    path = f"/v1/work/{segment(whole_id(client, id, ('work',)))}/{verb}"
    item = client.send("POST", "gateway", path, body, subject=by)
    if as_json:
        print_json(item)
    elif isinstance(item, dict):
        render.fields("工单 / work item", item)


WorkId = Annotated[str, typer.Argument(metavar="ID", help="工单 / work item")]
Note = Annotated[str | None, typer.Option("--note", help="说明 / a note")]


def accept(id: WorkId, by: By = None, data: Data = None, as_json: Json = False) -> None:
    """接受工单 / accept a work item."""
    _act(data, id, "accept", by, as_json, {})


def act(
    id: WorkId,
    kind: Annotated[str, typer.Option("--kind", help="call | visit | sms | offer | …")] = "call",
    note: Note = None,
    by: By = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """记录所做 / note what was done."""
    _act(data, id, "act", by, as_json, {"kind": kind, "note": note})


OUTCOMES = ("retained", "lost", "paid", "promised", "false_alarm", "other")


def close(
    id: WorkId,
    outcome: Annotated[str, typer.Option("--outcome", help=" | ".join(OUTCOMES))],
    note: Note = None,
    by: By = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """关闭工单 / close a work item with its outcome."""
    if outcome not in OUTCOMES:
        fail(f"结果只能是 {'、'.join(OUTCOMES)}", f"the outcome is one of {', '.join(OUTCOMES)}", 2)
    _act(data, id, "close", by, as_json, {"outcome": outcome, "note": note})


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (alerts, customer, why):
        app.command()(command)
    messages = typer.Typer(invoke_without_command=True)
    messages.callback()(sms)
    for about in (stops.stop, stops.go, stops.stops, sms_policy.budget, sms_policy.test):
        messages.command()(about)
    app.add_typer(messages, name="sms")
    items = typer.Typer(invoke_without_command=True)
    items.callback()(work)
    for verb in (accept, act, close):
        items.command()(verb)
    app.add_typer(items, name="work")
