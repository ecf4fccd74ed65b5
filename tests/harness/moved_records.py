"""A contract that goes from one customer to another, as it stands in the log of ``tests/analytics``."""

from typing import Any

FILE = "file:CONT_320100_20261121_0002.dat.gz#"


def contract(log: Any, revision: int, customer: str, owner: int = 0, line: int = 0) -> None:
    """This revision of contract K1, its alert, and the end of the alert before."""
    record, id_ = f"{FILE}{line or revision}", f"cont{revision}"
    about: dict[str, Any] = {"key": customer, "correlation": record}
    log.add(
        "boss.contract.changed", id_, **about, owner=owner, revision=revision, contract_id="K1", customer_id=customer
    )
    alert = {"alert_id": f"alert-{customer}-{owner}", "customer_id": customer, "kind": "contract_expiring"}
    log.add("alert.raised", f"raised{revision}", **about, cause=id_, **alert, evidence=[id_])


def move(log: Any, revision: int, old: str, new: str, owner: int = 0) -> None:
    """Revision of the record with which it goes from one customer to the other, and what follows for the first."""
    about: dict[str, Any] = {"key": old, "correlation": f"{FILE}{revision}"}
    moved = {"kind": "CONT", "record_id": "K1", "customer_id": old, "moved_to": new}
    log.add("boss.record.moved", f"moved{revision}", **about, owner=owner, revision=revision, **moved)
    alert = {
        "alert_id": f"alert-{old}-{owner}",
        "customer_id": old,
        "kind": "contract_expiring",
        "outcome": "withdrawn",
    }
    log.add("alert.resolved", f"resolved{revision}", **about, cause=f"moved{revision}", **alert, evidence=[])
