"""Boxes around what the heat map shows."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from copilot_tools.vision.network import CELL, CELLS

Box: TypeAlias = tuple[int, int, int, int]
Heat: TypeAlias = NDArray[np.float32]

MOST_BOXES = 4
FAINT = 0.6
"""The share of its hottest cell from which a cell belongs to a spot."""


def find_boxes(heat: Heat, limit: float, shift: tuple[int, int]) -> tuple[Box, ...]:
    """Boxes (x, y, width, height; pixels of the 256 x 256 picture) around hot spots, hottest first.

    Spots are cells that touch, above `limit`; where none is, those around the hottest cell.
    `shift` (down, right; pixels) leads from the heat map back to the picture.
    """
    from scipy.ndimage import find_objects, label, maximum

    hottest = float(heat.max())
    hot = heat >= min(limit, FAINT * hottest) if hottest < limit else heat >= limit
    spots, number = label(hot, structure=np.ones((3, 3)))
    peaks = np.atleast_1d(maximum(heat, spots, range(1, number + 1)))
    found = find_objects(spots)
    order = np.argsort(-peaks)[:MOST_BOXES]
    boxes = [_box(found[i], shift) for i in order if peaks[i] >= FAINT * hottest]
    return tuple(box for box in boxes if box[2] > 0 and box[3] > 0)


def _box(place: tuple[slice, slice], shift: tuple[int, int]) -> Box:
    (top, bottom), (left, right) = (
        (_inside(part.start * CELL + moved), _inside(part.stop * CELL + moved))
        for part, moved in zip(place, shift, strict=True)
    )
    return left, top, right - left, bottom - top


def _inside(pixel: int) -> int:
    return min(max(pixel, 0), CELL * CELLS)
