"""When and how SMS are sent: policy and templates as versioned documents, and the texts that come of them."""

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from datetime import UTC, date, datetime, time
from pathlib import Path
from string import Formatter
from time import monotonic
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from alerts.notifications import ladders
from alerts.notifications.channel import segments
from alerts.notifications.channel.channels import BY_TEMPLATE, CHANNELS, SMPP
from alerts.notifications.limits import Count, Limits, VersionedDocument
from contracts.control import Stop
from servicekit.clock import SHANGHAI, SystemClock, in_range, later_day, local_date, system_now
from servicekit.decision import Refused
from servicekit.documents.in_force import Edition
from servicekit.words import yuan

Language = Literal["zh", "en"]
#: of what a person writes, or puts into a text
MOST_PARTS = 5
Seconds = Annotated[float, Meta(gt=0, le=1_000_000)]
#: of Asia/Shanghai: one with an offset can't be compared with it
LocalTime = Annotated[time, Meta(tz=False)]
#: of SMPP
Status = Annotated[int, Meta(ge=1, le=0xFFFFFFFF)]
VARIABLES = frozenset({"name", "debt", "product", "ends_on"})
#: kind and step of the template that puts a text of a person into its frame
MANUAL = "manual"
#: among a policy's channels: of every kind that it does not name
ANY_KIND = "any"
#: kinds of documents that policy and templates are
POLICY_KIND, TEMPLATE_KIND = "sms_policy", "template"
_SEEDS = Path(__file__).parent.parent / "seeds"


class QuietHours(Struct, frozen=True, forbid_unknown_fields=True):
    """Local times of day between which no SMS leaves; ``end`` itself is not quiet any more."""

    start: LocalTime
    end: LocalTime


class RetryPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """Back-off, in system time, of what the SMSC surely did not take. ``temporary_statuses``: SMPP command_status.

    ``attempts`` that the SMSC refused for now, at most; throttling and a lost link are no attempts: they end after
    ``give_up_hours``.
    """

    attempts: Count
    first_seconds: Seconds
    factor: Annotated[float, Meta(ge=1, le=1_000)]
    max_seconds: Seconds
    temporary_statuses: tuple[Status, ...]
    give_up_hours: Annotated[float, Meta(gt=0, le=10_000)] = 48

    def delay(self, submits: int) -> float:
        """Seconds to wait after this many submits."""
        delay = self.first_seconds
        for _ in range(submits - 1):
            if delay >= self.max_seconds:
                break
            delay *= self.factor
        return float(min(self.max_seconds, delay))


class SmsPolicy(Limits, frozen=True, kw_only=True):
    """How SMS are sent (see seeds/sms_policy.yaml)."""

    quiet: QuietHours
    daily_cap: Count
    rate_per_second: Count
    retry: RetryPolicy
    receipt_hours: Count
    payments_kept_days: Count
    longest_name: Count
    country_code: str
    mobile_digits: int
    opt_out: tuple[str, ...]
    opt_in: tuple[str, ...] = ("DY", "订阅")
    ladders: dict[str, tuple[str, ...]]
    unnamed: dict[Language, dict[str, str]]
    fen_per_part: int = 4
    channels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    failover_seconds: Count = 60

    def order(self, kind: str) -> tuple[str, ...]:
        """Channels of a kind of alert, the one to be preferred first."""
        return self.channels.get(kind) or self.channels.get(ANY_KIND) or CHANNELS

    def next_day(self, now: datetime) -> datetime:
        """When SMS may leave again on the next calendar day."""
        midnight = _at(later_day(local_date(now), 1), time())
        return self.quiet_until(midnight) or midnight

    def quiet_until(self, now: datetime) -> datetime | None:
        """End of the quiet hours that ``now`` falls into, None outside of them."""
        clock, today = now.astimezone(SHANGHAI).time(), local_date(now)
        start, end = self.quiet.start, self.quiet.end
        if start <= end:
            return _at(today, end) if start <= clock < end else None
        if clock >= start:
            today = later_day(today, 1)
        elif clock >= end:
            return None
        return _at(today, end)

    def next_morning(self, now: datetime) -> datetime:
        """When the quiet hours end on the next calendar day."""
        return _at(later_day(local_date(now), 1), self.quiet.end)

    def e164(self, phone: str | None) -> str | None:
        """Digits with country code of a number that can receive SMS; None for anything else."""
        if phone is None:
            return None
        digits = "".join(c for c in phone if c in "0123456789")
        if phone.strip().startswith("+"):
            return digits if 8 <= len(digits) <= 15 else None
        digits = digits.removeprefix("00")
        if len(digits) == self.mobile_digits and digits.startswith("1"):
            return self.country_code + digits
        if len(digits) == self.mobile_digits + len(self.country_code) and digits.startswith(self.country_code + "1"):
            return digits
        return None

    def rank(self, kind: str, stage: str | None) -> int:
        """Place of a stage on its kind's ladder from 0; -1 where it is not on it."""
        ladder = self.ladders.get(kind, ())
        return ladder.index(stage) if stage in ladder else -1


def _at(day: date, clock: time) -> datetime:
    return in_range(datetime.combine(day, clock, SHANGHAI))


#: channel -> the provider's id of a text: one for both languages, or one for each
ProviderIds = dict[str, str | dict[str, str]]


def provider_id(ids: ProviderIds, channel: str, language: Language) -> str | None:
    """What a provider calls a text, None where it does not know it."""
    known = ids.get(channel)
    return known.get(language) if isinstance(known, dict) else known


class Template(VersionedDocument, frozen=True, kw_only=True):
    """A text in both languages. Raises ``ValueError`` for an unknown variable or an English text beyond ASCII."""

    kind: str
    step: str
    priority: int
    zh: str
    en: str
    provider_ids: ProviderIds = field(default_factory=dict)

    def text(self, language: Language) -> str:
        return self.en if language == "en" else self.zh

    def provider_id(self, channel: str, language: Language) -> str | None:
        return provider_id(self.provider_ids, channel, language)

    campaign: str = ""

    def __post_init__(self) -> None:
        variables = {"text"} if self.kind == MANUAL else VARIABLES
        for text in (self.zh, self.en):
            try:
                unknown = {name for _, name, _, _ in Formatter().parse(text) if name is not None} - variables
                if not unknown:
                    segments.plan(text.format_map(dict.fromkeys(variables, "x")))
            except ValueError as error:
                raise ValueError(f"模板 {self.id} 无法成文 / template {self.id} makes no text: {error}") from None
            if unknown:
                raise ValueError(f"模板 {self.id} 用了未知变量 / template {self.id} has unknown variables: {unknown}")
        if not is_plain(self.en):
            raise ValueError(f"英文模板 {self.id} 超出 ASCII / the English text of {self.id} goes beyond ASCII")


class Moment(Struct, frozen=True):
    """An instant on both clocks of the machine: one may be set, the other stands still while the machine sleeps."""

    system_clock: datetime
    monotonic: float

    def since(self, earlier: "Moment") -> float:
        """Seconds that have passed by either clock."""
        return max((self.system_clock - earlier.system_clock).total_seconds(), self.monotonic - earlier.monotonic)


class SendPolicy:
    """All of it in force, and what decisions ask of the outside: blocked numbers, stops and system time.

    ``stopped``: the stop of one of the things that a message is about (``state.about``), if there is one.

    ``guarded``: outside production, where only numbers that the policy allows get SMS.

    ``by_system_clock``: the business clock is the system's, so that quiet hours and caps hold by the later of both: the
    log may have been read to hours ago. A fed or simulated clock is the log's alone.

    ``configured``: the channels there are, the one that takes any text first; ``choose`` says which of some can be
    taken now, when the first may be away for so many seconds.
    """

    def __init__(
        self,
        policy: SmsPolicy,
        templates: list[Template],
        *,
        blocked: Callable[[str], bool] = lambda phone: False,
        stopped: Callable[[Iterable[str]], Stop | None] = lambda about: None,
        system_clock: SystemClock = system_now,
        ticking: Callable[[], float] = monotonic,
        by_system_clock: bool = False,
        configured: Sequence[str] = (SMPP,),
        choose: Callable[[Sequence[str], float], str | None] = lambda names, _: next(iter(names), None),
        guarded: bool = False,
    ) -> None:
        self._guarded = guarded
        self.policy, self.blocked, self.stopped, self.system_clock = policy, blocked, stopped, system_clock
        self._ticking, self._by_system_clock = ticking, by_system_clock
        self._configured, self._choose = tuple(configured), choose
        #: by id; those that were stopped as well, whose messages still wait
        self.templates = {t.id: t for t in sorted(templates, key=lambda t: t.version)}
        self._by_step = {(t.kind, t.step): t for t in self.templates.values()}
        #: to whom open alerts go that nobody takes in hand: to nobody before a switch says so
        self.ladders = ladders.Ladders()

    def switched(self, editions: Sequence[Edition]) -> "SendPolicy":
        """With what staff have brought into force. A template that was stopped is planned no more. Raises
        ``ValueError``, ``msgspec.ValidationError``."""
        policy, templates, withdrawn = self.policy, dict(self.templates), set[str]()
        for edition in editions:
            if edition.kind in ladders.KINDS:
                continue
            document = {**edition.document, "version": edition.version}
            if edition.kind == POLICY_KIND:
                policy = msgspec.convert(document, SmsPolicy)
                continue
            template = msgspec.convert(document, Template)
            templates.pop(template.id, None)  # of two for one step the later counts
            templates[template.id] = template
            (withdrawn.add if edition.state == "stopped" else withdrawn.discard)(template.id)
        after = copy(self)
        after.policy, after.templates, after.ladders = policy, templates, ladders.ladders_of(editions)
        after._by_step = {(t.kind, t.step): t for t in templates.values() if t.id not in withdrawn}
        return after

    def may_reach(self, phone: str) -> bool:
        """Whether this number (with country code) may get SMS in this environment."""
        return not self._guarded or self.is_allowed(phone)

    def is_allowed(self, phone: str) -> bool:
        """Whether the policy names this number."""
        return any(self.policy.e164(number) == phone for number in self.policy.allowed)

    def moment(self) -> Moment:
        """Now, on both clocks of the machine."""
        return Moment(self.system_clock(), self._ticking())

    def clock(self, now: datetime) -> datetime:
        """What quiet hours and caps look at when the log has reached ``now``."""
        return max(now, self.system_clock()) if self._by_system_clock else now

    def is_quiet(self, now: datetime) -> bool:
        """Whether quiet hours hold when the log has reached ``now``, by any clock that decisions go by."""
        return self.policy.quiet_until(self.clock(now)) is not None or self.night_left() > 0

    def night_left(self) -> float:
        """Seconds that quiet hours still last by the system's own clock, where it is the business clock: the log may
        have been led ahead by a clock that was wrong."""
        now = self.system_clock()
        until = self.policy.quiet_until(now) if self._by_system_clock else None
        return 0.0 if until is None else (until - now).total_seconds()

    def template(self, kind: str, step: str | None) -> Template | None:
        """The template that this step of this kind of alert sends, None where it sends nothing."""
        return None if step is None else self._by_step.get((kind, step))

    # --- channels -----------------------------------------------------------------------------------------------

    def channels(self, kind: str, template: Template | None, language: Language) -> tuple[str, ...]:
        """Those that take a text of this kind, in the policy's order; the one that takes any text where it names none
        of them. ``template`` None: the text is nobody's template."""
        takes_all, *_ = self._configured
        known = {c for c in self._configured if template is not None and template.provider_id(c, language) is not None}
        named = (c for c in self.policy.order(kind) if c == takes_all or (c in BY_TEMPLATE and c in known))
        return tuple(named) or (takes_all,)

    def has(self, channel: str) -> bool:
        """Whether it is set up."""
        return channel in self._configured

    def open(self, channels: Sequence[str]) -> list[str]:
        """Those that are not stopped."""
        return [channel for channel in channels if self.stopped((f"channel/{channel}",)) is None]

    def stands(self, stop: Stop | None) -> bool:
        """Whether it is one that stands still."""
        return stop is not None and self.stopped((stop.what,)) == stop

    def holds(self, about: Sequence[str], channels: Sequence[str]) -> Stop | None:
        """The stop that keeps a message from leaving: of something it is about, or of all channels it may take."""
        if (stop := self.stopped(about)) is not None or self.open(channels):
            return stop
        return self.stopped([f"channel/{channel}" for channel in channels])

    def channel(self, channels: Sequence[str]) -> str | None:
        """The one to take now; None: it has to wait for one."""
        return self._choose(self.open(channels or self._configured), self.policy.failover_seconds)

    # --- texts --------------------------------------------------------------------------------------------------

    def text(
        self, template: Template, language: Language, name: str | None, debt_fen: int, values: dict[str, Any]
    ) -> str:
        """The message."""
        return template.text(language).format_map(self.variables(language, name, debt_fen, values))

    def variables(self, language: Language, name: str | None, debt_fen: int, values: dict[str, Any]) -> dict[str, str]:
        """What is put into a text. English holds no Chinese: a name or product that is not plain gives way to a general
        word."""
        unnamed = self.policy.unnamed[language]
        return {
            "name": self._word(name, language, unnamed["name"]),
            "product": self._word(values.get("product_code"), language, unnamed["product"]),
            "ends_on": str(values.get("ends_on") or ""),
            "debt": yuan(debt_fen),
        }

    def manual(self, text: str, language: Language) -> tuple[Template, str]:
        """What a person wrote, as the customer gets it. Raises ``Refused``."""
        template = self.template(MANUAL, MANUAL)
        if template is None:
            raise Refused("no_template", "没有人工短信的模板", "there is no template for SMS that people write", 503)
        written = text.strip()
        text = template.text(language).format_map({"text": written})
        if not written or not is_sendable(text):
            raise Refused(
                "bad_text",
                f"短信应有内容，且不超过 {MOST_PARTS} 条",
                f"an SMS has a text, of {MOST_PARTS} parts at most",
                422,
                "text",
            )
        return template, text

    def _word(self, word: object, language: Language, otherwise: str) -> str:
        text = "" if word is None else str(word).strip()
        return text if text and can_stand(text, language, self.policy.longest_name) else otherwise


def can_stand(word: str, language: Language, longest: int) -> bool:
    """Whether a word may stand in a text: of so many characters as an SMS counts them, some for two."""
    if language == "en":
        return is_plain(word) and segments.plan(word).units <= longest
    try:
        return len(word.encode("utf-16-be")) // 2 <= longest
    except UnicodeEncodeError:  # a lone surrogate
        return False


def is_sendable(text: str) -> bool:
    """Whether it makes an SMS, of not too many parts: people may put anything into one."""
    try:
        return segments.count(text) <= MOST_PARTS
    except ValueError:  # a lone surrogate, or more parts than any SMS has
        return False


def is_plain(text: str) -> bool:
    """Printable ASCII that is also in the GSM 7-bit alphabet."""
    return text.isascii() and text.isprintable() and segments.plan(text).encoding == "gsm7"


D = TypeVar("D", bound=VersionedDocument)


def seeds(name: str, kind: type[D]) -> list[D]:
    """Documents of a seed file. Raises ``msgspec.ValidationError`` saying what is wrong."""
    return msgspec.yaml.decode((_SEEDS / name).read_bytes(), type=list[kind])  # type: ignore[valid-type]


def seeded(
    *, blocked: Callable[[str], bool] = lambda phone: False, system_clock: SystemClock | None = None
) -> SendPolicy:
    """The send_policy of the seeds; ``system_clock`` stands still where it isn't given (tests)."""
    policy = max(seeds("sms_policy.yaml", SmsPolicy), key=lambda p: p.version)
    still = datetime(2026, 1, 1, tzinfo=UTC)
    return SendPolicy(
        policy, seeds("templates.yaml", Template), blocked=blocked, system_clock=system_clock or (lambda: still)
    )
