"""Ids that an SMSC writes differently in its answer and in its receipt (defect 17)."""

import pytest

from alerts.notifications.channel.message_id import is_same


@pytest.mark.parametrize(
    ("answered", "received"),
    [
        ("m1", "m1"),
        ("3039", "12345"),  # hexadecimal in the answer, decimal in the receipt: common
        ("12345", "3039"),
        ("00003039", "12345"),
        ("0x3039", "0000012345"),
        ("ABCDEF01", "abcdef01"),
        ("abcdef01", "2882400001"),
        ("0000123", "123"),
        (" 123 ", "123"),
        ("f" * 16, "18446744073709551615"),
    ],
)
def test_the_same(answered: str, received: str) -> None:
    assert is_same(answered, received)
    assert is_same(received, answered)


@pytest.mark.parametrize(
    ("answered", "received"),
    [("m1", "m2"), ("12345", "12346"), (None, "1"), ("", ""), ("0", "00"), ("3039", "12346"), ("9" * 5000, "9" * 4999)],
)
def test_another(answered: str | None, received: str) -> None:
    assert not is_same(answered, received)
