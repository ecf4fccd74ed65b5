"""What must hold of a page in every look: nothing moves by itself, nothing sticks out sideways, axe finds nothing
serious; and a picture of it to look at."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

ROOT = Path(__file__).parents[2]
#: pictures of a run; the folder is nobody's source
ARTEFACTS = ROOT / "build" / "browser"
AXE = ROOT / "services" / "gateway" / "web" / "node_modules" / "axe-core" / "axe.min.js"
#: cumulative layout shift (ui.md section 8)
MOST_SHIFT = 0.02
_TALLEST = 2600

WATCH_SHIFTS = """
window.kamShifts = [];
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) {
    if (!entry.hadRecentInput) {
      window.kamShifts.push({
        value: entry.value,
        at: Math.round(entry.startTime),
        what: entry.sources.map(({node, previousRect, currentRect}) => {
          const [was, is] = [previousRect, currentRect].map(at => `${at.x},${at.y} ${at.width}x${at.height}`);
          return `${was} -> ${is} ${(node?.outerHTML ?? node?.textContent)?.slice(0, 160)}`;
        }),
      });
    }
  }
}).observe({type: 'layout-shift', buffered: true});
"""
_SIDEWAYS = """
() => {
  const width = document.documentElement.clientWidth;
  const isScrolled = element => {
    for (let place = element.parentElement; place; place = place.parentElement) {
      if (place.matches('.ant-table-tbody-virtual-holder')) {
        return true; // scrolls by bars of its own
      }
      if (place.scrollWidth > place.clientWidth && /auto|scroll/.test(getComputedStyle(place).overflowX)) {
        return place.tagName !== 'MAIN' && place !== document.scrollingElement;
      }
    }
    return false;
  };
  const isCut = element => {
    const box = element.getBoundingClientRect();
    return box.width > 1 && box.height > 1 && (box.right > width + 1 || box.left < -1) && !isScrolled(element);
  };
  const page = document.scrollingElement;
  const controls = [...document.querySelectorAll('a, button, input, h1, [role=button], [role=tab]')].filter(isCut);
  const wide = [page, document.querySelector('main')].some(place => place && place.scrollWidth > place.clientWidth + 1)
    ? [...document.querySelectorAll('main *')].filter(isCut)
    : [];
  return [...new Set([...controls, ...wide])].slice(0, 6).map(element => element.outerHTML.slice(0, 160));
}
"""
#: no part of the page is being fetched, so charts have their library
_DRAWN = """
() => new Promise(resolve => {
  const last = () => performance.getEntriesByType('resource').reduce((at, one) => Math.max(at, one.responseEnd), 0);
  const isQuiet = () => performance.now() - last() > 200;
  const look = () => isQuiet() ? requestAnimationFrame(() => resolve(true)) : setTimeout(look, 50);
  look();
})
"""
_BEYOND = """
() => {
  const main = document.querySelector('main');
  return main ? main.scrollHeight - main.clientHeight : 0;
}
"""
_AXE = """
async () => {
  const bars = [...document.querySelectorAll('*')].filter(one => getComputedStyle(one).position === 'sticky');
  const own = bars.map(bar => bar.style.position);
  bars.forEach(bar => { bar.style.position = 'static'; });
  const laidOut = new CSSStyleSheet();
  laidOut.replaceSync('* { content-visibility: visible !important; }');
  document.adoptedStyleSheets.push(laidOut);
  const found = await axe.run(document, {
    resultTypes: ['violations'],
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  });
  bars.forEach((bar, n) => { bar.style.position = own[n]; });
  document.adoptedStyleSheets.pop();
  return found.violations
    .filter(rule => rule.impact === 'serious' || rule.impact === 'critical')
    .map(rule => ({
      rule: rule.id,
      what: rule.nodes.slice(0, 4).map(node => node.html.slice(0, 200) + ' -- ' + node.failureSummary.slice(0, 300)),
    }));
}
"""


def complete(page: Page) -> None:
    """Return once the page shows what it has to show: no block is still waiting for its content."""
    expect(page.locator("h1").first).to_be_visible()
    expect(page.locator("[aria-busy=true]")).to_have_count(0, timeout=15_000)
    page.evaluate("document.fonts.ready")
    page.wait_for_function(_DRAWN)


def shifts(page: Page) -> list[Any]:
    """What moved by itself, where that was too much; pages are opened with WATCH_SHIFTS."""
    found: list[Any] = page.evaluate("window.kamShifts ?? []")
    found.sort(key=lambda one: -one["value"])
    return found[:3] if sum(one["value"] for one in found) > MOST_SHIFT else []


def sideways(page: Page) -> list[str]:
    """Controls that are cut off at a side, and whatever makes the page scroll sideways; not what scrolls by itself."""
    found: list[str] = page.evaluate(_SIDEWAYS)
    return found


def axe(page: Page) -> list[Any]:
    """Serious and critical findings of axe-core. Bars that stay in sight lie in their place meanwhile: what is half
    beneath one is reached by scrolling, and the browser scrolls what gets the focus (``scroll-padding``). Cards far out
    of sight are laid out too, for axe would judge places that they don't have."""
    page.evaluate(_axe_source())
    found: list[Any] = page.evaluate(_AXE)
    return found


@cache
def _axe_source() -> str:
    return AXE.read_text(encoding="utf-8") + "\n;0"


def picture(page: Page, name: str, folder: Path = ARTEFACTS, *, whole: bool = True) -> Path:
    """Keep a picture under this name: of the whole page, or of what is in sight."""
    path = folder / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    size = page.viewport_size
    assert size
    beyond: int = page.evaluate(_BEYOND) if whole else 0
    if beyond > 0:
        page.set_viewport_size({"width": size["width"], "height": min(_TALLEST, size["height"] + beyond)})
    page.screenshot(path=path, animations="disabled", caret="hide")
    if beyond > 0:
        page.set_viewport_size(size)
    return path
