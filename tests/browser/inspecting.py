"""What must hold on every page, looked at in the browser."""

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

AXE = Axe()
OVERFLOW = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const inside = e => e.parentElement && e.parentElement !== document.body && (
    getComputedStyle(e.parentElement).overflowX !== "visible" || inside(e.parentElement));
  return [...document.body.querySelectorAll("*")]
    .filter(e => e.getBoundingClientRect().right > width + 1 && !inside(e))
    .map(e => `${e.tagName.toLowerCase()}.${e.className} to ${e.getBoundingClientRect().right}`)
    .slice(0, 5).concat(`scrollWidth ${document.documentElement.scrollWidth} > ${width}`);
}"""
SMALL = """least => [...document.querySelectorAll("button, a.button, select, summary")]
  .filter(e => e.checkVisibility() && !e.closest(".unseen"))
  .map(e => [e.getBoundingClientRect(), e])
  .filter(([box]) => box.height && box.height < least)
  .map(([box, e]) => `${e.tagName} ${e.textContent.trim().slice(0, 30)}: ${box.height} px high`)"""
LEAST_TARGET = 48  # 56 px; 48 where the screen is low


async def accessibility_faults(page: Page) -> list[str]:
    """What axe finds wrong, one line for each element."""
    results = await AXE.run(page)
    return [
        f"{found['id']}: {node['target']} {node['html'][:160]}"
        for found in results.response["violations"]
        for node in found["nodes"]
    ]


async def overflow(page: Page) -> list[str]:
    """What makes the page scroll sideways."""
    found: list[str] = await page.evaluate(OVERFLOW)
    return found


async def small_targets(page: Page) -> list[str]:
    """Buttons that a gloved finger misses."""
    found: list[str] = await page.evaluate(SMALL, LEAST_TARGET)
    return found
