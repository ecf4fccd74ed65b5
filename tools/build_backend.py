"""Build backend of the project (PEP 517/660): an editable install is one plain .pth file and nothing to download.

The platform runs from its checkout, and its packages live under several roots (see [tool.kam] in pyproject.toml).
setuptools gives such a layout an import hook, which type checkers cannot follow and which a new package needs a
re-install for; here a new package in a known root just works.
"""

from __future__ import annotations

import base64
import hashlib
import tomllib
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def _contents() -> tuple[str, dict[str, str]]:
    """Wheel stem ``name-version`` and the wheel's files, path → text."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        pyproject = tomllib.load(file)
    project = pyproject["project"]
    stem = f"{project['name']}-{project['version']}"
    metadata = ["Metadata-Version: 2.1", f"Name: {project['name']}", f"Version: {project['version']}"]
    metadata += [f"Summary: {project['description']}", f"Requires-Python: {project['requires-python']}"]
    metadata += [f"Requires-Dist: {requirement}" for requirement in project["dependencies"]]
    scripts = [f"{name} = {target}" for name, target in project["scripts"].items()]
    files = {
        f"{project['name']}.pth": "".join(f"{ROOT / root}\n" for root in pyproject["tool"]["kam"]["roots"]),
        f"{stem}.dist-info/METADATA": "\n".join(metadata) + "\n",
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: kam\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{stem}.dist-info/entry_points.txt": "\n".join(["[console_scripts]", *scripts]) + "\n",
    }
    return stem, files


def build_editable(
    wheel_directory: str, config_settings: dict[str, Any] | None = None, metadata_directory: str | None = None
) -> str:
    """Write the editable wheel into *wheel_directory*; returns its file name."""
    stem, files = _contents()
    record = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record.append(f"{path},sha256={digest},{len(text.encode())}\n")
    files[f"{stem}.dist-info/RECORD"] = "".join(record) + f"{stem}.dist-info/RECORD,,\n"
    wheel = f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory) / wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return wheel


def build_wheel(
    wheel_directory: str, config_settings: dict[str, Any] | None = None, metadata_directory: str | None = None
) -> str:
    """Refuses: schemas and infrastructure lists are read from the checkout."""
    raise RuntimeError("kam runs from its checkout: pip install --no-deps -e . (make setup does it)")


def build_sdist(sdist_directory: str, config_settings: dict[str, Any] | None = None) -> str:
    """Refuses, as build_wheel does."""
    raise RuntimeError("kam runs from its checkout: git clone it")
