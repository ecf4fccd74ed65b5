"""The chain behind an id, as somebody sees it: links about what is out of their sight are left out, and where the id
itself is of one of these, there is no chain. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from contracts.registry import SHADOW
from gateway.projection.visible import About

Link = Mapping[str, Any]
#: fields of a link's detail that name a customer; what it tells of them, about whom it is
_CUSTOMERS = ("customer_id", "moved_to")
#: by what a link is asked for besides its own id
_NAMES = ("alert_id", "sms_id", "work_id", "event")


def customers_of(chain: Sequence[Link]) -> list[About]:
    """What visibility of the chain is decided by: each customer that it names, with each alert."""
    return list(dict.fromkeys(about for link in chain for about in _about(link)))


def is_in_shadow(link: Link) -> bool:
    """Whether it tells of an alert of a rule that runs in shadow."""
    return str(link.get("type", "")).startswith(SHADOW)


def seen_of(chain: Sequence[Link], id: str, sees: Callable[[Link, About], bool], *, of_nobody: bool) -> list[Link]:
    """The links that are seen; empty where the one that was asked for is not.

    A link that names no customer (a receipt of the SMSC, what is no longer kept) goes with those that do;
    ``of_nobody``: it may be asked for by itself.
    """
    kept = [link for link in chain if all(sees(link, about) for about in _about(link))]
    told = {name for link in kept if of_nobody or any(_about(link)) for name in _names(link)}
    if id not in told:
        return []
    left_out = {link["id"] for link in chain} - {link["id"] for link in kept}
    return [_without(link, left_out) for link in kept]


def _about(link: Link) -> Iterator[About]:
    detail = link.get("detail") or {}
    alert = detail.get("alert_id")
    for field in _CUSTOMERS:
        if customer := detail.get(field):
            yield About(str(customer), alert_id=None if alert is None else str(alert))


def _names(link: Link) -> Iterator[str]:
    yield link["id"]
    detail = link.get("detail") or {}
    yield from (str(detail[name]) for name in _NAMES if detail.get(name))


def _without(link: Link, left_out: set[str]) -> Link:
    detail = link.get("detail") or {}
    evidence = detail.get("evidence")
    if isinstance(evidence, list):
        detail = {**detail, "evidence": [id_ for id_ in evidence if id_ not in left_out]}
    cause = link.get("caused_by")
    return {**link, "caused_by": None if cause in left_out else cause, "detail": detail}
