"""Every page in every language, width and theme. `make test-page` takes each page once in each language, wide in one
and narrow in the other, the themes by turns; the short run takes the main pages alone."""

import json
from itertools import product

import pytest

from browser import checks
from browser.places import PLACES, address
from browser.workbench import View, Workbench

LOOKS = list(product((1440, 375), ("light", "dark")))
#: of the short run
MAIN = {"today", "alerts", "work", "customer", "overview"}
pytestmark = [pytest.mark.embedded, pytest.mark.browser, pytest.mark.timeout(180)]


def _cases() -> list[object]:
    return [
        pytest.param(name, View(language, *look), id=f"{name}-{View(language, *look)}", marks=_marks(name, is_taken))
        for at, name in enumerate(PLACES)
        for language, turn in (("zh", at), ("en", at + 2))
        for nth, look in enumerate(LOOKS)
        for is_taken in (nth == turn % len(LOOKS),)
    ]


def _marks(name: str, is_taken: bool) -> list[pytest.MarkDecorator]:
    if not is_taken:
        return [pytest.mark.matrix]
    return [pytest.mark.short] if name in MAIN else []


@pytest.mark.parametrize(("name", "view"), _cases())
def test_holds_still_fits_and_can_be_read_by_all(workbench: Workbench, name: str, view: View) -> None:
    role, path = address(workbench, name)
    page = workbench.open(path, role, view)
    checks.complete(page)
    checks.picture(page, f"{view}/{name}")
    found = {"moved": checks.shifts(page), "sideways": checks.sideways(page), "axe": checks.axe(page)}
    if any(found.values()):
        pytest.fail(json.dumps(found, ensure_ascii=False, indent=1), pytrace=False)
