"""Settings of billing-sync, read from ``KAM_*``."""

from typing import Literal

from pydantic import Field

from servicekit.settings import Folder, Seconds, ServiceSettings, Whole, Workers


class Settings(ServiceSettings):
    """What billing-sync needs besides what every service needs."""

    peers: dict[str, Workers] = Field(default={}, description="of all services' base URLs the gateway's")
    boss_dir: Folder = Field(description="folder with inbox/, accepted/, partial/ and rejected/")
    clock: Literal["system", "feed", "demo"] = "system"
    chunk_rows: Whole = Field(default=2000, description="file rows a commit, of those that must be read one by one")
    queue_jobs: Whole = Field(default=200, description="HTTP requests that may wait before 429")
    queue_events: Whole = Field(default=20_000, description="unsent events that may wait before 429")
    behind_seconds: Seconds = Field(
        default=4.0, description="seconds that alerts may be behind before 429; files and boss.feed hold back at half"
    )
    queue_bytes: Whole = Field(default=64 << 20, description="bytes of HTTP bodies at hand before 429")
    body_bytes: Whole = Field(default=5 << 20, description="largest HTTP body, then 413")
    grace_seconds: float = Field(
        default=2.0, ge=0, allow_inf_nan=False, description="how long half a pair in the inbox may be incomplete"
    )
    half_pair_seconds: float = Field(
        default=600.0, ge=0, allow_inf_nan=False, description="how long a data file waits before it is told of"
    )
    unpacked_bytes: Whole = Field(default=16 << 30, description="largest nightly file once unpacked")
