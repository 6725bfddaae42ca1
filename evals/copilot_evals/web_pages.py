"""Every page there is to look at, and the conversation and proposal that some of them show."""

import re
from dataclasses import dataclass

from playwright.async_api import Browser, Page, expect

from copilot_evals.web_browser import signed_in

ANSWER_MS = 60_000
QUESTIONS = (
    "how is feed pump A doing?",
    "show the DE bearing vibration of P-101 over the last 2 days",
    "how do I replace the mechanical seal of P-102?",
    "show me the latest rejects of line 1 with pictures",
    "open work orders for the syrup mixer",
    "set the header pressure of the air compressor to 7.1 bar",
)


@dataclass(frozen=True, slots=True)
class Look:
    """A page as somebody of the demo opens it; `route` is the one that serves it."""

    name: str
    route: str
    path: str
    who: str = "sara"


LOOKS = (
    Look("sign-in", "/sign-in", "/sign-in", ""),
    Look("kiosk", "/kiosk", "/kiosk", ""),
    Look("plant", "/plant", "/plant"),
    Look("area", "/plant", "/plant?area=BH"),
    Look("asset", "/plant/assets/{asset}", "/plant/assets/P-101"),
    Look("asset-filler", "/plant/assets/{asset}", "/plant/assets/FIL-12"),
    Look("health", "/plant/assets/{asset}/health", "/plant/assets/P-101/health"),
    Look("life", "/plant/assets/{asset}/life", "/plant/assets/P-101/life"),
    Look("alarms", "/alarms", "/alarms"),
    Look("quality", "/quality", "/quality"),
    Look("part", "/quality/parts/{number}", "/quality/parts/{part}"),
    Look("orders", "/orders", "/orders"),
    Look("oee", "/oee", "/oee"),
    Look("documents", "/documents", "/documents"),
    Look("document", "/documents/{document:path}", "/documents/{document}"),
    Look(
        "document-page",
        "/documents/{document:path}/pages/{page:int}",
        "/documents/{document}/pages/2",
    ),
    Look("chat", "/chat", "/chat", "olga"),
    Look("conversation", "/chat/{conversation}", "/chat/{conversation}", "olga"),
    Look("conversations", "/conversations", "/conversations", "olga"),
    Look("approvals", "/approvals", "/approvals"),
    Look("approval", "/approvals/{number}", "/approvals/{proposal}"),
    Look("approval-asker", "/approvals/{number}", "/approvals/{proposal}", "olga"),
    Look("history", "/approvals/history", "/approvals/history"),
    Look("account", "/account", "/account"),
    Look("password", "/account/password", "/account/password"),
    Look("people", "/account/people", "/account/people", "ada"),
    Look("interfaces", "/interfaces", "/interfaces", "erik"),
    Look("missing", "", "/plant/assets/NO-SUCH"),
)


@dataclass(frozen=True, slots=True)
class Scene:
    """What has happened before one looks: the names that paths need."""

    conversation: str
    proposal: str
    document: str
    part: str

    def path(self, look: Look) -> str:
        """The path of a page in this scene."""
        return look.path.format(
            conversation=self.conversation,
            proposal=self.proposal,
            document=self.document,
            part=self.part,
        )


async def set_scene(browser: Browser, url: str) -> Scene:
    """Ask in one conversation for all kinds of answers, and for one change."""
    async with signed_in(browser, url, "olga") as context:
        page = await context.new_page()
        await page.goto("/chat")
        for question in QUESTIONS:
            await ask(page, question)
        conversation = page.url.rpartition("/")[2]
        link = page.locator("main a[href^='/approvals/']").last
        proposal = (await link.get_attribute("href") or "").rpartition("/")[2]
        await page.goto("/documents")
        document = await _first_document(page)
        await page.goto("/quality?window=7d")
        inspected = page.locator("main a[href^='/quality/parts/']").last
        part = (await inspected.get_attribute("href") or "").rpartition("/")[2]
    return Scene(conversation, proposal, document, part)


async def ask(page: Page, question: str) -> None:
    """Send a question and wait until its answer has ended."""
    turns = page.locator("article.turn[data-state=ended]")
    before = await turns.count()
    await page.locator("#ask textarea").fill(question)
    await page.locator("#ask textarea").press("Enter")
    await expect(turns).to_have_count(before + 1, timeout=ANSWER_MS)


async def _first_document(page: Page) -> str:
    for link in await page.locator("main a[href^='/documents/']").all():
        address = await link.get_attribute("href") or ""
        found = re.fullmatch(r"/documents/([^?#]+?)(/pages/\d+)?", address)
        if found:
            return found[1]
    raise LookupError("no manual is listed")
