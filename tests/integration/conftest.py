"""One real instance for all tests of this folder, started and taken down through the public command line."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.embedded_servers import free_port_base
from integration.house import KAM, House, Month


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """An empty province whose clock follows the feed; KAM_TEST_DATA names one that runs already."""
    if running := os.environ.get("KAM_TEST_DATA"):
        yield House(Path(running))
        return
    data = tmp_path_factory.mktemp("house")
    options = ["--no-sim", "--clock", "feed", "--port-base", str(free_port_base())]
    try:
        subprocess.run([KAM, "up", "--detach", "--json", *options, "--data", data], check=True, timeout=240)
        yield House(data)
    finally:
        subprocess.run([KAM, "down", "--data", data], check=False, timeout=120)


@pytest.fixture
def month(house: House) -> Month:
    """A month of business time that only this test uses."""
    return house.month()
