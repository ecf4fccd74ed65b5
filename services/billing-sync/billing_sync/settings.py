"""Settings of billing-sync, read from ``KAM_*``."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from servicekit.settings import ServiceSettings


class Settings(ServiceSettings):
    """What billing-sync needs besides what every service needs."""

    boss_dir: Path = Field(description="folder with inbox/, accepted/, partial/ and rejected/")
    clock: Literal["system", "feed", "demo"] = "system"
    chunk_rows: int = Field(default=2000, description="file rows a commit")
    queue_jobs: int = Field(default=200, description="HTTP requests that may wait before 429")
    queue_events: int = Field(default=20_000, description="unsent events that may wait before 429")
    body_bytes: int = Field(default=5 << 20, description="largest HTTP body, then 413")
    grace_seconds: float = Field(default=2.0, description="how long half a pair in the inbox may be incomplete")
