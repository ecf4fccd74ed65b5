"""Texts as documents that staff change: what is checked of one before it is kept, what it makes, and what people call
its fields. Pure. (The policy: ``policybook``.)
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from string import Formatter
from typing import Any, get_args

import msgspec
from msgspec import Struct

from alerts.notifications.channel import segments
from alerts.notifications.channel.channels import BY_TEMPLATE, CHANNELS, SMPP
from alerts.notifications.send_policy import (
    ANY_KIND,
    MANUAL,
    TEMPLATE_KIND,
    VARIABLES,
    Language,
    ProviderIds,
    SmsPolicy,
    Template,
    can_stand,
    is_plain,
    provider_id,
)
from alerts.rules import ALERTS
from contracts.alert import Outcome
from servicekit.documents.fault import Checker, Fault, Faulty
from servicekit.documents.kinds import Kind, Others

#: parts that a text may take, whatever is put into it
MOST_SEGMENTS = 4
#: the policy in force, whose ladders and longest words texts are checked by
InForce = Callable[[], SmsPolicy]
LANGUAGES: tuple[Language, Language] = ("zh", "en")
_TEXT = "text"
_MOST_PRIORITY = 100
#: characters of a text before anything else is looked at: four parts take fewer
_LONGEST_TEXT = 1_000
#: steps of alerts whose stages are on no ladder: that it is there, and how it ends
_STEPS = ("opened", *get_args(Outcome))
#: alerts of other kinds send nothing
KINDS = (*dict.fromkeys(ALERTS.values()), MANUAL)
_SIGNATURE = re.compile(r"【[^【】{}\s]+】")
_PROVIDER_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


class Text(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A template as people write it."""

    id: str
    kind: str
    step: str
    priority: int
    zh: str
    en: str
    provider_ids: ProviderIds = {}
    campaign: str = ""


def read_text(document: dict[str, Any]) -> Text:
    """Raises ``msgspec.ValidationError``."""
    return msgspec.convert(document, Text)


# --- texts ------------------------------------------------------------------------------------------------------------


def check_text(policy: InForce, text: Text, others: Others) -> Sequence[Fault]:
    """What is wrong with the meaning of a text."""
    checker = Checker()
    for language in LANGUAGES:
        if (length := len(getattr(text, language))) > _LONGEST_TEXT:
            checker.under(language).say(
                f"有 {length} 字，最多 {MOST_SEGMENTS} 条短信，请缩短",
                f"has {length} characters, a text takes {MOST_SEGMENTS} parts at most: make it shorter",
            )
    if checker.faults:
        return checker.faults
    _place(checker, text, others, policy())
    checker.under("priority").between(text.priority, 0, _MOST_PRIORITY)
    _provider_ids(checker.under("provider_ids"), text)
    named = {language: _variables(checker.under(language), text, language) for language in LANGUAGES}
    if checker.faults:
        return checker.faults
    needed = {_TEXT} if text.kind == MANUAL else {"debt"} if text.kind == "arrears" else set()
    for language, other in zip(LANGUAGES, reversed(LANGUAGES), strict=True):
        for name in sorted((needed | named[other]) - named[language]):
            checker.under(language).say(
                f"缺少 {{{name}}}，请写进去；两种语言应说同样的事",
                f"{{{name}}} is missing: put it in, both languages must say the same",
            )
    if not _SIGNATURE.match(text.zh):
        checker.under("zh").say("应以签名开头，如【大客户中心】", "must begin with the signature, as 【大客户中心】")
    if not is_plain(text.en):
        checker.under("en").say(
            "英文只能用 GSM-7 中的 ASCII 字符，不能有中文、全角或换行",
            "holds what is no ASCII of the GSM 7-bit alphabet: no Chinese, no full-width characters, no line breaks",
        )
    if not checker.faults:
        for _, fault in misfits(policy(), text):
            checker.under(fault.field).say(fault.zh, fault.en)
    return checker.faults


def misfits(policy: SmsPolicy, text: Text) -> Iterator[tuple[str, Fault]]:
    """What of a text that is right in itself does not go with a policy; before each the field of the policy that it
    comes of."""
    if text.step not in (steps := _steps(policy, text.kind)):
        zh, en = f"阶段次序里没有 {text.step}：{'、'.join(steps)}", f"{text.step} is not among {', '.join(steps)}"
        yield f"ladders.{text.kind}", Fault("step", zh, en)
    if text.campaign and text.campaign not in policy.campaigns:
        known = ", ".join(policy.campaigns) or "–"
        zh, en = (
            f"没有活动 {text.campaign}；短信策略中有：{known}",
            f"{text.campaign} is no campaign of the SMS policy: {known}",
        )
        yield "campaigns", Fault("campaign", zh, en)
    order, by = policy.order(text.kind), text.kind if text.kind in policy.channels else ANY_KIND
    for language in LANGUAGES:
        if not any(_takes(text, channel, language) for channel in order):
            named = ", ".join(order)
            zh = f"短信策略让这类短信只走 {named}，而没有它的 {language} 编号；请补上，或在策略里加上 {SMPP}"
            en = (
                f"has no id of {named} for {language}, and the SMS policy sends this kind by nothing else:"
                f" give one, or add {SMPP} to the policy"
            )
            yield f"channels.{by}", Fault("provider_ids", zh, en)
            break
    for language in LANGUAGES:
        made = _made(text, language, longest(policy, language))
        if (parts := len(segments.plan(made).parts)) > MOST_SEGMENTS:
            yield (
                "longest_name",
                Fault(
                    language,
                    f"最长时要 {parts} 条，最多 {MOST_SEGMENTS} 条，请缩短",
                    f"takes up to {parts} parts, {MOST_SEGMENTS} at most: make it shorter",
                ),
            )


def _steps(policy: SmsPolicy, kind: str) -> Sequence[str]:
    """Those at which alerts of a kind may send a text."""
    return policy.ladders.get(kind) or ((MANUAL,) if kind == MANUAL else _STEPS)


def _place(checker: Checker, text: Text, others: Others, policy: SmsPolicy) -> None:
    """It must be of a step that comes about, stay what it was and push no other text aside."""
    for field, value, known in (("kind", text.kind, KINDS), ("step", text.step, _steps(policy, text.kind))):
        if value not in known:
            checker.under(field).say(
                f"没有 {value[:50] or '空'}；可用 {'、'.join(known)}",
                f"there is no {value[:50]!r}: take one of {', '.join(known)}",
            )
            return
    was = next((other for other in others if other["id"] == text.id), None)
    for field, value in (("kind", text.kind), ("step", text.step)):
        if was is not None and (before := was.get(field)) != value:
            # Messages that wait are written by the newest version.
            checker.under(field).say(
                f"不能由 {before} 改为 {value}；请另立一个模板", f"was {before} and stays so: write another template"
            )
            return
    for other in others:
        if other["id"] != text.id and (other.get("kind"), other.get("step")) == (text.kind, text.step):
            there = other["id"]
            checker.under("step").say(f"{there} 已管这一步，请改它", f"{there} is sent at this step: change that")
            return


def _variables(checker: Checker, text: Text, language: Language) -> set[str]:
    """Those of a text in one language."""
    allowed = {_TEXT} if text.kind == MANUAL else VARIABLES
    found: set[str] = set()
    if not getattr(text, language).strip():
        checker.say("请写文字", "write the text")
    try:
        parsed = list(Formatter().parse(getattr(text, language)))
    except ValueError:
        checker.say("大括号不成对；变量写作 {name}", "has a brace without its other: write variables as {name}")
        return found
    for _, name, format, conversion in parsed:
        if name is None:
            continue
        if name not in allowed or format or conversion:
            known = ", ".join(f"{{{each}}}" for each in sorted(allowed))
            checker.say(f"没有变量 {{{name}}}；可用 {known}", f"{{{name}}} is no variable: use {known}")
        found.add(name)
    return found


def _provider_ids(checker: Checker, text: Text) -> None:
    """Ids of channels that put variables into templates of their own."""
    if text.kind == MANUAL and text.provider_ids:
        checker.say(
            "人工短信是自由文字，只能走直连通道，请删去",
            "what people write fits into no template of a provider: take it out",
        )
    for channel, ids in text.provider_ids.items():
        under = checker.under(channel)
        if channel not in BY_TEMPLATE:
            there = ", ".join(sorted(BY_TEMPLATE))
            under.say(f"此通道不用模板编号；可写 {there}", f"takes no ids of templates: give those of {there}")
        found = ids if isinstance(ids, dict) else {None: ids}
        if not found:
            under.say("请写编号，或删去这一项", "give an id, or take it out")
        for language, id_ in found.items():
            if language is not None and language not in LANGUAGES:
                under.under(language).say("语言是 zh 或 en", "is no language of a text: zh or en")
            if not _PROVIDER_ID.fullmatch(id_):
                (under if language is None else under.under(language)).say(
                    "编号为 1 到 64 个字母、数字或 _ - . :",
                    "an id has 1 to 64 letters, digits or _ - . :",
                )


def longest(policy: SmsPolicy, language: Language) -> dict[str, str]:
    """The longest words that may stand in a text, as far as the policy bounds them."""
    word = ("客" if language == "zh" else "x") * policy.longest_name
    return {"name": word, "product": word, "debt": "99999999.99", "ends_on": "2026-12-31", _TEXT: ""}


def preview(
    policy: SmsPolicy, text: Text, values: Mapping[str, str], configured: Sequence[str] = CHANNELS
) -> dict[str, Any]:
    """What customers would get, in both languages: ``text``, ``encoding``, ``segments``, ``cost_fen``, ``channels``.
    ``values``: of variables; those that are not given, or can't stand in the language, are as the policy calls what is
    not known. ``configured``: the channels there are, the one that takes any text first. Raises ``Faulty`` where they
    make more than any SMS holds."""
    return {language: _shown(policy, text, language, values, configured) for language in LANGUAGES}


def sample(policy: SmsPolicy, text: Text | Template, language: Language, values: Mapping[str, str]) -> str:
    """What a text looks like with these values, and usual ones for the others."""
    return _made(text, language, sample_values(policy, language, values))


def sample_values(policy: SmsPolicy, language: Language, values: Mapping[str, str]) -> dict[str, str]:
    """Of each variable: what is given where it can stand there, or else a usual one."""
    unnamed = policy.unnamed[language]
    given = {
        name: value
        for name, value in values.items()
        if name not in unnamed or can_stand(value, language, policy.longest_name)
    }
    usual = {**unnamed, "debt": "123.45", "ends_on": "2026-12-31", _TEXT: ""}
    return {name: given.get(name, value) for name, value in usual.items()}


def planned(made: str) -> segments.Segments:
    """Its parts. Raises ``Faulty``: more than any SMS holds."""
    try:
        return segments.plan(made)
    except ValueError:
        raise Faulty([Fault("values", "代入后太长，请缩短", "too long with these words: make them shorter")]) from None


def _shown(
    policy: SmsPolicy, text: Text, language: Language, values: Mapping[str, str], configured: Sequence[str]
) -> dict[str, Any]:
    made = sample(policy, text, language, values)
    plan = planned(made)
    parts = len(plan.parts)
    return {
        "text": made,
        "encoding": plan.encoding,
        "segments": parts,
        "cost_fen": parts * policy.fen_per_part,
        "channels": _road(policy, text, language, configured),
    }


def _road(policy: SmsPolicy, text: Text, language: Language, configured: Sequence[str]) -> list[dict[str, Any]]:
    """The channels of the policy, in its order, and whether each takes the text; where none does, that which takes any
    text is the last (``SendPolicy.channels``)."""
    found = [_taken(text, channel, language, channel in configured) for channel in policy.order(text.kind)]
    if not any(each["takes"] for each in found):
        found.append({"channel": configured[0], "takes": True, "zh": "", "en": ""})
    return found


def _taken(text: Text, channel: str, language: Language, is_there: bool) -> dict[str, Any]:
    """Whether a channel takes the text, and if not, why."""
    zh, en = "", ""
    if not is_there:
        zh, en = f"没有配置通道 {channel}，走其他通道", f"there is no channel {channel}: it goes by another"
    elif not _takes(text, channel, language):
        zh, en = f"没有 provider_ids.{channel}，走其他通道", f"no provider_ids.{channel}: it goes by another"
    return {"channel": channel, "takes": not zh, "zh": zh, "en": en}


def _takes(text: Text, channel: str, language: Language) -> bool:
    return channel not in BY_TEMPLATE or provider_id(text.provider_ids, channel, language) is not None


def _made(text: Text | Template, language: Language, values: Mapping[str, str]) -> str:
    made: str = getattr(text, language).format_map(values)
    return made


# --- row of the table -------------------------------------------------------------------------------------------------


def template_kind(policy: InForce) -> Kind:
    """Texts, checked by the policy in force."""
    return Kind(
        name=TEMPLATE_KIND,
        read=read_text,
        check=lambda text, others: check_text(policy, text, others),
        fields={
            "kind": ("预警种类", "kind of alert"),
            "step": ("阶段", "step"),
            "priority": ("优先级", "priority"),
            "zh": ("中文", "Chinese text"),
            "en": ("英文", "English text"),
            "provider_ids": ("通道方模板编号", "ids of templates at providers"),
            "campaign": ("活动", "campaign"),
        },
    )
