"""Settings of a service, read from ``KAM_*`` environment variables once, in its composition root.

Whatever a person may write there is checked here, so that a service ends at once and says what to mend, in one line.
"""

import sys
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from contracts import DEFAULT_PARTITIONS

_MISUSE = 2
_SHOWN = 60
# What is never repeated in a message.
_SECRET = ("password", "mongodb")


def _folder(path: Path) -> Path:
    if path.exists() and not path.is_dir():
        raise ValueError("must be a folder, there is something else")
    return path


Whole = Annotated[int, Field(ge=1, le=1 << 40)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Folder = Annotated[Path, AfterValidator(_folder)]
#: one host:port
Address = Annotated[str, Field(pattern=r"^[^\s,]+:\d{1,5}$")]
#: one host:port or several, with commas; ``-`` where nothing connects
Addresses = Annotated[str, Field(pattern=r"^(-|[^\s,]+:\d{1,5}(,[^\s,]+:\d{1,5})*)$")]
#: base URLs of a service's workers, the one of partitions 0, N, 2N … first; one alone may be written without brackets
Workers = Annotated[
    tuple[str, ...], BeforeValidator(lambda given: (given,) if isinstance(given, str) else given), Field(min_length=1)
]


class ServiceSettings(BaseSettings):
    """What every service needs to know; services extend it."""

    # Empty is not set: docker-compose passes on what nobody filled in as an empty value.
    model_config = SettingsConfigDict(env_prefix="KAM_", env_ignore_empty=True, frozen=True)

    service_data: Folder = Field(description="folder of this service's local state")
    checkpoints: Folder | None = Field(
        default=None, description="folder for checkpoints, off this disk; without one the journals grow without bound"
    )
    checkpoint_bytes: Whole = Field(default=256 << 20, description="a checkpoint is taken after so much in a journal")
    kafka: Addresses = Field(description="bootstrap servers, host:port[,…]")
    mongodb: str = Field(
        default="mongodb://127.0.0.1:27017",
        description="MongoDB URI with journal=true",
        pattern=r"^mongodb(\+srv)?://.",
    )
    http_host: str = Field(default="127.0.0.1", min_length=1)
    http_port: int = Field(default=0, ge=0, le=65535)
    secret_file: Path | None = Field(default=None, description="file with the secret that signs bearer tokens")
    log_format: Literal["console", "json"] = "console"
    partitions: int = Field(
        default=DEFAULT_PARTITIONS,
        ge=1,
        le=10_000,
        description="partitions of every keyed topic, as it was created",
    )
    ordinals: str = Field(default="", description="partitions this instance owns, e.g. 0-1,3; empty: all")
    batch_max: Whole = Field(
        default=3000, description="messages a batch at most: about what one answer of the broker brings of a partition"
    )
    dead_letters_in_a_row: int = Field(
        default=100, ge=0, description="handlers' own errors: then the consumer stops instead of draining the topic"
    )

    @model_validator(mode="after")
    def _owns_what_there_is(self) -> Self:
        try:
            wrong = [n for n in self.owned() if not 0 <= n < self.partitions]
        except (ValueError, MemoryError, OverflowError):
            raise ValueError(f"KAM_ORDINALS={self.ordinals[:_SHOWN]!r}: must be like 0-1,3") from None
        if wrong or not self.owned():
            raise ValueError(f"KAM_ORDINALS={self.ordinals[:_SHOWN]!r}: partitions are 0 to {self.partitions - 1}")
        return self

    def owned(self) -> list[int]:
        """Partitions this instance owns."""
        if not self.ordinals:
            return list(range(self.partitions))
        owned: set[int] = set()
        for piece in self.ordinals.split(","):
            first, _, last = piece.partition("-")
            owned.update(range(int(first), min(int(last or first), self.partitions) + 1))
        return sorted(owned)


T = TypeVar("T", bound=BaseSettings)


def read_settings(settings: type[T]) -> T:
    """The settings of this process. What is wrong or missing ends it (status 2) with one line that names it."""
    try:
        return settings()
    except ValidationError as error:
        wrong = "; ".join(_said(dict(one)) for one in error.errors(include_url=False, include_context=False))
    except SettingsError as error:  # a value that should be JSON is none
        wrong = f"{error}: {error.__cause__}"
    sys.stderr.write(f"设置有误，请改正后重新启动 / settings are wrong, mend them and start again: {wrong}\n")
    raise SystemExit(_MISUSE)


def _said(error: dict[str, object]) -> str:
    place = error["loc"]
    assert isinstance(place, tuple)
    message = str(error["msg"]).removeprefix("Value error, ")
    if not place:
        return message
    name = "KAM_" + str(place[0]).upper()
    if error["type"] == "missing":
        return f"{name} is missing"
    if any(word in name.lower() for word in _SECRET):
        return f"{name}: {message}"
    return f"{name}={str(error['input'])[:_SHOWN]!r}: {message}"
