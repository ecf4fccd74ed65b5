"""Settings of alerts, read from ``KAM_*``."""

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from servicekit.settings import Addresses, Folder, ServiceSettings, Whole, Workers
from servicekit.urls import SafeUrl

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


_THIS_MACHINE = {"127.0.0.1", "localhost", "[::1]", "::1", "-", ""}


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
    environment: Literal["production", "test", "demo"] = Field(
        default="test",
        description="production: SMS go to customers; test: only to numbers that the SMS policy allows; demo: to the"
        " simulated SMSC of this machine",
    )
    sms_transport: Literal["smpp", "file"] = Field(default="smpp", description="how SMS leave; file: a dry run")
    sms_source: str = Field(default="10086", description="service number the customer sees")
    sms_window: Whole = Field(default=50, description="submits unanswered at once, as agreed with the operator")
    smsc: Addresses = Field(default="127.0.0.1:2775", description="host:port of the SMSC")
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

    @model_validator(mode="after")
    def _demo_stays_here(self) -> Self:
        hosts = {address.rpartition(":")[0] for address in self.smsc.split(",")}
        if self.sms_http is not None:
            hosts.add(urlsplit(self.sms_http).hostname or "")
        if self.environment == "demo" and self.sms_transport == "smpp" and not hosts <= _THIS_MACHINE:
            raise ValueError("KAM_ENVIRONMENT=demo sends to an SMSC of this machine only; say production, or test")
        return self
