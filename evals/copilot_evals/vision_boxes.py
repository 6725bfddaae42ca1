"""Whether the boxes of a vision model surround the defects, whose place the renderer knows."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np

from copilot.demo.bottle_eye import labelled_scenes
from copilot.demo.cameras import Box, Scene, boxes, render
from copilot_tools.vision.model import VisionModel
from copilot_tools.vision.pictures import read_picture

EACH, FIRST = 20, 700_000
LARGEST = 3.0
"""How many times the defect's area a box may have to count as around it."""


@dataclass(frozen=True, slots=True)
class Around:
    """How the boxes of a class lie (0..1).

    `held` is the share of rejected parts whose largest box holds the defect's centre and is no
    larger than three times it, `overlap` the mean of intersection over union of the two.
    """

    parts: int
    held: float
    overlap: float


def judge_boxes(model: VisionModel, each: int = EACH) -> dict[str, Around]:
    """How the largest box lies on rendered defects that no training saw, by class."""
    seen: dict[str, list[tuple[bool, float]]] = {}
    for _, defect, shown in labelled_scenes(each, 0, FIRST):
        found = _largest_box(model, shown)
        [truth] = boxes(shown, defect)
        near = (_holds(found, truth), _overlap(found, truth)) if found else (False, 0.0)
        seen.setdefault(defect, []).append(near)
    return {
        defect: Around(len(some), *(round(float(mean), 4) for mean in np.mean(some, axis=0)))
        for defect, some in seen.items()
    }


def _largest_box(model: VisionModel, shown: Scene) -> Box | None:
    content = BytesIO()
    render(shown).save(content, "PNG", compress_level=1)
    found = model.judge(read_picture(content.getvalue())).boxes
    return max(found, key=_area, default=None)


def _holds(box: Box, truth: Box) -> bool:
    x, y, across, down = box
    middle = truth[0] + truth[2] / 2, truth[1] + truth[3] / 2
    inside = x <= middle[0] < x + across and y <= middle[1] < y + down
    return inside and _area(box) < LARGEST * _area(truth)


def _overlap(box: Box, truth: Box) -> float:
    across, down = (
        max(min(box[i] + box[i + 2], truth[i] + truth[i + 2]) - max(box[i], truth[i]), 0)
        for i in (0, 1)
    )
    return across * down / (_area(box) + _area(truth) - across * down)


def _area(box: Box) -> int:
    return box[2] * box[3]
