"""A change is proposed by one person, approved by another, carried out and seen by both."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from browser.conftest import Visits
from copilot import db
from copilot.accounts.accounts import Accounts
from copilot.accounts.badges import Badges
from copilot.demo.site import PASSWORD, demo_settings
from copilot_evals.web_pages import Scene, ask
from copilot_tools.site.load import load_site

pytestmark = pytest.mark.asyncio(loop_scope="package")

LONG_MS = 60_000
BADGE, PIN = "04A1B2C3D4", "271828"


async def count(page: Page) -> int:
    return int(await page.locator("[data-live=waiting]").inner_text() or 0)


async def test_a_second_person_approves_and_both_see_it_done(visits: Visits, scene: Scene):
    sara, olga = await visits.visit("sara"), await visits.visit("olga")
    await sara.goto("/plant")
    counter = sara.locator("[data-live=waiting]")
    await expect(counter).to_be_visible()  # that of the scene waits already
    before = await count(sara)

    await olga.goto("/chat")
    await ask(olga, "set the speed of feed pump A to 2850 rpm")
    await expect(counter).to_have_text(str(before + 1))
    await olga.locator("main a[href^='/approvals/']").click()
    await expect(olga.locator("[data-slot=state]")).to_contain_text("waits for approval")
    await expect(olga.locator("form[action$='/approve']")).to_have_count(0)

    await sara.goto(olga.url)
    form = sara.locator("form[action$='/approve']")
    await form.locator("input[name=reason][value=checked]").check()
    await form.locator("input[name=sure]").check()
    await form.locator("input[name=password]").fill(PASSWORD)
    await form.locator("button.main").click()
    done = re.compile("done and verified")
    await expect(sara.locator("[data-slot=state]")).to_have_text(done, timeout=LONG_MS)
    await expect(olga.locator("[data-slot=state]")).to_have_text(done, timeout=LONG_MS)
    await olga.goto("/plant")
    await expect(olga.locator("[data-live=waiting]")).to_be_hidden()


async def test_a_badge_opens_reading_and_no_decision(visits: Visits, scene: Scene, home: Path):
    give_badge(home, "samir")
    page = await visits.visit(viewport={"width": 1024, "height": 600})
    await page.goto("/kiosk")
    await page.locator("input[name=badge]").fill(BADGE)
    for digit in PIN:
        await page.locator(f"[data-digit='{digit}']").click()
    await page.locator("form[data-terminal] button.main").click()
    await page.wait_for_url("**/plant")
    await page.goto(f"/approvals/{scene.proposal}")
    await expect(page.locator(".decide")).to_contain_text("sign in with your password")
    await expect(page.locator(".decide form")).to_have_count(0)


def give_badge(home: Path, name: str) -> None:
    engine = db.open_database(demo_settings(home, "").database.own)

    def now() -> datetime:
        return datetime.now(UTC)

    accounts = Accounts(engine, load_site(home / "plant.toml"), now)
    Badges(engine, accounts, now).set(name, BADGE, PIN, by="root")
    engine.dispose()
