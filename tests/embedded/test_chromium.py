"""The browser of the browser tests: found, or told how to get."""

from pathlib import Path

import pytest

from kam.embedded import chromium


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all the programs this machine has."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("KAM_CHROMIUM", raising=False)
    return tmp_path


def _program(path: Path, says: str = "") -> Path:
    path.write_text(f"#!/bin/sh\n{says}\n")
    path.chmod(0o755)
    return path


def test_the_machines_own_or_the_one_that_is_named(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert chromium.find() is None
    own = _program(machine / "chromium")
    assert chromium.find() == own == chromium.bring()
    named = _program(machine / "another")
    monkeypatch.setenv("KAM_CHROMIUM", str(named))
    assert chromium.find() == named
    monkeypatch.setenv("KAM_CHROMIUM", str(machine / "gone"))
    assert chromium.find() is None


def test_what_is_missing_is_said_where_it_cannot_be_installed(
    machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _program(machine / "fc-list")
    assert chromium.missing() == ["chromium", "fonts-noto-cjk"]
    assert chromium.main() == 1
    assert "apt-get install chromium fonts-noto-cjk" in capsys.readouterr().err


def test_root_gets_it_from_apt(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    said = machine / "said"
    made = f'echo "$@" >> {said}; echo > {machine}/chromium; /bin/chmod 755 {machine}/chromium'
    _program(machine / "apt-get", made)
    assert chromium.bring() == machine / "chromium"
    update, install = said.read_text().splitlines()
    assert update == "-q update" and install.endswith("chromium fonts-noto-cjk")


def test_what_apt_complains_of_is_told(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    _program(machine / "apt-get", "echo no network >&2; exit 100")
    with pytest.raises(chromium.ChromiumError, match="no network"):
        chromium.bring()
