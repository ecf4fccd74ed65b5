"""The smallest app there can be, with its test: what CONTRIBUTING.md says about writing a handler, ready to be
copied.
"""

import msgspec

from contracts import boss
from harness.one_processor import OneProcessor
from servicekit.app import App, HandlerEntry
from servicekit.decision import Context, Decision, DocumentWrite


class Tally(msgspec.Struct, frozen=True):
    """The state of a customer: complaints so far, the newest revision; fields are added at the end, with a default."""

    complaints: int = 0
    newest: int = 0


def on_complaint(known: Tally | None, complaint: boss.Complaint, context: Context) -> Decision:
    """One more complaint. Pure: what it needs is in its arguments, what follows is in what it returns."""
    known = known or Tally()
    if context.revision <= known.newest:
        return Decision(known)  # older than what is known: changes nothing
    tally = Tally(known.complaints + 1, context.revision)
    shown = {"customer_id": complaint.customer_id, "complaints": tally.complaints}
    return Decision(tally, writes=(DocumentWrite("tallies", complaint.customer_id, shown),))


def app() -> App:
    """The app: its name is in ids and names of topics, its handlers by type of event."""
    return App(
        name="tally",
        service="tally",
        state=Tally,
        handlers={"kam.boss.complaint.changed.v1": HandlerEntry(boss.Complaint, on_complaint)},
    )


def complaint(id_: str) -> boss.Complaint:
    return boss.Complaint(complaint_id=id_, customer_id="c1", opened_at="2026-06-30T10:00:00+08:00", status="opened")


async def test_the_story_of_two_complaints_and_a_late_one() -> None:
    one = await OneProcessor(app()).open()
    for id_, revision in (("1", b"2"), ("2", b"3"), ("1", b"1")):
        type_, about = "kam.boss.complaint.changed.v1", {"headers": [("ce_revision", revision)]}
        await one.take(one.record("boss.events", type_, complaint(id_), **about))
    assert await one.rows.get("tallies", "c1") == {"_id": "c1", "customer_id": "c1", "complaints": 2}
