"""What every command shares: the options --data and --json, and how results and failures are printed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from kam.failure import FAILED, MISUSE, Failed, Misused

Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="实例的数据目录 / data directory of the instance [KAM_DATA, ./.kam]"),
]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]
_PERIOD = re.compile(r"[12][0-9]{3}(0[1-9]|1[0-2])")


def _said(why: str) -> str:
    if not why.strip():
        raise typer.BadParameter("请写原因，供以后查看 / say why: people read it later")
    return why


Why = Annotated[
    str,
    typer.Option(
        "--why", metavar="TEXT", callback=_said, help="为什么，写入历史与审计 / why: it is in the history and the audit"
    ),
]


def a_period(value: str | None) -> str | None:
    """Callback of an option that is a calendar month."""
    if value is not None and not _PERIOD.fullmatch(value):
        raise typer.BadParameter("月份写作 202601 / a month as 202601")
    return value


def print_json(value: Any) -> None:
    """One JSON document on stdout, Chinese as it is."""
    print(json.dumps(value, ensure_ascii=False, indent=1), flush=True)


def fail(zh: str, en: str, status: int = FAILED) -> NoReturn:
    """End the command: *zh* and *en* say why and what to do."""
    raise Failed(zh, en, status) if status != MISUSE else Misused(zh, en)
