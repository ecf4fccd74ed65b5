"""What the audit says was done has a word in both languages of the page."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2] / "services" / "gateway"
_KINDS = ("rule", "customer_list", "template", "policy", "work_rules", "calendar", "brake")
#: a name that is made of parts -> what it can be
_MADE = {
    "{list_}.list": ["alerts.list", "work.list", "sms.list", "customers.list"],
    "{asked.list}.export": ["alerts.export", "work.export", "sms.export", "customers.export"],
    "{noun}.{verb}": [f"{noun}.{verb}" for noun in _KINDS for verb in ("saved", "activated", "rolled_back", "stopped")],
    "{noun}.taken_back": [f"{noun}.taken_back" for noun in _KINDS],
    "work.{action}": ["work.accept", "work.act", "work.close", "work.hand-over", "work.release"],
}
_CALL = re.compile(r"audit(?:ed)?\((?:audit,\s*)?[a-z_.]+(?:\([a-z_.]+(?:, [^)]*)?\))?,\s*f?\"([a-z_.{}-]+)\"")


def test_every_action_of_the_audit_has_its_words() -> None:
    called = [
        name for path in (ROOT / "gateway").rglob("*.py") for name in _CALL.findall(path.read_text(encoding="utf-8"))
    ]
    needed = {each for name in called for each in _MADE.get(name, [name])}
    assert {
        "session.opened",
        "work.claim",
        "user.created",
        "live",
        "sms.stopped",
        "rule.tried",
        *_MADE["work.{action}"],
    } <= needed
    words = (ROOT / "web" / "src" / "pages" / "admin" / "actions.ts").read_text(encoding="utf-8")
    said = re.findall(r'^ +"?([a-z_.-]+)"?: "', words, re.MULTILINE)
    assert [name for name in sorted(needed) if said.count(name) != 2] == []
