"""Settings of the simulators, read from ``KAM_*`` as those of the services are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from servicekit.settings import Addresses, Folder, Workers

Port = Annotated[int, Field(ge=1, le=65535)]
#: what numpy and random take alike
Seed = Annotated[int, Field(ge=0, lt=1 << 32)]


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="KAM_", frozen=True)

    http_port: Port = Field(description="control, on loopback")
    sim_seed: Seed = 1


class BossEnvironment(_Settings):
    """What the BOSS simulator needs to know."""

    service_data: Folder
    boss_dir: Folder = Field(description="with inbox/; the journal lies here")
    peers: dict[str, Workers] = Field(description='{"billing-sync": url, …}')
    kafka: Addresses
    secret_file: Path
    http_host: str = Field(default="127.0.0.1", min_length=1)
    log_format: Literal["console", "json"] = "console"
    sim_customers: int = Field(default=5000, ge=1, le=10_000_000)
    sim_rate: float = Field(default=3.0, gt=0, le=10_000, description="events a second")

    @field_validator("peers")
    @classmethod
    def _names_billing_sync(cls, peers: dict[str, Workers]) -> dict[str, Workers]:
        if "billing-sync" not in peers:
            raise ValueError('must name "billing-sync"')
        return peers


class SmscEnvironment(_Settings):
    """What the SMSC simulator needs to know."""

    smsc: str = Field(pattern=r"^[^\s,]*:\d{1,5}$", description="host:port to listen on")
    smsc_log: Path = Field(description="what it accepted, see smsc_log")
    smsc_system_id: str = Field(default="", description="empty: anybody may bind")
    smsc_password: str = ""


class SmsHttpEnvironment(_Settings):
    """What the simulator of an SMS provider over HTTP needs to know."""

    sms_http_account: str = Field(min_length=1)
    sms_http_secret_file: Path = Field(description="the secret that signs orders")
    sms_http_callback_secret_file: Path = Field(description="the secret that signs callbacks")
    sms_http_callback_url: str = Field(pattern=r"^https?://", description="who is told of receipts and messages")
    sms_http_log: Path = Field(description="what it accepted, see sms_http_log")
