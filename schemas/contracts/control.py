"""What does not wait for the log (ADR 0020): stops, read at submit from a control topic of one partition.

The topic is compacted: of each thing that can be stopped the last word stays.
"""

from typing import Annotated

from msgspec import Meta

from contracts.boss import Instant
from contracts.misc import Closed

TOPIC = "control.stops"
STOPPED, RELEASED = "kam.control.stopped.v1", "kam.control.released.v1"
#: what can be stopped: a channel, a template, a kind of alert (``manual``: what people write), SMS of a rule's alerts
WHAT = "^(channel|template|kind|rule)/[a-z0-9][a-z0-9_-]{0,63}$"


class Stop(Closed, frozen=True, kw_only=True):
    """SMS of something leave no more from now on, or do again. ``at`` is system time."""

    what: Annotated[str, Meta(pattern=WHAT)]
    by: str
    why: str
    at: Instant
