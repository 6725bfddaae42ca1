"""The demo plant's inspection cameras: pictures of bottles, with boxes around what is wrong.

A picture follows from the seed and the inspection id alone: same seed, same picture.
"""

from dataclasses import dataclass
from math import cos, radians, sin
from random import Random

import numpy as np
from PIL import Image, ImageDraw

SIZE = 256
SMOOTH = 2  # drawn larger by this factor, then scaled down

DEFECTS = ("underfill", "overfill", "loose cap", "missing cap", "crooked label", "missing label")

Box = tuple[int, int, int, int]
Colour = tuple[int, int, int]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Look:
    """How a product looks: size of the bottle in pixels, colours."""

    width: int
    height: int
    liquid: Colour
    label: Colour
    cap: Colour


LOOKS = {
    "1.5 l water": Look(88, 176, (172, 206, 222), (40, 98, 178), (236, 240, 244)),
    "500 ml cola": Look(68, 160, (58, 30, 20), (186, 28, 36), (190, 32, 38)),
    "0.33 l lemon soda": Look(60, 140, (214, 216, 150), (54, 142, 72), (246, 206, 44)),
}
NECK_WIDTH = 26
NECK_HEIGHT = 26
CAP_WIDTH = 34
CAP_HEIGHT = 17
FLOOR = 240


@dataclass(frozen=True, slots=True)
class Scene:
    """Where everything is in one picture, in pixels (y down) and degrees."""

    look: Look
    centre: float
    top: float
    fill: float
    nominal_fill: float
    cap: bool
    cap_lift: float
    cap_tilt: float
    label: bool
    label_tilt: float
    light: float
    lamp: float
    noise: int

    @property
    def label_middle(self) -> Point:
        """The centre of the label."""
        return self.centre, self.top + NECK_HEIGHT + 0.62 * self.look.height

    @property
    def cap_middle(self) -> Point:
        """The centre of the cap."""
        return self.centre, self.top - CAP_HEIGHT / 2 + 5 - self.cap_lift


def scene(seed: int, inspection: int, product: str, defect: str) -> Scene:
    """The arrangement of the picture of one inspection; `defect` is empty for a good bottle."""
    draw = Random(f"camera {seed} {inspection}")
    look = LOOKS[product]
    top = FLOOR - look.height - NECK_HEIGHT + draw.uniform(-3, 3)
    nominal = top + NECK_HEIGHT + 10
    shift = {"underfill": draw.uniform(16, 34), "overfill": -draw.uniform(13, 22)}
    lift, tilt = draw.uniform(4, 8), draw.choice((-1, 1)) * draw.uniform(5, 11)
    lean = draw.choice((-1, 1)) * draw.uniform(5, 12)
    usual_tilt, usual_lean = draw.gauss(0, 0.4), draw.gauss(0, 0.5)
    return Scene(
        look=look,
        centre=SIZE / 2 + draw.uniform(-9, 9),
        top=top,
        fill=nominal + draw.gauss(0, 1.2) + shift.get(defect, 0.0),
        nominal_fill=nominal,
        cap=defect != "missing cap",
        cap_lift=lift if defect == "loose cap" else 0.0,
        cap_tilt=tilt if defect == "loose cap" else usual_tilt,
        label=defect != "missing label",
        label_tilt=lean if defect == "crooked label" else usual_lean,
        light=draw.uniform(0.88, 1.1),
        lamp=draw.uniform(-0.5, 0.5),
        noise=draw.getrandbits(32),
    )


def boxes(scene: Scene, defect: str) -> tuple[Box, ...]:
    """Where the defect shows (x, y, width, height in pixels); none for a good bottle."""
    if defect in ("underfill", "overfill"):
        low, high = sorted((scene.fill, scene.nominal_fill))
        half = scene.look.width / 2 if defect == "underfill" else NECK_WIDTH / 2
        corners = [(scene.centre - half, low - 4), (scene.centre + half, high + 4)]
    elif defect in ("loose cap", "missing cap"):
        x, y = scene.cap_middle
        corners = _turned((x, y), CAP_WIDTH, CAP_HEIGHT, scene.cap_tilt)
        corners += _turned((x, y + scene.cap_lift), CAP_WIDTH, CAP_HEIGHT, 0.0)
    elif defect in ("crooked label", "missing label"):
        size = scene.look.width, 0.42 * scene.look.height
        corners = _turned(scene.label_middle, *size, scene.label_tilt)
    else:
        return ()
    return (_around(corners),)


def render(scene: Scene) -> Image.Image:
    """The picture as the camera takes it: backlit bottle, uneven light, sensor noise."""
    image = Image.new("RGB", (SIZE * SMOOTH, SIZE * SMOOTH), (196, 202, 206))
    pen = ImageDraw.Draw(image)
    _draw_conveyor(pen)
    _draw_bottle(pen, scene)
    if scene.label:
        _draw_label(pen, scene)
    if scene.cap:
        cap = _turned(scene.cap_middle, CAP_WIDTH, CAP_HEIGHT, scene.cap_tilt)
        pen.polygon(_scaled(cap), fill=scene.look.cap, outline=(70, 70, 70))
    return _exposed(image.reduce(SMOOTH), scene)


def _draw_conveyor(pen: ImageDraw.ImageDraw) -> None:
    pen.rectangle(_scaled([(0, FLOOR), (SIZE, SIZE)]), fill=(86, 90, 92))


def _draw_bottle(pen: ImageDraw.ImageDraw, scene: Scene) -> None:
    shoulder = scene.top + NECK_HEIGHT
    outline = _outline(scene, scene.top)
    pen.polygon(_scaled(outline), fill=(222, 229, 232))
    pen.polygon(_scaled(_outline(scene, scene.fill)), fill=scene.look.liquid)
    pen.line(_scaled([*outline, outline[0]]), fill=(112, 120, 124), width=SMOOTH)
    half = scene.look.width / 2
    glint = [(scene.centre - half + 7, shoulder + 30), (scene.centre - half + 7, FLOOR - 12)]
    pen.line(_scaled(glint), fill=(240, 244, 246), width=3 * SMOOTH)


def _outline(scene: Scene, level: float) -> list[Point]:
    """The bottle's contour below `level`: neck, sloping shoulder, body."""
    neck, body = NECK_WIDTH / 2, scene.look.width / 2
    shoulder, slope = scene.top + NECK_HEIGHT, 0.2 * scene.look.height
    depth = min(max((level - shoulder) / slope, 0.0), 1.0)
    half = neck + (body - neck) * depth
    right = [(half, level), (body, max(level, shoulder + slope)), (body, FLOOR)]
    if level < shoulder:
        right.insert(1, (neck, shoulder))
    left = [(-x, y) for x, y in reversed(right)]
    return [(scene.centre + x, y) for x, y in (*right, *left)]


def _draw_label(pen: ImageDraw.ImageDraw, scene: Scene) -> None:
    width, height = scene.look.width, 0.42 * scene.look.height
    label = _turned(scene.label_middle, width, height, scene.label_tilt)
    pen.polygon(_scaled(label), fill=scene.look.label)
    band = _turned(scene.label_middle, width, height * 0.3, scene.label_tilt)
    pen.polygon(_scaled(band), fill=(238, 238, 232))


def _exposed(image: Image.Image, scene: Scene) -> Image.Image:
    """Light falling off from the lamp's side, and the noise of the sensor."""
    pixels = np.asarray(image, dtype=np.float32)
    across = np.linspace(-0.5, 0.5, SIZE, dtype=np.float32)
    light = scene.light * (1.0 - 0.16 * (across - scene.lamp) ** 2)
    noise = np.random.default_rng(scene.noise).normal(0.0, 3.0, (SIZE, SIZE, 1))
    exposed = pixels * light[np.newaxis, :, np.newaxis] + noise.astype(np.float32)
    return Image.fromarray(np.clip(exposed, 0, 255).astype(np.uint8))


def _turned(middle: Point, width: float, height: float, degrees: float) -> list[Point]:
    """The corners of a rectangle turned about its middle."""
    c, s = cos(radians(degrees)), sin(radians(degrees))
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    return [
        (
            middle[0] + x * width / 2 * c - y * height / 2 * s,
            middle[1] + x * width / 2 * s + y * height / 2 * c,
        )
        for x, y in corners
    ]


def _scaled(points: list[Point]) -> list[Point]:
    return [(x * SMOOTH, y * SMOOTH) for x, y in points]


def _around(points: list[Point]) -> Box:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    left, top = int(min(xs)), int(min(ys))
    return left, top, int(max(xs)) - left + 1, int(max(ys)) - top + 1
