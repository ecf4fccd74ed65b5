"""Fetch the pinned Kafka jars: ``python -m kam.embedded.jars [--road auto|maven|jgo] [DIR]``.

One list (``kafka-jars.txt``) names every jar of the class path with its sha256. Two roads bring them: Maven where
``mvn`` is installed, else jgo (pure Python). Neither resolves anything: each coordinate is explicit, because jgo
picks other transitive versions than Maven does. Content that differs from its sha256 is never put in place.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

LIST = Path(__file__).with_name("kafka-jars.txt")
#: a jar server that answers nothing for this long (seconds) is given up
TIMEOUT = 60


@dataclass(frozen=True, slots=True)
class Jar:
    """One pinned artifact: Maven coordinates and the sha256 (hex) of its jar."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


class JarError(RuntimeError):
    """The jars could not be brought or are not what the list says."""


def default_dir() -> Path:
    """Where the jars of this virtual environment live: ``<venv>/share/kam/kafka``."""
    return Path(sys.prefix) / "share" / "kam" / "kafka"


def pinned(path: Path = LIST) -> list[Jar]:
    """Read the list; raises JarError on a line that is not ``group:artifact:version sha256``."""
    jars = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        coordinates, _, digest = line.partition(" ")
        parts = coordinates.split(":")
        if len(parts) != 3 or len(digest.strip()) != 64:
            raise JarError(f"{path.name}:{number}: want group:artifact:version sha256, have {line!r}")
        group, artifact, version = parts
        jars.append(Jar(group, artifact, version, digest.strip()))
    return jars


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def missing(directory: Path, jars: Iterable[Jar], *, deep: bool = True) -> list[Jar]:
    """Jars which are absent from *directory* or (``deep``) whose content is not the pinned one."""
    lacking = []
    for jar in jars:
        path = directory / jar.filename
        if not path.is_file() or (deep and sha256(path) != jar.sha256):
            lacking.append(jar)
    return lacking


def _pom(jars: Iterable[Jar]) -> str:
    def item(jar: Jar) -> str:
        return (
            f"<artifactItem><groupId>{escape(jar.group)}</groupId><artifactId>{escape(jar.artifact)}</artifactId>"
            f"<version>{escape(jar.version)}</version></artifactItem>"
        )

    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>kam</groupId><artifactId>kafka-jars</artifactId><version>1</version><packaging>pom</packaging>"
        "<build><plugins><plugin><groupId>org.apache.maven.plugins</groupId>"
        "<artifactId>maven-dependency-plugin</artifactId><version>3.8.1</version><configuration><artifactItems>"
        + "".join(item(jar) for jar in jars)
        + "</artifactItems></configuration></plugin></plugins></build></project>\n"
    )


def by_maven(jars: list[Jar], target: Path) -> None:
    """Bring *jars* into *target* with one generated pom and ``dependency:copy``."""
    with tempfile.TemporaryDirectory(prefix="kam-pom-") as work:
        pom = Path(work) / "pom.xml"
        pom.write_text(_pom(jars), encoding="utf-8")
        done = subprocess.run(
            ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy", f"-DoutputDirectory={target}"],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise JarError("mvn dependency:copy: " + (done.stdout + done.stderr).strip()[-1000:])


def by_jgo(jars: list[Jar], target: Path) -> None:
    """Bring *jars* into *target* with jgo, four at a time, every coordinate explicit."""
    # requests brings its own list of authorities; the machine's may know one more (a company's proxy).
    machine = ssl.get_default_verify_paths().cafile
    if machine:
        os.environ.setdefault("REQUESTS_CA_BUNDLE", machine)
    from jgo.maven import MavenContext

    with tempfile.TemporaryDirectory(prefix="kam-jgo-") as cache:
        context = MavenContext(repo_cache=Path(cache), local_repos=[], timeout=TIMEOUT)

        def bring(jar: Jar) -> None:
            component = context.project(jar.group, jar.artifact).at_version(jar.version)
            shutil.copyfile(component.artifact().resolve(), target / jar.filename)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(bring, jars))


def fetch(directory: Path, road: str = "auto") -> int:
    """Make *directory* hold exactly the pinned jars; returns how many were brought.

    Raises JarError when a jar cannot be brought or its content differs from the list.
    """
    jars = pinned()
    directory.mkdir(parents=True, exist_ok=True)
    lacking = missing(directory, jars)
    if lacking:
        roads = {"maven": by_maven, "jgo": by_jgo}
        chosen = [road] if road != "auto" else (["maven"] if shutil.which("mvn") else []) + ["jgo"]
        with tempfile.TemporaryDirectory(dir=directory, prefix=".new-") as staging:
            for position, name in enumerate(chosen):
                try:
                    roads[name](lacking, Path(staging))
                    break
                except Exception as error:
                    if position + 1 == len(chosen):
                        raise JarError(f"{name}: {error}") from error
                    print(f"{name}: {error}; 改用 jgo / trying jgo", file=sys.stderr)
            wrong = missing(Path(staging), lacking)
            if wrong:
                raise JarError("sha256 differs: " + ", ".join(jar.filename for jar in wrong))
            for jar in lacking:
                (Path(staging) / jar.filename).replace(directory / jar.filename)
    wanted = {jar.filename for jar in jars}
    for path in directory.glob("*.jar"):
        if path.name not in wanted:
            path.unlink()
    return len(lacking)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--road", choices=["auto", "maven", "jgo"], default="auto")
    parser.add_argument("directory", nargs="?", type=Path, default=None)
    args = parser.parse_args()
    directory = args.directory or default_dir()
    try:
        brought = fetch(directory, args.road)
    except JarError as error:
        print(f"Kafka 的 jar 没有取到 / the Kafka jars could not be brought: {error}", file=sys.stderr)
        return 1
    print(f"Kafka jars: {len(pinned())} ({brought} new) in {directory}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
