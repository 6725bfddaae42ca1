"""Reading pictures of parts: always the same way in training and in service, or a reason not to."""

import hashlib
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

Pixels: TypeAlias = NDArray[np.uint8]

SIDE = 256
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
MOST_BYTES = 32 * 1024 * 1024
MOST_PIXELS = 40_000_000


class Refused(Exception):
    """A picture that cannot be judged; the message says why in one line."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of one part: `pixels` (256 x 256 x RGB), and how large it was before (pixels).

    `digest` is the SHA-256 of the file's content.
    """

    pixels: Pixels
    width: int
    height: int
    kind: str
    digest: str


def read_picture(content: bytes) -> Picture:
    """The picture in a file's content; raises Refused for what is none, cut short or too large."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    if not content:
        raise Refused("the file is empty")
    if len(content) > MOST_BYTES:
        raise Refused(f"the file has more than {MOST_BYTES // 1024**2} MiB")
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Refused(f"{image.width} x {image.height} pixels are too many")
            kind = (image.format or "PNG").lower()
            image.load()
            turned = ImageOps.exif_transpose(image)
            pixels = _as_square(turned)
            return Picture(pixels, *turned.size, kind, hashlib.sha256(content).hexdigest())
    except Image.DecompressionBombError:
        raise Refused("it has too many pixels") from None
    except UnidentifiedImageError:
        raise Refused(f"it is no picture ({', '.join(FORMATS)} are read)") from None
    except (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError) as error:
        raise Refused(f"it is damaged or cut short ({error})") from None


def _as_square(image: "Image.Image") -> Pixels:
    from PIL import Image

    if image.mode[0] in "IF":  # 16-bit cameras: the upper eight bits are what we look at.
        deep = np.asarray(image, dtype=np.float32)
        scaled = deep / 257.0 if deep.max(initial=0.0) > 255 else deep
        image = Image.fromarray(np.clip(scaled, 0, 255).astype(np.uint8))
    square = image.convert("RGB")
    if square.size != (SIDE, SIDE):
        square = square.resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(square, dtype=np.uint8)
