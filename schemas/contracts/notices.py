"""What the routes of notices take and answer: what reaches somebody away from the screen, and how."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Channel = Literal["mail", "wecom"]
NoticeKind = Literal["digest", "urgent", "test"]
Channels = Annotated[tuple[Channel, ...], Field(max_length=2, description="by which of them; none: not at all")]
TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="HH:MM in Asia/Shanghai")]
Kinds = Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")], ...], Field(max_length=20)]
_EXAMPLE: dict[str, Any] = {
    "language": "zh",
    "mail_address": "li.qiang@example.com",
    "wecom_webhook": None,
    "digest": {"channels": ["mail"], "at": "08:30"},
    "urgent": {"channels": ["mail"], "severity": "critical", "kinds": []},
    "quiet": {"begins": "21:00", "ends": "08:00"},
}


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class _Answer(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class DigestChoice(_Asked):
    """What stands open, once a day."""

    channels: Channels = ()
    at: TimeOfDay = "08:30"


class UrgentChoice(_Asked):
    """Alerts at once: those that are as grave as ``severity``, or graver; of some kinds, or (none) of all."""

    channels: Channels = ()
    severity: Literal["critical", "major"] = "critical"
    kinds: Kinds = ()


class QuietHours(_Asked):
    """From when until when nothing is sent; over midnight where it ends earlier than it begins."""

    begins: TimeOfDay = "21:00"
    ends: TimeOfDay = "08:00"


class NoticePreferences(_Asked):
    """What reaches somebody how. ``wecom_webhook``: of a WeCom group's robot, a secret; answers show it masked, and the
    masked text given back leaves it as it is."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, json_schema_extra={"examples": [_EXAMPLE]})
    language: Literal["zh", "en"] = "zh"
    mail_address: Annotated[str, Field(min_length=3, max_length=254)] | None = None
    wecom_webhook: Annotated[str, Field(min_length=8, max_length=500)] | None = None
    digest: DigestChoice = DigestChoice()
    urgent: UrgentChoice = UrgentChoice()
    quiet: QuietHours | None = QuietHours()


class NoticeTest(_Asked):
    """Body of a test to oneself."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"channel": "mail"}]})
    channel: Channel


class Explained(_Answer):
    """A code that stays, in words."""

    code: str
    zh: str
    en: str


class ChannelView(_Answer):
    """A channel, and why it can't be chosen here; null: it can."""

    channel: Literal["mail", "wecom", "sms"]
    missing: Explained | None


class DeliveryView(_Answer):
    """How a notice fares by one channel. ``waiting``: for its time or another try; ``dropped``: there was nothing left
    to tell, or it was switched off meanwhile. ``next_at``: when it is tried again."""

    channel: Channel
    state: Literal["waiting", "sent", "failed", "dropped"]
    attempts: int
    reason: Explained | None
    at: str | None
    next_at: str | None


class NoticeView(_Answer):
    """A notice that was made for somebody; ``alerts``: how many it was made for."""

    id: str
    kind: NoticeKind
    at: str
    alerts: int
    deliveries: list[DeliveryView]


class NoticesView(_Answer):
    """One's preferences with their version (0: never saved), what the platform can send by, and the last notices."""

    version: int
    preferences: NoticePreferences
    channels: list[ChannelView]
    recent: list[NoticeView]
