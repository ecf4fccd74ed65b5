"""Settings of the gateway."""

from pathlib import Path

from pydantic import Field

from servicekit.settings import Folder, Seconds, ServiceSettings, Workers


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
