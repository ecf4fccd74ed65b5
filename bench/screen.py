"""``screen``: from the moment an event of BOSS was due to the alert on the screen of somebody who sees all of them, as
a real browser paints it: 200 events/s over HTTP, 5 % of them alerting.

Nothing of what is measured comes from the services: the client is a stranger's, and the page tells how many alerts it
has announced when. The n-th alert is on screen once the page has announced n. ``limit``: what the workbench promises.
"""

import contextlib
import json
from typing import Any

from playwright.async_api import Page, TimeoutError, async_playwright

from bench.figures import percentile
from bench.instance import Client, Instance, owes, pays, running
from bench.machine import database_kind
from kam.embedded import chromium

RATE, SECONDS, PATIENCE = 200, 60, 30
#: one in so many is a debt, the others are payments, from which nothing follows
ALERTING = 20
LIMIT_MS = 1000
_WATCH = """
() => {
  const text = () => document.querySelector('main button b')?.innerText ?? '';
  const told = () => Number(text().replace(/[^0-9]/g, ''));
  window.kamTold = [];
  let last = told();
  const first = last;
  new MutationObserver(() => {
    const now = told();
    if (now > last) {
      last = now;
      requestAnimationFrame(() => setTimeout(() => window.kamTold.push([Date.now() / 1000, now - first])));
    }
  }).observe(document.body, {subtree: true, childList: true, characterData: true});
}
"""


async def opened(page: Page, instance: Instance) -> None:
    """Sign in as the analyst, who sees the whole province, and open the alerts with a live connection."""
    account = next(a for a in json.loads(instance.kam("accounts", "--json")) if a["role"] == "analyst")
    web = instance.about["web"]
    body = {"staff_no": account["staff_no"], "password": account["password"]}
    answer = await page.request.post(f"{web}/v1/session", data=body, headers={"Kam-Request": "1", "Origin": web})
    if not answer.ok:
        raise RuntimeError(await answer.text())
    await page.goto(f"{web}/alerts")
    await page.locator("header output", has_text="实时").wait_for()
    await page.evaluate(_WATCH)


async def delays(page: Page, client: Client, rate: float, seconds: float) -> tuple[list[float], int]:
    """Seconds from when each alerting event was due to when it was announced, and how many never were."""
    alerting = range(0, int(rate * seconds), ALERTING)
    offered = await client.offer(rate, seconds, lambda n: pays(n + 1, n) if n % ALERTING else owes(n + 1))
    if offered.failed:
        raise RuntimeError(offered.failed[0])
    enough = f"() => (window.kamTold.at(-1)?.[1] ?? 0) >= {len(alerting)}"
    with contextlib.suppress(TimeoutError):  # what has not come by then is missing
        await page.wait_for_function(enough, timeout=PATIENCE * 1000, polling=100)
    told: list[tuple[float, int]] = await page.evaluate("window.kamTold")
    found = []
    for nth, n in enumerate(alerting, start=1):
        at = next((at for at, announced in told if announced >= nth), None)
        if at is not None:
            found.append(at - offered.due[n])
    return found, len(alerting) - len(found)


async def measure(quick: bool) -> list[dict[str, Any]]:
    seconds = 15 if quick else SECONDS
    program = chromium.bring()
    with running() as instance:
        client = Client(instance)
        await client.load(range(1, RATE * seconds + 1))
        instance.kam("wait")
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            page = await browser.new_page(locale="zh-CN", timezone_id="Asia/Shanghai")
            await opened(page, instance)
            found, missing = await delays(page, client, RATE, seconds)
            await browser.close()
        restarts = instance.restarts()
    p99 = percentile(found, 0.99) * 1000
    return [
        {
            "name": "screen", "ours": round(p99), "peer": None, "limit": LIMIT_MS, "unit": "ms", "ours_vs_peer": None,
            "ours_vs_limit": round(p99 / LIMIT_MS, 2), "rate": RATE, "alerting_per_second": RATE / ALERTING,
            "seconds": seconds, "p50_ms": round(percentile(found, 0.5) * 1000), "max_ms": round(max(found) * 1000),
            "alerts": len(found), "missing": missing, "restarts": restarts, "database": database_kind(),
        }
    ]  # fmt: skip
