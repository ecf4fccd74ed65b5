"""What a command's end looks like from outside: an exit status and, when it failed, one clear message; no traceback.

People read it on stderr, Chinese first. With ``--json`` programs also read it on stdout, in the shape in which the
services refuse: ``{"error": code, "zh": …, "en": …}``, and what is at fault (``field``). KAM_DEBUG=1 lets what is not
foreseen through as it is.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from kam.failure import FAILED, INTERRUPTED, Failed, Interrupted, Misused


def through(command: Callable[[], Any], as_json: bool) -> int:
    """Run the command; its exit status. Whatever it raises has been said."""
    _any_locale()
    try:
        status = command()
        if status == INTERRUPTED:  # typer keeps KeyboardInterrupt to itself
            raise KeyboardInterrupt
        _flush()
        return status if isinstance(status, int) else 0
    except SystemExit as end:  # rich ends so when its reader has gone
        return end.code if isinstance(end.code, int) else FAILED
    except BrokenPipeError:
        _nobody_reads()
        return FAILED
    except (Exception, KeyboardInterrupt) as error:
        if "KAM_DEBUG" in os.environ and not isinstance(error, (Failed, KeyboardInterrupt)):
            raise
        return _said(explained(error), as_json)


def explained(error: BaseException) -> Failed:
    """Any error as one that says why in two languages."""
    if isinstance(error, Failed):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Interrupted()
    if isinstance(error, UnicodeEncodeError):
        return Misused("参数里有不是 UTF-8 的文字", "an argument holds what is not UTF-8 text")
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        why = f"{where}{error.strerror}"
        zh, en = _MENDS.get(error.errno or 0, ("看一看它，或用 --data 指明别处", "look at it, or name another --data"))
        return Failed(f"{why}；{zh}", f"{why}: {en}")
    more = "KAM_DEBUG=1"
    return Failed(f"内部错误：{error!r}（{more} 看详情）", f"internal error: {error!r}; {more} shows more")


#: what helps, by the number of the system's error
_MENDS = {
    errno.ENOSPC: ("磁盘已满，腾出空间后再试；kam doctor", "the disk is full, make room and try again; kam doctor"),
    errno.EDQUOT: ("磁盘配额已满，腾出空间后再试", "the disk quota is used up, make room and try again"),
    errno.EROFS: ("只读文件系统，用 --data 指明别处", "read-only, name another folder with --data"),
    errno.EACCES: ("没有权限：换用户，或用 --data 指明别处", "not yours: be another user, or name another --data"),
    errno.EPERM: ("没有权限：换用户，或用 --data 指明别处", "not yours: be another user, or name another --data"),
    errno.ENOTDIR: ("数据目录得是目录，用 --data 指明", "the data directory must be a folder, name one with --data"),
    errno.EMFILE: ("打开的文件太多：ulimit -n", "too many open files: ulimit -n"),
}


def _said(failed: Failed, as_json: bool) -> int:
    """Say it to people and, where asked for, to programs; an output that is gone or full changes nothing."""
    with contextlib.suppress(OSError, ValueError):
        print(failed, file=sys.stderr, flush=True)
    try:
        if as_json:
            print(
                json.dumps({"error": failed.code, "zh": failed.zh, "en": failed.en, **failed.more}, ensure_ascii=False)
            )
        _flush()
    except (OSError, ValueError):
        _nobody_reads()
    return failed.status


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def _any_locale() -> None:
    """A terminal whose encoding lacks a character gets it escaped instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _nobody_reads() -> None:
    """Let the interpreter's own flush at the end find a stdout that takes everything."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
