"""How much a browser must read before the first page stands: measured on the built page, as it is sent (gzip)."""

import json
from pathlib import Path
from typing import Any

import pytest

from kam.embedded import web

#: bytes; ui.md section 8: lists bring a table, which the first page of a manager must do without
FIRST_PAGE, ANY_PAGE = 350_000, 480_000


def files_of(manifest: dict[str, Any], key: str, found: set[str]) -> set[str]:
    """Files that come with a piece of the page: its own, its style sheets, and what it imports at once."""
    piece = manifest[key]
    if piece["file"] not in found:
        found |= {piece["file"], *piece.get("css", ())}
        for other in piece.get("imports", ()):
            files_of(manifest, other, found)
    return found


def sent(dist: Path, names: set[str]) -> int:
    """Bytes on the wire."""
    small = [dist / f"{name}.gz" for name in names]
    return sum((path if path.exists() else path.with_suffix("")).stat().st_size for path in small)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_the_first_page_is_small() -> None:
    web.build()
    dist = web.WEB / "dist"
    manifest = json.loads((dist / ".vite" / "manifest.json").read_text())
    pages = {key for key in manifest if key.startswith("src/pages/")}
    assert {"src/pages/today/index.tsx", "src/pages/signin/index.tsx"} <= pages
    entry = files_of(manifest, "index.html", set())
    sizes = {page: sent(dist, files_of(manifest, page, set(entry))) for page in pages}
    assert sizes["src/pages/today/index.tsx"] <= FIRST_PAGE, sizes
    assert sizes["src/pages/signin/index.tsx"] <= FIRST_PAGE, sizes
    assert {page: size for page, size in sizes.items() if size > ANY_PAGE} == {}
    calendar = manifest["src/dates/Calendar.tsx"]["file"]
    assert all(calendar not in files_of(manifest, page, set(entry)) for page in pages), "it comes when it is opened"
