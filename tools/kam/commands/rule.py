"""``kam rule``, ``list``, ``template``, ``policy``, ``workrules`` and ``calendar``: what staff change, by versions."""

from __future__ import annotations

import typer

from kam import render
from kam.commands.rule_figures import figures
from kam.commands.trial import try_
from kam.commands.versions import Versions
from kam.render import pick

_PURPOSES = {"exclusion": "排除", "allow": "限于", "vip": "VIP"}
RULES = Versions(
    "/v1/rules",
    "规则 / rules",
    [("名称 name", pick("name_zh")), ("预警 alert", pick("alert", render.word))],
)
LISTS = Versions(
    "/v1/customer-lists",
    "名单 / lists of customers",
    [
        ("名称 name", pick("name_zh")),
        ("用途 purpose", pick("purpose", lambda purpose: f"{_PURPOSES.get(purpose, purpose)} {purpose}")),
        ("客户数 customers", pick("count")),
    ],
    kind="list",
)
TEMPLATES = Versions(
    "/v1/templates",
    "短信模板 / templates",
    [("预警 alert", pick("kind", render.word)), ("阶段 step", pick("step")), ("中文 Chinese", pick("zh"))],
)
POLICIES = Versions("/v1/policies", "短信策略 / SMS policy", [])
WORK_RULES = Versions("/v1/work-rules", "工单规则 / work rules", [])
CALENDARS = Versions(
    "/v1/calendars",
    "工作日历 / working calendars",
    [("名称 name", pick("name_zh")), ("已知到 known through", pick("known_through"))],
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    rules = RULES.group("规则 / rules as staff change them")
    rules.command("try")(try_)
    rules.command("figures")(figures)
    app.add_typer(rules, name="rule")
    app.add_typer(LISTS.group("客户名单 / lists of customers that rules name"), name="list")
    app.add_typer(TEMPLATES.group("短信模板 / texts to customers as staff change them"), name="template")
    app.add_typer(POLICIES.group("短信策略 / how SMS are sent, as staff change it"), name="policy")
    app.add_typer(
        WORK_RULES.group("工单规则：时限、上报、维护窗口 / due times, escalation and maintenance as staff change them"),
        name="workrules",
    )
    app.add_typer(CALENDARS.group("工作日历 / working calendars as staff change them"), name="calendar")
