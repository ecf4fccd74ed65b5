"""What search finds a name by: a prefix of any of its words, of their tails, and of how these are said in pinyin. Pure.

王小明 is found by 王小明, 小明, 明, by wangxiaoming, xiaoming, by wxm, xm, and by wangxm. SQLite's trigram tokenizer
would find no name of two characters.
"""

import unicodedata
from collections.abc import Iterator

from pypinyin import Style, lazy_pinyin, pinyin

#: how surnames are read that are otherwise in other words
_READ = (
    "曾zeng 单shan 仇qiu 解xie 朴piao 查zha 区ou 翟zhai 缪miao 冼xian 覃qin 盖ge 尉yu 乐yue 召shao 种chong 员yun 繁po"
)
_SURNAMES = {pair[0]: pair[1:] for pair in _READ.split(" ")}
#: characters of a name that are looked at, of a word that is kept, of one in letters, and readings of a first character
_NAME, _WORD, _LETTERS, _READINGS = 64, 12, 24, 3
#: names this long are no person's
_PERSON = 5


def words_of(text: str) -> list[str]:
    """Words in one way of writing: no case, no width, no punctuation."""
    plain = unicodedata.normalize("NFKC", text[:_NAME]).casefold()[:_NAME]
    return "".join(c if unicodedata.category(c)[0] in "LN" else " " for c in plain).split()


def search_words(name: str | None) -> str:
    """The words that a name is found by the beginnings of, with spaces between them."""
    return " ".join(dict.fromkeys(w for word in words_of(name or "") for w in _forms(word)))


def asked_words(text: str) -> list[str]:
    """What was typed, as beginnings of such words; empty where nothing can be found by it."""
    return [word[: _LETTERS if word.isascii() else _WORD] for word in words_of(text)]


def sort_form(name: str | None) -> str:
    """By what names are put in order: as they are said."""
    return "".join(_read("".join(words_of(name or ""))))[:_LETTERS]


def _forms(word: str) -> Iterator[str]:
    if word.isascii():
        yield word[:_LETTERS]
        return
    said = _read(word)
    for start in range(len(word)):
        yield word[start : start + _WORD]
    for start in range(len(said)):
        yield from _said(said[start:])
    # Whoever does not know which reading is the name's finds it too.
    for reading in pinyin(word[0], style=Style.NORMAL, heteronym=True)[0][:_READINGS]:
        yield from _said([reading, *said[1:]])


def _read(word: str) -> list[str]:
    """Syllables, those of a word that is read as a whole together (重庆 is chong qing, 重 alone zhong)."""
    syllables = lazy_pinyin(word)
    return [_SURNAMES.get(word[0], syllables[0]), *syllables[1:]] if 0 < len(word) < _PERSON else syllables


def _said(syllables: list[str]) -> Iterator[str]:
    """In full, by initials, and the surname in full before the initials of the rest."""
    initials = "".join(s[0] for s in syllables)
    yield "".join(syllables)[:_LETTERS]
    yield initials[:_WORD]
    yield (syllables[0] + initials[1:])[:_LETTERS]
