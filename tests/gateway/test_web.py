"""The pages: which address gets what, with which headers, with and without a built page."""

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway.bootstrap import build
from gateway.settings import Settings
from gateway.web import NO_PAGE, SECURITY_HEADERS

PAGE = '<meta property="csp-nonce" nonce="__KAM_NONCE__"><script type="module" src="/assets/index-Ab1.js"></script>'


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    found = tmp_path / "dist"
    (found / "assets").mkdir(parents=True)
    (found / "index.html").write_text(PAGE)
    (found / "favicon.svg").write_text("<svg/>")
    (found / "assets" / "index-Ab1.js").write_text("let a = 1")
    (found / "assets" / "index-Ab1.js.gz").write_bytes(gzip.compress(b"let a = 1"))
    (tmp_path / "secret").write_text("0123456789abcdef0123456789abcdef")
    return found


@pytest.fixture
async def browser(dist: Path) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        service_data=dist.parent, kafka="unused:1", secret_file=dist.parent / "secret", peers={}, web_dist=dist
    )
    transport = httpx.ASGITransport(build(settings).asgi())
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as browser:
        browser.headers["accept-encoding"] = "identity"
        yield browser


@pytest.mark.parametrize(
    "path", ["/", "/today", "/alerts/A-1?kind=arrears", "/why/file:BILL_1.dat.gz%2317", "/feeds/files/BILL_1.dat.gz"]
)
async def test_every_address_of_a_page_gets_the_page_with_a_nonce_of_its_own(
    browser: httpx.AsyncClient, path: str
) -> None:
    one, other = [await browser.get(path) for _ in range(2)]
    nonces = [re.search(r'nonce="([^"]+)"', answer.text) for answer in (one, other)]
    assert nonces[0] and nonces[1] and nonces[0][1] != nonces[1][1]
    policy = one.headers["content-security-policy"]
    assert f"style-src 'self' 'nonce-{nonces[0][1]}'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert one.headers["cache-control"] == "no-store"
    assert all(one.headers[name] == value for name, value in SECURITY_HEADERS.items())


async def test_built_files_are_kept_for_ever_and_sent_compressed_to_who_takes_it(browser: httpx.AsyncClient) -> None:
    plain = await browser.get("/assets/index-Ab1.js")
    assert (plain.text, plain.headers["content-type"]) == ("let a = 1", "text/javascript; charset=utf-8")
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["vary"] == "Accept-Encoding"
    small = await browser.get("/assets/index-Ab1.js", headers={"accept-encoding": "gzip, br"})
    assert (small.text, small.headers["content-encoding"]) == ("let a = 1", "gzip")
    icon = await browser.get("/favicon.svg")
    assert (icon.headers["content-type"], icon.headers["cache-control"]) == ("image/svg+xml", "no-cache")


@pytest.mark.parametrize("segment", sorted(NO_PAGE - {"docs", "redoc", "openapi.json", "metrics"}))
async def test_what_is_no_address_of_the_api_is_no_page_either(browser: httpx.AsyncClient, segment: str) -> None:
    answer = await browser.get(f"/{segment}/nothing")
    assert answer.status_code == 404
    assert answer.json()["error"] == "not_found"


async def test_an_old_piece_of_the_page_is_not_found_rather_than_answered_by_the_page(
    browser: httpx.AsyncClient,
) -> None:
    assert (await browser.get("/assets/index-Old.js")).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/assets/../../secret", "/assets/%2e%2e/%2e%2e/secret", "/..%2fsecret", "/assets/..%5c..%5csecret", "//secret"],
)
async def test_no_address_leads_out_of_the_built_page(browser: httpx.AsyncClient, path: str) -> None:
    assert "0123456789abcdef" not in (await browser.get(path)).text


async def test_nobody_posts_to_a_page(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/today", content=b"x")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_answers_of_the_api_are_not_kept_and_never_sniffed(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/v1/alerts")
    assert answer.status_code == 401
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_without_a_built_page_the_api_works_and_the_page_says_what_to_do(
    browser: httpx.AsyncClient, dist: Path
) -> None:
    (dist / "index.html").unlink()
    answer = await browser.get("/today")
    assert answer.status_code == 503
    assert "make setup" in answer.text
    assert (await browser.get("/health/live")).status_code == 200
