"""``make pictures``: the README's pictures, of the real pages of a demo in which something has happened."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from browser import checks
from browser.places import address
from browser.workbench import View, Workbench, launch, running
from harness.waiting import until

FOLDER = checks.ROOT / "docs" / "pictures"
#: larger ones do not belong into a README
MOST_BYTES = 300_000
#: name -> theme
PICTURES = {"today": "light", "alert": "light", "customer": "light", "overview": "dark"}
#: what happens to the manager's customers, one after the other
_DAY = ("churn", "arrears", "complaint", "contract", "churn", "arrears")


def happen(workbench: Workbench) -> None:
    """A day of the manager."""
    own = [row["customer_id"] for row in workbench.get("/v1/lists/customers?limit=50")["rows"]]
    for scenario, customer in zip(_DAY, own, strict=False):
        workbench.happen(scenario, customer)
    until(lambda: workbench.get("/v1/lists/alerts?limit=1")["total"] >= len(_DAY))


def take(workbench: Workbench) -> list[Path]:
    """All pictures in both languages."""
    taken = []
    for name, theme in PICTURES.items():
        role, path = address(workbench, name)
        for language in ("zh", "en"):
            page = workbench.open(path, role, View(language, 1440, theme))
            checks.complete(page)
            taken.append(checks.picture(page, f"{name}.{language}", FOLDER, whole=False))
            workbench.close_all()
    return taken


def main() -> int:
    with (
        tempfile.TemporaryDirectory(prefix="kam-pictures-") as folder,
        running(Path(folder)) as data,
        sync_playwright() as playwright,
    ):
        workbench = Workbench(data, launch(playwright))
        happen(workbench)
        large = [path.name for path in take(workbench) if path.stat().st_size > MOST_BYTES]
    if large:
        print(f"太大 / too large: {', '.join(large)}", file=sys.stderr)
    return 1 if large else 0


if __name__ == "__main__":
    raise SystemExit(main())
