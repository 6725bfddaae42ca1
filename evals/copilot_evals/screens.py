"""Pictures of every page, to be looked at: light, dark, kiosk, phone, wide, in other languages."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw
from playwright.async_api import Browser, BrowserContext

from copilot_evals.web_browser import NoBrowser, chromium, open_browser, signed_in
from copilot_evals.web_pages import LOOKS, Look, Scene, set_scene
from copilot_evals.web_server import served_demo

SETTLE_MS = 1000
TALLEST = 4000
COLUMNS = 6
TILE = (400, 500)


@dataclass(frozen=True, slots=True)
class Device:
    """A screen that people sit or stand before."""

    name: str
    width: int
    height: int
    scheme: Literal["light", "dark"]
    language: str = "en"
    query: str = ""


DEVICES = (
    Device("wide-light", 1920, 1080, "light"),
    Device("wide-dark", 1920, 1080, "dark"),
    Device("kiosk-light", 1024, 600, "light", query="kiosk=1"),
    Device("kiosk-dark", 1024, 600, "dark", query="kiosk=1"),
    Device("phone-light", 390, 844, "light"),
    Device("phone-dark", 390, 844, "dark"),
    Device("wide-de", 1280, 800, "light", "de"),
    Device("phone-de", 390, 844, "light", "de"),
    Device("wide-es", 1280, 800, "light", "es"),
)


def run(folder: Path) -> int:
    """Take the pictures, and of each screen a sheet with all of them; exit code 0, 2 without a
    browser.
    """
    try:
        chromium()
    except NoBrowser as error:
        print(error, file=sys.stderr)
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    with served_demo() as served:
        taken = asyncio.run(take(served.url, folder))
    print(f"{taken} pictures and {len(DEVICES)} sheets in {folder}")
    return 0


async def take(url: str, folder: Path, devices: Sequence[Device] = DEVICES) -> int:
    """The pictures of pages that are served at a URL; how many."""
    async with open_browser() as browser:
        scene = await set_scene(browser, url)
        for device in devices:
            async with AsyncExitStack() as stack:
                people = {
                    who: await stack.enter_async_context(_at(browser, url, who, device))
                    for who in dict.fromkeys(look.who for look in LOOKS)
                }
                pictures = [
                    await _picture(people[look.who], scene, look, device, folder) for look in LOOKS
                ]
            _sheet(pictures).save(folder / f"sheet-{device.name}.png")
    return len(devices) * len(LOOKS)


def _at(
    browser: Browser, url: str, who: str, device: Device
) -> AbstractAsyncContextManager[BrowserContext]:
    """Somebody at a device."""
    return signed_in(
        browser,
        url,
        who,
        viewport={"width": device.width, "height": device.height},
        color_scheme=device.scheme,
        locale=device.language,
    )


async def _picture(
    context: BrowserContext, scene: Scene, look: Look, device: Device, folder: Path
) -> Path:
    page = await context.new_page()
    path = scene.path(look)
    mark = "&" if "?" in path else "?"
    await page.goto(f"{path}{mark}{device.query}" if device.query else path)
    await page.wait_for_timeout(SETTLE_MS)
    file = folder / f"{look.name}-{device.name}.png"
    height = min(await page.evaluate("document.documentElement.scrollHeight"), TALLEST)
    clip = {"x": 0, "y": 0, "width": device.width, "height": max(height, device.height)}
    await page.screenshot(path=file, full_page=True, clip=clip)  # type: ignore[arg-type]
    await page.close()
    return file


def _sheet(pictures: Sequence[Path]) -> Image.Image:
    """All pictures of a screen, small, each with its name."""
    width, height = TILE
    rows = -(-len(pictures) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * width, rows * height), "white")
    draw = ImageDraw.Draw(sheet)
    for (left, top), file in zip(_places(len(pictures)), pictures, strict=True):
        with Image.open(file) as picture:
            small = picture.convert("RGB")
            small.thumbnail((width - 10, height - 30))
            sheet.paste(small, (left, top + 20))
        draw.text((left, top + 4), file.stem, fill="black")
    return sheet


def _places(count: int) -> Iterator[tuple[int, int]]:
    for number in range(count):
        yield number % COLUMNS * TILE[0], number // COLUMNS * TILE[1]
