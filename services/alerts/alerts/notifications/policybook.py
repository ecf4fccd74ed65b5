"""The SMS policy as a document that staff change: what is checked of it before it is kept, and what people call its
fields. Pure.
"""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from unicodedata import normalize

import msgspec

from alerts.notifications.channel.channels import CHANNELS
from alerts.notifications.limits import ALL, Budget
from alerts.notifications.send_policy import ANY_KIND, POLICY_KIND, QuietHours, SmsPolicy, can_stand, is_plain
from alerts.notifications.textbook import KINDS, LANGUAGES
from contracts.documents import DOCUMENT_ID
from servicekit.documents.fault import Checker, Fault
from servicekit.documents.kinds import Kind, Others

_MOST_RATE, _MOST_CAP, _MOST_HOURS, _MOST_DAYS = 5000, 100, 24 * 14, 366
_MOST_FEN, _MOST_SECONDS = 1_000, 86_400
_MOST_WORDS, _LONGEST_WORD, _MOST_STATUSES = 20, 20, 50
_MOST_BUDGET, _MOST_CAMPAIGNS, _MOST_ALLOWED = 10**12, 100, 1_000
_LEAST_OPEN = timedelta(hours=1)
#: what has a word of its own where it is not known
_UNNAMED = ("name", "product")


def read_policy(document: dict[str, Any]) -> SmsPolicy:
    """Raises ``msgspec.ValidationError``."""
    return msgspec.convert({**document, "version": 0}, SmsPolicy)


def check_policy(policy: SmsPolicy, others: Others) -> Sequence[Fault]:
    """What is wrong with the meaning of a policy."""
    checker = Checker()
    ids = {other["id"] for other in others}
    if ids and policy.id not in ids:
        there = ", ".join(sorted(ids))
        checker.under("id").say(f"只有一份短信策略，请改 {there}", f"there is one policy: change {there}")
    _quiet(checker.under("quiet"), policy.quiet)
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
    retry.under("first_seconds").between(policy.retry.first_seconds, 1, _MOST_SECONDS)
    retry.under("give_up_hours").between(policy.retry.give_up_hours, 1, _MOST_HOURS)
    if policy.retry.max_seconds < policy.retry.first_seconds:
        retry.under("max_seconds").say("应不小于 first_seconds", "must not be below first_seconds")
    if not (policy.country_code.isascii() and policy.country_code.isdigit() and len(policy.country_code) <= 3):
        checker.under("country_code").say("应为一到三位数字，如 86", "must be one to three digits, as 86")
    checker.under("oldest_every").between(policy.oldest_every, 2, 1000)
    _kinds(checker.under("priorities"), policy.priorities)
    _budgets(checker, policy)
    _allowed(checker.under("allowed"), policy)
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
            elif language == "en" and not is_plain(word):
                unnamed.under(name).say("只能用 ASCII 字符", "must be ASCII")
            elif not can_stand(word, language, policy.longest_name):
                most = policy.longest_name
                unnamed.under(name).say(f"最多 {most} 字（longest_name）", f"{most} characters at most (longest_name)")
    return checker.faults


def _quiet(checker: Checker, quiet: QuietHours) -> None:
    """They leave some of the day, or nothing would ever leave."""
    if quiet.start == quiet.end:
        return checker.say("起止不能相同", "must not end when it begins")
    start, end = (timedelta(hours=at.hour, minutes=at.minute, seconds=at.second) for at in (quiet.start, quiet.end))
    if (start - end) % timedelta(days=1) < _LEAST_OPEN:
        checker.say("每天至少留一小时可发短信", "must leave an hour of each day at least in which SMS may go")


def _budgets(checker: Checker, policy: SmsPolicy) -> None:
    """Limits are whole numbers, and a kind has one campaign."""
    checker.under("budget_warn_percent").between(policy.budget_warn_percent, 1, 100)
    _budget(checker.under("budget"), policy.budget)
    if policy.fen_per_part == 0 and any(b.fen is not None for b in (policy.budget, *policy.campaigns.values())):
        checker.under("fen_per_part").say(
            "为 0 时，以分计的预算限制不了什么；请写单价，或删去 fen 预算",
            "of 0 makes budgets in fen limit nothing: give the price, or take those budgets out",
        )
    campaigns, seen = checker.under("campaigns"), dict[str, str]()
    campaigns.few(policy.campaigns, _MOST_CAMPAIGNS)
    for name, campaign in policy.campaigns.items():
        under = campaigns.under(name)
        if name == ALL or not re.fullmatch(DOCUMENT_ID, name):
            under.say(
                f"活动名用小写字母、数字、- 和 _，不能叫 {ALL}",
                f"a campaign is called by small letters, digits, - and _, and not {ALL}",
            )
        _budget(under, campaign)
        _kinds(under.under("kinds"), campaign.kinds)
        for n, kind in enumerate(campaign.kinds):
            if (other := seen.setdefault(kind, name)) != name:
                under.under("kinds").under(n).say(
                    f"{kind} 已属于活动 {other}，只能属于一个", f"{kind} belongs to {other} already: to one only"
                )


def _kinds(checker: Checker, kinds: Sequence[str]) -> None:
    """Each one that sends something, and none twice."""
    checker.distinct(kinds)
    for n, kind in enumerate(kinds):
        if kind not in KINDS:
            known = ", ".join(KINDS)
            checker.under(n).say(f"没有种类 {kind}；可用 {known}", f"{kind} is no kind that sends SMS: use {known}")


def _budget(checker: Checker, budget: Budget) -> None:
    for field, limit in (("parts", budget.parts), ("fen", budget.fen)):
        if limit is not None:
            checker.under(field).between(limit, 0, _MOST_BUDGET)


def _allowed(checker: Checker, policy: SmsPolicy) -> None:
    checker.distinct(policy.allowed)
    checker.few(policy.allowed, _MOST_ALLOWED)
    for n, number in enumerate(policy.allowed):
        if policy.e164(number) is None:
            checker.under(n).say("不是能收短信的手机号", "is no number that can receive SMS")


def _channels(checker: Checker, policy: SmsPolicy) -> None:
    for kind, named in policy.channels.items():
        under = checker.under(kind)
        if kind not in (*KINDS, ANY_KIND):
            there = ", ".join((*KINDS, ANY_KIND))
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
        if kind not in KINDS:
            checker.under(kind).say(
                f"没有这种预警；可用 {'、'.join(KINDS)}", f"there is no such kind: take one of {', '.join(KINDS)}"
            )
        checker.under(kind).some(ladder, _MOST_WORDS)
        checker.under(kind).distinct(ladder)


POLICY = Kind(
    name=POLICY_KIND,
    may_stop=False,
    read=read_policy,
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
        "priorities": ("种类先后", "kinds, the most important first"),
        "oldest_every": ("每几条让最久的先发一条", "of so many places one goes to who has waited longest"),
        "budget": ("每日预算", "budget of a day"),
        "campaigns": ("活动", "campaigns"),
        "kinds": ("预警种类", "kinds of alert"),
        "parts": ("条", "parts"),
        "fen": ("分", "fen"),
        "budget_warn_percent": ("预算用到百分之几时提醒", "percent of a budget at which it warns"),
        "allowed": ("非生产环境允许的号码", "numbers that get SMS outside production"),
    },
)
