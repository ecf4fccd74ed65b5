"""Whether a condition makes sense: figures that there are, values that fit them, and somebody whom it leaves alone."""

from alerts.conditions.figures import FIGURES, MOST, Figure, meant
from alerts.conditions.nodes import Compare, Condition, Leaf, Moves, Node, leaves
from alerts.conditions.outcomes import outcomes
from servicekit.documents.fault import Checker, Fault

#: the operators of each type of figure; known is of all
OPS = {"int": ("<", "<=", "=", "!=", ">=", ">", "in"), "str": ("=", "!=", "in"), "bool": ("=", "!=")}
#: by the type of a figure and that of what was written
_REMEDIES = {
    ("str", "int"): ("；请加引号", ": put it in quotes"),
    ("int", "str"): (
        "；只写数字，如 1000，不带引号、逗号和单位",
        ": write digits alone, as 1000, no quotes, commas or units",
    ),
}
_TYPES = {"int": ("整数", "a whole number"), "str": ("文本", "a text"), "bool": ("true 或 false", "true or false")}


def check(rule: Condition) -> list[Fault]:
    """Everything that is wrong with the meaning of a rule whose shape is right; ``field`` as in the document."""
    checker = Checker()
    for placed in leaves(rule.when):
        _check_leaf(checker.under(placed.path), placed.leaf)
    if not checker.faults:
        _check_whole(checker.under("when"), rule.when)
    return checker.faults


def _check_leaf(at: Checker, leaf: Leaf) -> None:
    figure = FIGURES.get(leaf.figure)
    if figure is None:
        near = meant(leaf.figure)
        at.under("figure").say(
            f"没有指标“{leaf.figure[:50]}”；{'是 ' + '、'.join(near) + ' 吗？' if near else '见指标表'}",
            f"there is no figure {leaf.figure[:50]!r}; "
            + (f"do you mean {' or '.join(near)}?" if near else "see the table of figures"),
        )
    elif isinstance(leaf, Compare):
        _check_compare(at, leaf, figure)
    elif isinstance(leaf, Moves) and not figure.monthly:
        at.under("months").say(
            f"{figure.name} 不是按月的指标，没有前几个月；只有 bill.* 和 usage.* 有",
            f"{figure.name} has no months before: only bill.* and usage.* are of months",
        )


def _check_compare(at: Checker, leaf: Compare, figure: Figure) -> None:
    if leaf.for_months > 1 and not figure.monthly:
        at.under("for_months").say(
            f"{figure.name} 不是按月的指标；连续几个月只能问 bill.* 和 usage.*",
            f"{figure.name} is not of months: only bill.* and usage.* can hold for some",
        )
    value, under = leaf.value, at.under("value")
    # a text against a number is a fault of the value, `<` between texts one of the operator
    values = value if isinstance(value, tuple) else (value,)
    wrong = [each for each in values if not _is_of(each, figure)]
    if wrong:
        zh, en = _TYPES[figure.type]
        remedy_zh, remedy_en = _REMEDIES.get((figure.type, type(wrong[0]).__name__), ("", ""))
        under.say(
            f"{figure.name} 是{zh}，不能与 {_kind(wrong[0])[0]}比较{remedy_zh}",
            f"{figure.name} is {en} and can't be compared with {_kind(wrong[0])[1]}{remedy_en}",
        )
        return
    if leaf.op not in OPS[figure.type]:
        ops = " ".join(OPS[figure.type])
        zh, en = _TYPES[figure.type]
        at.under("op").say(
            f"{figure.name} 是{zh}，只能用 {ops} known",
            f"{figure.name} is {en}: only {ops} known",
        )
        return
    for each in values:
        _check_value(under, each, figure)


def _check_value(under: Checker, value: object, figure: Figure) -> None:
    if isinstance(value, str) and figure.values is not None and value not in figure.values:
        codes = list(figure.values)
        under.say(f"应为其中之一：{'、'.join(codes)}", f"must be one of {', '.join(codes)}")
    elif type(value) is int and not figure.least <= value <= figure.most:
        if figure.most == MOST:
            under.say(f"{figure.name} 不小于 {figure.least}", f"{figure.name} is never below {figure.least}")
        else:
            under.say(
                f"{figure.name} 在 {figure.least} 至 {figure.most} 之间",
                f"{figure.name} is from {figure.least} to {figure.most}",
            )


def _check_whole(when: Checker, node: Node) -> None:
    """Nobody asks for a warning of everyone, or of no one."""
    known = outcomes(node, may_be_unknown=False)
    if known == {True}:
        when.say(
            "对每个指标已知的客户都成立，等于没有条件；请加上限制",
            "holds for every customer whose figures are known, so it is no condition: narrow it",
        )
    elif True not in outcomes(node, may_be_unknown=True):
        when.say("永远不会成立，其中的条件互相矛盾", "can never hold: its conditions contradict one another")


def _is_of(value: object, figure: Figure) -> bool:
    return type(value).__name__ == figure.type


def _kind(value: object) -> tuple[str, str]:
    return _TYPES.get(type(value).__name__, ("此值", "that"))
