"""Lists of customers: what rules make of them, what is wrong with one, and how it changes."""

from pathlib import Path
from typing import Any

import pytest

from alerts.control_topic import ControlTopic
from alerts.customer_lists import LIST, MOST_CUSTOMERS, MOST_LISTS
from alerts.detection import app
from alerts.detection.why_not import why_not
from alerts.detection.whynot import whynot
from alerts.list_library import ListLibrary
from alerts.notifications.stops import Stops
from alerts.rule_library import RuleLibrary
from alerts.rulebook import RULE, rule_kind
from harness.control_topic import Topic
from harness.detection_feed import RULES
from harness.switchboard import AT, Board
from harness.switched_feed import OLD, Switched, document
from servicekit.decision import Refused
from servicekit.documents.difference import sentences
from servicekit.documents.document_text import read_text
from servicekit.documents.fault import Faulty
from servicekit.documents.in_force import Edition
from servicekit.documents.library import Library
from servicekit.memory_store import MemoryDocuments, MemoryStore

SILENT: dict[str, Any] = {
    "id": "silent", "type": "condition", "alert": "attention", "name_zh": "静", "name_en": "silent",
    "severity": "minor", "on": ["USAGE"], "when": {"figure": "usage.active_days", "op": "<=", "value": 3},
}  # fmt: skip


def named(id: str = "black-list", purpose: str = "exclusion", *customers: str, **more: Any) -> dict[str, Any]:
    names = {"name_zh": "黑名单", "name_en": "black list"}
    return {"id": id, **names, "purpose": purpose, "customers": [*customers], **more}


class Listing(Switched):
    """A customer's road on which lists change."""

    def list_(self, document: dict[str, Any], state: str = "active") -> None:
        number = len(self.editions) + 1
        self.editions = (*self.editions, Edition(number, "list", document["id"], number, state, document))
        self.app = app(RULES.switched(self.editions))

    def condition(self, **changes: Any) -> None:
        number = len(self.editions) + 1
        self.editions = (*self.editions, Edition(number, "rule", "silent", number, "active", {**SILENT, **changes}))
        self.app = app(RULES.switched(self.editions))

    def used(self, period: str, days: int) -> list[str]:
        return self.boss("usage.summarised", period=period, active_days=days)


@pytest.fixture
def feed() -> Listing:
    made = Listing()
    made.boss("customer.changed", "2025-12-31", **OLD)
    made.bills(m202601=10000, m202602=10000, m202603=10000)
    return made


def test_who_is_on_an_exclusion_list_is_left_alone_by_the_rule_that_names_it(feed: Listing) -> None:
    feed.list_(named("black-list", "exclusion", "c1", "c2"))
    feed.switch(2, exclude_lists=["black-list"])
    assert feed.bills(m202604=5000) == []
    state = feed.state
    assert state is not None
    (answer,) = whynot(RULES.switched(feed.editions), state, feed.now, "drop-30")
    assert answer.result == "excluded"
    assert [(each.code, each.zh, each.en) for each in answer.exclusions] == [
        ("list/black-list", "客户在名单“黑名单”上", 'the customer is on the list "black list"')
    ]
    page = why_not(RULES.switched(feed.editions), state, None, feed.now)
    told = next(each for each in page.rules if each.rule == "drop-30")
    (on_list,) = (each for each in told.all_of if each.code == "list")
    assert on_list.met is False and on_list.values["name_zh"] == "黑名单" and told.verdict == "excluded"


def test_a_new_version_of_a_list_counts_from_its_switch_on(feed: Listing) -> None:
    feed.list_(named("black-list", "exclusion", "c1"))
    feed.switch(2, exclude_lists=["black-list"])
    feed.bills(m202604=5000)
    feed.list_(named("black-list", "exclusion", "c2"))
    assert feed.bills(m202604=5001) == ["churn_warning 202604 raised"]
    feed.list_(named("black-list", "exclusion", "c1"))
    assert feed.bills(m202604=5002) == ["churn_warning 202604 changed"], "what was let in is not left alone afterwards"


def test_a_condition_has_lists_of_its_own_and_those_of_the_fall_rule(feed: Listing) -> None:
    feed.list_(named("black-list", "exclusion", "c1"))
    feed.condition(exclude_lists=["black-list"])
    assert feed.used("202604", 1) == []
    state = feed.state
    assert state is not None
    (answer,) = whynot(RULES.switched(feed.editions), state, feed.now, "silent", "202604")
    assert [each.code for each in answer.exclusions] == ["list/black-list"]
    feed.condition()
    feed.switch(2, exclude_lists=["black-list"])
    assert feed.used("202604", 2) == []
    feed.list_(named("black-list", "exclusion"), "stopped")
    assert feed.used("202604", 3) == ["attention 202604 raised"]


def test_a_rule_that_is_limited_to_a_list_looks_at_nobody_else(feed: Listing) -> None:
    feed.list_(named("pilot", "allow", "c9"))
    feed.condition(only_lists=["pilot"])
    assert feed.used("202604", 1) == []
    feed.list_(named("pilot", "allow", "c9", "c1"))
    assert feed.used("202604", 2) == ["attention 202604 raised"]


def test_what_is_warned_of_a_vip_is_critical(feed: Listing) -> None:
    feed.list_(named("vip", "vip", "c1"))
    feed.condition(vip_lists=["vip"])
    feed.switch(2, vip_lists=["vip"])
    feed.used("202604", 1)
    feed.bills(m202604=5000)
    assert [alert.severity for alert in feed.alerts()] == ["critical", "critical"]


# --- as documents -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "field", "zh", "en"),
    [
        (named(customers=["c1", "c2", "c1"]), "customers[2]", "重复", "twice"),
        (named(customers=["c1", "a b"]), "customers[1]", "不含空白", "no blanks"),
        (named(customers=[f"C{n:07}" for n in range(20_001)]), "customers", "最多 20000", "at most 20000"),
        (named(customers=[f"C{n:060}" for n in range(10_000)]), "", "20,000 个客户", "20,000 customers"),
        (named("black-list", "poem"), "purpose", "poem", "poem is not known"),
        (named(name_zh=""), "name_zh", "中文名称", "Chinese"),
        (named(people=[]), "people", "没有这一项", "no field"),
        (named("there", "vip"), "purpose", "另立", "make another"),
        (named("one-more"), "id", "最多 20 份", "at most 20"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_wrong_with_a_list(document: dict[str, Any], field: str, zh: str, en: str) -> None:
    others = [named(f"l{n}") for n in range(MOST_LISTS)] if document["id"] == "one-more" else [named("there")]
    with pytest.raises(Faulty) as faulty:
        LIST.checked(document, others)
    fault = faulty.value.faults[0]
    assert fault.field == field and zh in fault.zh and en in fault.en


def test_twenty_thousand_ids_as_boss_has_them_fit() -> None:
    whole = named(customers=[f"320100{n:014}" for n in range(MOST_CUSTOMERS)])
    assert len(LIST.checked(whole, [])["customers"]) == MOST_CUSTOMERS


def test_a_text_of_a_million_ids_is_refused_before_it_is_read() -> None:
    text = "customers:\n" + "- C10000001\n" * 1_000_000
    found, faults = read_text(text, LIST.most_bytes)
    assert found is None and "512 KiB" in faults[0].zh and "512 KiB" in faults[0].en


def test_a_rule_names_lists_that_are_in_force_for_what_they_are_for() -> None:
    kind = rule_kind(lambda: {"black-list": "exclusion"})
    seed = document("drop-30")
    assert kind.checked({**seed, "exclude_lists": ["black-list"]}, [])["exclude_lists"] == ("black-list",)
    for names, field in (
        ({"exclude_lists": ["grey"]}, "exclude_lists[0]"),
        ({"vip_lists": ["black-list"]}, "vip_lists[0]"),
        ({"exclude_lists": ["black-list", "black-list"]}, "exclude_lists[1]"),
    ):
        with pytest.raises(Faulty) as faulty:
            kind.checked({**seed, **names}, [])
        assert faulty.value.faults[0].field == field
        with pytest.raises(Faulty):
            kind.checked({**SILENT, **names}, [])


def test_a_difference_tells_how_many_and_a_few_masked() -> None:
    before, after = named(customers=["C1000001", "C1000002"]), named(customers=["C1000002", "C1000003", "C1"])
    (sentence,) = sentences(LIST, before, after)
    assert sentence.zh == "客户：+2 −1，如 C1****03、****、C1****01"
    assert sentence.en == "customers: +2 −1, such as C1****03、****、C1****01"


async def test_a_list_that_a_rule_names_is_not_stopped(tmp_path: Path) -> None:
    rows, board = MemoryDocuments(MemoryStore()), Board()
    rules = Library(RULE, rows, board, lambda: AT)
    lists = ListLibrary(LIST, rows, board, lambda: AT, rules=rules)
    who: dict[str, Any] = {"by": "A1", "why": "x"}
    saved: dict[str, Any] = {"after": None, "author": "A1", "why": "x"}
    await lists.save("black-list", named(), **saved)
    await lists.activate("black-list", 1, **who)
    rules.kind = rule_kind(lambda: {"black-list": "exclusion"})
    await rules.save("silent", {**SILENT, "exclude_lists": ["black-list"]}, **saved)
    await rules.activate("silent", 1, **who)
    with pytest.raises(Refused) as refused:
        await lists.stop("black-list", **who)
    assert refused.value.code == "list_in_use" and "silent" in refused.value.zh and "silent" in refused.value.en
    await rules.stop("silent", **who)
    assert (await lists.stop("black-list", **who)).state == "stopped"
    (brief,) = await lists.brief()
    assert brief["count"] == 0 and "customers" not in brief and "customers" not in brief["document"]


async def test_a_list_may_be_named_as_soon_as_it_was_activated() -> None:
    """Though no worker has come to its switch yet: one of the rule comes behind it."""
    rows, board, topic = MemoryDocuments(MemoryStore()), Board(), Topic()
    control = ControlTopic(Stops(), topic.connect, topic.write)
    rules = RuleLibrary(rows, board, lambda: AT, control=control, purposes=lambda: lists.purposes())
    lists = ListLibrary(LIST, rows, board, lambda: AT, rules=rules)
    saved: dict[str, Any] = {"after": None, "author": "A1", "why": "x"}
    await lists.save("black-list", named(), **saved)
    naming = {**SILENT, "exclude_lists": ["black-list"]}
    with pytest.raises(Faulty) as faulty:
        await rules.save("silent", naming, **saved)
    assert [fault.field for fault in faulty.value.faults] == ["exclude_lists[0]"]
    await lists.activate("black-list", 1, by="A1", why="x")
    assert (await rules.save("silent", naming, **saved)).state == "draft"
