"""A real browser on the demo's pages: what a first visit loads, when it shows, when facts come."""

import os
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

PAGES = ("/plant", "/chat")
ROUNDS = 5
QUESTIONS = (
    "how is feed pump A doing?",
    "what is the flow of P-101?",
    "what is the suction pressure of P-101?",
    "glue temperature of labeller 1",
    "how warm is the product at filler 2?",
    "what is the flow of feed pump B?",
    "motor current of feed pump A",
)
FACT = "main .fact"
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
NAMES = ("chromium", "chromium-browser", "google-chrome")
WATCH = """selector => {
  window.__first = null;
  const seen = document.querySelectorAll(selector).length;
  new MutationObserver((_, watcher) => {
    if (document.querySelectorAll(selector).length > seen) {
      window.__first = performance.now();
      watcher.disconnect();
    }
  }).observe(document, {childList: true, subtree: true});
}"""
SEND = """() => {
  document.addEventListener("keydown", () => { window.__sent = performance.now(); },
    {capture: true, once: true});
}"""


class NoBrowser(Exception):
    """No Chromium is to be found; the message says where one was looked for."""


@dataclass(slots=True)
class Visit:
    """What first visits to a page took; bytes as they went over the wire, headers included."""

    path: str
    bytes: list[int] = field(default_factory=list)
    requests: int = 0
    paint_ms: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Seen:
    """All that a browser saw."""

    version: str
    visits: list[Visit]
    first_fact_ms: list[float]

    @property
    def first_load_bytes(self) -> int:
        """Of the page that loads most."""
        return max(max(visit.bytes) for visit in self.visits)

    @property
    def first_paint_ms(self) -> float:
        """Of the page that shows last; the median of its visits."""
        return max(median(visit.paint_ms) for visit in self.visits)


def chromium() -> str:
    """The path of a Chromium: $COPILOT_TEST_CHROMIUM, else the system's; raises NoBrowser."""
    named = os.environ.get("COPILOT_TEST_CHROMIUM")
    for candidate in (named,) if named else NAMES:
        found = shutil.which(candidate)
        if found:
            return found
    sought = named or ", ".join(NAMES)
    raise NoBrowser(
        f"no browser: {sought} cannot be run; install chromium, or name one in "
        "COPILOT_TEST_CHROMIUM"
    )


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """A browser without a window, its process ended in the end."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()


async def look(url: str) -> Seen:
    """Visit pages with an empty cache several times, then ask in a warm one."""
    async with open_browser() as browser:
        visits = [Visit(path) for path in PAGES]
        for visit in visits:
            for _ in range(ROUNDS):
                async with signed_in(browser, url, "olga") as context:
                    await _visit(context, visit)
        async with signed_in(browser, url, "olga") as context:
            facts = await _ask(await context.new_page(), QUESTIONS)
        return Seen(browser.version, visits, facts)


@asynccontextmanager
async def signed_in(
    browser: Browser, url: str, name: str, **options: Any
) -> AsyncIterator[BrowserContext]:
    """A browser of its own in which one of the demo's people is signed in; its cache is empty."""
    context = await browser.new_context(base_url=url, **options)
    try:
        if name:
            answer = await context.request.post("/sign-in/guest", form={"name": name})
            assert answer.ok, await answer.text()
        yield context
    finally:
        await context.close()


async def _visit(context: BrowserContext, visit: Visit) -> None:
    page = await context.new_page()
    wire = await context.new_cdp_session(page)
    loaded: list[int] = []
    wire.on("Network.loadingFinished", lambda it: loaded.append(int(it["encodedDataLength"])))
    await wire.send("Network.enable")
    await page.goto(visit.path, wait_until="load")
    await page.wait_for_timeout(1000)
    paints = await page.evaluate(
        "performance.getEntriesByName('first-contentful-paint').map(paint => paint.startTime)"
    )
    visit.bytes.append(sum(loaded))
    visit.requests = len(loaded)
    visit.paint_ms.extend(paints)


async def _ask(page: Page, questions: Sequence[str]) -> list[float]:
    """Milliseconds from sending to the first fact on screen; the first question only warms."""
    taken = []
    for question in questions:
        await page.goto("/chat")
        await page.locator("#ask textarea").fill(question)
        await page.evaluate(WATCH, FACT)
        await page.evaluate(SEND)
        await page.keyboard.press("Enter")
        until = time.monotonic() + 60
        while await page.evaluate("window.__first") is None and time.monotonic() < until:
            await page.wait_for_timeout(50)
        taken.append(await page.evaluate("window.__first - window.__sent"))
    return taken[1:]
