"""Inspection pictures: served from their folder only, shown with what was marked on them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from web_fixture import Works

from copilot.web.pictures import find_image, show_picture
from copilot.web.rendering import environment
from copilot_tools.facts import Picture, Source


def add_image(works: Works, name: str, size: tuple[int, int] = (60, 40)) -> Path:
    file = works.services.settings.images / name
    file.parent.mkdir(exist_ok=True)
    Image.new("RGB", size, (120, 120, 120)).save(file)
    return file


async def test_a_picture_is_served_to_whoever_is_signed_in(works: Works):
    file = add_image(works, "7.png")
    add_image(works, "cam 1/8.jpg")
    client = await works.client("olga")
    shown = await client.get("/images/7.png")
    assert shown.status_code == 200
    assert shown.content == file.read_bytes()
    assert shown.headers["content-type"] == "image/png"
    assert shown.headers["cache-control"].startswith("private")
    assert (await client.get("/images/cam%201/8.jpg")).headers["content-type"] == "image/jpeg"
    nobody = await works.client()
    assert (await nobody.get("/images/7.png")).status_code == 303


@pytest.mark.parametrize(
    "name",
    [
        "%2e%2e/plant.png",
        "..%2fplant.png",
        "..%5cplant.png",
        "sub/%2e%2e/%2e%2e/plant.png",
        "%2fetc%2fhostname.png",
        "link.png",
        "notes.txt",
        "none.png",
        "nul%00.png",
        "folder.png",
        "a" * 400 + ".png",
        "loop.png",
        "",
    ],
)
async def test_nothing_else_of_the_disk_is_served(works: Works, name: str):
    images = works.services.settings.images
    secret = images.parent / "plant.png"
    Image.new("RGB", (5, 5)).save(secret)
    (images / "link.png").symlink_to(secret)
    (images / "loop.png").symlink_to(images / "loop.png")
    (images / "notes.txt").write_text("secret")
    (images / "folder.png").mkdir()
    client = await works.client("olga")
    assert (await client.get(f"/images/{name}")).status_code == 404


def test_an_absolute_name_is_no_way_out(tmp_path: Path):
    secret = tmp_path / "secret.png"
    Image.new("RGB", (5, 5)).save(secret)
    (tmp_path / "images").mkdir()
    assert find_image(tmp_path / "images", str(secret)) is None


def picture(path: Path) -> Picture:
    time = datetime(2026, 11, 21, 11, tzinfo=UTC)
    source = Source("quality", "inspections.id=1")
    return Picture('cap "loose", L1', path, ((1, 2, 30, 20),), source, time)


def test_a_picture_is_addressed_from_the_folder_of_all(tmp_path: Path):
    below = tmp_path / "cam 1"
    below.mkdir()
    Image.new("RGB", (60, 40)).save(below / "8.png")
    shown = show_picture(picture(below / "8.png"), tmp_path)
    assert (shown.address, shown.width, shown.height) == ("/images/cam%201/8.png", 60, 40)
    assert show_picture(picture(below / "8.png")).address == "/images/8.png"


def test_boxes_are_drawn_and_said(tmp_path: Path):
    Image.new("RGB", (60, 40)).save(tmp_path / "8.png")
    (tmp_path / "9.png").write_text("no picture")
    template = environment("en").from_string(
        '{% from "picture.html" import picture %}{{ picture(taken) }}'
    )
    text = template.render(taken=picture(tmp_path / "8.png"))
    assert 'viewBox="0 0 60 40"' in text
    assert '<rect class="box" x="1" y="2" width="30" height="20"/>' in text
    assert "cap &#34;loose&#34;, L1" in text
    assert "1 place marked" in text
    assert "cannot be read" in template.render(taken=picture(tmp_path / "9.png"))
