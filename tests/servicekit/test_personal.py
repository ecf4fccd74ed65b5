"""What is seen of personal fields."""

import pytest

from servicekit.personal import CLASSES, FIELDS, mask, mask_number, shown, shown_change, shown_record


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("name", "张三丰", "张*"),
        ("customer_name", "张三丰", "张*"),
        ("name", "", ""),
        ("phone", "13900000001", "139****0001"),
        ("phone", "+86 139 0000 0001", "139****0001"),
        ("phone", "12345", "****"),
        ("id_number", "32010019700101002X", "3201**********002X"),
        ("id_number", "320100", "****"),
        ("address", "南京市鼓楼区中山路 1 号", "南京市****"),
        ("birth_date", "1970-05-01", "1970-**-**"),
        ("name", None, None),
        ("plan_code", "P199", "P199"),
        ("monthly_fee_fen", 19900, 19900),
    ],
)
def test_personal_fields_are_masked_and_masked_ones_stay(field: str, value: object, shown: object) -> None:
    assert mask(field, value) == shown == mask(field, shown)


def test_numbers_in_a_log() -> None:
    assert [mask_number(n) for n in ("8613900000001", "10086", "", "TD")] == ["139****0001", "****", "****", "****"]


def test_every_class_has_a_field_and_every_field_a_class() -> None:
    assert set(FIELDS.values()) == set(CLASSES)


def test_what_somebody_may_see_in_clear_is_not_masked() -> None:
    record = {"customer_id": "c1", "name": "张三丰", "phone": "13900000001", "birth_date": "1970-05-01"}
    assert shown_record(record, ("name", "birthday")) == {**record, "phone": "139****0001"}
    assert shown("phone", "13900000001", ("phone",)) == "13900000001"


def test_a_change_is_personal_if_its_field_is() -> None:
    change = {"field": "phone", "old": None, "new": "13900000001", "revision": 2}
    assert shown_change(change) == {**change, "new": "139****0001"}
    assert shown_change(change, ("phone",)) == change
    assert shown_change({"field": "brand", "old": "a", "new": "b"}) == {"field": "brand", "old": "a", "new": "b"}
