"""What every command shares: the options --data and --json, and how results and failures are printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from kam.failure import FAILED, MISUSE, Failed, Misused

Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="实例的数据目录 / data directory of the instance [KAM_DATA, ./.kam]"),
]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]


def print_json(value: Any) -> None:
    """One JSON document on stdout, Chinese as it is."""
    print(json.dumps(value, ensure_ascii=False, indent=1), flush=True)


def fail(zh: str, en: str, status: int = FAILED) -> NoReturn:
    """End the command: *zh* and *en* say why and what to do."""
    raise Failed(zh, en, status) if status != MISUSE else Misused(zh, en)
