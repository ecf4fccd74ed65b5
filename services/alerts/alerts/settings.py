"""Settings of alerts, read from ``KAM_*``."""

from pathlib import Path
from typing import Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from servicekit.settings import Address, Folder, ServiceSettings, Whole, Workers
from servicekit.urls import SafeUrl, is_loopback

_SHORTEST_SECRET = 16


def secrets_in(file: Path) -> list[bytes]:
    """Those of a file, one a line: while one is being replaced, the new one stands before the old. Raises
    ``ValueError``."""
    try:
        found = file.read_bytes().split()
    except OSError as error:
        raise ValueError(f"{file}: {error.strerror}") from None
    if not found or any(len(secret) < _SHORTEST_SECRET for secret in found):
        raise ValueError(f"{file}: needs a secret of at least {_SHORTEST_SECRET} characters on each line")
    return found


#: whom SMS reach
Environment = Literal["production", "test", "demo"]
_SAY = (
    "production（短信发给客户）或 test（只发给短信策略允许的号码）",
    "production (SMS go to customers) or test (only to numbers that the SMS policy allows)",
)


class Settings(ServiceSettings):
    """What alerts needs besides what every service needs."""

    peers: dict[str, Workers] = Field(
        default={}, description="of all services' base URLs billing-sync's and those of analytics"
    )
    archive_dir: Folder | None = Field(
        default=None, description="where analytics archives; without it no rule is tried"
    )
    clock: Literal["system", "feed", "demo"] = Field(
        default="system", description="business clock of the instance; system: quiet hours hold by system time as well"
    )
    database: str = Field(default="alerts", description="database of this service")
    environment: Environment = Field(
        default="test",
        description="production: SMS go to customers; test: only to numbers that the SMS policy allows; demo: to the"
        " simulated SMSC of this machine; must be said where SMS leave this machine",
    )
    sms_transport: Literal["smpp", "file"] = Field(default="smpp", description="how SMS leave; file: a dry run")
    sms_source: str = Field(default="10086", description="service number the customer sees")
    sms_window: Whole = Field(default=50, description="submits unanswered at once, as agreed with the operator")
    smsc: Address = Field(default="127.0.0.1:2775", description="host:port of the SMSC")
    smsc_system_id: str = Field(default="", description="account at the SMSC")
    smsc_password: str = Field(default="", description="its password", repr=False)
    sms_http: SafeUrl | None = Field(default=None, description="URL of the second channel, an HTTP provider; none: off")
    sms_http_account: str = Field(default="", pattern=r"^[!-~]*$", description="account at the provider")
    sms_http_signature: str = Field(default="", max_length=20, description="the name it puts before each text")
    sms_http_secret_file: Path | None = Field(default=None, description="file with the secret that signs our orders")
    sms_http_callback_secret_file: Path | None = Field(
        default=None, description="file with the secrets, one a line, that its callbacks may be signed with"
    )
    sms_http_window: Whole = Field(default=20, description="orders unanswered at once, as agreed with the provider")
    sms_http_rate: Whole = Field(default=100, description="messages a second, as agreed with the provider")

    @model_validator(mode="after")
    def _has_what_a_provider_needs(self) -> Self:
        if self.sms_http is None:
            return self
        if self.sms_transport == "file":
            raise ValueError(
                "KAM_SMS_HTTP: KAM_SMS_TRANSPORT=file is a dry run, in which nothing may leave; take one away"
            )
        if not self.sms_http_account:
            raise ValueError("KAM_SMS_HTTP_ACCOUNT: is needed with KAM_SMS_HTTP")
        for name in ("sms_http_secret_file", "sms_http_callback_secret_file"):
            file = getattr(self, name)
            if file is None:
                raise ValueError(f"KAM_{name.upper()}: is needed with KAM_SMS_HTTP")
            try:
                secrets_in(file)
            except ValueError as error:
                raise ValueError(f"KAM_{name.upper()}: {error}") from None
        return self

    @property
    def is_guarded(self) -> bool:
        """Whether only numbers that the policy allows get SMS."""
        return self.environment == "test"

    @field_validator("environment", mode="before")
    @classmethod
    def _is_one_there_is(cls, given: object) -> object:
        if given not in get_args(Environment):
            zh, en = _SAY
            raise ValueError(f"没有这种环境，请设为 {zh}；demo 只到本机 / is none: set it to {en}; demo stays here")
        return given

    @model_validator(mode="after")
    def _says_whom_sms_reach(self) -> Self:
        """What would be suppressed without a word, or reach customers by a slip, is said before anything starts."""
        if not (outside := self._outside()):
            return self
        there, (zh, en) = ", ".join(outside), _SAY
        if "environment" not in self.model_fields_set:
            raise ValueError(
                f"KAM_ENVIRONMENT：未设置，而短信会离开本机（{there}）；请在 alerts 每个进程的环境变量中"
                f"（docker compose：infra/compose.env）设为 {zh}"
                f" / is not set, and SMS would leave this machine ({there}): set it in the environment of"
                f" every process of alerts (docker compose: infra/compose.env) to {en}"
            )
        if self.environment == "demo":
            raise ValueError(
                f"KAM_ENVIRONMENT=demo：只用于本机，而短信会离开本机（{there}）；请设为 {zh}"
                f" / stays on this machine only, and SMS would leave it ({there}): set it to {en}"
            )
        return self

    def _outside(self) -> list[str]:
        """What SMS go to that is not on this machine, by setting; a dry run goes nowhere."""
        if self.sms_transport == "file":
            return []
        places = {"KAM_SMSC": self.smsc, "KAM_SMS_HTTP": urlsplit(self.sms_http or "//localhost").netloc}
        return [f"{name}={place}" for name, place in places.items() if not is_loopback(place)]
