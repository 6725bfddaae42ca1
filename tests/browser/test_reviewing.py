"""A person looks at a rejected part, with the heat map over it, and says what it is."""

import pytest
from playwright.async_api import expect

from browser.conftest import Visits
from browser.inspecting import overflow
from copilot.demo.site import PASSWORD

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_part_is_looked_at_and_decided_on_a_phone(visits: Visits):
    page = await visits.visit("sara", viewport={"width": 360, "height": 740})
    await page.goto("/quality?window=7d")
    await page.locator(".wall a[href^='/quality/parts/']").first.click()
    heat = page.locator("img.heat")
    await expect(heat).to_be_visible()
    await expect(heat).to_have_js_property("naturalWidth", 128)
    await page.get_by_label("Show where it is unlike good parts").uncheck()
    await expect(heat).to_be_hidden()
    assert await overflow(page) == []
    await page.get_by_label("It has another defect").check()
    await page.get_by_label("Name of the defect").fill("scuffed label")
    await page.get_by_label("Your password, again").fill(PASSWORD)
    await page.get_by_role("button", name="Keep this decision").click()
    await expect(page.locator("main")).to_contain_text("scuffed label, decided by sara")
    await expect(page.get_by_role("button", name="Keep this decision")).to_have_count(0)
