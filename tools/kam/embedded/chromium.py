"""The browser that the page is tried with: ``python -m kam.embedded.chromium`` brings it where it is missing.

It is the machine's own (Debian's ``chromium``, or what KAM_CHROMIUM names), with a font that has Chinese characters.
Root on Debian gets both from apt; anybody else is told what to install.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_FONT = "fonts-noto-cjk"
_TAIL = 2000


class ChromiumError(RuntimeError):
    """There is no browser and none could be installed; the text says what to do."""


def find() -> Path | None:
    """The browser's program."""
    named = os.environ.get("KAM_CHROMIUM")
    candidates = (named,) if named else _PROGRAMS
    return next((Path(path) for name in candidates if (path := shutil.which(name))), None)


def writes_chinese() -> bool:
    """Whether some font has Chinese characters; also where nobody can say."""
    if not shutil.which("fc-list"):
        return True
    return bool(subprocess.run(["fc-list", ":lang=zh-cn"], capture_output=True, check=False).stdout.strip())


def missing() -> list[str]:
    """Debian packages that the machine lacks."""
    return [*([] if find() else ["chromium"]), *([] if writes_chinese() else [_FONT])]


def bring() -> Path:
    """The browser, installed where it was missing. Raises ChromiumError."""
    if packages := missing():
        names = " ".join(packages)
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise ChromiumError(f"缺 / missing: {names}; apt-get install {names}, KAM_CHROMIUM=/path/to/chromium")
        print(f"安装 / installing {names} …", file=sys.stderr, flush=True)
        _apt("update")
        # no fc-list before the browser came, so nobody could say whether a font is needed
        _apt("install", "--yes", "--no-install-recommends", *dict.fromkeys((*packages, _FONT)))
    if found := find():
        return found
    raise ChromiumError("装了却找不到 / installed, but not to be found: chromium")


def _apt(*words: str) -> None:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(["apt-get", "-q", *words], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ChromiumError(f"apt-get {words[0]}: {(done.stdout + done.stderr).strip()[-_TAIL:]}")


def main() -> int:
    try:
        bring()
    except ChromiumError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
