"""What tests of nightly files share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.nightly import Night, night


@pytest.fixture
async def boss(tmp_path: Path) -> AsyncIterator[Night]:
    """An empty inbox with a loader at work on it."""
    async with night(tmp_path) as made:
        yield made
