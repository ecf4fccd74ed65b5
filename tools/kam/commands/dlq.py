"""``kam dlq``: dead letters; ``kam topics``: the broker's topics against their contracts."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kam import render
from kam.commands.common import Data, Json, fail, print_json
from kam.instance import require
from kam.render import pick

Topic = Annotated[str | None, typer.Option("--topic", help="只看这个主题 / only of this topic")]
App = Annotated[str | None, typer.Option("--service", help="只看这个应用 / only of this app, e.g. alerts-detect")]


def _letters(data: Any, topic: str | None, service: str | None) -> tuple[str, list[Any]]:
    import asyncio

    from kam import dead_letters

    bootstrap = str(require(data)["kafka"])
    found = asyncio.run(dead_letters.waiting(bootstrap))
    return bootstrap, [
        letter for letter in found if topic in (None, letter.topic) and service in (None, letter.service)
    ]


def list_(topic: Topic = None, service: App = None, data: Data = None, as_json: Json = False) -> None:
    """没处理成的消息 / dead letters that wait for a replay."""
    _, found = _letters(data, topic, service)
    rows = [letter.summary() for letter in found]
    if as_json:
        print_json(rows)
        return
    columns = [
        ("时间 at", pick("at", render.moment)),
        ("应用 service", pick("service")),
        ("类型 type", pick("type")),
        ("错误 error", pick("error")),
        ("原因 reason", pick("reason")),
        ("重放 replays", lambda row: f"{row['replays']}{' 隔离 quarantined' if row['quarantined'] else ''}"),
        ("编号 id", pick("id")),
    ]
    render.table("死信 / dead letters", columns, rows, "没有死信 / no dead letters: everything has been handled")


def show(
    id: Annotated[str, typer.Argument(metavar="ID", help="主题/分区/位移 / topic/partition/offset")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """一条死信的全部 / everything of one dead letter."""
    _, found = _letters(data, None, None)
    letter = next((letter for letter in found if letter.id == id), None)
    if letter is None:
        fail(f"没有这条死信：{id}；看 kam dlq list", f"no such dead letter: {id}; see kam dlq list")
    if as_json:
        print_json(letter.whole())
    else:
        render.fields(f"死信 / dead letter {id}", letter.whole())


def replay(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID…]", help="不写则全部 / all when none is named")
    ] = None,
    topic: Topic = None,
    service: App = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只说会做什么 / only say what would be done")] = False,
    max_: Annotated[int, typer.Option("--max", min=1, help="最多几条 / at most so many")] = 100,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """重放死信 / replay dead letters, oldest first, each for the app that failed."""
    import asyncio

    from kam import dead_letters

    bootstrap, found = _letters(data, topic, service)
    if ids:
        known = {letter.id: letter for letter in found}
        unknown = [id_ for id_ in ids if id_ not in known]
        if unknown:
            fail(f"没有这些死信：{'、'.join(unknown)}", f"no such dead letters: {', '.join(unknown)}; see kam dlq list")
        found = [known[id_] for id_ in dict.fromkeys(ids)]
    allowed = [letter for letter in found if not letter.summary()["quarantined"]]
    chosen = allowed[:max_]
    quarantined = [letter.id for letter in found if letter.summary()["quarantined"]]
    done = [letter.id for letter in chosen]
    if not dry_run and chosen:
        done, late = asyncio.run(dead_letters.replay(bootstrap, chosen))
        quarantined += late
    left = len(allowed) - len(chosen)
    if as_json:
        print_json({"dry_run": dry_run, "replayed": done, "quarantined": quarantined, "left": left})
        return
    verb = "将重放 / would replay" if dry_run else "已重放 / replayed"
    print(f"{verb}: {len(done)} · 隔离 / quarantined: {len(quarantined)} · 还剩 / left: {left}")
    for id_ in done:
        print(f"  {id_}")


def topics(data: Data = None, as_json: Json = False) -> None:
    """主题与契约是否一致 / the broker's topics against schemas/topics; exit 1 when they differ."""
    import asyncio

    from kam import dead_letters
    from kam.embedded.topics import declared

    description = require(data)
    have = asyncio.run(dead_letters.partitions(str(description["kafka"])))
    wanted = {topic.name: topic.partitions for topic in declared(int(description["partitions"]))}
    rows = []
    for name in sorted({*wanted, *have}):
        state = "ok"
        if name not in have:
            state = "missing"
        elif name not in wanted:
            state = "undeclared"
        elif have[name] != wanted[name]:
            state = "partitions"
        rows.append({"topic": name, "state": state, "partitions": have.get(name), "declared": wanted.get(name)})
    if as_json:
        print_json(rows)
    else:
        words = {"ok": "一致 ok", "missing": "缺少 missing", "undeclared": "无契约 no contract"}
        columns: list[render.Column] = [
            ("主题 topic", pick("topic")),
            ("状态 state", lambda row: words.get(row["state"], "分区数不符 wrong partitions")),
            ("分区 partitions", pick("partitions")),
            ("契约 declared", pick("declared")),
        ]
        render.table("主题 / topics", columns, rows, "没有主题 / no topics")
    raise typer.Exit(1 if any(row["state"] in ("missing", "partitions") for row in rows) else 0)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(no_args_is_help=True, help="死信 / dead letters")
    group.command("list")(list_)
    group.command("show")(show)
    group.command("replay")(replay)
    app.add_typer(group, name="dlq")
    app.command()(topics)
