"""What the routes of exports and jobs take and answer."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

ListName = Literal["alerts", "work", "sms", "customers"]
ExportFormat = Literal["csv", "xlsx"]
FilterName = Annotated[str, Field(max_length=40)]
FilterValue = Annotated[str, Field(max_length=4000)]


class _Answer(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class ExportAsked(BaseModel):
    """Body of an export: a list, and what it is narrowed by, as ``GET /v1/lists/{list}`` takes it; ``id``: at most 100
    rows by their ids, with commas.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, json_schema_extra={
        "examples": [{"list": "alerts", "filter": {"kind": "arrears", "open": "1"}, "format": "xlsx", "language": "zh"}]
    })  # fmt: skip
    list: ListName
    filter: Annotated[dict[FilterName, FilterValue], Field(max_length=30)] = {}
    format: ExportFormat
    language: Literal["zh", "en"] = "zh"


class JobFailure(_Answer):
    """Why a job came to nothing, and what to do about it."""

    code: str
    zh: str
    en: str


class JobView(_Answer):
    """A job and how far it is: ``done`` of ``total`` rows. The file of a done one is there until ``until``."""

    id: str
    kind: Literal["export"]
    list: ListName
    format: ExportFormat
    filter: dict[str, str]
    state: Literal["queued", "running", "done", "failed"]
    done: int
    total: int
    created_at: str
    finished_at: str | None
    until: str
    as_of: str | None = Field(description="everything that happened until then is in the file")
    size: int | None = Field(description="bytes of the file")
    failure: JobFailure | None
