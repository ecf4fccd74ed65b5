"""Every page in every language, width and theme. The short run takes each page in one look, another for each page."""

import json
from itertools import product

import pytest

from browser import checks
from browser.places import PLACES, address
from browser.workbench import View, Workbench

VIEWS = [View(*look) for look in product(("zh", "en"), (1440, 375), ("light", "dark"))]
pytestmark = [pytest.mark.embedded, pytest.mark.browser, pytest.mark.timeout(180)]


def _cases() -> list[object]:
    return [
        pytest.param(name, view, id=f"{name}-{view}", marks=() if nth == at % len(VIEWS) else pytest.mark.matrix)
        for at, name in enumerate(PLACES)
        for nth, view in enumerate(VIEWS)
    ]


@pytest.mark.parametrize(("name", "view"), _cases())
def test_holds_still_fits_and_can_be_read_by_all(workbench: Workbench, name: str, view: View) -> None:
    role, path = address(workbench, name)
    page = workbench.open(path, role, view)
    checks.complete(page)
    checks.picture(page, f"{view}/{name}")
    found = {"moved": checks.shifts(page), "sideways": checks.sideways(page), "axe": checks.axe(page)}
    if any(found.values()):
        pytest.fail(json.dumps(found, ensure_ascii=False, indent=1), pytrace=False)
