"""What HTTP routes answer, for OpenAPI and for whoever generates a client: the base of all. Fields may be added, so
readers ignore what they don't know. Kinds and codes are open sets, states are closed. Times are ISO 8601 in UTC, money
integer fen.
"""

from pydantic import BaseModel, ConfigDict

Value = int | float | str | bool | None


class Answer(BaseModel):
    """What a route answers."""

    model_config = ConfigDict(hide_input_in_errors=True)


class OpenAnswer(Answer):
    """With fields of its kind besides those that every kind has."""

    model_config = ConfigDict(extra="allow")
