"""The server ends and comes again: pages say so, go on by themselves, and lose nobody's session."""

import asyncio

import pytest
from playwright.async_api import expect

from browser.conftest import Pages, Visits

pytestmark = pytest.mark.asyncio(loop_scope="package")

LONG_MS = 60_000


async def test_a_lost_line_is_said_and_found_again(visits: Visits, pages: Pages):
    page = await visits.visit("olga")
    await page.goto("/plant/assets/P-101")
    flow = page.locator('[data-signal="P-101.flow"]').first
    await expect(flow).to_have_attribute("data-quality", "good")
    line = page.locator("[data-live=line]")
    await expect(line).to_be_hidden()
    await asyncio.to_thread(pages.stop)
    await expect(line).to_contain_text("Connection lost", timeout=LONG_MS)
    before = await flow.get_attribute("data-time")
    await asyncio.to_thread(pages.begin_again)
    await expect(line).not_to_contain_text("Connection lost", timeout=LONG_MS)
    await expect(flow).not_to_have_attribute("data-time", before or "", timeout=LONG_MS)
    visits.faults.clear()  # that nobody answered, the browser's console tells
