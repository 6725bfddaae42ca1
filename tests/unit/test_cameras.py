from itertools import product as pairs

import numpy as np
import pytest
from PIL import Image

from copilot.demo.cameras import DEFECTS, LOOKS, SIZE, boxes, render, scene

SHOWN = list(pairs(LOOKS, DEFECTS))


def test_the_same_inspection_gives_the_same_picture():
    first, again, other = (render(scene(7, id_, "500 ml cola", "")) for id_ in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()
    assert render(scene(8, 1, "500 ml cola", "")).tobytes() != first.tobytes()


@pytest.mark.parametrize("look", LOOKS)
def test_a_good_bottle_has_no_box(look: str):
    shown = scene(7, 1, look, "")
    assert boxes(shown, "") == ()
    assert render(shown).size == (SIZE, SIZE)


@pytest.mark.parametrize(("look", "defect"), SHOWN)
def test_boxes_lie_in_the_picture(look: str, defect: str):
    for id_ in range(40):
        [(x, y, width, height)] = boxes(scene(7, id_, look, defect), defect)
        assert x >= 0
        assert y >= 0
        assert width > 0
        assert height > 0
        assert x + width <= SIZE
        assert y + height <= SIZE


@pytest.mark.parametrize(("look", "defect"), SHOWN)
def test_the_picture_differs_from_a_good_one_inside_the_box(look: str, defect: str):
    bad, good = scene(7, 3, look, defect), scene(7, 3, look, "")
    [(x, y, width, height)] = boxes(bad, defect)
    change = np.abs(_grey(render(bad)) - _grey(render(good)))
    inside = change[y : y + height, x : x + width]
    changed = change > 25
    assert inside.max() > 25
    assert changed[y : y + height, x : x + width].sum() >= 0.9 * changed.sum()


def _grey(image: Image.Image) -> np.ndarray:
    return np.asarray(image, dtype=np.float32).mean(axis=2)
