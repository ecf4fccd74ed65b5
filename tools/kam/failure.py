"""Why a command can't be carried out, as an exception with words in two languages and an exit status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: exit statuses: the command failed; it was called wrongly; the person stopped it (Ctrl-C)
FAILED, MISUSE, INTERRUPTED = 1, 2, 130


class Failed(RuntimeError):
    """The command can't be carried out; ``zh`` and ``en`` say why and what to do; ``status`` is the exit status.

    ``more``: what programs are told besides (``field``, …); ``lines``: what people are, where one sentence is not all.
    """

    code = "failed"

    def __init__(
        self,
        zh: str,
        en: str,
        status: int = FAILED,
        *,
        more: Mapping[str, Any] | None = None,
        lines: Sequence[str] = (),
    ) -> None:
        super().__init__("\n".join(lines) or f"{zh} / {en}")
        self.zh, self.en, self.status, self.more = zh, en, status, dict(more or {})


class Misused(Failed):
    """The command was called wrongly: an argument or option that makes no sense."""

    code = "usage"

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(zh, en, MISUSE)


class NotRunning(Failed):
    """No instance runs on this data directory."""

    code = "not_running"


class Interrupted(Failed):
    """Ctrl-C."""

    code = "interrupted"

    def __init__(self) -> None:
        super().__init__("已中断", "interrupted", INTERRUPTED)
