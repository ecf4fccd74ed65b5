"""A running province, line by line: new alerts, SMS on their way, work items opened, and now and then the sums.

``happenings`` and the functions below it are pure; ``follow`` polls the gateway until it is told to stop. Customers
appear by their id only: no name, number or text of a message.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, zip_longest
from typing import Any, NamedTuple

import typer

from kam.client import Client, Failed
from kam.render import SHANGHAI, Row, moment, money, stage, word

#: seconds between polls, seconds between sums, lines a poll at most, seconds to wait for an answer
EVERY, SUM_EVERY, LINES, PATIENCE = 1.0, 15.0, 8, 5.0
#: business time by which the records of one partition may come after those of another
LATE = timedelta(minutes=2)
_TOLD_SMS = {"sent": None, "delivered": "green", "unknown": "yellow", "failed": "red"}
_UNSETTLED_SMS = ("queued", "held", "sending", "sent")
_SEVERITY = {"critical": "red", "major": "yellow"}


class Line(NamedTuple):
    """One line for people, its colour on a terminal, and the business time it tells of."""

    text: str
    colour: str | None = None
    at: str = ""


@dataclass(frozen=True)
class Listing:
    """One of the gateway's lists from the time ``since`` on (None: from the beginning), rows by their id."""

    since: str | None
    rows: Mapping[str, Row]


class Noun(NamedTuple):
    """A list of the gateway: its fields of id and business time, what is told of a row (None: nothing), and which
    rows may still come to a state that is told."""

    id: str
    at: str
    tell: Callable[[Row], Line | None]
    unsettled: tuple[str, ...] = ()


# --- pure: what is new, in words --------------------------------------------------------------------------------


def happenings(old: Mapping[str, Listing], new: Mapping[str, Listing], limit: int = LINES) -> list[Line]:
    """What came between two snapshots (listings by noun), at most ``limit`` lines; the last counts what is left out."""
    told = [list(_told(noun, old[name].rows, new[name].rows)) for name, noun in NOUNS.items()]
    # A burst of one kind leaves room for the others.
    lines = [line for line in chain.from_iterable(zip_longest(*told)) if line is not None]
    shown = lines if len(lines) <= limit else lines[: limit - 1]
    left = len(lines) - len(shown)
    rest = [Line(f"         … 另有 {left} 条 / and {left} more", "bright_black")] if left else []
    return [*sorted(shown, key=lambda line: line.at), *rest]


def _told(noun: Noun, old: Mapping[str, Row], new: Mapping[str, Row]) -> Iterator[Line]:
    for id_, row in new.items():
        # What becomes of an alert or a work item is no news here; what becomes of an SMS is.
        is_news = id_ not in old or (noun.unsettled and old[id_]["state"] != row["state"])
        if is_news and (line := noun.tell(row)) is not None:
            yield line


def listing(noun: Noun, since: str | None, rows: Iterable[Row]) -> Listing:
    """The rows of an answer, and from when on to ask next: the newest, less what may come late, but no later than
    what may still change."""
    found = {str(row[noun.id]): row for row in rows}
    times = [str(row[noun.at]) for row in found.values()]
    if times:
        late = (datetime.fromisoformat(max(times)) - LATE).isoformat()
        open_ = [str(row[noun.at]) for row in found.values() if row["state"] in noun.unsettled]
        since = max(since or "", min([late, *open_]))
    return Listing(since, found)


def standing(alerts: Iterable[Row]) -> Line:
    """What there is already, as counts by kind."""
    kinds = Counter(str(row["kind"]) for row in alerts)
    listed = "，".join(f"{word(kind)} {count}" for kind, count in kinds.most_common()) or "暂无 none yet"
    return Line(f"近两日预警 / alerts since yesterday: {listed}", "bright_black")


def sums(counts: Iterable[Row], status: Row, day: str) -> Line:
    """Alerts raised and SMS delivered on a business day, work items open, and messages not yet read by someone."""
    today, ever = Counter[str](), Counter[str]()
    for cell in counts:
        name = str(cell["kind"]).partition(":")[0]
        ever[name] += cell["count"]
        if cell["day"] == day:
            today[name] += cell["count"]
    open_ = ever["work.opened"] + ever["work.reopened"] - ever["work.closed"]
    lags = [service.get("lag") for service in status["services"].values() if "lag" in service]
    lag = "不明 unknown" if None in lags else str(sum(lags))
    return Line(
        f"—— {day}  预警 alerts raised {today['alert.raised']} · 短信送达 SMS delivered {today['sms.delivered']}"
        f" · 未结工单 open work {open_} · 积压 lag {lag}",
        "bright_black",
    )


def _line(at: Any, name: str, row: Row, text: str, colour: str | None) -> Line:
    return Line(f"{moment(at)[-8:]} {name:<8} {row['customer_id']:<9} {text}", colour, str(at))


def _alert(row: Row) -> Line:
    code = row["stage"] or ""
    # The stage of a contract is a number of days; its reason says it better.
    about = [word(row["kind"]), *([] if code.isdigit() or not code else [stage(row)])]
    about += [reason(str(found["code"]), found["values"]) for found in row["reasons"]]
    return _line(row["raised_at"], "预警 alert", row, " · ".join(about), _SEVERITY.get(row["severity"]))


def reason(code: str, values: Row) -> str:
    """The value that counts, of one reason of an alert."""
    say = _REASONS.get(code)
    # A rule may come that this view does not know yet.
    return code if say is None else say(values)


_REASONS: Mapping[str, Callable[[Row], str]] = {
    "arrears": lambda values: f"欠 owes {money(values['amount_fen'])}",
    "bill_fall": lambda values: f"话费 bill {values['amount_fen_percent'] - 100:+} %",
    "minutes_fall": lambda values: f"通话 minutes {values['voice_minutes_percent'] - 100:+} %",
    "stop_request": lambda values: "提出拆机 asks to close the line",
    "port_query": lambda values: "查询携号转网 asks about porting",
    "complaint": lambda values: f"类别 about {word(values['category'])}",
    "contract": lambda values: f"剩 {values['days_left']} 天 days left",
}


def _sms(row: Row) -> Line | None:
    if row["state"] not in _TOLD_SMS:
        return None
    return _line(row["at"], "短信 SMS", row, f"{row['template']} · {word(row['state'])}", _TOLD_SMS[row["state"]])


def _work(row: Row) -> Line:
    whose = row["manager_id"] or row["queue"] or "–"
    return _line(row["opened_at"], "工单 work", row, f"{word(row['kind'])} → {whose}", "cyan")


NOUNS: Mapping[str, Noun] = {
    "alerts": Noun("alert_id", "raised_at", _alert),
    "sms": Noun("sms_id", "planned_at", _sms, _UNSETTLED_SMS),
    "work": Noun("work_id", "opened_at", _work),
}


# --- polling ----------------------------------------------------------------------------------------------------


def follow(client: Client, stop: threading.Event, say: Callable[[Line], None], running: Callable[[], Any]) -> None:
    """Say what happens until ``stop`` is set. A gateway that does not answer is waited for as long as ``running``
    does not raise."""
    known: Mapping[str, Listing] | None = None
    away, summed = False, time.monotonic()
    while not stop.is_set():
        begun, lines = time.monotonic(), list[Line]()
        try:
            if known is None:
                known = _first(client)
                lines.append(standing(known["alerts"].rows.values()))
            else:
                found = {name: _ask(client, name, known[name].since) for name in NOUNS}
                lines += happenings(known, found)
                known = found
            if begun - summed >= SUM_EVERY:
                lines.append(_sum(client))
                summed = begun
            if away:
                lines.insert(0, Line("网关恢复 / the gateway is back", "green"))
                away = False
        except Failed:
            running()
            if not away:
                lines = [Line("网关暂无应答，等待中 / the gateway does not answer, waiting", "yellow")]
                away = True
        if not stop.is_set():
            for line in lines:
                say(line)
        stop.wait(max(0.0, begun + EVERY - time.monotonic()))


def _get(client: Client, path: str, **query: Any) -> Any:
    return client.get("gateway", path, timeout=PATIENCE, **query)


def _today(client: Client) -> datetime | None:
    """Midnight of the business day, Asia/Shanghai; None while the clock is unset."""
    at = _get(client, "/v1/clock")["clock"]
    if at is None:
        return None
    return datetime.fromisoformat(at).astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)


def _first(client: Client) -> Mapping[str, Listing]:
    """Everything since yesterday: an SMS held overnight is yesterday's."""
    today = _today(client)
    since = None if today is None else (today - timedelta(days=1)).astimezone(UTC).isoformat()
    return {name: _ask(client, name, since) for name in NOUNS}


def _ask(client: Client, name: str, since: str | None) -> Listing:
    return listing(NOUNS[name], since, _get(client, f"/v1/{name}", since=since))


def _sum(client: Client) -> Line:
    today = _today(client)
    return sums(_get(client, "/v1/counts"), _get(client, "/v1/status"), f"{today:%Y-%m-%d}" if today else "–")


class Background:
    """``follow`` in a thread of its own, beside the supervisor in the foreground of ``kam up``."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def start(self, description: Mapping[str, Any]) -> None:
        """Follow the instance of this description."""
        # A daemon: a request under way must not hold up the end.
        threading.Thread(target=self._follow, args=(Client(description),), name="live", daemon=True).start()

    def stop(self) -> None:
        """Say no more."""
        self._stop.set()

    def _follow(self, client: Client) -> None:
        try:
            follow(client, self._stop, say, lambda: None)
        except BrokenPipeError:
            return  # nobody reads any more; the instance goes on


def say(line: Line) -> None:
    """One line on stdout, in colour on a terminal."""
    typer.secho(line.text, fg=line.colour)
