"""Files that are whole and durable under their name, or as they were before."""

import os
from pathlib import Path


def write_durably(path: Path, content: bytes) -> None:
    """Write or replace a file; its folder is made where it is missing. Raises ``OSError``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def sync_folder(path: Path) -> None:
    """The names that stand in a folder outlive a loss of power. Raises ``OSError``."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
