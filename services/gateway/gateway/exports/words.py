"""The words of exported files, Chinese and English: those of the catalogue, and of values that are no codes there; a
wire value that has none stands as it is."""

from collections.abc import Mapping
from typing import Literal

from servicekit.words import WORDS as WORDS
from servicekit.words import words_of

Language = Literal["zh", "en"]
Words = Mapping[str, tuple[str, str]]

CUSTOMER_KIND: Words = {
    "person": ("个人", "person"), "individual": ("个人", "person"), "corporate": ("集团", "corporate")
}  # fmt: skip
OUTCOME, SMS_REASON, WORK_STATE = words_of("outcome"), words_of("sms_reason"), words_of("work")
CUSTOMER_STATUS = words_of("customer")
FLAG: Words = {"True": ("是", "yes"), "False": ("否", "no")}


def word(words: Words, value: object, language: Language) -> str | None:
    """The word for a wire value."""
    if value is None:
        return None
    found = words.get(str(value))
    return str(value) if found is None else found[language == "en"]
