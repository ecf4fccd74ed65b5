"""Texts and numbers: what goes to the customer is right in both languages."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from alerts.notifications.channel import segments
from alerts.notifications.send_policy import MANUAL, Template, is_plain, seeded

BOOK = seeded()
OPENED = BOOK.templates["complaint-opened"]


@pytest.mark.parametrize(
    ("phone", "digits"),
    [
        ("13900000001", "8613900000001"),
        ("139 0000-0001", "8613900000001"),
        ("+8613900000001", "8613900000001"),
        ("008613900000001", "8613900000001"),
        ("8613900000001", "8613900000001"),
        ("+852 9123 4567", "85291234567"),
        ("025-84000000", None),
        ("1390000000", None),
        ("", None),
        ("无", None),
        (None, None),
    ],
)
def test_numbers(phone: str | None, digits: str | None) -> None:
    assert BOOK.policy.e164(phone) == digits


@pytest.mark.parametrize("template", [t for t in BOOK.templates.values() if t.kind != MANUAL], ids=lambda t: t.id)
@pytest.mark.parametrize("name", [None, "张三", "Ann Lee", "José", "x" * 21, "名" * 400, "`"])
def test_english_is_gsm7_and_chinese_is_signed(template: Template, name: str | None) -> None:
    values = {"product_code": "畅享B24", "ends_on": "2026-03-31"}
    english = BOOK.text(template, "en", name, 12345, values)
    assert english.isascii() and segments.plan(english).encoding == "gsm7"
    assert len(segments.plan(english).parts) == 1
    chinese = BOOK.text(template, "zh", name, 12345, values)
    assert chinese.startswith("【大客户中心】")
    assert len(segments.plan(chinese).parts) == 1
    if template.kind == "arrears":
        assert "123.45" in english and "123.45" in chinese
    if template.kind == "contract_expiring":
        assert "2026-03-31" in english and "畅享B24" in chinese and "plan" in english


def test_names_stand_where_they_can() -> None:
    assert "Dear Ann Lee," in BOOK.text(OPENED, "en", "Ann Lee", 0, {})
    assert "Dear customer," in BOOK.text(OPENED, "en", "张三", 0, {})
    assert "尊敬的张三，" in BOOK.text(OPENED, "zh", "张三", 0, {})


_BREAKING = [
    {"en": "您好"}, {"en": "Hi {phone}"}, {"zh": "{id_number}"}, {"en": "a`b"}, {"zh": "{debt:d}"}, {"zh": "{name!x}"},
    {"zh": "长" * 20_000}, {"zh": "{name[0]}"}, {"en": "{"},
]  # fmt: skip


@pytest.mark.parametrize("change", _BREAKING)
def test_a_template_that_would_break_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="complaint-opened"):
        replace(OPENED, **change).__post_init__()


@pytest.mark.parametrize(
    ("text", "plain"), [("B24", True), ("套餐", False), ("a\nb", False), ("`", False), ("é", False)]
)
def test_plain(text: str, plain: bool) -> None:
    assert is_plain(text) is plain


def test_each_step_that_sends_has_a_template_and_the_newest_version_counts() -> None:
    for kind, ladder in BOOK.policy.ladders.items():
        assert {step for step in ladder if BOOK.template(kind, step) is None} <= {"opened"}
    assert BOOK.template("churn_warning", "opened") is None
    assert BOOK.template("complaint_opened", "closed") is not None


def test_quiet_hours_end_after_now_whatever_staff_write() -> None:
    """An end that has gone by would wake the customer for ever."""
    policy = replace(BOOK.policy, quiet=replace(BOOK.policy.quiet, end=BOOK.policy.quiet.end.replace(second=30)))
    eight = datetime(2026, 3, 2, 0, 0, 10, tzinfo=UTC)
    assert policy.quiet_until(eight) == eight.replace(second=30)


def test_quiet_hours_may_lie_within_one_day() -> None:
    policy = replace(BOOK.policy, quiet=replace(BOOK.policy.quiet, start=BOOK.policy.quiet.end.replace(hour=1)))
    assert policy.quiet_until(datetime(2026, 3, 1, 18, tzinfo=UTC)) == datetime(2026, 3, 2, 0, tzinfo=UTC)
    assert policy.quiet_until(datetime(2026, 3, 1, 3, tzinfo=UTC)) is None
