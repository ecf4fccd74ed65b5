"""Settings of a service, read from ``KAM_*`` environment variables once, in its composition root."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """What every service needs to know; services extend it."""

    model_config = SettingsConfigDict(env_prefix="KAM_", frozen=True)

    service_data: Path = Field(description="folder of this service's local state")
    kafka: str = Field(description="bootstrap servers, host:port[,…]")
    mongodb: str = Field(default="mongodb://127.0.0.1:27017", description="MongoDB URI with journal=true")
    http_host: str = "127.0.0.1"
    http_port: int = 0
    secret_file: Path | None = Field(default=None, description="file with the secret that signs bearer tokens")
    log_format: str = "console"
    partitions: int = Field(default=4, description="partitions of every keyed topic; changing it means a rebuild")
    ordinals: str = Field(default="", description="partitions this instance owns, e.g. 0-1,3; empty: all")
    batch_max: int = Field(default=2000, description="messages a batch at most")
    dead_letters_in_a_row: int = Field(default=100, description="then the consumer stops instead of draining the topic")
    faults_dir: Path | None = None

    def owned(self) -> list[int]:
        """Partitions this instance owns."""
        if not self.ordinals:
            return list(range(self.partitions))
        owned: set[int] = set()
        for piece in self.ordinals.split(","):
            first, _, last = piece.partition("-")
            owned.update(range(int(first), int(last or first) + 1))
        return sorted(owned)
