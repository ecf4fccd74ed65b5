"""A document as people write it, YAML or JSON, into plain values.

YAML as of version 1.2: there ``on:`` is a word and not *true*, ``op: =`` a text, and only ``true`` and ``false`` are
booleans. What a reader of YAML does silently is a fault here: a name that stands twice, aliases (a few lines of them
make millions of values), tags (``!!binary``: values no document has), a day or a fraction where nobody wrote quotes.
"""

import re
from collections.abc import Hashable
from typing import Any

import yaml
from yaml.nodes import MappingNode

from contracts.documents import MOST_BYTES
from servicekit.documents.fault import Fault
from servicekit.words import Text

_CORE = (
    ("null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    ("bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    ("int", re.compile(r"^[-+]?(?:0|[1-9][0-9]{0,18})$"), list("-+0123456789")),
    ("float", re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?$"), list("-+.0123456789")),
)


#: a field as an input method for Chinese writes it
_WIDE_COLON = re.compile(r"\s*(?:- )?[{]?\w+：")


class _Reader(yaml.SafeLoader):
    """The safe loader with the words of YAML 1.2, without aliases and tags, with names that stand once."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - the library's own way

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise _Unfit(event.start_mark, "不支持别名（*名称），请写全", "there are no aliases (*name): write it out")
        if getattr(event, "tag", None) is not None:
            raise _Unfit(event.start_mark, "不支持类型标记（!!名称），请删去", "there are no tags (!!name): remove it")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if not isinstance(name, str):
                raise _Unfit(key.start_mark, "字段名应为文本", "the name of a field is a text")
            if name in seen:
                raise _Unfit(
                    key.start_mark, f"“{name[:50]}”写了不止一次，留一个", f"{name[:50]!r} stands twice: keep one"
                )
            seen.add(name)
        return super().construct_mapping(node, deep=deep)


for _tag, _pattern, _first in _CORE:
    _Reader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, _first)


class _Unfit(yaml.MarkedYAMLError):
    def __init__(self, mark: Any, zh: str, en: str) -> None:
        super().__init__(problem=en, problem_mark=mark)
        self.zh, self.en = zh, en


def read_text(text: str, most: int = MOST_BYTES) -> tuple[dict[str, Any] | None, list[Fault]]:
    """The document in a text of at most so many octets, None with the fault where there is none."""
    if len(text.encode(errors="replace")) > most:
        kib = most >> 10
        return None, [Fault("", f"文档超过 {kib} KiB，请拆分", f"longer than {kib} KiB: take it apart")]
    try:
        found = yaml.load(text, _Reader)
    except _Unfit as error:
        return None, [_at(error, error.zh, error.en)]
    except yaml.MarkedYAMLError as error:
        return None, [_at(error, *_meant(error, text))]
    except (yaml.YAMLError, RecursionError, ValueError):
        return None, [
            Fault("", "无法读作 YAML：有不可见字符，或嵌套过深", "not YAML: a character nobody sees, or too deep")
        ]
    if not isinstance(found, dict):
        return None, [Fault("", "文档应为“字段: 值”各行", "a document is lines of `field: value`")]
    return found, []


def _meant(error: yaml.MarkedYAMLError, text: str) -> Text:
    """What people mostly did where the library finds no YAML."""
    problem, mark = error.problem or "?", error.problem_mark
    lines = [] if mark is None else text.splitlines()[max(0, mark.line - 1) : mark.line + 1]
    if any(_WIDE_COLON.match(line) for line in lines):
        return (
            "这一行或上一行的冒号是全角“：”，请改为半角“: ”，后面留空格",
            "this line, or the one before it, has a full-width colon: write `: ` with a blank behind it",
        )
    if r"'\t'" in problem:
        return "请用空格缩进，不用制表符", "indent with blanks, not with tabs"
    if "another document" in problem:
        return "文件里不止一份文档（---），请一份一个文件", "more than one document (---): a file for each"
    return f"不是正确的 YAML，请检查缩进、引号和括号（{problem}）", (
        f"this is not YAML: look at indents, quotes and brackets ({problem})"
    )


def _at(error: yaml.MarkedYAMLError, zh: str, en: str) -> Fault:
    mark = error.problem_mark
    if mark is None:
        return Fault("", zh, en)
    return Fault("", f"第 {mark.line + 1} 行：{zh}", f"line {mark.line + 1}: {en}")
