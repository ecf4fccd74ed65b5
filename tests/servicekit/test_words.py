"""Words for people come from one catalogue: no two translations, no two maskers, no two ways to write an amount."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts import alert
from kam import render
from servicekit.words import WORDS, money, period_said, said, stage_said, yuan

ROOT = Path(__file__).parents[2]
CODE = [path for room in ("tools", "libs", "schemas", "services") for path in sorted((ROOT / room).rglob("*.py"))]
CATALOGUE = ROOT / "libs" / "servicekit" / "servicekit" / "words.py"
#: what simulated customers say of a code, which is no word for it
SAYINGS = ROOT / "tools" / "kam" / "sim" / "boss" / "people.py"
PERSONAL = CATALOGUE.with_name("personal.py")
TEXTS = [
    *CODE, *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "services").rglob("*.md"),
    *(ROOT / "services").rglob("*.yaml"),
]  # fmt: skip
#: the word of the house, and those that mean the same and are not used
SYNONYMS = {
    "合约": ("合同",), "预警": ("告警", "警报"), "工单": ("任务单",), "催缴": ("催收", "催费"),
    "客户经理": ("客户主管", "客服经理"), "欠费": ("欠款", "拖欠"), "短信": ("简讯",), "死信": ("废信",),
    "离网": ("脱网",),
}  # fmt: skip
#: an entry of a dictionary: "code": "word" or "code": ("word", …)
ENTRY = re.compile(r'"(\w+)":\s*\(?\s*"([^"]*)"')
CHINESE = re.compile("[一-鿿]")
#: what is said about a code is a sentence, and no word for it
SENTENCE = re.compile("[，。：；]")


@pytest.mark.parametrize("word", SYNONYMS)
def test_one_thing_has_one_name(word: str) -> None:
    for path in TEXTS:
        for other in SYNONYMS[word]:
            assert other not in path.read_text(), f"{path.relative_to(ROOT)}: {other}; the word of the house is {word}"


def _said_elsewhere() -> Iterator[tuple[str, str, str]]:
    """(where, code, Chinese) of every dictionary outside of the catalogue that gives a code of it a Chinese word."""
    for path in CODE:
        if path in (CATALOGUE, SAYINGS):
            continue
        for code, said_here in ENTRY.findall(path.read_text()):
            if code in WORDS and CHINESE.search(said_here) and not SENTENCE.search(said_here):
                yield str(path.relative_to(ROOT)), code, said_here


def test_no_room_has_words_of_its_own_for_a_code_of_the_catalogue() -> None:
    assert not list(_said_elsewhere())


def test_amounts_and_masks_are_written_in_one_place() -> None:
    for path in CODE:
        text = path.read_text()
        assert path == CATALOGUE or not ("// 100" in text and "% 100" in text), f"{path}: servicekit.words.yuan"
        assert path == PERSONAL or '"****' not in text, f"{path}: servicekit.personal.mask"


def test_every_state_and_outcome_has_words() -> None:
    for kinds in (alert.AlertState, alert.Severity, alert.WorkState, alert.SmsState, alert.ManagerOutcome):
        for code in kinds.__args__:
            zh, en = said(code)
            assert CHINESE.search(zh) and not CHINESE.search(en)
            assert render.word(code) == f"{zh} {code}"
    assert said("brand_new") == ("brand_new", "brand_new") and render.word("brand_new") == "brand_new"


def test_a_stage_is_called_by_the_kind_of_alert_that_it_is_of() -> None:
    assert stage_said("arrears", "opened") == ("新欠", "new debt")
    assert stage_said("complaint_opened", "opened") == said("opened") == ("已登记", "opened")
    assert stage_said("contract_expiring", "30") == ("剩 30 天内", "within 30 days")
    assert (
        render.stage({"kind": "arrears", "stage": "opened"}) == "新欠 opened" and render.stage({"stage": None}) == "–"
    )


@pytest.mark.parametrize(
    ("fen", "text"), [(12345, "123.45"), (5, "0.05"), (100, "1.00"), (0, "0.00"), (-5, "-0.05"), (10**9, "10000000.00")]
)
def test_amounts(fen: int, text: str) -> None:
    assert yuan(fen) == render.money(fen) == text


@pytest.mark.parametrize("table", ["severity", "alertState", "complaintAbout", "smsState", "workState"])
def test_the_page_and_the_command_line_say_the_same(table: str) -> None:
    text = (ROOT / "services" / "gateway" / "web" / "src" / "i18n" / "zh.ts").read_text()
    found = re.search(rf"^  {table}: {{(.*?)}}", text, re.MULTILINE | re.DOTALL)
    assert found
    said_there = dict(re.findall(r'(\w+): "([^"]+)"', found[1]))
    assert said_there
    different = {code: (zh, said(code)[0]) for code, zh in said_there.items() if said(code)[0] != zh}
    # these are said of complaints, of events that came in, and of SMS as well
    assert different.keys() <= {"closed", "accepted", "suppressed"}, different


def test_severity_has_the_same_english_words_on_the_page() -> None:
    text = (ROOT / "services" / "gateway" / "web" / "src" / "i18n" / "en.ts").read_text()
    found = re.search(r"^  severity: {(.*?)}", text, re.MULTILINE)
    assert found
    said_there = dict(re.findall(r'(\w+): "([^"]+)"', found[1]))
    assert {code: said(code)[1] for code in said_there} == {code: word.lower() for code, word in said_there.items()}


@pytest.mark.parametrize(
    ("fen", "text"), [(123456, "¥1,234.56"), (-1200, "−¥12.00"), (0, "¥0.00"), (5, "¥0.05"), (-5, "−¥0.05")]
)
def test_money_as_the_page_shows_it(fen: int, text: str) -> None:
    assert money(fen) == text


@pytest.mark.parametrize(
    ("period", "texts"),
    [
        ("202610", ("2026年10月", "Oct 2026")),
        ("202601", ("2026年1月", "Jan 2026")),
        ("202613", ("202613", "202613")),
        ("None", ("None", "None")),
    ],
)
def test_months_as_the_page_shows_them(period: str, texts: tuple[str, str]) -> None:
    assert period_said(period) == texts
