"""Documents that staff change, version by version: the same commands for every kind (rules, texts, SMS policy)."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from kam import render
from kam.client import Answer, Client, segment
from kam.commands.common import Data, Json, Why, print_json
from kam.failure import Failed, Misused
from kam.render import pick

Id = Annotated[str, typer.Argument(metavar="ID", help="编号 / its id, e.g. drop-30")]
_STATES = {
    "draft": "草稿",
    "scheduled": "待生效",
    "shadow": "影子运行",
    "active": "启用中",
    "retired": "已替换",
    "stopped": "已停用",
}
#: no document has more versions
_HIGHEST = 10**9 - 1
_UNPROCESSABLE, _TOO_LARGE, _NOT_FOUND = 422, 413, 404


class Versions:
    """Commands of one kind. ``path``: where the gateway has it; ``columns``: what a list shows besides; ``kind``:
    as services call it."""

    def __init__(self, path: str, title: str, columns: Sequence[render.Column], kind: str = "rule") -> None:
        self._path, self._title, self._kind = path, title, kind
        self._columns: list[render.Column] = [
            ("编号 id", pick("id")),
            ("版本 version", pick("version")),
            ("状态 state", pick("state", lambda state: f"{_STATES.get(state, state)} {state}")),
            *columns,
            ("生效 active from", pick("active_from", _since)),
            ("谁 author", pick("author")),
            ("为什么 why", pick("why")),
        ]

    def group(self, help: str) -> typer.Typer:
        """All of them."""
        group = typer.Typer(no_args_is_help=True, help=help)
        for name, command in (
            ("list", self.list_),
            ("show", self.show),
            ("diff", self.diff),
            ("save", self.save),
            ("activate", self.activate),
            ("rollback", self.rollback),
            ("stop", self.stop),
        ):
            group.command(name)(command)
        return group

    def list_(self, data: Data = None, as_json: Json = False) -> None:
        """所有版本 / all versions."""
        found = Client.of(data).get("gateway", self._path)
        if as_json:
            print_json(found)
        else:
            render.table(self._title, self._columns, found, "没有 / none")
            for version in found:
                if version["state"] in ("active", "scheduled"):
                    _warn(version)

    def show(
        self,
        id: Id,
        version: Annotated[int | None, typer.Option("--version", min=1, metavar="N", help="哪一版 / which one")] = None,
        data: Data = None,
        as_json: Json = False,
    ) -> None:
        """一份，缺省最新一版 / one of them, its newest version unless told otherwise; as `save` takes it."""
        found = Client.of(data).get("gateway", f"{self._path}/{segment(id)}", version=version)
        if as_json:
            print_json(found)
            return
        import yaml

        # A reason of several lines is still one comment: the next line would be read as the document.
        why = " ".join(found["why"].split())
        print(f"# {found['id']} v{found['version']} · {_said(found)} · {found['author']}: {why}")
        # The version it is, so that who saves it edited is told where somebody was faster.
        written = {"version": found["version"], **found["document"]}
        print(yaml.safe_dump(written, allow_unicode=True, sort_keys=False), end="")

    def diff(
        self,
        id: Id,
        before: Annotated[int, typer.Argument(min=1, metavar="A", help="从哪一版 / from this version")],
        after: Annotated[int, typer.Argument(min=1, metavar="B", help="到哪一版 / to this one")],
        data: Data = None,
        as_json: Json = False,
    ) -> None:
        """两版之间改了什么 / what has changed from one version to another."""
        found = Client.of(data).get("gateway", f"{self._path}/{segment(id)}/difference", before=before, after=after)
        if as_json:
            print_json(found)
        elif found:
            for sentence in found:
                print(f"{sentence['zh']} / {sentence['en']}")
        else:
            print("没有改动 / nothing has changed")

    def save(
        self,
        file: Annotated[Path, typer.Argument(metavar="FILE.yaml", help="文件 / as `show` prints it")],
        why: Why,
        data: Data = None,
        as_json: Json = False,
    ) -> None:
        """存为下一版草稿 / save as the next version, a draft.

        文件里的 version 是据以修改的版本，别人已存过更新的就不存；没有则以最新一版为据 / a `version` in the
        file is the one it was made from: nothing is saved where somebody has saved a newer one; without it the newest
        is taken
        """
        document = _read(file, self._kind)
        client = Client.of(data)
        made_from = _version(file, document)
        path = f"{self._path}/{segment(str(document['id']))}"
        if made_from is None:
            there = client.call("GET", "gateway", path)
            if there.status != _NOT_FOUND:
                newest = client.checked(there)
                made_from, author = newest["version"], newest["author"]
                zh = f"文件没有 version，以最新的第 {made_from} 版（{author}）为据"
                print(f"{zh} / no version in the file: taken as made from v{made_from} by {author}", file=sys.stderr)
        self._change(client, "PUT", path, {"document": document, "why": why}, as_json, made_from)

    def activate(
        self,
        id: Id,
        version: Annotated[int, typer.Argument(min=1, metavar="VERSION", help="哪一版 / which one")],
        why: Why,
        on: Annotated[
            str | None,
            typer.Option("--on", metavar="DATE", help="从此业务日起 / from this business day on: 2026-06-30"),
        ] = None,
        shadow: Annotated[bool, typer.Option("--shadow", help="只给分析员看 / for analysts alone")] = False,
        data: Data = None,
        as_json: Json = False,
    ) -> None:
        """启用一版 / put a version in force, for every record behind it; what is open keeps its version."""
        if on is not None:
            try:
                on = date.fromisoformat(on).isoformat()  # 20260630 and 2026-W27-2 are days as well
            except ValueError:
                raise typer.BadParameter("2026-06-30", param_hint="--on") from None
        asked = {"why": why, "shadow": shadow, **({} if on is None else {"on": on})}
        self._change(Client.of(data), "POST", f"{self._path}/{segment(id)}/versions/{version}/activate", asked, as_json)

    def rollback(self, id: Id, why: Why, data: Data = None, as_json: Json = False) -> None:
        """退回此前生效的内容 / put in force what was so before, as a new version."""
        self._change(Client.of(data), "POST", f"{self._path}/{segment(id)}/rollback", {"why": why}, as_json)

    def stop(
        self,
        id: Id,
        why: Why,
        shadow: Annotated[
            bool, typer.Option("--shadow", help="只停影子运行的一版 / only the version that runs in shadow")
        ] = False,
        data: Data = None,
        as_json: Json = False,
    ) -> None:
        """停用，已有的照旧；规则和模板的短信随即停发，再启用即恢复 / nothing new comes of it; what is open stays,
        and SMS of a rule or a text are held until it is activated again."""
        asked = {"why": why, **({"shadow": True} if shadow else {})}
        self._change(Client.of(data), "POST", f"{self._path}/{segment(id)}/stop", asked, as_json)

    def _change(
        self, client: Client, method: str, path: str, asked: Any, as_json: bool, made_from: int | None = None
    ) -> None:
        headers = {} if made_from is None else {"If-Match": f'"{made_from}"'}
        body = json.dumps(asked, ensure_ascii=False, default=str).encode()
        found = _taken(client, client.call(method, "gateway", path, body, headers=headers))
        if as_json:
            print_json(found)
        else:
            print(f"{found['id']} v{found['version']}：{_said(found)}")
            _warn(found)


def _taken(client: Client, answer: Answer) -> Any:
    """The body of a good answer. Raises ``Failed``: what is wrong with a document is no misuse of the command."""
    if answer.status in (_UNPROCESSABLE, _TOO_LARGE) and isinstance(answer.data, dict):
        faults = answer.data.get("faults") or []
        lines = [f"{fault['field'] or 'document'}：{fault['zh']} / {fault['en']}" for fault in faults]
        more = {name: answer.data[name] for name in ("field", "faults") if answer.data.get(name)}
        raise Failed(*answer.problem(), more=more, lines=lines)
    return client.checked(answer)


def _read(file: Path, kind: str) -> dict[str, Any]:
    """A document of a file. Raises ``Misused`` where there is none, ``Failed`` for one that can't be read."""
    from contracts.documents import most_bytes
    from servicekit.documents.document_text import read_text

    try:
        found, faults = read_text(file.read_text(encoding="utf-8"), most_bytes(kind))
        json.dumps(found, ensure_ascii=False).encode()
    except FileNotFoundError:
        raise Misused(f"没有文件 {file}", f"there is no file {file}") from None
    except OSError as error:
        raise Misused(f"读不了 {file}：{error.strerror}", f"{file} can't be read: {error.strerror}") from None
    except UnicodeEncodeError:
        raise _unreadable(
            f"{file}：有不是文字的字符（\\ud800 之类），请删去",
            f"{file}: holds what is no text (such as \\ud800): remove it",
        ) from None
    except UnicodeDecodeError:
        raise _unreadable(f"{file}：不是 UTF-8，请另存为 UTF-8", f"{file}: not UTF-8: save it as UTF-8") from None
    if found is None:
        raise _unreadable(f"{file}：{faults[0].zh}", f"{file}: {faults[0].en}")
    if not found.get("id"):
        raise _unreadable(f"{file}：应为一份带 id 的文档", f"{file}: must hold one document with its id")
    return found


def _version(file: Path, document: dict[str, Any]) -> int | None:
    """The version it was made from, taken out of the document; None where it says none."""
    found = document.pop("version", None)
    if found is not None and (type(found) is not int or not 1 <= found <= _HIGHEST):
        raise _unreadable(
            f"{file}：version 应为 1 起的整数，如 3，或不写",
            f"{file}: version must be a whole number from 1 on, such as 3, or left out",
        )
    return found


def _unreadable(zh: str, en: str) -> Failed:
    return Failed(zh, en, more={"field": "document"})


def _said(found: dict[str, Any]) -> str:
    state = str(found["state"])
    return f"{_STATES.get(state, state)} {state}"


def _warn(found: dict[str, Any]) -> None:
    """What is not wrong, and should be looked at."""
    for warning in found.get("warnings", ()):
        print(f"{found['id']}：{warning['zh']} / {warning['en']}", file=sys.stderr)


def _since(at: Any) -> str:
    return render.moment(at) if "T" in str(at) else str(at or "–")
