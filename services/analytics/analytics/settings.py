"""Settings of analytics."""

from pathlib import Path

from pydantic import Field

from servicekit.settings import ServiceSettings


class Settings(ServiceSettings):
    """``KAM_ARCHIVE_DIR`` is where the Parquet files are; everything else of ours is under ``KAM_SERVICE_DATA``."""

    archive_dir: Path
    archive_rows: int = Field(default=20_000, description="rows after which the archive is written")
    archive_seconds: float = Field(default=30.0, description="age at which fewer rows are written too")
    recount_patience: float = Field(default=60.0, description="seconds a recount waits for the archive to catch up")
    rates_url: str = Field(default="", description="where the agent of live rates (analytics.rates) answers")
