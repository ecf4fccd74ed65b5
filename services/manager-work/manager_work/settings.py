"""Settings of manager-work, read from ``KAM_*``."""

from pathlib import Path

from pydantic import Field, FilePath

from servicekit.settings import ServiceSettings, Workers


class Settings(ServiceSettings):
    """What manager-work needs besides what every service needs."""

    peers: dict[str, Workers] = Field(
        default={}, description="base URLs of services: billing-sync's, which lets documents come into force"
    )
    database: str = Field(default="manager_work", description="database of this service")
    work_rules: FilePath = Field(
        default=Path(__file__).parent / "seeds" / "work.yaml", description="kinds of work and their due times"
    )
