from io import BytesIO

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from copilot_tools.vision import pictures
from copilot_tools.vision.pictures import FORMATS, SIDE, Refused, read_picture


def as_file(image: Image.Image, kind: str = "PNG", **how: object) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, **how)
    return stream.getvalue()


def stripes(width: int = 300, height: int = 200) -> Image.Image:
    across = np.linspace(0, 255, width, dtype=np.uint8)
    return Image.fromarray(np.repeat(np.tile(across, (height, 1))[:, :, np.newaxis], 3, axis=2))


@pytest.mark.parametrize("kind", FORMATS)
def test_every_kind_of_picture_becomes_the_same_square(kind: str):
    picture = read_picture(as_file(stripes(), kind))
    assert picture.pixels.shape == (SIDE, SIDE, 3)
    assert (picture.width, picture.height, picture.kind) == (300, 200, kind.lower())
    assert picture.pixels[128, 5].max() < 20
    assert picture.pixels[128, -5].min() > 235


def test_sixteen_bits_are_seen_like_eight():
    deep = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (64, 1))
    seen = read_picture(as_file(Image.fromarray(deep))).pixels
    assert seen[:, 0].max() < 8
    assert seen[:, -1].min() > 247


def test_a_camera_that_lies_on_its_side_says_so_and_is_turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = read_picture(as_file(stripes(), "JPEG", exif=exif))
    assert (picture.width, picture.height) == (200, 300)


@given(st.integers(0, 400))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_picture_that_is_cut_short_is_refused(kept: int):
    whole = as_file(stripes(), "PNG")
    with pytest.raises(Refused):
        read_picture(whole[: min(kept, len(whole) - 20)])


@given(st.binary(max_size=300))
@settings(max_examples=50)
def test_whatever_is_no_picture_is_refused(content: bytes):
    with pytest.raises(Refused):
        read_picture(content)


def test_what_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pictures, "MOST_PIXELS", 300 * 200 - 1)
    with pytest.raises(Refused, match="300 x 200 pixels are too many"):
        read_picture(as_file(stripes()))
    monkeypatch.setattr(pictures, "MOST_BYTES", 100)
    with pytest.raises(Refused, match="more than"):
        read_picture(as_file(stripes()))


def test_a_moving_picture_of_another_kind_is_refused():
    with pytest.raises(Refused, match="no picture"):
        read_picture(as_file(stripes(), "GIF"))
