"""The command ``kam``: assembles the command modules. Their heavy imports belong inside the commands."""

from __future__ import annotations

import importlib
import os
import sys

import typer

from kam.client import Failed
from kam.instance import NotRunning

#: modules with ``register(app: typer.Typer) -> None``; a module is listed here once it exists
COMMANDS = tuple(f"kam.commands.{name}" for name in ("lifecycle", "feed", "read", "sim", "dlq", "clock"))


def build() -> typer.Typer:
    """The typer application with the commands of every module."""
    app = typer.Typer(
        name="kam",
        help="大客户服务平台 / key-account service platform",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name in COMMANDS:
        importlib.import_module(name).register(app)
    return app


def main() -> None:
    """Entry point; exit status 0 done, 1 failed, 2 misuse."""
    try:
        build()()
    except NotRunning as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except Failed as error:
        print(error, file=sys.stderr)
        sys.exit(error.status)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if "KAM_DEBUG" in os.environ:
            raise
        print(f"内部错误：{error!r}（KAM_DEBUG=1 看详情） / internal error; KAM_DEBUG=1 shows more", file=sys.stderr)
        sys.exit(1)
