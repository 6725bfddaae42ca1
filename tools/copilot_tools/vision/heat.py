"""What the heat map shows: boxes around it, and a picture to lay over the part's own."""

from dataclasses import dataclass
from io import BytesIO
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from copilot_tools.vision.network import CELL, CELLS
from copilot_tools.vision.pictures import SIDE

Box: TypeAlias = tuple[int, int, int, int]
Heat: TypeAlias = NDArray[np.float32]

MOST_BOXES = 2
CLEAR = 0.9
"""The share of the hottest cell that a spot has to reach."""
ODD = 2.0
"""Times the map's median from which a cell is of a spot, however much hotter others are."""
RIM = CELL // 2
"""Pixels that a spot reaches beyond what is odd: filters and evening look past their cell."""
FAINT = 1.5
"""Times the map's median below which nothing is painted."""
RED = (214, 20, 40)
FINE = 2
"""Pixels of the picture to one of the heat picture; shifts are multiples of it."""


@dataclass(frozen=True, slots=True)
class HeatMap:
    """How far each cell (32 x 32) is from good parts, 1 = the limit, and how it is shifted.

    `shift` (down, right; pixels of the 256 x 256 picture) leads from the map to the picture.
    """

    cells: Heat
    shift: tuple[int, int]

    def painted(self) -> bytes:
        """A PNG to lay over the picture at the picture's size: red where it is hot, else clear."""
        from PIL import Image

        ordinary = FAINT * float(np.median(self.cells))
        # A map without anything hot stays pale, however its hottest cell compares with the rest.
        top = max(float(self.cells.max()), 0.5) - ordinary
        share = np.clip((self.cells - ordinary) / max(top, 1e-9), 0.0, 1.0)
        fine = np.kron(share, np.ones((CELL // FINE, CELL // FINE)))
        cover = np.zeros((*fine.shape, 4), dtype=np.uint8)
        cover[..., :3] = RED
        cover[..., 3] = _moved(200 * fine, *(step // FINE for step in self.shift))
        content = BytesIO()
        Image.fromarray(cover).save(content, "PNG")
        return content.getvalue()


def _moved(plane: NDArray[np.floating], down: int, right: int) -> NDArray[np.floating]:
    """A plane shifted, what comes in from outside of it empty."""
    far = SIDE // FINE
    wide = np.pad(plane, far)
    height, width = plane.shape
    return np.asarray(wide[far - down : far - down + height, far - right : far - right + width])


def find_boxes(heat: Heat, shift: tuple[int, int]) -> tuple[Box, ...]:
    """Boxes (x, y, width, height; pixels of the 256 x 256 picture) around hot spots, hottest first.

    Spots are touching cells that are hotter than halfway, by ratio, from the map's median to its
    hottest cell: a faint defect is told from the part around it, a glaring one keeps its rim.
    `shift` (down, right; pixels) leads from the heat map back to the picture.
    """
    from scipy.ndimage import find_objects, label, maximum

    hottest = float(heat.max())
    ordinary = float(np.median(heat))
    halfway = min((ordinary * hottest) ** 0.5, ODD * ordinary)
    spots, number = label(heat > halfway, structure=np.ones((3, 3)))
    peaks = np.atleast_1d(maximum(heat, spots, range(1, number + 1)))
    found = find_objects(spots)
    clear = [i for i in np.argsort(-peaks) if peaks[i] >= CLEAR * hottest]
    boxes = [_box(found[i], shift) for i in clear[:MOST_BOXES]]
    return tuple(box for box in boxes if box[2] > 0 and box[3] > 0)


def _box(place: tuple[slice, slice], shift: tuple[int, int]) -> Box:
    (top, bottom), (left, right) = map(_span, place, shift)
    return left, top, right - left, bottom - top


def _span(cells: slice, moved: int) -> tuple[int, int]:
    """First and last pixel of a spot without its rim; one cell is the least."""
    rim = RIM if cells.stop - cells.start > 1 else 0
    return _inside(cells.start * CELL + rim + moved), _inside(cells.stop * CELL - rim + moved)


def _inside(pixel: int) -> int:
    return min(max(pixel, 0), CELL * CELLS)
