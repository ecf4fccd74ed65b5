"""Settings of analytics."""

from pydantic import Field

from servicekit.settings import Folder, Seconds, ServiceSettings, Whole, Workers


class Settings(ServiceSettings):
    """``KAM_ARCHIVE_DIR`` is where the Parquet files are; everything else of ours is under ``KAM_SERVICE_DATA``."""

    archive_dir: Folder
    archive_rows: Whole = Field(default=50_000, description="rows after which the archive is written")
    archive_seconds: Seconds = Field(default=30.0, description="age at which fewer rows are written too")
    recount_patience: Seconds = Field(default=60.0, description="seconds a recount waits for the archive to catch up")
    peers: dict[str, Workers] = Field(default={}, description="base URLs of every service's workers")
    rates_url: str = Field(default="", description="where the agent of live rates (analytics.rates) answers")
    lineage_days: Whole = Field(default=400, description="days for which events are found by kam why")
    lineage_most: Whole = Field(default=20_000_000, description="most events of a partition that kam why finds")
