"""The workbench as its people have it: one real instance, and browsers in which somebody is signed in.

A ``View`` is how somebody looks at it: language, width, theme. Pages are opened with ``Workbench.open``; whatever a
page says on the console of the browser as an error, a breach of its content security policy too, fails the test that
opened it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Playwright

from browser.checks import WATCH_SHIFTS
from harness.boss_files import write_pair
from harness.embedded_servers import free_port_base
from kam.embedded import chromium

KAM = Path(sys.executable).with_name("kam")
CUSTOMERS = 1500
#: the page's own proof that a request comes from it
OWN = {"Kam-Request": "1"}
HEIGHTS = {1440: 900, 375: 812}
PATIENCE_MS = 10_000
#: what Chromium says of an answer that is no success; the page tells it in its own words
_EXPECTED = "Failed to load resource"
Row = dict[str, Any]


@dataclass(frozen=True)
class View:
    """How somebody looks at the workbench."""

    language: str = "zh"
    width: int = 1440
    theme: str = "light"

    def __str__(self) -> str:
        return f"{self.language}-{self.width}-{self.theme}"

    def pick(self, zh: str, en: str) -> str:
        """The word of this language."""
        return zh if self.language == "zh" else en


class Workbench:
    """The instance under ``data``, and a browser."""

    def __init__(self, data: Path, browser: Browser) -> None:
        self.data = data
        self.about: Row = json.loads((data / "instance.json").read_text())
        self.url: str = self.about["web"]
        self.accounts: list[Row] = self.kam("accounts")
        self.browser = browser
        self._http = httpx.Client(trust_env=False, timeout=30)
        self._sessions: dict[str, Any] = {}
        self._said: list[str] = []
        self._contexts: list[BrowserContext] = []

    # --- people and their browsers ------------------------------------------------------------------------------------

    def account(self, role: str) -> Row:
        return next(account for account in self.accounts if account["role"] == role)

    def context(self, view: View, role: str | None = None, url: str | None = None) -> BrowserContext:
        """A browser of its own; with a role, that demo account is signed in. ``url``: by another way to the gateway."""
        context = self.browser.new_context(
            base_url=url or self.url,
            viewport={"width": view.width, "height": HEIGHTS[view.width]},
            has_touch=view.width < 768,
            is_mobile=view.width < 768,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            color_scheme="light",
            reduced_motion="reduce",
            storage_state=self._session(role) if role else None,
        )
        chosen = json.dumps({"language": view.language, "theme": view.theme})
        keep = f"localStorage['kam.preferences'] ??= JSON.stringify({chosen})"
        context.add_init_script(f"if (location.protocol !== 'about:') {{ {keep} }}")
        context.add_init_script(WATCH_SHIFTS)
        context.on("console", self._hear)
        context.on("weberror", lambda error: self._said.append(str(error.error)))
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        return context

    def open(self, path: str, role: str | None = None, view: View | None = None, *, url: str | None = None) -> Page:
        """The page at this address, its content there."""
        page = self.context(view or View(), role, url).new_page()
        page.goto(path)
        page.locator("h1").first.wait_for()
        return page

    def _session(self, role: str) -> Any:
        """Cookies of a session of this role; kept, so that thirty tests do not sign in thirty times."""
        if role not in self._sessions:
            account = self.account(role)
            context = self.browser.new_context(base_url=self.url)
            body = {"staff_no": account["staff_no"], "password": account["password"]}
            answer = context.request.post("/v1/session", data=body, headers={**OWN, "Origin": self.url})
            assert answer.ok, answer.text()
            self._sessions[role] = context.storage_state()
            context.close()
        return self._sessions[role]

    def forget(self, role: str) -> None:
        """This role's kept session was ended by a test."""
        self._sessions.pop(role, None)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and _EXPECTED not in message.text:
            self._said.append(f"{message.page.url if message.page else ''}: {message.text}")

    def close_all(self) -> list[str]:
        """Close what a test opened; what its pages complained of."""
        while self._contexts:
            self._contexts.pop().close()
        said, self._said = self._said, []
        return said

    # --- what happens in the province ---------------------------------------------------------------------------------

    def kam(self, *words: str) -> Any:
        """What a kam command prints."""
        command = [str(KAM), *words, "--json", "--data", str(self.data)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr or done.stdout
        return json.loads(done.stdout or "null")

    def get(self, path: str, role: str = "manager") -> Any:
        """An answer of the gateway, as this person's page gets it."""
        return self._ask("GET", path, role)

    def post(self, path: str, body: Row, role: str = "manager") -> Any:
        """What this person's page sends, from another browser."""
        headers = {**OWN, "Origin": self.url, "Idempotency-Key": uuid.uuid4().hex}
        return self._ask("POST", path, role, data=body, headers=headers)

    def put(self, path: str, body: Row, role: str, after: int) -> Any:
        """A document changed by this person, made from that version of it."""
        return self._ask("PUT", path, role, data=body, headers={**OWN, "Origin": self.url, "If-Match": f'"{after}"'})

    def _ask(self, method: str, path: str, role: str, **sent: Any) -> Any:
        context = self.browser.new_context(base_url=self.url, storage_state=self._session(role))
        try:
            answer = context.request.fetch(path, method=method, **sent)
            assert answer.ok, answer.text()
            return answer.json()
        finally:
            context.close()

    def happen(self, scenario: str, customer_id: str) -> float:
        """Let the simulated BOSS do it now; system time just before."""
        begun = time.time()
        answer = self._http.post(f"{self.about['boss_control']}/scenario/{scenario}/{customer_id}")
        assert answer.is_success, answer.text
        return begun

    def deliver(self, kind: str, city: str, day: str, sequence: int, rows: list[Row]) -> Row:
        """A nightly file of BOSS; its receipt."""
        folder = self.data / "delivered"
        folder.mkdir(exist_ok=True)
        stem = write_pair(folder, kind, city, day, sequence, rows)
        (receipt,) = self.kam("file", "deliver", str(folder / f"{stem}.dat.gz"), "--no-wait")
        return dict(receipt)

    def feed(self, noun: str, data: Row) -> None:
        """An event ``kam.boss.<noun>.v1`` of now, as BOSS sends it; taken."""
        now = self.get("/v1/clock")["clock"]
        event = {
            "specversion": "1.0",
            "id": uuid.uuid4().hex,
            "source": "browser-tests",
            "type": f"kam.boss.{noun}.v1",
            "time": now,
            "datacontenttype": "application/json",
            "data": data,
        }
        headers = {"Authorization": f"Bearer {self._integrator}", "Content-Type": "application/cloudevents+json"}
        answer = self._http.post(f"{self.about['billing_sync']}/v1/events", json=event, headers=headers)
        assert answer.is_success, answer.text

    @cached_property
    def _integrator(self) -> str:
        return str(self.kam("token", "integrator")["token"])


@contextmanager
def running(folder: Path) -> Iterator[Path]:
    """A demo of its own, as ``kam up`` makes it, under this folder."""
    data = folder / "kam"
    options = ("--customers", str(CUSTOMERS), "--port-base", str(free_port_base()), "--data", str(data))
    try:
        subprocess.run([KAM, "up", "--detach", "--json", *options], check=True, timeout=240, stdout=subprocess.DEVNULL)
        yield data
    finally:
        subprocess.run([KAM, "down", "--data", data], check=False, timeout=120)


def launch(playwright: Playwright) -> Browser:
    """The machine's browser."""
    program = chromium.find()
    assert program, "make test-browser brings a browser"
    return playwright.chromium.launch(
        executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage", "--font-render-hinting=none"]
    )


def first(*places: Locator) -> Locator:
    """Whichever of these is there."""
    found = places[0]
    for place in places[1:]:
        found = found.or_(place)
    return found.first
