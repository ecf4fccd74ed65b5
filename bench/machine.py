"""The shape of the machine, without anything that names it."""

import platform

import psutil

from kam.embedded import mongodb


def shape() -> str:
    memory = psutil.virtual_memory().total / 2**30
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{psutil.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, {python}"


def database_kind() -> str:
    """The database server that an embedded instance takes here."""
    found = mongodb.find()
    return "none" if found is None else found.kind
