"""What the routes of saved views take and answer."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Page = Literal["alerts", "work", "sms", "customers"]
Density = Literal["normal", "compact"]
Unit = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[!-~]+$")]
#: as it stands in an address behind the question mark: wire values, no free text
FilterQuery = Annotated[str, Field(max_length=2000, pattern=r"^[A-Za-z0-9_.~%:,=&+*-]*$")]
Columns = Annotated[tuple[Annotated[str, Field(max_length=40)], ...], Field(max_length=40)]


class ViewBody(BaseModel):
    """A view to save. ``unit_id``: the unit that it is shared with, null: it is one's own alone."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    page: Page
    name: Annotated[str, Field(min_length=1, max_length=60)]
    query: FilterQuery = ""
    columns: Columns = ()
    density: Density | None = None
    unit_id: Unit | None = None


class SavedView(BaseModel):
    """A saved view, with its version for ``If-Match``."""

    model_config = ConfigDict(hide_input_in_errors=True)

    id: str
    version: int
    page: Page
    name: str
    query: str
    columns: list[str]
    density: Density | None
    unit_id: str | None
    owner: str
    is_own: bool
    at: str
