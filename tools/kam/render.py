"""How results look to people: Chinese first, times of Asia/Shanghai, money as 123.45. ``rich`` is loaded only here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from servicekit.words import stage_said, words_of, yuan

SHANGHAI = timezone(timedelta(hours=8))
Row = Mapping[str, Any]
Column = tuple[str, Callable[[Row], str]]
WIDE = 200
#: fields of nested records that only programs need
_MACHINES = ("customer_id", "event_id", "correlation", "recorded")


def word(value: Any, place: str | None = None) -> str:
    """Chinese word with its code; what has none stays as it is. ``place`` as in ``servicekit.words.SENSES``."""
    if value is None or value == "":
        return "–"
    text = str(value)
    words = words_of(place)
    return f"{words[text][0]} {text}" if text in words else text


def stage(row: Row) -> str:
    """The stage of an alert in Chinese, with its code."""
    code = row.get("stage")
    return f"{stage_said(row.get('kind'), code)[0]} {code}" if code else "–"


def moment(value: Any, form: str = "%m-%d %H:%M:%S") -> str:
    """An instant as local time, Asia/Shanghai; as it is where it is none, or at the edge of the calendar."""
    if not value:
        return "–"
    try:
        return datetime.fromisoformat(str(value)).astimezone(SHANGHAI).strftime(form)
    except (ValueError, OverflowError):
        return str(value)


def money(fen: Any) -> str:
    """Fen as yuan: 12345 -> 123.45, -5 -> -0.05."""
    if not isinstance(fen, int) or isinstance(fen, bool):
        return "–" if fen is None else str(fen)
    return yuan(fen)


def named(name: str, value: Any) -> str:
    """A field for people: money where the name says fen, yes and no in words."""
    if name.endswith("_fen"):
        return money(value)
    if isinstance(value, bool):
        return "是 yes" if value else "否 no"
    return "–" if value is None or value == "" else str(value)


def short(id_: Any) -> str:
    """First eight characters of an id; the commands understand them."""
    return "–" if not id_ else str(id_)[:8]


def pick(name: str, show: Callable[[Any], str] = lambda value: named("", value)) -> Callable[[Row], str]:
    """A cell from one field."""
    return lambda row: show(row.get(name))


def console() -> Any:
    """A rich console on stdout; wide enough for a table when it is not a terminal."""
    import sys

    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)


def table(title: str, columns: Sequence[Column], rows: Iterable[Row], empty: str) -> None:
    """A table on stdout; with no rows, the sentence that helps on."""
    known = list(rows)
    out = console()
    if not known:
        out.print(empty, markup=False)
        return
    from rich.table import Table

    view = Table(title=f"{title}（{len(known)}）", title_justify="left", header_style="bold")
    for heading, _ in columns:
        # An id must be in one piece, to be copied.
        view.add_column(heading, overflow="fold", no_wrap=heading.endswith(" id"))
    from rich.markup import escape

    for row in known:
        view.add_row(*(escape(show(row)) for _, show in columns))
    out.print(view)


def fields(title: str, record: Row) -> None:
    """A record as two columns; nested lists as their own tables, nested objects flattened by a dot."""
    out = console()
    from rich.markup import escape
    from rich.table import Table

    view = Table(title=title, title_justify="left", show_header=False)
    view.add_column(style="dim")
    view.add_column(overflow="fold")
    lists: list[tuple[str, list[Any]]] = []

    def add(prefix: str, value: Row) -> None:
        for name, item in value.items():
            if isinstance(item, Mapping):
                add(f"{prefix}{name}.", item)
            elif isinstance(item, list) and item and isinstance(item[0], Mapping):
                lists.append((prefix + name, item))
            elif isinstance(item, list):
                view.add_row(prefix + name, escape(", ".join(map(str, item)) or "–"))
            else:
                view.add_row(prefix + name, escape(named(name, item)))

    add("", record)
    out.print(view)
    for name, items in lists:
        columns = [key for key in dict.fromkeys(key for item in items for key in item) if key not in _MACHINES]
        table(name, [(key, _cell(key)) for key in columns], items, "")


def _cell(key: str) -> Callable[[Row], str]:
    def show(row: Row) -> str:
        value = row.get(key)
        if key.endswith("_at") or key in ("at", "time"):
            return moment(value)
        return named(key, value)

    return show


def chain(answer: Row) -> None:
    """The chain of facts behind an id as a tree, causes above what they caused."""
    out = console()
    links: list[Row] = list(answer.get("chain") or [])
    if not links:
        out.print(f"没有 {answer.get('id')} 的来龙去脉 / nothing is known of it", markup=False)
        return
    from rich.text import Text
    from rich.tree import Tree

    known = {link["id"] for link in links}
    root = Tree(Text(f"{answer.get('id')}", style="bold"))
    branches: dict[str, Tree] = {}
    waiting = links
    while waiting:
        left = []
        for link in waiting:
            causes = link.get("caused_by") or []
            cause = next((c for c in ([causes] if isinstance(causes, str) else causes) if c in known), None)
            if cause is not None and cause != link["id"] and cause not in branches:
                left.append(link)
                continue
            parent = branches[cause] if cause is not None and cause in branches else root
            branches[link["id"]] = parent.add(_link(link))
        if len(left) == len(waiting):
            for link in left:
                branches[link["id"]] = root.add(_link(link))
            left = []
        waiting = left
    out.print(root)


def _link(link: Row) -> Any:
    from rich.text import Text

    text = Text(str(link.get("summary_zh") or link.get("type")), style="bold")
    text.append(f"\n{link.get('summary_en') or ''}", style="not bold")
    text.append(
        f"\n{moment(link.get('at'))} · {link.get('service')} · {link.get('type')} · {link.get('id')}", style="dim"
    )
    return text
