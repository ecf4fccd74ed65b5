"""One real instance for all tests of this folder, started and taken down through the public command line."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.house import House, Month, opened


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """An empty province whose clock follows the feed; KAM_TEST_DATA names one that runs already."""
    if running := os.environ.get("KAM_TEST_DATA"):
        yield House(Path(running))
        return
    with opened(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture
def month(house: House) -> Month:
    """A month of business time that only this test uses."""
    return house.month()
