"""Settings of the gateway."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from servicekit.settings import Folder, Seconds, ServiceSettings, Workers
from servicekit.urls import SafeUrl, is_loopback, is_safe

Word = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")]


class Settings(ServiceSettings):
    """``KAM_PEERS`` names the services this one speaks to."""

    peers: dict[str, Workers] = Field(description="base URL of every service by its name, or those of all its workers")
    peer_timeout: Seconds = Field(default=30.0, description="seconds to wait for an answer of a service")
    recount_timeout: Seconds = Field(default=600.0, description="seconds to wait for a recount from the archive")
    web_dist: Folder = Field(
        default=Path(__file__).parents[1] / "web" / "dist", description="the built pages; without them the API alone"
    )
    audit_timeout: Seconds = Field(default=10.0, description="seconds in which an audit record must be acknowledged")
    session_idle: Seconds = Field(default=1800.0, description="seconds without a request after which a session ends")
    session_lasts: Seconds = Field(default=43_200.0, description="seconds after which every session ends")
    demo_accounts: Path | None = Field(
        default=None, description="of the embedded demo alone: file of accounts, which anybody may read and use"
    )
    first_password: Path | None = Field(
        default=None, description="file with the password with which ADMIN signs in first, and then changes it"
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/?#]+/?$",
        description="the page's address: of links in notices, for an identity provider",
    )
    smtp: str | None = Field(
        default=None, pattern=r"^[^\s,/@]+:\d{1,5}$", description="host:port that takes notices by mail; none: no mail"
    )
    smtp_tls: Literal["starttls", "tls", "none"] = Field(default="starttls", description="how the line is secured")
    smtp_user: str | None = Field(default=None, description="who signs in there; none: nobody does")
    smtp_password_file: Path | None = Field(default=None, description="file with the password for it")
    smtp_sender: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+$", description="the address that mails come from"
    )
    notice_mail_domains: str = Field(
        default="", description="domains to which mails may go, with commas; empty: whatever somebody writes down"
    )
    notice_webhook_hosts: str = Field(
        default="", description="hosts of WeCom robots, with commas: qyapi.weixin.qq.com; empty: no robots"
    )
    oidc_issuer: SafeUrl | None = Field(
        default=None, description="issuer of the OpenID Connect provider that may say who people are; none: passwords"
    )
    oidc_client_id: Word | None = Field(default=None, description="what the provider knows us by")
    oidc_secret_file: Path | None = Field(
        default=None, description="file with the client secret; without one we are a public client"
    )
    oidc_claim: Word | None = Field(
        default=None, description="the claim that is the staff number, and that nobody can change for themselves"
    )
    oidc_scope: str = Field(
        default="openid profile", pattern=r"^openid( [!-~]+)*$", description="scopes that bring this claim"
    )

    @model_validator(mode="after")
    def _no_password_in_the_clear(self) -> Self:
        host = (self.smtp or "").rpartition(":")[0]
        if self.smtp_tls == "none" and self.smtp_user is not None and not is_loopback(host):
            raise ValueError("KAM_SMTP_TLS=none: a password goes over TLS only")
        return self

    @model_validator(mode="after")
    def _knows_the_provider(self) -> Self:
        names = ("oidc_client_id", "oidc_claim", "public_url")
        missing = [f"KAM_{name.upper()}" for name in names if getattr(self, name) is None]
        if self.oidc_issuer is not None and missing:
            raise ValueError(f"KAM_OIDC_ISSUER needs {', '.join(missing)} too")
        if self.oidc_issuer is not None and not is_safe(self.public_url or ""):
            raise ValueError("KAM_PUBLIC_URL must be an https address where KAM_OIDC_ISSUER is set")
        return self
