"""Everybody of the demo comes in with one tap and finds what is theirs."""

import re

import pytest
from playwright.async_api import expect

from browser.conftest import Visits, sign_in
from copilot.demo.site import PEOPLE

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.mark.parametrize("name", [name for name, _, _ in PEOPLE])
async def test_one_tap_signs_in(visits: Visits, name: str):
    page = await visits.visit(name)
    await page.goto("/plant")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await expect(page.locator("summary", has_text=name)).to_be_visible()


async def test_signing_out_ends_it(visits: Visits):
    page = await visits.visit()
    await sign_in(page, "olga")
    await page.locator("summary", has_text="olga").click()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/sign-in")
    await page.goto("/plant")
    await page.wait_for_url(re.compile("/sign-in.next="))


async def test_by_keyboard_alone(visits: Visits):
    page = await visits.visit("olga")
    await page.goto("/plant")
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#content")).to_be_focused()
    reached = set()
    for _ in range(40):
        await page.keyboard.press("Tab")
        reached.add(await page.evaluate("document.activeElement.getAttribute('href')"))
    assert any(str(href).startswith("/plant/assets/") for href in reached)
    await page.goto("/plant")
    reached = set()
    for _ in range(12):
        await page.keyboard.press("Tab")
        reached.add(await page.evaluate("document.activeElement.getAttribute('href')"))
    assert {"/chat", "/alarms", "/approvals"} <= reached
