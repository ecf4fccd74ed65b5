"""How texts are cut into parts: the limits of TS 23.040 and the alphabets of TS 23.038."""

import pytest
from aiosmpplib.codec import find_codec_info
from hypothesis import given
from hypothesis import strategies as st

from alerts.notifications.channel.segments import _BASIC, _EXTENSION, Segments, decode_gsm7, encode, plan

LIMITS = {"gsm7": (160, 153), "ucs2": (70, 67)}
EMOJI = "😀"


@pytest.mark.parametrize(
    ("text", "encoding", "units", "lengths"),
    [
        ("", "gsm7", 0, [0]),
        ("Hello", "gsm7", 5, [5]),
        ("a" * 160, "gsm7", 160, [160]),
        ("a" * 161, "gsm7", 161, [153, 8]),
        ("a" * 306, "gsm7", 306, [153, 153]),
        ("a" * 307, "gsm7", 307, [153, 153, 1]),
        ("€" * 80, "gsm7", 160, [80]),
        ("€" * 81, "gsm7", 162, [76, 5]),  # 76 pairs are 152 septets: the 153rd stays empty
        ("a" * 152 + "{" + "b" * 10, "gsm7", 164, [152, 11]),
        ("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ", "gsm7", 31, [31]),
        ("ç", "ucs2", 1, [1]),  # the small c with cedilla is not in the alphabet, the capital is
        ("`", "ucs2", 1, [1]),
        ("尊敬的客户", "ucs2", 5, [5]),
        ("欠" * 70, "ucs2", 70, [70]),
        ("欠" * 71, "ucs2", 71, [67, 4]),
        ("欠" * 134, "ucs2", 134, [67, 67]),
        ("欠" * 135, "ucs2", 135, [67, 67, 1]),
        (EMOJI * 35, "ucs2", 70, [35]),
        (EMOJI * 36, "ucs2", 72, [33, 3]),  # 33 pairs are 66 code units: the 67th stays empty
        ("欠" * 66 + EMOJI + "费" * 10, "ucs2", 78, [66, 11]),
        ("a" * 71 + "费", "ucs2", 72, [67, 5]),
    ],
)
def test_plan(text: str, encoding: str, units: int, lengths: list[int]) -> None:
    planned = plan(text)
    assert (planned.encoding, planned.units) == (encoding, units)
    assert [len(part) for part in planned.parts] == lengths
    assert "".join(planned.parts) == text


def _size(part: str, encoding: str) -> int:
    return len(encode(part, encoding)) // (2 if encoding == "ucs2" else 1)


def _check(text: str, planned: Segments) -> None:
    single, each = LIMITS[planned.encoding]
    assert "".join(planned.parts) == text
    assert sum(_size(part, planned.encoding) for part in planned.parts) == planned.units
    if len(planned.parts) == 1:
        assert planned.units <= single
    else:
        assert planned.units > single
        # no part is wider than it may be, and none but the last could have taken another character
        assert all(each - 1 <= _size(part, planned.encoding) <= each for part in planned.parts[:-1])
        assert 1 <= _size(planned.parts[-1], planned.encoding) <= each


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=600))
def test_any_text_is_cut_within_the_limits(text: str) -> None:
    _check(text, plan(text))


@given(st.text(_BASIC.replace("\x1b", "") + "".join(_EXTENSION), max_size=600))
def test_any_gsm_text_is_cut_within_the_limits_and_read_back(text: str) -> None:
    planned = plan(text)
    assert planned.encoding == "gsm7"
    _check(text, planned)
    assert "".join(decode_gsm7(encode(part, "gsm7")) for part in planned.parts) == text


def test_the_alphabet_is_the_one_of_an_independent_codec() -> None:
    codec = find_codec_info("gsm0338")
    for character in _BASIC.replace("\x1b", "") + "".join(_EXTENSION):
        assert codec.decode(encode(character, "gsm7"))[0] == character
    assert len(_BASIC) == 128


def test_what_has_no_encoding_is_refused() -> None:
    with pytest.raises(ValueError, match="lone surrogate"):
        plan("a\ud83d")
    with pytest.raises(ValueError, match="not in the GSM"):
        encode("客", "gsm7")
    with pytest.raises(ValueError, match="unknown SMS encoding"):
        encode("a", "latin1")


def test_more_parts_than_the_header_can_number_are_refused() -> None:
    assert len(plan("a" * 153 * 255).parts) == 255
    with pytest.raises(ValueError, match="256 parts"):
        plan("a" * (153 * 255 + 1))


def test_an_unknown_extension_septet_shows_the_basic_character() -> None:
    assert decode_gsm7(b"\x1b\x41\x1b\x65\xff") == "A€\ufffd"
