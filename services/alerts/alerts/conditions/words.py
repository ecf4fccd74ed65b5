"""A leaf in words of both languages."""

from alerts.conditions.figures import FIGURES, UNITS, Figure, Text, Value
from alerts.conditions.nodes import Compare, Known, Leaf, Moves
from servicekit.words import yuan

_SIGNS = {"<": "<", "<=": "≤", "=": "=", "!=": "≠", ">=": "≥", ">": ">"}
_NAMED = 5  # of many values so many are named


def say(leaf: Leaf) -> Text:
    """What a leaf asks: ``("活跃天数 ≤ 3 天", "active days ≤ 3")``."""
    figure = FIGURES[leaf.figure]
    if isinstance(leaf, Known):
        return f"{figure.zh}已知", f"{figure.en}: known"
    return _moves(leaf, figure) if isinstance(leaf, Moves) else _compare(leaf, figure)


def as_it_stands(asked: Text, figure: str, value: Value, met: bool | None) -> Text:
    """A leaf with the value that was seen: ``("活跃天数 ≤ 3 天（现为 9 天，未满足）", …)``."""
    zh, en = value_said(value, FIGURES[figure])
    is_met = {True: ("满足", "met"), False: ("未满足", "not met"), None: ("无法判断", "not known")}[met]
    return f"{asked[0]}（现为 {zh}，{is_met[0]}）", f"{asked[1]} (is {en}: {is_met[1]})"


def _moves(leaf: Moves, figure: Figure) -> Text:
    falls, months = leaf.direction == "falls", leaf.months
    before = (
        ("上月", "the month before")
        if months == 1
        else (f"前 {months} 个月均值", f"the mean of {months} months before")
    )
    return (
        f"{figure.zh}较{before[0]}{'下降' if falls else '上升'} {leaf.percent}% 或更多",
        f"{figure.en} {leaf.percent} % or more {'below' if falls else 'above'} {before[1]}",
    )


def _compare(leaf: Compare, figure: Figure) -> Text:
    if isinstance(leaf.value, tuple):
        said = [value_said(each, figure) for each in leaf.value[:_NAMED]]
        more = len(leaf.value) - len(said)
        zh = f"{figure.zh}属于：{'、'.join(zh for zh, _ in said)}{f' 等 {len(leaf.value)} 个' if more else ''}"
        en = f"{figure.en}: one of {', '.join(en for _, en in said)}{f' and {more} more' if more else ''}"
    elif figure.type == "bool":
        is_so = leaf.value == (leaf.op == "=")
        zh, en = f"{figure.zh}：{'是' if is_so else '否'}", f"{figure.en}: {'yes' if is_so else 'no'}"
    else:
        limit = value_said(leaf.value, figure)
        zh, en = f"{figure.zh} {_SIGNS[leaf.op]} {limit[0]}", f"{figure.en} {_SIGNS[leaf.op]} {limit[1]}"
    if leaf.for_months > 1:
        return f"{zh}，连续 {leaf.for_months} 个月", f"{en}, {leaf.for_months} months in a row"
    return zh, en


def value_said(value: Value, figure: Figure) -> Text:
    """A value of a figure with its unit."""
    if value is None:
        return "未知", "unknown"
    if isinstance(value, bool):
        return ("是", "yes") if value else ("否", "no")
    if isinstance(value, str):
        return (figure.values or {}).get(value, (value, value))
    if figure.unit == "fen":
        return (f"¥{yuan(value)}",) * 2
    zh, en = UNITS[figure.unit]
    # "active days ≤ 3", where the figure's name has said the unit
    return f"{value} {zh}".rstrip(), str(value) if not en or en in figure.en.split() else f"{value} {en}"
