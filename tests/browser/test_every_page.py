"""Every page, light and dark: axe finds nothing, nothing is asked elsewhere, nothing is cut off."""

import pytest
from fastapi.routing import APIRoute

from browser.conftest import Visits
from browser.inspecting import accessibility_faults, overflow, small_targets
from copilot.web.application import ROUTERS
from copilot_evals.web_pages import LOOKS, Look, Scene

pytestmark = pytest.mark.asyncio(loop_scope="package")

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
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    shown = {
        route.path
        for route in routes
        if "GET" in route.methods and not route.path.startswith(("/api/", "/v1/"))
    }
    looked_at = {look.route for look in LOOKS if look.route}
    assert shown - NO_PAGES == looked_at


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
