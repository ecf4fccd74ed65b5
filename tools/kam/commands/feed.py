"""``kam feed``, ``kam file deliver`` and ``list``, ``kam wait``: what comes in, and waiting until it is done."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from kam import delivery, feeding, render
from kam.client import Client
from kam.commands.common import Data, Json, fail, print_json
from kam.settle import until_settled

SETTLE_SECONDS = 600.0
NoWait = Annotated[bool, typer.Option("--no-wait", help="不等处理完 / don't wait until all is settled")]
Timeout = Annotated[float, typer.Option("--timeout", min=0, help="最多等几秒 / seconds to wait at most")]


def feed(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.jsonl", help="每行一个 CloudEvent / one CloudEvent a line; - stdin")
    ],
    via: Annotated[str, typer.Option("--via", help="http | kafka")] = "http",
    no_wait: NoWait = False,
    timeout: Timeout = SETTLE_SECONDS,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """送入 BOSS 事件 / feed BOSS events; prints one receipt an event."""
    if via not in ("http", "kafka"):
        raise typer.BadParameter("http | kafka", param_hint="--via")
    try:
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        fail(f"读不了 {file}：{error.strerror}", f"can't read {file}: {error.strerror}", 2)
    events, receipts = feeding.read_lines(text.split(b"\n"))
    client = Client.of(data)
    if via == "http":
        receipts.update(feeding.over_http(client, events))
    else:
        receipts.update(feeding.over_kafka(client.description["kafka"], events))
    if not no_wait:
        until_settled(client, timeout)
    show_receipts([receipts[index] for index in sorted(receipts)], as_json)
    if via == "kafka" and not as_json:
        print("Kafka 已收下；其中拒收的见 kam dlq list / Kafka has them; those refused: kam dlq list")


def show_receipts(receipts: list[dict[str, Any]], as_json: bool) -> None:
    """Receipts of events: all as JSON; for people the counts and what was rejected."""
    if as_json:
        print_json(receipts)
        return
    counts = Counter(str(receipt.get("status")) for receipt in receipts)
    said = "，".join(f"{render.word(status)} {n}" for status, n in counts.items()) or "空文件 / the file is empty"
    print(f"{len(receipts)} 个事件 / events：{said}")
    rejected = [receipt for receipt in receipts if receipt.get("status") == "rejected"]
    if rejected:
        columns = [(name, render.pick(name)) for name in ("source", "id", "field", "reason")]
        render.table("拒收 / rejected", columns, rejected, "")


def deliver(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help="文件对的 .dat.gz（.chk 一并送）/ the pairs")],
    baseline: Annotated[
        bool,
        typer.Option(
            "--baseline", help="首次装载：预警与工单照常，不发短信 / a first load: alerts and work, no SMS of it"
        ),
    ] = False,
    no_wait: NoWait = False,
    timeout: Timeout = 3600.0,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """把夜间文件对放进收件箱 / put nightly file pairs into the inbox; prints one receipt a pair."""
    known = delivery.pairs(paths)
    client = Client.of(data)
    began = delivery.deliver(client, known, baseline=baseline)
    with _progress(len(known)) as progress:
        receipts = delivery.receipts(client, [pair.name for pair in known], began, timeout, progress)
    if not no_wait:
        until_settled(client, timeout)
    if as_json:
        print_json(receipts)
    else:
        columns = [
            ("文件 file", render.pick("file")),
            ("结果 result", render.pick("result", partial(render.word, place="file"))),
            *(
                (heading, render.pick(name))
                for heading, name in (
                    ("行 read", "rows_read"),
                    ("入库 loaded", "loaded"),
                    ("未变 unchanged", "unchanged"),
                    ("过时 stale", "stale"),
                    ("拒收 rejected", "rejected"),
                    ("未知客户 unknown", "unknown_customer"),
                )
            ),
            ("金额 amount", render.pick("amount", render.money)),
            ("说明 reason", _reason),
        ]
        render.table("回执 / receipts", columns, receipts, "")


def _reason(row: render.Row) -> str:
    """Why, in both languages; nothing where all is well."""
    return " / ".join(said for said in (row.get("reason_zh"), row.get("reason_en")) if said) or "–"


def list_files(data: Data = None, as_json: Json = False) -> None:
    """收件箱里有什么 / what lies in the inbox: being loaded, queued, waiting for its .chk, stuck."""
    client = Client.of(data)
    found = Client.checked(client.call("GET", "billing-sync", "/v1/files", patience=30.0))
    if as_json:
        print_json(found)
        return
    columns = [
        ("文件 file", render.pick("file")),
        ("状态 state", render.pick("result", partial(render.word, place="file"))),
        ("秒 seconds", render.pick("seconds")),
        ("% percent", render.pick("percent")),
        ("说明 reason", _reason),
    ]
    render.table("收件箱 / inbox", columns, found, "收件箱是空的 / the inbox is empty")


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int, str], None]]:
    """Progress on stderr: a bar on a terminal, plain lines elsewhere."""
    if not sys.stderr.isatty():
        said = [-1]

        def line(done: int, text: str) -> None:
            if done != said[0]:
                print(f"{done}/{total} {text}", file=sys.stderr, flush=True)
            said[0] = done

        yield line
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("等待回执 / waiting for receipts", total=total)
        yield lambda done, text: bar.update(task, completed=done, description=text)


def wait(timeout: Timeout = SETTLE_SECONDS, data: Data = None, as_json: Json = False) -> None:
    """等到一切处理完 / wait until inbox, lags, outboxes, due timers and SMS allowed to go are drained."""
    answer = until_settled(Client.of(data), timeout)
    if as_json:
        print_json({"settled": True, **answer})
    else:
        print("已全部处理完 / settled")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(feed)
    app.command()(wait)
    file = typer.Typer(no_args_is_help=True, help="夜间文件 / nightly files")
    file.command("deliver")(deliver)
    file.command("list")(list_files)
    app.add_typer(file, name="file")
