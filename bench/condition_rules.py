"""Twenty conditions as staff write them, all of which look at bills; of the bills of ``load`` a few in a thousand meet
one.
"""

from typing import Any

from alerts import rules
from servicekit.documents.in_force import Edition


def documents() -> list[dict[str, Any]]:
    """What is asked: falls, limits, some months in a row, parts that hold of one in two, plans, contracts, balances."""
    found: list[dict[str, Any]] = []

    def add(when: dict[str, Any], *on: str) -> None:
        number = len(found) + 1
        found.append(
            {
                "type": "condition", "id": f"bench-{number}", "alert": "attention" if number % 2 else "churn_warning",
                "name_zh": f"条件 {number}", "name_en": f"condition {number}", "severity": "minor",
                "on": ["BILL", *on], "when": when,
            }
        )  # fmt: skip

    for n in range(4):
        falls = {"figure": "bill.amount_fen", "falls_percent": 50 + 10 * n, "months": 3}
        add({"all": [falls, _is("customer.status", "=", "active"), _is("bill.voice_fen", "<", 4_000 + n)]})
        add({"all": [_is("bill.data_fen", "<", 2_200 + n), _is("customer.area", "=", "urban"), falls]}, "USAGE")
        large = {"all": [_is("bill.data_fen", ">", 10**7), _is("balance.balance_fen", "<", 1000)]}
        add({"any": [_is("bill.amount_fen", ">", 10**7 + n), large]})
        free = {"not": _is("customer.plan_code", "in", ["FREE01", "FREE02"])}
        add({"all": [{**_is("bill.amount_fen", "<", 2_000 + n), "for_months": 3}, free]})
        quiet = {"figure": "usage.voice_minutes", "falls_percent": 60 + n, "months": 6}
        add({"all": [quiet, _is("contract.days_left", "<=", 30), _is("bill.other_fen", ">", 100)]}, "USAGE", "CONT")
    return found


def in_force() -> rules.Rules:
    """The seeds, and these twenty."""
    editions = [Edition(n, rules.KIND, each["id"], 1, "active", each) for n, each in enumerate(documents(), 1)]
    return rules.load().switched(editions)


def _is(figure: str, op: str, value: Any) -> dict[str, Any]:
    return {"figure": figure, "op": op, "value": value}
