"""Why no alert came to a customer: what each rule says of them, condition by condition. Codes and kinds are open
sets."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class _Answer(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class Condition(_Answer):
    """A condition of a rule; ``met`` null: what it asks for is not known. ``values``: what it was judged by; with
    ``held_at`` among them it is an exclusion that held when the month was judged and holds no more, in words (``zh``,
    ``en``)."""

    code: str
    met: bool | None
    value: int | str | None
    limit: int | str | None
    values: dict[str, Any]


class AlertOfRule(_Answer):
    """An alert that the rule gave a reason to; ``outcome`` null: it is open."""

    alert_id: str
    outcome: str | None


class RuleAnswer(_Answer):
    """A rule, which warns when one condition of ``any_of`` and all of ``all_of`` are met.

    ``verdict``: *raised* its alert is open, *ended* that was brought to an end, *excluded* something of ``all_of`` is
    not met, *unknown* what it asks for has not come, *not_met* nothing of ``any_of`` is, *waiting* all is met: the next
    record or day raises.
    """

    rule: str
    version: int
    type: str
    kind: str
    name_zh: str
    name_en: str
    verdict: Literal["raised", "ended", "excluded", "unknown", "not_met", "waiting"]
    alerts: list[AlertOfRule]
    any_of: list[Condition]
    all_of: list[Condition]


class WhyNot(_Answer):
    """All rules in force: of the month ``period`` what is judged by months, of now (``clock``, business time) the rest.
    ``periods``: months with figures, the newest first."""

    customer_id: str
    period: str
    periods: list[str]
    clock: str | None
    rules: list[RuleAnswer]


class Told(_Answer):
    """A condition as it is before any ``not`` above it; ``met`` null: unknown. ``unit``: of value and limit, fen, days,
    … or none."""

    text_zh: str
    text_en: str
    value: int | str | bool | None
    limit: int | str | bool | None
    met: bool | None
    unit: str


class Exclusion(_Answer):
    """What holds a warning back. ``held_at``: when the month was judged it did (ISO 8601), and would no more; null: it
    does now."""

    code: str
    zh: str
    en: str
    held_at: str | None = None


class RuleStands(_Answer):
    """How a rule in force stands for a customer in a month; ``alert_id``: the alert that it gave a reason to, of kind
    ``kind``. *excluded* wins over all other results."""

    customer_id: str
    rule: str
    version: int
    kind: str
    period: str
    result: Literal["met", "not_met", "unknown", "excluded"]
    alert_id: str | None
    conditions: list[Told]
    exclusions: list[Exclusion]
