"""How a nightly file is read: streaming, within bounds, and what is told when that can't be. Changes nothing."""

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BLOCK = 1 << 20
_MAX_LINE = 1 << 20
_SHOWN = 80


class FileRejected(Exception):
    """The whole file can't be taken: why, where, and how to mend it."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh} / {en}")
        self.zh, self.en = zh, en


class FileUnreadable(OSError):
    """A pair that was taken over can't be read; perhaps that passes."""


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Tells trouble with reading this file from any other: ``FileRejected`` where waiting can't help."""
    try:
        yield
    except gzip.BadGzipFile:
        raise
    except PermissionError as error:
        raise FileRejected(
            f"{path.name} 无读取权限（{error.strerror}）；请放开权限后重送",
            f"{path.name} can't be read ({error.strerror}); make it readable for this service and deliver again",
        ) from None
    except OSError as error:
        raise FileUnreadable(error.errno, error.strerror, str(path)) from error


def shown(text: object) -> str:
    """What a sender wrote, as it may stand in a reason."""
    said = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text)[: _SHOWN + 1])
    return said if len(said) <= _SHOWN else said[:_SHOWN] + "…"


def digest(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file. Raises ``FileRejected``, ``FileUnreadable``."""
    with reading(path), path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), found


def blocks(path: Path, at_most: int | None = None) -> Iterator[bytes]:
    """Whole lines of a gzip file, about a megabyte at a time, without the last line break; no more than ``at_most``
    bytes. Raises ``FileRejected``, ``FileUnreadable``."""
    unpacked = 0
    try:
        with reading(path), gzip.open(path) as file:
            rest: bytes = b""
            while block := file.read(_BLOCK):
                unpacked += len(block)
                if at_most is not None and unpacked > at_most:
                    raise FileRejected(
                        f"解压后超过 {at_most} 字节；请核对，或分成多个文件",
                        f"it unpacks to more than {at_most} bytes; check it, or split it into several files",
                    )
                block = rest + block
                cut = block.rfind(b"\n")
                rest = block[cut + 1 :]
                if len(rest) > _MAX_LINE:
                    raise FileRejected(
                        f"有一行超过 {_MAX_LINE >> 20} MiB；请检查换行符",
                        f"a line is over {_MAX_LINE >> 20} MiB; check line breaks",
                    )
                if cut >= 0:
                    yield block[:cut]
            if rest:
                yield rest
    except EOFError:
        raise FileRejected(
            "gzip 被截断：文件在压缩流结束前中止；请重新传送",
            "the gzip is truncated: the file ends before the compressed stream; send it again",
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise FileRejected(
            f"gzip 已损坏（{error}）；请重新传送", f"the gzip is damaged ({error}); send it again"
        ) from None


def lines_of(block: bytes, encoding: str, before: int) -> list[str]:
    """Lines of a block in the declared encoding; ``before`` lines came earlier. Raises ``FileRejected``."""
    try:
        text = block.decode(encoding)
    except UnicodeDecodeError as error:
        line = before + block.count(b"\n", 0, error.start) + 1
        other = "gb18030" if encoding == "utf-8" else "utf-8"
        raise FileRejected(
            f"第 {line} 行不是 {encoding}；.chk 声明的 encoding 可能应为 {other}",
            f"line {line} is not {encoding}; the .chk should perhaps declare {other}",
        ) from None
    lines = text.split("\n")
    return [line.removesuffix("\r") for line in lines] if "\r" in text else lines
