"""The shape of the machine, without anything that names it."""

import platform
import random

import psutil

from kam.embedded import mongodb
from kam.instance import PORTS, busy_ports


def shape() -> str:
    memory = psutil.virtual_memory().total / 2**30
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{psutil.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, {python}"


def database_kind() -> str:
    """The database server that an embedded instance takes here."""
    found = mongodb.find()
    return "none" if found is None else found.kind


def free_port_base() -> int:
    """A port base at which an instance finds every port free; below those that connections take for themselves."""
    return next(base for base in random.sample(range(20_000, 32_000, 20), 50) if not busy_ports(base, PORTS))
