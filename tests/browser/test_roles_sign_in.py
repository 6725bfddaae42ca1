"""Everybody of the demo comes in with one tap and finds what is theirs."""

import pytest
from playwright.async_api import expect

from browser.conftest import Visits
from copilot.demo.site import PEOPLE

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.mark.parametrize("name", [name for name, _, _ in PEOPLE])
async def test_one_tap_signs_in(visits: Visits, name: str):
    page = await visits.visit(name)
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await expect(page.locator("summary", has_text=name)).to_be_visible()


async def test_signing_out_ends_it(visits: Visits):
    page = await visits.visit("olga")
    await page.locator("summary", has_text="olga").click()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/sign-in")
    await page.goto("/plant")
    await page.wait_for_url("**/sign-in?next=/plant")
