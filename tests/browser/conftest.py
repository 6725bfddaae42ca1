"""A browser, and the demo plant with its pages: one of each for all tests of this folder.

COPILOT_TEST_CHROMIUM is the path of a Chromium; without it nothing here runs.
COPILOT_TEST_PLANT may name a folder with a plant made before, and COPILOT_TEST_CACHE one with the
model's files: both save a minute.
"""

import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Request, async_playwright

from copilot.demo.home import prepare
from copilot.demo.process import ChildProcess, running_demo
from copilot_evals.web_pages import Scene, set_scene
from copilot_evals.web_server import free_port, start_pages

CHROMIUM = os.environ.get("COPILOT_TEST_CHROMIUM", "")
KEPT_PLANT = os.environ.get("COPILOT_TEST_PLANT")
KEPT_CACHE = os.environ.get("COPILOT_TEST_CACHE")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
PATIENCE_MS = 20_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    ours = [item for item in items if here in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.model)
        if not CHROMIUM:
            item.add_marker(pytest.mark.skip(reason="COPILOT_TEST_CHROMIUM names no browser"))


@dataclass(slots=True)
class Pages:
    """The pages of a demo plant that runs, in a process of their own."""

    url: str
    start: Callable[[], ChildProcess]
    process: ChildProcess

    def stop(self) -> None:
        """End the process as `systemctl stop` does."""
        self.process.stop()

    def begin_again(self) -> None:
        """The same pages at the same address, from a new process."""
        self.process = self.start()
        self.process.wait_until_ready()


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    if KEPT_PLANT:
        shutil.copytree(KEPT_PLANT, folder, dirs_exist_ok=True)
    prepare(folder, seed=7, now=datetime.now(UTC), days=14)
    return folder


@pytest.fixture(scope="package")
def cache(request: pytest.FixtureRequest) -> Path:
    return Path(KEPT_CACHE) if KEPT_CACHE else request.getfixturevalue("model_cache")


@pytest.fixture(scope="package")
def pages(home: Path, cache: Path) -> Iterator[Pages]:
    port = free_port()
    with running_demo(home) as opcua_url:

        def start() -> ChildProcess:
            return start_pages(home, opcua_url, cache, port)

        served = Pages(f"http://127.0.0.1:{port}", start, start())
        served.process.wait_until_ready()
        try:
            yield served
        finally:
            served.stop()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = playwright.chromium
        opened = await chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield opened
        await opened.close()


@dataclass(slots=True)
class Visits:
    """People at their browsers; `faults` are what no page may do, whoever visits it."""

    browser: Browser
    url: str
    known: dict[str, Any]
    stack: AsyncExitStack
    faults: list[str] = field(default_factory=list)

    async def visit(self, name: str = "", **options: Any) -> Page:
        """A page of a browser of its own, in which a person of the demo is signed in."""
        if name and name not in self.known:
            self.known[name] = await self._sign_in(name)
        state = self.known.get(name)
        given = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **options}
        context = await self.browser.new_context(base_url=self.url, storage_state=state, **given)
        self.stack.push_async_callback(context.close)
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        self._watch(context, page)
        return page

    async def _sign_in(self, name: str) -> Any:
        page = await self.visit()
        await sign_in(page, name)
        return await page.context.storage_state()

    def _watch(self, context: BrowserContext, page: Page) -> None:
        """Note what no page may do: ask elsewhere, break its policy, throw an error."""

        def asked(request: Request) -> None:
            if not request.url.startswith((self.url, "data:", "blob:")):
                self.faults.append(f"{page.url} asked {request.url}")

        context.on("request", asked)
        page.on("console", lambda said: said.type == "error" and self._note(page, said.text))
        page.on("pageerror", lambda error: self._note(page, str(error)))

    def _note(self, page: Page, text: str) -> None:
        self.faults.append(f"{page.url}: {text}")


async def sign_in(page: Page, name: str) -> None:
    """Be one of the demo's people, with one tap."""
    await page.goto("/sign-in")
    await page.locator(f"button[value={name}]").click()
    await page.wait_for_url("**/plant")


@pytest.fixture(scope="package")
def known() -> dict[str, Any]:
    """The sessions of people who have signed in already."""
    return {}


@pytest_asyncio.fixture(loop_scope="package")
async def visits(browser: Browser, pages: Pages, known: dict[str, Any]) -> AsyncIterator[Visits]:
    async with AsyncExitStack() as stack:
        visited = Visits(browser, pages.url, known, stack)
        yield visited
        assert visited.faults == []


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def scene(browser: Browser, pages: Pages) -> Scene:
    return await set_scene(browser, pages.url)
