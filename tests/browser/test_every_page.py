"""Every page, light and dark: axe finds nothing, nothing is asked elsewhere, nothing is cut off."""

import tomllib
from pathlib import Path

import pytest

from browser.conftest import Visits
from browser.inspecting import accessibility_faults, overflow, small_targets
from copilot_evals.web_pages import LOOKS, Look, Scene

pytestmark = pytest.mark.asyncio(loop_scope="package")

PERMISSIONS = Path(__file__).parents[1] / "web" / "permissions"
NARROW, LOW = {"width": 360, "height": 740}, {"width": 1024, "height": 600}
NO_PAGES = {
    "/",  # lead on
    "/approvals/stop",
    "/approvals/release",
    "/approvals/{number}/{choice}",
    "/plant/now",  # parts of pages
    "/alarms/rows",
    "/approvals/{number}/now",
    "/images/{name:path}",  # files
    "/documents/{document:path}/pages/{page:int}.png",
    "/chat/{conversation}/handover.md",
    "/chat/{conversation}/handover.pdf",
    "/sign-in/provider",  # there is no provider here
    "/sign-in/provider/callback",
    "/events",  # no HTML
    "/events/here",
    "/healthz",
    "/readyz",
    "/metrics",
}


async def test_no_page_is_forgotten():
    # test_authorization.py sees to it that each route has a row there.
    rows = [row for file in PERMISSIONS.glob("*.toml") for row in tomllib.loads(file.read_text())]
    paths = {row.removeprefix("GET ") for row in rows if row.startswith("GET ")}
    shown = {path for path in paths if not path.startswith(("/api/", "/v1/"))}
    assert shown - NO_PAGES == {look.route for look in LOOKS if look.route}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
async def test_page(visits: Visits, scene: Scene, look: Look, scheme: str):
    page = await visits.visit(look.who, color_scheme=scheme)
    answer = await page.goto(scene.path(look))
    assert answer is not None
    assert answer.status == (200 if look.route else 404)
    await page.wait_for_timeout(1000)  # scripts add to pages
    assert await accessibility_faults(page) == []
    for size in (NARROW, LOW):
        await page.set_viewport_size(size)
        assert await overflow(page) == [], size
    assert await small_targets(page) == []
    if not look.route:
        visits.faults.clear()  # the browser's console tells of the 404


@pytest.mark.parametrize(("language", "word"), [("de", "Freigaben"), ("es", "Aprobaciones")])
async def test_another_language(visits: Visits, language: str, word: str):
    page = await visits.visit("sara")
    await page.goto("/plant")
    await page.locator("select[name=language]").select_option(language)
    await page.locator("footer button").click()
    await page.get_by_role("link", name=word).wait_for()
    assert await page.locator("html").get_attribute("lang") == language
    assert await accessibility_faults(page) == []


async def test_looks_can_be_chosen(visits: Visits):
    page = await visits.visit("sara", color_scheme="light")
    await page.goto("/plant")
    await page.locator("select[name=theme]").select_option("dark")
    await page.locator("footer button").click()
    await page.locator("html[data-theme=dark]").wait_for()
    assert await accessibility_faults(page) == []
