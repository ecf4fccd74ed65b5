"""The page and the catalogue say the same of every code, in both languages: no third word for one thing."""

import re
from pathlib import Path

import pytest

from alerts.conditions.figures import FIGURES
from servicekit.words import said, stage_said

WEB = Path(__file__).parents[2] / "services" / "gateway" / "web" / "src"
#: the page's table (file, its name there) and the place of the catalogue that its codes stand in
TABLES = [
    *[("i18n", name, None) for name in (
        "role", "severity", "smsState", "complaintAbout", "complaintState", "workKind"
    )],
    ("i18n", "alertState", "alert"),
    ("i18n", "level", "level"),
    ("i18n", "kindLong", None),
    ("i18n", "stage", None),
    ("i18n", "arrearsStage", "arrears"),
    ("i18n", "customerStatus", "customer"),
    ("i18n", "outcome", "outcome"),
    ("i18n", "workState", "work"),
    ("customers/messages.ts", "request", None),
    ("pages/feeds/messages.ts", "state", "file"),
    ("work/messages.ts", "act", "act"),
    ("alerts/messages.ts", "smsReason", "sms_reason"),
]  # fmt: skip
#: a card's head says what kind of alert it is; the catalogue's word is also that of the matter itself
MATTERS = {"欠费预警": "欠费", "投诉预警": "投诉", "关注提醒": "关注"}
ENTRY = re.compile(r'(?:"(\w+)"|(\w+)): "([^"]*)"')


def texts(file: str, language: str) -> str:
    if file == "i18n":
        return (WEB / "i18n" / f"{language}.ts").read_text()
    # Each `messages(…)` gives the Chinese table first, then the English.
    pairs = [pair.split("\n  },\n  {\n") for pair in (WEB / file).read_text().split("\n);\n")]
    return "\n".join(pair[language == "en"] for pair in pairs if len(pair) == 2)


def table(file: str, name: str, language: str) -> dict[str, str]:
    found = re.findall(rf"^ +{name}: {{([^{{}}]*)}}", texts(file, language), re.MULTILINE)
    assert len(found) == 1, f"{file} {name}: {len(found)} tables"
    return {quoted or plain: text for quoted, plain, text in ENTRY.findall(found[0])}


@pytest.mark.parametrize(("file", "name", "place"), TABLES)
def test_the_page_says_what_the_catalogue_says(file: str, name: str, place: str | None) -> None:
    zh, en = table(file, name, "zh"), table(file, name, "en")
    assert zh and zh.keys() == en.keys()
    page = {code: (MATTERS.get(zh[code], zh[code]), en[code].lower()) for code in zh}
    known = {code: stage_said(None, code) if name == "stage" else said(code, place) for code in page}
    assert page == {code: (in_zh, in_en.lower()) for code, (in_zh, in_en) in known.items()}


def test_the_page_calls_figures_of_conditions_what_alerts_calls_them() -> None:
    zh, en = (table("alerts/figures.ts", "figure", language) for language in ("zh", "en"))
    assert zh == {figure.name.replace(".", "_"): figure.zh for figure in FIGURES.values()}
    assert en == {figure.name.replace(".", "_"): figure.en for figure in FIGURES.values()}
