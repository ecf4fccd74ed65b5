"""A careless or hostile BOSS: events, records of boss.feed and requests out of one seed, good ones and spoiled ones."""

import json
import random
from copy import deepcopy
from datetime import timedelta
from typing import Any

from billing_sync.domain.kinds import FEED_KINDS, Kind
from harness.intake import NOW
from servicekit.auth import issue_token
from servicekit.dead_letter import MAX_BODY, REPLAY_FOR
from servicekit.envelope import Message
from servicekit.record_batches import UNREADABLE

SECRET = "0123456789abcdef0123456789abcdef"
#: personal data, which stands only where such data may stand
MARK = "王芳13900001111"
FEED = "boss.feed"
JSON, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"


class Boss:
    """Makes events out of one seed: good ones of every kind, and what becomes of them in careless hands."""

    def __init__(self, dice: random.Random) -> None:
        self._dice, self._pick = dice, dice.choice
        self._again: list[dict[str, Any]] = []

    def event(self) -> Any:
        """An event, whole or spoiled, or one that came before."""
        if self._again and self._dice.random() < 0.1:
            return self._pick(self._again)
        kind = self._pick(list(FEED_KINDS.values()))
        made: dict[str, Any] = {
            "specversion": "1.0",
            "source": self._pick(["boss/320100", "boss/南京"]),
            "id": f"e{self._dice.randrange(2000)}",
            "type": kind.type,
            "time": self._instant(),
            "data": self._data(kind),
        }
        for _ in range(self._pick([0, 0, 0, 0, 0, 1, 2, 4])):
            self._spoil(made, kind)
        self._again = [*self._again[-20:], made]
        return made if self._dice.random() < 0.97 else self._pick([[MARK], [{"name": MARK}], 7, None, "x", [], {}])

    def _spoil(self, made: dict[str, Any], kind: Kind) -> None:
        data = made.get("data")
        if isinstance(data, dict) and self._dice.random() < 0.7:
            field = self._pick([f.name for f in kind.fields])
            match self._dice.randrange(5):
                case 0:
                    data.pop(field, None)
                case 1:
                    data[self._pick(_NAMES)] = deepcopy(self._pick(_STRANGE))
                case _:
                    data[field] = deepcopy(self._pick(_STRANGE))
            return
        name = self._pick(["specversion", "source", "id", "type", "time", "data", *_NAMES])
        match self._dice.randrange(4):
            case 0:
                made.pop(name, None)
            case 1:
                made[name] = self._pick(_TIMES)
            case 2 if name == "data":
                made[name] = self._pick([[MARK], MARK, {"name": MARK}, None, 7])
            case _:
                made[name] = deepcopy(self._pick(_STRANGE))

    def _data(self, kind: Kind) -> dict[str, Any]:
        return {
            f.name: self._value(kind, f.name, f.dated) for f in kind.fields if f.required or self._dice.random() < 0.5
        }

    def _value(self, kind: Kind, name: str, dated: str | None) -> Any:
        if (kind.name, name) in _CHOICES or ("", name) in _CHOICES:
            return self._pick(_CHOICES.get((kind.name, name)) or _CHOICES["", name])
        if dated is not None:
            return {"date": self._day, "instant": self._instant, "period": lambda: self._pick(_PERIODS)}[dated]()
        if name.endswith("_id"):
            return f"{name[0]}{self._dice.randrange(8)}"
        return MARK

    def _day(self) -> str:
        return self._pick(["2026-06-01", "2026-06-29", "2026-05-31", "0001-01-01", "9999-12-31"])

    def _instant(self) -> str:
        if self._dice.random() < 0.05:
            return self._pick(["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+08:00", "1970-01-01T00:00:00Z"])
        return (NOW - timedelta(seconds=self._dice.randrange(86400 * 40))).isoformat()

    # --- how it comes -------------------------------------------------------------------------------------------

    def text(self, value: Any) -> bytes:
        """JSON of it, sometimes damaged."""
        raw = json.dumps(value, ensure_ascii=self._dice.random() < 0.5).encode("utf-8", "surrogatepass")
        if self._dice.random() < 0.05:
            raw = self._pick(_BODIES)
        elif self._dice.random() < 0.05:
            at = self._dice.randrange(len(raw) + 1)
            raw = self._pick([raw[:at], raw[:at] + self._dice.randbytes(2) + raw[at:], raw.decode("utf-8", "replace")
                              .encode("gb18030")])  # fmt: skip
        return raw

    def record(self, offset: int) -> Message:
        """A record of boss.feed as the consumer hands it over."""
        made = self.event()
        headers: list[tuple[str, bytes | None]]
        if self._dice.random() < 0.5 or not isinstance(made, dict):
            headers, value = [("content-type", self._pick([JSON, f"{JSON}; charset=utf-8"]).encode())], self.text(made)
        else:
            said = {k: v if isinstance(v, str) else json.dumps(v) for k, v in made.items() if k != "data"}
            headers = [(f"ce_{k}", v.encode("utf-8", "surrogatepass")) for k, v in said.items()]
            value = self.text(made.get("data"))
        if self._dice.random() < 0.3:
            name = self._pick(["", "traceparent", "CE_ID", "ce_", "ce_data", "ce_id", "content-type", REPLAY_FOR,
                               UNREADABLE, "dlq_reason", "dlq_topic", "kam-replays", "\\xff"])  # fmt: skip
            headers.append((name, self._pick([None, b"", b"\xff\xfe", b"x", b"billing-sync", b"1.0", b"\x00" * 300])))
        if self._dice.random() < 0.003:
            value = self._pick([b"x", b"{"]) * (MAX_BODY + 1)
        raw = None if self._dice.random() < 0.02 else value
        key = self._pick([b"c1", b"c1", None, b"", b"\xff", b"k" * 70_000])
        return Message(FEED, 0, offset, key, dict(headers), raw)

    def aside(self) -> dict[str, Any]:
        """A request to one of the other doors."""
        method, path = self._pick(_ASIDE)
        query = self._pick([b"", b"name=%ff", b"name=BILL_320100_20260531_0001", b"name=" + b"x" * 5000, b"name=%00"])
        headers = [(b"host", b"kam"), (b"authorization", self._pick(TOKENS[1:2] * 20 + TOKENS))]
        headers.append((b"content-type", self._pick([b"application/json", b"\xff"])))
        body = self.text({"at": self._pick([*_TIMES, *_STRANGE, self._day(), self._instant(), MARK])})
        return {"method": method, "path": path, "query": query, "headers": headers, "body": [body]}

    def request(self) -> dict[str, Any]:
        """A request as the server hands it over; mostly to the feed's door, mostly with a good token."""
        if self._dice.random() < 0.1:
            return self.aside()
        headers = [(b"host", b"kam")]
        if self._dice.random() < 0.95:
            headers.append((b"authorization", self._pick([TOKENS[0]] * 20 + TOKENS)))
        body, media = self._body(headers)
        if self._dice.random() < 0.05:
            media = self._pick(
                [b"", b"\xff", b"text/plain", JSON.upper().encode(), BATCH.encode(), b"a/b; charset=gbk"]
            )
        headers.append((b"content-type", media))
        if self._dice.random() < 0.05:
            headers.append((b"content-length", self._pick([b"0", b"99999999999", b"-1", b"x", b"\xb2", b""])))
        if self._dice.random() < 0.005:
            body = body + b" " * (6 << 20)
        cut = self._dice.randrange(len(body) + 1)
        method = "POST" if self._dice.random() < 0.97 else self._pick(["GET", "PUT", "DELETE", "BREW"])
        return {"method": method, "path": "/v1/events", "query": self._pick([b"", b"", b"x=%ff"]), "headers": headers,
                "body": [body[:cut], body[cut:]]}  # fmt: skip

    def _body(self, headers: list[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
        match self._dice.randrange(3):
            case 0:
                return self.text(self.event()), JSON.encode()
            case 1:
                return self.text([self.event() for _ in range(self._dice.randrange(12))]), BATCH.encode()
        made = self.event()
        if not isinstance(made, dict):
            return self.text(made), b"application/json"
        for name, value in made.items():
            if name != "data" and name:
                said = value if isinstance(value, str) else json.dumps(value)
                headers.append((f"ce-{name}".lower().encode("utf-8", "replace"), said.encode("utf-8", "surrogatepass")))
        return self.text(made.get("data")), b"application/json"


TOKENS = [f"Bearer {issue_token(SECRET, 'fuzz', role)}".encode() for role in ("integrator", "service", "manager")] + [
    b"Bearer x",
    b"\xff",
    b"Basic eA==",
    b"Bearer " + b"x" * 100_000,
]
_ASIDE = [
    *[("PUT", "/v1/clock")] * 5, ("GET", "/v1/clock"), ("GET", "/v1/files"), ("POST", "/v1/files/scan"),
    ("GET", "/internal/settle"), ("GET", "/health/live"), ("GET", "/metrics"), ("GET", "/openapi.json"),
    ("GET", "/v1/%ff"), ("BREW", "/v1/clock"), ("DELETE", "/v1/events"),
]  # fmt: skip
_PERIODS = ["202601", "202605", "202606", "100001"]
_CHOICES: dict[tuple[str, str], list[Any]] = {
    ("CUST", "kind"): ["person", "corporate"], ("CUST", "status"): ["active", "suspended", "left"],
    ("COMP", "status"): ["opened", "in_progress", "closed", "reopened"], ("COMP", "severity"): [1, 2, 3],
    ("SERV", "kind"): ["stop", "port_query", "suspend", "resume", "change"], ("", "area"): ["urban", "rural"],
    ("", "role"): ["member", "key_contact"], ("", "language"): ["zh", "en"], ("", "city"): ["320100", "320200", ""],
    **{("", name): [0, 1, 99, 2**53, None] for name in (
        "amount_fen", "voice_fen", "data_fen", "sms_fen", "other_fen", "monthly_fee_fen", "balance_fen",
        "voice_minutes", "out_calls", "sms_count", "data_mb", "active_days", "competitor_calls", "care_calls")},
    **{("", name): [True, False, None] for name in ("do_not_disturb", "suspended", "auto_renew")},
}  # fmt: skip
_NAMES = ["", " ", "x" * 300, "\x00", "ключ", "\ud800", "customer_id ", "kind", "datacontenttype", "subject", "a\nb"]
_STRANGE: list[Any] = [
    "", " ", "\x00", "\ud800", "x" * 70, "x" * 5000, "a b", "a|b", "a/b", "a\nb", "#", "漢" * 64, "😀", 0, -1, 1.5,
    2**53, 2**53 + 1, 2**63, 2**64, 10**400, float("nan"), float("inf"), True, False, None, [], {}, [[]],
    {"a": {"b": [1]}}, "2026-06-31", "2026-06-30", "20260630", "202613", "1", "-0", "1e3", "１",
]  # fmt: skip
_TIMES = [
    "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999-12:00", "0001-01-01T00:00:00+14:00", "2026-06-30T24:00:00Z",
    "2026-06-30T12:00:60Z", "2026-06-30T12:00:00", "2026-06-30T12:00:00+25:00", "2026-06-30T12:00:00+23:59", "now",
    "2026-06-30T12:00:00.123456789Z", "2026-06-30 12:00:00Z", "２０２６-06-30T12:00:00Z", "2036-06-30T12:00:00Z",
]  # fmt: skip
_BODIES = [
    b"", b"null", b"[]", b"7", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 5000, b"NaN", b'"\\ud800"', b"1" * 5000,
    b"\xef\xbb\xbf{}", b"\x00", f'{{"name": "{MARK}"'.encode(), b"[" + b"1," * 60_000 + b"1]", b'{"id":"a","id":"b"}',
]  # fmt: skip
