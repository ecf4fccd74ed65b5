"""One instance and one browser for all tests of the page. KAM_TEST_WORKBENCH names the data folder of an instance that
runs already (``kam up``): for work on a test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from browser.workbench import Workbench

# Another target than test-browser has no browser installed, and asks for none of these.
collect_ignore_glob = [] if find_spec("playwright") else ["test_*.py"]


@pytest.fixture(scope="session")
def _workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    from playwright.sync_api import sync_playwright

    from browser.workbench import Workbench, launch, running

    given = os.environ.get("KAM_TEST_WORKBENCH")
    with sync_playwright() as playwright:
        browser = launch(playwright)
        if given:
            yield Workbench(Path(given), browser)
        else:
            with running(tmp_path_factory.mktemp("workbench")) as data:
                yield Workbench(data, browser)
        browser.close()


@pytest.fixture
def workbench(_workbench: Workbench) -> Iterator[Workbench]:
    """The workbench; what a test opens is closed after it, and its pages must have had nothing to complain of."""
    yield _workbench
    assert _workbench.close_all() == []
