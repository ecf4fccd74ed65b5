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

_CORE = (
    ("null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    ("bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    ("int", re.compile(r"^[-+]?(?:0|[1-9][0-9]{0,18})$"), list("-+0123456789")),
    ("float", re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?$"), list("-+.0123456789")),
)


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
        problem = error.problem or "?"
        return None, [_at(error, f"不是正确的 YAML：{problem}", f"this is not YAML: {problem}")]
    except (yaml.YAMLError, RecursionError, ValueError):
        return None, [
            Fault("", "无法读作 YAML：有不可见字符，或嵌套过深", "not YAML: a character nobody sees, or too deep")
        ]
    if not isinstance(found, dict):
        return None, [Fault("", "文档应为“字段: 值”各行", "a document is lines of `field: value`")]
    return found, []


def _at(error: yaml.MarkedYAMLError, zh: str, en: str) -> Fault:
    mark = error.problem_mark
    if mark is None:
        return Fault("", zh, en)
    return Fault("", f"第 {mark.line + 1} 行：{zh}", f"line {mark.line + 1}: {en}")
