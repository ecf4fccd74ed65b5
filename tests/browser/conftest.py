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
    from playwright.sync_api import Browser

    from browser.workbench import Workbench

# Another target than test-browser has no browser installed, and asks for none of these.
collect_ignore_glob = [] if find_spec("playwright") else ["test_*.py"]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The one browser of the run: Playwright does not start twice in a process."""
    from playwright.sync_api import sync_playwright

    from browser.workbench import launch

    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def _workbench(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Workbench]:
    from browser.workbench import Workbench, running

    if given := os.environ.get("KAM_TEST_WORKBENCH"):
        yield Workbench(Path(given), chromium)
    else:
        with running(tmp_path_factory.mktemp("workbench")) as data:
            yield Workbench(data, chromium)


@pytest.fixture
def workbench(_workbench: Workbench) -> Iterator[Workbench]:
    """The workbench; what a test opens is closed after it, and its pages must have had nothing to complain of."""
    yield _workbench
    assert _workbench.close_all() == []
