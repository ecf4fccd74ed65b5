"""How the simulated SMS provider misbehaves. "every n" is counted by ``smsc_faults.Chance``."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Every = Field(default=0, ge=0)


class HttpFaults(BaseModel):
    """0 or empty switches a fault off. "every n" means each n-th order since the settings were last changed."""

    model_config = ConfigDict(extra="forbid")

    answer_delay_ms: int = Field(default=0, ge=0, le=600_000, description="an answer comes so much later")
    refuse_prefixes: list[str] = Field(default_factory=list, description="destinations answered number_invalid")
    refuse_every: int = Field(default=0, ge=0, description="each n-th order is not taken: `refuse_code`")
    refuse_code: Literal[
        "busy", "template_unknown", "number_limited", "rate_limited", "unauthorized", "content_refused"
    ] = "busy"
    drop_before_taking_every: int = Field(
        default=0, ge=0, description="each n-th is not taken: connection cut, no answer"
    )
    lose_answer_every: int = Field(default=0, ge=0, description="each n-th is taken; connection cut, no answer")
    fail_after_taking_every: int = Field(default=0, ge=0, description="each n-th is taken and answered 502")
    fail_before_taking_every: int = Field(default=0, ge=0, description="each n-th is not taken and answered 500")
    garble_answer_every: int = Field(default=0, ge=0, description="each n-th is taken and answered 200 with a page")
    callback_delay_ms: int = Field(
        default=100, ge=0, le=600_000, description="callbacks come after 0.5 to 2 times this"
    )
    callback_before_answer: bool = Field(default=False, description="an order is answered once its receipt was told")
    callback_repeat: int = Field(default=0, ge=0, description="how often a callback that was taken is sent again")
    callback_bad_signature_every: int = Field(
        default=0, ge=0, description="each n-th callback is signed with another secret"
    )
    callback_echo_reference: bool = Field(default=True, description="receipts carry our reference")
    receipt_lose_every: int = Field(default=0, ge=0, description="each n-th accepted message never gets a receipt")
    deliver_fail_every: int = Field(default=0, ge=0, description="each n-th accepted message ends UNDELIV")
    pause: bool = Field(default=False, description="nothing is answered or delivered; what arrives waits")
