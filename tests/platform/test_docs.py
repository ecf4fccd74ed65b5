"""What the documentation names is there: files, links, make targets, commands of kam."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from kam import cli

ROOT = Path(__file__).parents[2]
DOCS = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "docs/guides").glob("*.md"),
    ROOT / "docs/adr/README.md",
    *ROOT.glob("services/*/README.md"),
]
LINK = re.compile(r"\]\((?!http)([^)#\s]+)[^)]*\)")
PATH = re.compile(
    r"`([\w./-]+/[\w.-]+\.(?:py|ya?ml|md)|(?:docs|tests|tools|libs|schemas|services|bench|infra)/[\w./-]*)`"
)
COMMAND = re.compile(r"(?:\$kam|`kam|\$ kam|^    kam|&& kam) ([a-z]+)(?: ([a-z]+))?", re.MULTILINE)
#: where a path in a text may begin
BASES = ["", "libs", "libs/servicekit", "services/*", "services/*/*", "services/*/*/*"]


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_named_is_there(path: Path) -> None:
    text = path.read_text()
    for link in LINK.findall(text):
        assert (path.parent / link).exists(), f"link to {link}"
    for name in PATH.findall(text.replace("NNNN-title", "0001-one-unit-one-writer")):
        assert any(any(ROOT.glob(f"{base}/{name}".strip("/"))) for base in BASES), f"path {name}"
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for line in re.findall(r"`(make [^`]*)`|^\s+\$? ?(make .*)$", text, re.MULTILINE):
        words = re.sub(r"#.*|&&.*", "", "".join(line)).split()[1:]
        for word in words:
            assert "=" in word or word in targets, f"make {word}"
    commands = get_command(cli.build()).commands  # type: ignore[attr-defined]
    for name, sub in COMMAND.findall(text):
        assert name in commands, f"kam {name}"
        below = getattr(commands[name], "commands", {})
        assert not (below and sub) or sub in below, f"kam {name} {sub}"
