"""What every command shares: the options --data and --json, and how results and failures are printed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="实例的数据目录 / data directory of the instance [KAM_DATA, ./.kam]"),
]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]


def print_json(value: Any) -> None:
    """One JSON document on stdout, Chinese as it is."""
    print(json.dumps(value, ensure_ascii=False, indent=1), flush=True)


def fail(zh: str, en: str, status: int = 1) -> NoReturn:
    """Say why on stderr, Chinese first, and exit with *status*."""
    print(f"{zh}\n{en}", file=sys.stderr)
    raise typer.Exit(status)
