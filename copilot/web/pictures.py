"""Inspection pictures as pages show them: an address below /images, and the size of the pixels."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from copilot_tools.facts import Picture

TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".bmp": "image/bmp",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture as a page shows it; without a width it cannot be seen."""

    address: str
    width: int
    height: int
    defect: str


def show_picture(picture: Picture, images: Path | None = None) -> Shown:
    """The picture's address and size; `images` is the folder of all, for those in folders below."""
    name = picture.path.name
    if images is not None and picture.path.is_relative_to(images):
        name = picture.path.relative_to(images).as_posix()
    width, height = _size(picture.path)
    return Shown(f"/images/{quote(name)}", width, height, picture.title.partition(",")[0])


def find_image(images: Path, name: str) -> Path | None:
    """The image of that name in the folder or below; None for all else, links out included."""
    if "\0" in name or Path(name).suffix.lower() not in TYPES:
        return None
    folder = images.resolve()
    try:
        found = (folder / name).resolve()
        return found if found.is_relative_to(folder) and found.is_file() else None
    except (OSError, RuntimeError):  # A name longer than names may be; a loop of links.
        return None


def _size(path: Path) -> tuple[int, int]:
    """The pixels of an image; (0, 0) where it cannot be read, or not yet."""
    try:
        return _measure(path)
    except (OSError, ValueError, Image.DecompressionBombError):
        return 0, 0


@lru_cache(maxsize=2048)
def _measure(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size
