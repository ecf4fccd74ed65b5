"""Accounts of the embedded demo: at least one of each role, who know the simulated province; passwords are random."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

from kam.instance import Layout, write_once
from kam.sim.boss import people
from kam.sim.boss.province import organisation, seeded

#: without what looks alike
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 3, 4


def make(place: Layout, seed: int, customers: int) -> None:
    """Write the instance's accounts, once: names, units and managers are those of the province that it simulates."""
    if not place.accounts.exists():
        found = [{**account, "password": _password()} for account in _accounts(seed, customers)]
        write_once(place.accounts, json.dumps(found, ensure_ascii=False, indent=1) + "\n")


def _accounts(seed: int, customers: int) -> Iterator[dict[str, str | None]]:
    rng = seeded(seed, customers)
    units, managers = organisation(rng)
    first, *_, other = people.CITIES
    groups = {unit.unit_id: unit for unit in units if unit.head_id}
    firsts = {group: next(m for m in managers if m.unit_id == group) for group in groups}
    for manager in (firsts[f"U{first}1"], firsts[f"U{other}1"]):
        yield _of("manager", manager.manager_id, manager.name, manager.unit_id, manager.manager_id)
    head = next(m for m in managers if m.manager_id == groups[f"U{first}1"].head_id)
    yield _of("head", head.manager_id, head.name, head.unit_id, head.manager_id)
    yield {**_of("city_head", "C0001", people.person(rng)[0], f"U{first}"), "city": first}
    for role, staff_no in (
        ("analyst", "A0001"),
        ("operations", "O0001"),
        ("administrator", "S0001"),
        ("integrator", "I0001"),
    ):
        yield _of(role, staff_no, people.person(rng)[0], f"U{people.PROVINCE}")


def _of(
    role: str, staff_no: str, name: str | None, unit_id: str | None, manager_id: str | None = None
) -> dict[str, str | None]:
    return {"staff_no": staff_no, "role": role, "name": name, "unit_id": unit_id, "manager_id": manager_id}


def _password() -> str:
    """Easily read out and typed: some 59 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
