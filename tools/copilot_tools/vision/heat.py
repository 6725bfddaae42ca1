"""Boxes around what the heat map shows."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from copilot_tools.vision.network import CELL, CELLS

Box: TypeAlias = tuple[int, int, int, int]
Heat: TypeAlias = NDArray[np.float32]

MOST_BOXES = 2
SMOOTH = 0.8
"""Cells over which the map is evened, so that one odd cell is no spot of its own."""
FAINT = 0.5
"""The share of the hottest cell from which a cell belongs to a spot."""
CLEAR = 0.8
"""The share of the hottest cell that a spot has to reach."""


def find_boxes(heat: Heat, shift: tuple[int, int]) -> tuple[Box, ...]:
    """Boxes (x, y, width, height; pixels of the 256 x 256 picture) around hot spots, hottest first.

    Spots are hot cells that touch. `shift` (down, right; pixels) leads from the heat map back to
    the picture.
    """
    from scipy.ndimage import find_objects, gaussian_filter, label, maximum

    even = gaussian_filter(heat, SMOOTH)
    hottest = float(even.max())
    spots, number = label(even >= FAINT * hottest, structure=np.ones((3, 3)))
    peaks = np.atleast_1d(maximum(even, spots, range(1, number + 1)))
    found = find_objects(spots)
    clear = [i for i in np.argsort(-peaks) if peaks[i] >= CLEAR * hottest]
    boxes = [_box(found[i], shift) for i in clear[:MOST_BOXES]]
    return tuple(box for box in boxes if box[2] > 0 and box[3] > 0)


def _box(place: tuple[slice, slice], shift: tuple[int, int]) -> Box:
    (top, bottom), (left, right) = (
        (_inside(part.start * CELL + moved), _inside(part.stop * CELL + moved))
        for part, moved in zip(place, shift, strict=True)
    )
    return left, top, right - left, bottom - top


def _inside(pixel: int) -> int:
    return min(max(pixel, 0), CELL * CELLS)
