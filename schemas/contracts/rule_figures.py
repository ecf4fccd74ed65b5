"""What the routes answer about the alerts of a rule, in numbers."""

from pydantic import BaseModel, ConfigDict, Field

from contracts.lists import Freshness


class Raised(BaseModel):
    """Alerts, and what became of them: ``closed`` by outcome. ``share``: of those that people closed, how many as false
    alarms, from 0 to 1; null where none was closed by anybody."""

    model_config = ConfigDict(hide_input_in_errors=True)

    raised: int
    open: int
    closed: dict[str, int] = Field(examples=[{"false_alarm": 3, "retained": 9, "withdrawn": 2}])
    false_alarms: int
    share: float | None = Field(examples=[0.25])


class VersionFigures(Raised):
    """Of a version; ``shadow``: while it ran in shadow, as far as who asks may see that."""

    version: int
    shadow: Raised


class RuleFigures(Freshness):
    """Of a rule, by version, the newest first: those that ever raised something. An alert with reasons of several rules
    is one of each."""

    rule: str
    versions: list[VersionFigures]
