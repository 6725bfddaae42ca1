"""An operator asks: facts come, nothing is lost by a reload, what runs can be stopped and rated."""

import re

import pytest
from playwright.async_api import Page, expect

from browser.conftest import Visits
from copilot_evals.web_pages import ask

pytestmark = pytest.mark.asyncio(loop_scope="package")

LONG_MS = 60_000


async def send(page: Page, question: str) -> None:
    await page.locator("#ask textarea").fill(question)
    await page.locator("#ask textarea").press("Enter")


async def test_a_question_is_answered_by_facts_with_units(visits: Visits):
    page = await visits.visit("olga")
    await page.goto("/chat")
    await ask(page, "How is feed pump A doing?")
    await expect(page.locator(".fact").first).to_be_visible()
    flow = page.locator(".fact", has=page.locator(".fact-name", has_text=re.compile("flow$")))
    await expect(flow.locator(".fact-value")).to_have_text(re.compile(r"^[\d.]+ m3/h$"))
    await expect(flow.locator(".fact-source")).to_contain_text(re.compile(r"good · .* ago"))
    await expect(page).to_have_url(re.compile("/chat/[0-9a-f]+$"))


async def test_a_reload_while_it_runs_loses_and_repeats_nothing(visits: Visits):
    page = await visits.visit("olga")
    await page.goto("/chat")
    await send(page, "flow of P-101, stock of 6309 bearings and open work orders for P-101")
    await page.locator("article.turn").wait_for()
    await page.wait_for_url(re.compile("/chat/[0-9a-f]+$"))
    await page.reload()
    turn = page.locator("article.turn")
    await expect(turn).to_have_count(1)
    await expect(turn).to_have_attribute("data-state", "ended", timeout=LONG_MS)
    steps = await turn.locator(".step").count()
    cards = await turn.locator(".result").count()
    assert steps >= 2
    assert await turn.locator(".step.pending").count() == 0
    positions = await turn.locator(".result").evaluate_all(
        "all => all.map(e => e.dataset.position)"
    )
    assert positions == sorted(set(positions))
    await page.reload()  # what was told live is what is told afterwards
    await expect(turn.locator(".step")).to_have_count(steps)
    await expect(turn.locator(".result")).to_have_count(cards)
    await expect(turn.locator(".said").first).to_be_visible()


async def test_what_runs_can_be_stopped(visits: Visits):
    page = await visits.visit("olga")
    await page.goto("/chat")
    await send(page, "which purchase orders are late and why does capper 1 make loose caps?")
    await page.locator("[data-act=stop]").last.click()
    turn = page.locator("article.turn")
    await expect(turn).not_to_have_attribute("data-state", "running", timeout=LONG_MS)
    await expect(turn.locator("[data-act=stop]")).to_be_hidden()


async def test_an_answer_is_rated(visits: Visits):
    page = await visits.visit("olga")
    await page.goto("/chat")
    await ask(page, "what is the flow of P-101?")
    await page.locator("[data-act=right]").click()
    await expect(page.locator("[data-act=right]")).to_have_attribute("aria-pressed", "true")
    await page.locator("[data-act=wrong]").click()
    await expect(page.locator("[data-act=wrong]")).to_have_attribute("aria-pressed", "true")
    await page.locator("input[name=why]").fill("the gauge shows 5 less")
    async with page.expect_response("**/feedback"):
        await page.locator("input[name=why]").press("Enter")
    await expect(page.locator("[data-part=thanks]")).not_to_be_empty()
    await page.reload()
    await expect(page.locator("[data-act=wrong]")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("input[name=why]")).to_have_value("the gauge shows 5 less")


async def test_a_quote_opens_its_page_with_the_passage_marked(visits: Visits):
    page = await visits.visit("olga")
    await page.goto("/chat")
    await ask(page, "what is the tightening torque of the seal cover on P-101?")
    await page.locator(".quote a").first.click()
    await page.wait_for_url(re.compile("/documents/.*/pages/"))
    await expect(page.locator(".leaf svg rect").first).to_be_visible()
    await page.locator("details summary.button").click()
    await expect(page.locator("mark").first).to_be_visible()


async def test_a_trend_is_drawn_and_can_be_read_as_a_table(visits: Visits):
    page = await visits.visit("olga")
    await page.goto("/chat")
    await ask(page, "show the DE bearing vibration of P-101 over the last 2 days")
    trend = page.locator("figure.trend").first
    await expect(trend.locator("canvas").first).to_be_visible()
    await trend.locator("summary").click()
    await expect(trend.locator("details tbody tr").first).to_contain_text("mm/s")
    await trend.get_by_role("button", name="Zoom in").click()
    await expect(trend.locator("canvas").first).to_be_visible()


async def test_live_values_move(visits: Visits):
    page = await visits.visit("olga")
    await page.goto("/plant/assets/P-101")
    flow = page.locator('[data-signal="P-101.flow"]').first
    await expect(flow.locator("[data-part=value]")).to_have_text(re.compile(r"m3/h"))
    before = await flow.get_attribute("data-time")
    await expect(flow).not_to_have_attribute("data-time", before or "")
    await expect(flow.locator("[data-part=age]")).to_have_text(re.compile(r"^\d s$"))
