"""Texts and the SMS policy as documents that staff change: what is checked of one before it is kept, what it makes, and
what people call its fields. Pure.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from string import Formatter
from typing import Any, get_args
from unicodedata import normalize

import msgspec
from msgspec import Struct

from alerts.notifications.channel import segments
from alerts.notifications.channel.channels import BY_TEMPLATE, CHANNELS
from alerts.notifications.send_policy import (
    ANY_KIND,
    MANUAL,
    POLICY_KIND,
    TEMPLATE_KIND,
    VARIABLES,
    Language,
    ProviderIds,
    SmsPolicy,
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
_MOST_RATE, _MOST_CAP, _MOST_HOURS, _MOST_DAYS = 5000, 100, 24 * 14, 366
_MOST_FEN = 1_000
#: characters of a text before anything else is looked at: four parts take fewer
_LONGEST_TEXT = 1_000
#: what has a word of its own where it is not known
_UNNAMED = ("name", "product")
_MOST_WORDS, _LONGEST_WORD, _MOST_STATUSES = 20, 20, 50
#: steps of alerts whose stages are on no ladder: that it is there, and how it ends
_STEPS = ("opened", *get_args(Outcome))
#: alerts of other kinds send nothing
_KINDS = (*dict.fromkeys(ALERTS.values()), MANUAL)
_MOST_SECONDS = 86_400
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


def read_text(document: dict[str, Any]) -> Text:
    """Raises ``msgspec.ValidationError``."""
    return msgspec.convert(document, Text)


def _read_policy(document: dict[str, Any]) -> SmsPolicy:
    return msgspec.convert({**document, "version": 0}, SmsPolicy)


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
    if not text.zh.startswith("【") or "】" not in text.zh:
        checker.under("zh").say("应以签名开头，如【大客户中心】", "must begin with the signature, as 【大客户中心】")
    if not is_plain(text.en):
        checker.under("en").say(
            "英文只能用 GSM-7 中的 ASCII 字符，不能有中文、全角或换行",
            "holds what is no ASCII of the GSM 7-bit alphabet: no Chinese, no full-width characters, no line breaks",
        )
    for language in () if checker.faults else LANGUAGES:
        made = _made(text, language, longest(policy(), language))
        if (parts := len(segments.plan(made).parts)) > MOST_SEGMENTS:
            checker.under(language).say(
                f"最长时要 {parts} 条，最多 {MOST_SEGMENTS} 条，请缩短",
                f"takes up to {parts} parts, {MOST_SEGMENTS} at most: make it shorter",
            )
    return checker.faults


def _place(checker: Checker, text: Text, others: Others, policy: SmsPolicy) -> None:
    """It must be of a step that comes about, stay what it was and push no other text aside."""
    steps = policy.ladders.get(text.kind) or ((MANUAL,) if text.kind == MANUAL else _STEPS)
    for field, value, known in (("kind", text.kind, _KINDS), ("step", text.step, steps)):
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


def preview(policy: SmsPolicy, text: Text, values: Mapping[str, str]) -> dict[str, Any]:
    """What customers would get, in both languages: ``text``, ``encoding``, ``segments``, ``cost_fen``. ``values``: of
    variables; those that are not given, or can't stand in the language, are as the policy calls what is not known.
    Raises ``Faulty`` where they make more than any SMS holds."""
    return {language: _shown(policy, text, language, values) for language in LANGUAGES}


def _shown(policy: SmsPolicy, text: Text, language: Language, values: Mapping[str, str]) -> dict[str, Any]:
    unnamed = policy.unnamed[language]
    given = {
        name: value
        for name, value in values.items()
        if name not in unnamed or (len(value) <= policy.longest_name and (language == "zh" or is_plain(value)))
    }
    usual = {**unnamed, "debt": "123.45", "ends_on": "2026-12-31", _TEXT: ""}
    made = _made(text, language, {**usual, **given})
    try:
        plan = segments.plan(made)
    except ValueError:
        raise Faulty([Fault("values", "代入后太长，请缩短", "too long with these words: make them shorter")]) from None
    parts = len(plan.parts)
    return {
        "text": made,
        "encoding": plan.encoding,
        "segments": parts,
        "cost_fen": parts * policy.fen_per_part,
        "channels": [_taken(text, channel, language) for channel in policy.order(text.kind)],
    }


def _taken(text: Text, channel: str, language: Language) -> dict[str, Any]:
    """Whether a channel takes the text, and if not, why."""
    takes = channel not in BY_TEMPLATE or provider_id(text.provider_ids, channel, language) is not None
    zh, en = (
        ("", "")
        if takes
        else (f"没有 provider_ids.{channel}，走其他通道", f"no provider_ids.{channel}: it goes by another")
    )
    return {"channel": channel, "takes": takes, "zh": zh, "en": en}


def _made(text: Text, language: Language, values: Mapping[str, str]) -> str:
    made: str = getattr(text, language).format_map(values)
    return made


# --- policy -----------------------------------------------------------------------------------------------------------


def check_policy(policy: SmsPolicy, others: Others) -> Sequence[Fault]:
    """What is wrong with the meaning of a policy."""
    checker = Checker()
    ids = {other["id"] for other in others}
    if ids and policy.id not in ids:
        there = ", ".join(sorted(ids))
        checker.under("id").say(f"只有一份短信策略，请改 {there}", f"there is one policy: change {there}")
    if policy.quiet.start == policy.quiet.end:
        checker.under("quiet").say("起止不能相同", "must not end when it begins")
    checker.under("daily_cap").between(policy.daily_cap, 1, _MOST_CAP)
    checker.under("rate_per_second").between(policy.rate_per_second, 1, _MOST_RATE)
    checker.under("receipt_hours").between(policy.receipt_hours, 1, _MOST_HOURS)
    checker.under("payments_kept_days").between(policy.payments_kept_days, 1, _MOST_DAYS)
    checker.under("longest_name").between(policy.longest_name, 1, 60)
    checker.under("mobile_digits").between(policy.mobile_digits, 5, 15)
    checker.under("fen_per_part").between(policy.fen_per_part, 0, _MOST_FEN)
    retry = checker.under("retry")
    retry.under("attempts").between(policy.retry.attempts, 1, 100)
    retry.under("temporary_statuses").few(policy.retry.temporary_statuses, _MOST_STATUSES)
    if policy.retry.max_seconds < policy.retry.first_seconds:
        retry.under("max_seconds").say("应不小于 first_seconds", "must not be below first_seconds")
    if not (policy.country_code.isascii() and policy.country_code.isdigit() and len(policy.country_code) <= 3):
        checker.under("country_code").say("应为一到三位数字，如 86", "must be one to three digits, as 86")
    checker.under("failover_seconds").between(policy.failover_seconds, 1, _MOST_SECONDS)
    _channels(checker.under("channels"), policy)
    _words(checker, policy)
    _ladders(checker.under("ladders"), policy, others)
    for language in LANGUAGES:
        unnamed = checker.under("unnamed").under(language)
        for name in policy.unnamed.get(language, {}):
            if name not in _UNNAMED:
                unnamed.under(name).say("没有这一项，请删去", "is no field of it: remove it")
        for name in _UNNAMED:
            word = policy.unnamed.get(language, {}).get(name, "")
            if not word.strip():
                unnamed.under(name).say("请写通称", "say what to call it where it is not known")
            elif len(word) > policy.longest_name:
                most = policy.longest_name
                unnamed.under(name).say(f"最多 {most} 字（longest_name）", f"{most} characters at most (longest_name)")
            elif language == "en" and not is_plain(word):
                unnamed.under(name).say("只能用 ASCII 字符", "must be ASCII")
    return checker.faults


def _channels(checker: Checker, policy: SmsPolicy) -> None:
    for kind, named in policy.channels.items():
        under = checker.under(kind)
        if kind not in (*_KINDS, ANY_KIND):
            there = ", ".join((*_KINDS, ANY_KIND))
            under.say(f"没有这种预警；可用 {there}", f"is no kind of alert: use {there}")
        under.some(named)
        under.distinct(named)
        for n, channel in enumerate(named):
            if channel not in CHANNELS:
                there = ", ".join(CHANNELS)
                under.under(n).say(f"没有通道 {channel}；可用 {there}", f"{channel} is no channel: use {there}")


def _words(checker: Checker, policy: SmsPolicy) -> None:
    """What subscribers send: as it is compared, and no word for both."""
    for field, words in (("opt_out", policy.opt_out), ("opt_in", policy.opt_in)):
        under = checker.under(field)
        under.some(words, _MOST_WORDS)
        under.distinct(words)
        for n, word in enumerate(words):
            if word != normalize("NFKC", word).strip().upper() or not 0 < len(word) <= _LONGEST_WORD:
                under.under(n).say(
                    f"请写成半角大写，前后不留空格，最多 {_LONGEST_WORD} 字",
                    f"write it in half-width capitals, without spaces around it, {_LONGEST_WORD} characters at most",
                )
    for n, word in enumerate(policy.opt_in):
        if word in policy.opt_out:
            checker.under("opt_in").under(n).say(f"{word} 已表示退订", f"{word} says already that no more is wanted")


def _ladders(checker: Checker, policy: SmsPolicy, others: Others) -> None:
    """A kind that had an order keeps one, with all of its stages: without it a message would go at another moment, or
    never."""
    had = {kind: stages for other in others if other["id"] == policy.id for kind, stages in other["ladders"].items()}
    for kind, stages in sorted(had.items()):
        gone = [stage for stage in stages if stage not in policy.ladders.get(kind, ())]
        if gone:
            named = "、".join(gone) if kind in policy.ladders else kind
            checker.under(kind).say(f"不能去掉 {named}；可以改次序", f"{named} can't be left out: its order may change")
    for kind, ladder in policy.ladders.items():
        if kind not in _KINDS:
            checker.under(kind).say(
                f"没有这种预警；可用 {'、'.join(_KINDS)}", f"there is no such kind: take one of {', '.join(_KINDS)}"
            )
        checker.under(kind).some(ladder, _MOST_WORDS)
        checker.under(kind).distinct(ladder)


# --- rows of the table ------------------------------------------------------------------------------------------------


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
        },
    )


POLICY = Kind(
    name=POLICY_KIND,
    may_stop=False,
    read=_read_policy,
    check=check_policy,
    fields={
        "quiet": ("静默时段", "quiet hours"),
        "start": ("开始", "from"),
        "end": ("结束", "to"),
        "daily_cap": ("每人每天最多条数", "messages a customer and day"),
        "rate_per_second": ("每秒条数", "parts a second"),
        "retry": ("重试", "trying again"),
        "attempts": ("次数", "attempts"),
        "first_seconds": ("首次间隔（秒）", "first pause in seconds"),
        "factor": ("倍数", "factor"),
        "max_seconds": ("最长间隔（秒）", "longest pause in seconds"),
        "temporary_statuses": ("可重试的状态", "statuses that are temporary"),
        "give_up_hours": ("多少小时后放弃", "hours after which it is given up"),
        "receipt_hours": ("等状态报告的小时数", "hours that a receipt is waited for"),
        "payments_kept_days": ("缴费保留天数", "days that payments are kept"),
        "longest_name": ("名称最长字数", "longest name"),
        "country_code": ("国家码", "country code"),
        "mobile_digits": ("手机号位数", "digits of a mobile number"),
        "opt_out": ("退订口令", "words that opt out"),
        "opt_in": ("订阅口令", "words that opt in"),
        "ladders": ("阶段次序", "order of stages"),
        "unnamed": ("通称", "words for what is not known"),
        "fen_per_part": ("每条费用（分）", "fen a part"),
        "channels": ("各类预警的通道次序", "channels of each kind, in order"),
        "failover_seconds": ("通道断开多少秒后改走下一个", "seconds that a channel is away before the next is taken"),
    },
)
