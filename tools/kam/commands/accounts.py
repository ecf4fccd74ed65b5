"""``kam accounts`` and ``kam token``: how people and machines get into the local instance."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from kam import render
from kam.client import Client
from kam.commands.common import Data, Json, fail, print_json
from kam.instance import Layout, layout
from kam.render import pick, word

ROLES = ("integrator", "manager", "head", "city_head", "analyst", "operations", "administrator")
_PUBLIC = ("staff_no", "password", "role", "name", "unit_id", "manager_id")
_COLUMNS: list[render.Column] = [
    ("工号 staff no.", pick("staff_no")),
    ("密码 password", pick("password")),
    ("角色 role", pick("role", word)),
    ("姓名 name", pick("name")),
    ("单位 unit", pick("unit_id")),
]


def known(place: Layout) -> list[dict[str, Any]]:
    """Accounts of the embedded demo; none where this is no such instance."""
    try:
        found = json.loads(place.accounts.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return [dict(account) for account in found]


def accounts(data: Data = None, as_json: Json = False) -> None:
    """演示账号 / accounts of the embedded demo, one of each role at least."""
    place = layout(data)
    found = [{name: account.get(name) for name in _PUBLIC} for account in known(place)]
    if not found:
        fail(
            f"{place.data} 不是内嵌演示实例，没有演示账号；先运行 kam up",
            f"{place.data} holds no embedded demo, so there are no accounts: kam up makes one",
        )
    if as_json:
        print_json(found)
    else:
        render.table("演示账号 / demo accounts", _COLUMNS, found, "")


def token(
    role: Annotated[str, typer.Argument(metavar="ROLE", help=" | ".join(ROLES))],
    subject: Annotated[str | None, typer.Option("--subject", help="谁 / whose, e.g. a manager id")] = None,
    unit: Annotated[list[str] | None, typer.Option("--unit", metavar="ID", help="只看此单位 / of this unit")] = None,
    city: Annotated[list[str] | None, typer.Option("--city", metavar="CODE", help="只看此地市 / of this city")] = None,
    hours: Annotated[int, typer.Option("--hours", min=1, max=24 * 3660, help="有效小时 / hours it is good for")] = 24
    * 30,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """本实例的令牌 / a bearer token for the local instance.

    未指明范围时，经理、单位负责人与市级的范围同演示账号 / a manager, head or city head has the scope of the demo's
    account unless told otherwise
    """
    if role not in ROLES:
        fail(f"角色只能是 {'、'.join(ROLES)}", f"the role is one of {', '.join(ROLES)}", 2)
    client = Client.of(data)
    subject, scope = _whose(role, subject, unit or [], city or [], known(layout(data)))
    subject = subject or client.subject
    made = client.token(role, subject, hours, scope)
    if as_json:
        print_json({"token": made, "role": role, "subject": subject, "hours": hours, "scope": scope})
    else:
        print(made)


def _whose(
    role: str, subject: str | None, units: list[str], cities: list[str], accounts: list[dict[str, Any]]
) -> tuple[str | None, dict[str, Any] | None]:
    """Whose token it is and what it reaches; no scope: a manager's own customers, else the whole province."""
    if units or cities:
        return subject, {"units": units, "cities": cities}
    account = next((a for a in accounts if a["role"] == role), None)
    if account is None or subject is not None:
        return subject, None
    if role == "manager":
        return account["manager_id"], None
    if role == "head":
        return account["staff_no"], {"units": [account["unit_id"]]}
    return (account["staff_no"], {"cities": [account["city"]]}) if role == "city_head" else (None, None)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(accounts)
    app.command()(token)
