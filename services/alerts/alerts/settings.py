"""Settings of alerts, read from ``KAM_*``."""

from typing import Literal

from pydantic import Field

from servicekit.settings import Addresses, Folder, ServiceSettings, Whole, Workers


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
    sms_transport: Literal["smpp", "file"] = Field(default="smpp", description="how SMS leave; file: a dry run")
    sms_source: str = Field(default="10086", description="service number the customer sees")
    sms_window: Whole = Field(default=50, description="submits unanswered at once, as agreed with the operator")
    smsc: Addresses = Field(default="127.0.0.1:2775", description="host:port of the SMSC")
    smsc_system_id: str = Field(default="", description="account at the SMSC")
    smsc_password: str = Field(default="", description="its password", repr=False)
