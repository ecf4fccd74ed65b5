"""Python 3.11, 3.12 and 3.13 are taken; any other ends ``make setup`` with one line in two languages."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tools" / "make-venv.sh"
TAKEN = ("3.11", "3.12", "3.13")


def _pretender(folder: Path, name: str, version: str, loop_ms: int = 1) -> Path:
    """An interpreter that says it is ``version`` and that the loop took ``loop_ms``; a venv of its is but a folder."""
    path = folder / name
    path.write_text(
        f'#!/bin/bash\ncase "$1 $2" in\n  "-c import sys;"*) echo {version} ;;\n  "- ") echo {loop_ms} ;;\n'
        f'  "-m venv") mkdir -p "$3" && echo {version} > "$3/made-with" ;;\nesac\n'
    )
    path.chmod(0o755)
    return path


def _run(python: str, venv: Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    bash = shutil.which("bash")
    assert bash
    search = f"{path}:/usr/bin:/bin" if path else "/usr/bin:/bin"
    return subprocess.run(
        [bash, str(SCRIPT), python, str(venv)], capture_output=True, text=True, check=False, env={"PATH": search}
    )


@pytest.mark.parametrize("version", TAKEN)
def test_a_supported_python_makes_the_environment(tmp_path: Path, version: str) -> None:
    python = _pretender(tmp_path, "python", version)
    done = _run(str(python), tmp_path / "venv")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "venv" / "made-with").read_text().strip() == version


@pytest.mark.parametrize("version", ["3.10", "3.14", "2.7"])
def test_any_other_python_fails_with_one_line(tmp_path: Path, version: str) -> None:
    python = _pretender(tmp_path, "python", version)
    done = _run(str(python), tmp_path / "venv")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    for word in (version, "需要 Python", "is needed", "make PYTHON=python3.13"):
        assert word in done.stderr
    assert ("wheel" in done.stderr) == (version == "3.14")


def test_a_python_that_is_not_there_or_does_not_run_fails_with_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/bash\nexit 127\n")
    broken.chmod(0o755)
    for python in (str(broken), "/nowhere/python3.13"):
        done = _run(python, tmp_path / "venv")
        assert done.returncode == 1
        assert python in done.stderr and done.stderr.count("\n") == 1


def test_unnamed_the_first_that_fits_is_taken_of_those_as_quick(tmp_path: Path) -> None:
    for name, version in (("python3", "3.14"), ("python3.13", "3.13"), ("python3.11", "3.11")):
        _pretender(tmp_path, name, version)
    done = _run("", tmp_path / "venv", tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "venv" / "made-with").read_text().strip() == "3.13"


@pytest.mark.parametrize(("first_ms", "second_ms", "taken"), [(9, 6, "3.11"), (9, 9, "3.13"), (10, 9, "3.13")])
def test_of_two_that_fit_the_quicker_is_taken_if_the_difference_is_no_chance(
    tmp_path: Path, first_ms: int, second_ms: int, taken: str
) -> None:
    _pretender(tmp_path, "python3.13", "3.13", first_ms)
    _pretender(tmp_path, "python3.11", "3.11", second_ms)
    _pretender(tmp_path, "python3", "3.12", loop_ms=1000)
    done = _run("", tmp_path / "venv", tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "venv" / "made-with").read_text().strip() == taken


def test_the_project_says_the_same_versions() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11,<3.14"
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in TAKEN
    for text in ("README.md", "README.zh.md"):
        assert re.search(r"3\.11.{1,6}3\.12.{1,6}3\.13", (ROOT / text).read_text()), text
