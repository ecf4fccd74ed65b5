"""The table of figures for those who write conditions: an editor, and readers of docs/figures.md."""

from typing import Any

from alerts.conditions.check import OPS
from alerts.conditions.figures import FIGURES, MOST, RECORDS, UNITS, Figure

_HEAD = """# 指标 / Figures

What a rule of type `condition` may ask for ([how to write one](guides/add-a-rule.md)). Generated from
`alerts/conditions/figures.py` by `make schemas`; a test compares them.
Monthly figures (BILL, USAGE) are those of the month that is judged, and only they take `months` and `for_months`.
All others are as known when the record that made the rule look was accepted. What no record has said is unknown: it
meets nothing.

Operators are `<` `<=` `=` `!=` `>=` `>` `in` `known` for numbers, `=` `!=` `in` `known` for texts, and `=` `!=` `known`
for true or false. Money is in fen: 1234 is ¥12.34.
"""
_TYPES = {"int": ("数", "number"), "str": ("文本", "text"), "bool": ("true/false", "true/false")}


def vocabulary() -> list[dict[str, Any]]:
    """Every figure as plain values: what an editor needs to offer it, and to bound what is typed."""
    return [
        {
            "name": figure.name,
            "family": figure.family,
            "record": RECORDS[figure.family],
            "type": figure.type,
            "unit": figure.unit,
            "unit_zh": UNITS[figure.unit][0],
            "unit_en": UNITS[figure.unit][1],
            "zh": figure.zh,
            "en": figure.en,
            "meaning_zh": figure.meaning[0],
            "meaning_en": figure.meaning[1],
            "monthly": figure.monthly,
            "ops": [*OPS[figure.type], "known"],
            "least": figure.least if figure.type == "int" and figure.least > -MOST else None,
            "most": figure.most if figure.type == "int" and figure.most < MOST else None,
            "values": [{"code": code, "zh": zh, "en": en} for code, (zh, en) in (figure.values or {}).items()],
        }
        for figure in FIGURES.values()
    ]


def page() -> str:
    """docs/figures.md."""
    parts = [_HEAD]
    for family, record in RECORDS.items():
        rows = [_row(figure) for figure in FIGURES.values() if figure.family == family]
        title = f"`{family}.*`" + (f" ({record})" if record else "")
        parts.append(
            "\n".join(
                [f"## {title}\n", "| name | 名称 | called | value | 含义 | meaning |", "| --- " * 6 + "|", *rows, ""]
            )
        )
    return "\n".join(parts)


def _row(figure: Figure) -> str:
    value = _TYPES[figure.type][1]
    if figure.values:
        value = " ".join(f"`{code}`" for code in figure.values)
    elif figure.unit != "none":
        value = "fen" if figure.unit == "fen" else UNITS[figure.unit][1]
        value += f", {figure.least}–{figure.most}" if figure.most < MOST else ""
    cells = (f"`{figure.name.partition('.')[2]}`", figure.zh, figure.en, value, *figure.meaning)
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(page(), end="")
