"""The command ``kam``: assembles the command modules. Their heavy imports belong inside the commands."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from kam import door
from kam.failure import Misused

if TYPE_CHECKING:
    import typer

#: modules with ``register(app: typer.Typer) -> None``; a module is listed here once it exists
COMMANDS = tuple(
    f"kam.commands.{name}"
    for name in ("lifecycle", "feed", "read", "sim", "dlq", "clock", "accounts", "rule", "release", "whynot")
)


def build() -> typer.Typer:
    """The typer application with the commands of every module."""
    import typer

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


def _run() -> Any:
    """The exit status of the command that the arguments name. Raises ``Misused`` where they name none."""
    import typer
    from typer.main import get_command

    try:
        return get_command(build()).main(prog_name="kam", standalone_mode=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except typer.TyperException as error:
        raise _misused(error) from None


def _misused(error: Any) -> Misused:
    said = error.format_message()
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":  # what it says is the help itself
        print(said, file=sys.stderr)
        return Misused("说出要做什么，见上", "say what to do, see above")
    path = context.command_path if context else "kam"
    return Misused(f"用法有误：{said}；看 {path} --help", f"wrong usage: {said} See {path} --help")


def main() -> None:
    """Entry point; exit status 0 done, 1 failed, 2 misuse, 130 stopped by Ctrl-C."""
    sys.exit(door.through(_run, "--json" in sys.argv[1:]))
