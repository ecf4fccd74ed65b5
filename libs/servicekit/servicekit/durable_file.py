"""A file that is whole and durable under its name, or as it was before."""

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
