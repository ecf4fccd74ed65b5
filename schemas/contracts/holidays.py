"""Public holidays of a year, as the page's calendars show them."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

_DAY: dict[str, Any] = {"date": "2026-10-01", "kind": "holiday", "name_zh": "国庆节", "name_en": "National Day"}


class Holiday(BaseModel):
    """A day on which the weekday misleads. ``holiday`` (休): nobody works, whatever weekday it is; ``workday`` (班): a
    Saturday or Sunday on which people work, to make up for the holiday whose name it bears."""

    date: str
    kind: Literal["holiday", "workday"]
    name_zh: str
    name_en: str


class HolidayYear(BaseModel):
    """Days of a year by date. Until a year is ``announced`` nothing is known of it: no day is in it then."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"year": 2026, "announced": True, "days": [_DAY]}]})

    year: int
    announced: bool
    days: list[Holiday]
