"""When the page is built, with which Node, and what happens where it can't be."""

import stat
from pathlib import Path

import pytest

from kam.embedded import web


def source(root: Path, name: str, content: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    source(tmp_path, "package.json", "{}")
    source(tmp_path, "package-lock.json", "{}")
    source(tmp_path, "src/main.tsx", "let a = 1")
    return tmp_path


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/bash\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def node(sources: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a Node, whose npm writes down what it was asked and builds a page of one file."""
    folder = tmp_path_factory.mktemp("bin")
    program(folder, "node", "echo v22.12.0")
    program(
        folder,
        "npm",
        f'echo "$@" >> {sources}/asked.test.ts; mkdir -p node_modules; '
        '[[ $1 != run ]] || { [[ ! -e src/bad.ts ]] || { echo "bad.ts: no"; exit 1; }; '
        "mkdir -p $KAM_WEB_OUT; cp src/main.tsx $KAM_WEB_OUT/index.html; }",
    )
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def asked(sources: Path) -> list[str]:
    return (sources / "asked.test.ts").read_text().split("\n")[:-1]


@pytest.mark.parametrize(
    ("version", "does"),
    [
        ("v20.19.0", True),
        ("v20.18.3", False),
        ("v22.12.0", True),
        ("v22.11.0", False),
        ("v21.7.0", False),
        ("v24.0.0-rc.1", True),
        ("v18.20.4", False),
        ("", False),
    ],
)
def test_which_node_fits(version: str, does: bool) -> None:
    assert web.fits(version) is does


def test_a_page_is_built_once_and_again_when_a_source_changes(sources: Path, node: Path) -> None:
    assert web.build(sources)
    assert not web.build(sources)
    source(sources, "src/main.tsx", "let a = 2")
    assert web.build(sources)
    assert (sources / "dist" / "index.html").read_text() == "let a = 2"
    assert asked(sources) == ["ci --prefer-offline --omit=dev", "run -s build", "run -s build"]


def test_tests_and_what_is_generated_are_no_sources(sources: Path) -> None:
    before = web.digest(sources)
    for name in ("src/a.test.tsx", "src/test/setup.ts", "src/api/schema.d.ts", "openapi.json", "node_modules/x.js"):
        source(sources, name, "x")
    assert web.digest(sources) == before
    source(sources, "src/new.css", "x")
    assert web.digest(sources) != before


def test_packages_come_again_only_with_another_lock_or_for_the_tests(sources: Path, node: Path) -> None:
    found = web.find_node()
    assert found is not None
    for tests in (False, False, True, True, False):
        web.install(found, sources, tests=tests)
    source(sources, "package-lock.json", "{ }")
    web.install(found, sources)
    assert asked(sources) == [
        "ci --prefer-offline --omit=dev",
        "ci --prefer-offline",
        "ci --prefer-offline --omit=dev",
    ]


def test_a_page_that_cannot_be_built_leaves_the_old_one_and_says_why(sources: Path, node: Path) -> None:
    web.build(sources)
    source(sources, "src/bad.ts", "")
    with pytest.raises(web.WebError, match=r"bad\.ts: no"):
        web.build(sources)
    assert (sources / "dist" / "index.html").is_file()
    assert not web.is_current(sources)
