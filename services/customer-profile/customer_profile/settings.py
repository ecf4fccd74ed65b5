"""Settings of customer-profile, read from ``KAM_*``."""

from pydantic import Field

from servicekit.settings import ServiceSettings


class Settings(ServiceSettings):
    """What customer-profile needs besides what every service needs."""

    database: str = Field(default="customer_profile", description="database of this service")
