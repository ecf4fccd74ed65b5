"""The whole round of single sign-on in a real browser: a gateway in memory, the page, a real identity provider."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect

from harness.people import Clock, gateway
from harness.real_identity_provider import Running, identity_provider
from harness.waiting import until

pytestmark = [pytest.mark.embedded, pytest.mark.browser, pytest.mark.short, pytest.mark.timeout(120)]


class Served:
    """A gateway that trusts this provider, on a port, in a thread of its own."""

    def __init__(self, folder: Path, provider: Running, port: int) -> None:
        self._folder, self._provider, self._port = folder, provider, port
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> None:
        self._thread.start()
        until(lambda: self._server is not None and self._server.started, timeout=60)

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.should_exit = True
        self._thread.join(20)

    async def _serve(self) -> None:
        clock = Clock()
        clock.now = datetime.now(UTC)
        async with gateway(self._folder, clock=clock, **self._provider.settings) as house:
            config = uvicorn.Config(
                house.app, port=self._port, log_config=None, lifespan="off", timeout_graceful_shutdown=1
            )
            self._server = uvicorn.Server(config)
            await self._server.serve()


@pytest.fixture
def page(tmp_path: Path, chromium: Browser) -> Iterator[Page]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    home = f"http://127.0.0.1:{port}"
    with (
        identity_provider(home, tmp_path / "client") as provider,
        Served(tmp_path / "gateway", provider, port),
        chromium.new_context(base_url=home, locale="zh-CN") as context,
    ):
        yield context.new_page()


def sign_in(page: Page, name: str) -> None:
    page.get_by_role("link", name="统一认证登录").click()
    page.get_by_placeholder("Enter any login").fill(name)
    page.get_by_placeholder("and password").fill("anything")
    page.get_by_role("button", name="Sign-in").click()


def test_one_signs_in_at_the_provider_and_out_again(page: Page) -> None:
    page.goto("/work?type=complaint")
    sign_in(page, "z9999")
    expect(page.get_by_text("这个账号在本平台没有开通或已停用，请找管理员。")).to_be_visible()
    page.context.clear_cookies()
    sign_in(page, "m0001")
    page.wait_for_url("**/work?type=complaint")
    page.get_by_title("我的账号").click()
    page.get_by_role("button", name="退出登录", exact=True).click()
    page.get_by_role("button", name="Yes, sign me out").click()
    page.wait_for_url("**/signin")
    link = page.get_by_role("link", name="统一认证登录")
    expect(link).to_have_css("text-decoration-line", "none")
