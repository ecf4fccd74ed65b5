"""What people send over HTTP, checked at the gateway and again at the service: pydantic, for the sake of OpenAPI."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts import control
from contracts.alert import ManagerOutcome
from contracts.document_orders import Reason
from contracts.documents import DOCUMENT_ID

Note = Annotated[str, Field(max_length=4000)]
Person = Annotated[str, Field(min_length=1, max_length=200, description="only a head or administrator: for whom")]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class LineageNames(_Asked):
    """Body of lineage: ids and the like, under which a worker of analytics is asked for what it keeps."""

    names: Annotated[list[Annotated[str, Field(max_length=4000)]], Field(max_length=1000)]


class AcceptWork(_Asked):
    """Body of accept. ``by``: the manager in whose place a head or administrator acts; it is recorded as such."""

    note: Note | None = None
    by: Person | None = None


class ClaimWork(_Asked):
    """Body of a claim: it is for nobody but who calls."""

    note: Note | None = None


class ActOnWork(_Asked):
    """Body of act: what was done."""

    kind: Annotated[str, Field(min_length=1, max_length=64)]
    result: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    promised_on: date | None = None
    follow_up_on: date | None = None
    note: Note | None = None
    by: Person | None = None


class CloseWork(_Asked):
    """Body of close."""

    outcome: ManagerOutcome
    note: Note | None = None
    by: Person | None = None


class ReleaseWork(_Asked):
    """Body of release: an acceptance is taken back by who gave it, as long as nothing has happened since."""

    by: Person | None = None


class HandOverWork(_Asked):
    """Body of handing over. ``to``: the manager who gets it, new, to accept."""

    to: Annotated[str, Field(min_length=1, max_length=200)]
    note: Note | None = None
    by: Person | None = None


Ids = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=500)], ...], Field(min_length=1, max_length=200)]


class Alerts(_Asked):
    """Body of what is done to several alerts."""

    ids: Ids


class AlertsTo(Alerts):
    """Body of handing over the work of several alerts."""

    to: Annotated[str, Field(min_length=1, max_length=200)]
    note: Note | None = None


class BulkWork(_Asked):
    """Body of what is done to several work items; the other fields are those of the single action."""

    ids: Ids
    action: Literal["accept", "release", "act", "close", "hand_over"]
    kind: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    result: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    follow_up_on: date | None = None
    outcome: ManagerOutcome | None = None
    to: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    note: Note | None = None


class WriteSms(_Asked):
    """Body of an SMS that a person writes; the frame that the customer sees around it is a template's. ``preview``:
    only say what would become of it. ``campaign``: whose budget it takes from, one of the SMS policy's."""

    text: Annotated[str, Field(min_length=1, max_length=400)]
    preview: bool = False
    campaign: Annotated[str, Field(min_length=1, max_length=64)] | None = None


class SendTest(_Asked):
    """Body of a text sent to oneself. ``to``: the number of one's own account, or one that the SMS policy allows;
    ``values``: words for variables of the template, others are made up."""

    template: Annotated[str, Field(pattern=DOCUMENT_ID)]
    to: Annotated[str, Field(min_length=1, max_length=40)]
    language: Literal["zh", "en"] = "zh"
    values: dict[str, Annotated[str, Field(max_length=400)]] = {}


class SendTestFor(SendTest):
    """The same as the gateway passes it on. ``own``: the number of the person's account."""

    own: Annotated[str, Field(max_length=40)] | None = None


class StopSms(_Asked):
    """Body of a stop: SMS of a channel, a template, a kind of alert or a rule's alerts leave no more."""

    what: Annotated[str, Field(pattern=control.WHAT, description="channel/smpp, template/<id>, kind/<kind>, rule/<id>")]
    why: Reason


class LogContact(_Asked):
    """Body of a contact with a customer that belongs to no work item."""

    kind: Annotated[str, Field(min_length=1, max_length=64)]
    result: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    note: Note | None = None
    follow_up_on: date | None = None


class ClockSetting(_Asked):
    """Body of setting the business clock: a date (10:00 in Asia/Shanghai) or an instant with offset."""

    at: Annotated[str, Field(max_length=64)]
