"""Takes one picture after another: judged, its file kept, its row committed, in this order.

A picture is known by its content: its row has the first 62 bits of the SHA-256 as id, so the same
picture is inspected once, whatever is repeated or killed.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Engine

from copilot.station.database import (
    add_inspection,
    note_model,
    running_order,
    transaction,
    verdict_values,
)
from copilot.station.labels import Labels
from copilot_tools.sources.sql import from_utc
from copilot_tools.vision.model import Verdict, VisionModel
from copilot_tools.vision.pictures import Picture, Refused, read_picture

FOLDER = "station"
HEAT = ".heat.png"
ENDINGS = {"png": ".png", "jpeg": ".jpg", "bmp": ".bmp", "tiff": ".tif", "webp": ".webp"}


@dataclass(frozen=True, slots=True)
class Taken:
    """An inspection: its row's id, the verdict, what it is of; `new` is False when it was there."""

    id: int
    verdict: Verdict
    labels: Labels
    image: str
    new: bool


class Station:
    """Inspects pictures for the lines of a plant.

    Args:
        engine: The plant database, for writing.
        model: What judges, asked for before each part.
        images: The folder that the database's image paths start from.
        lines: The ids of the plant's lines; a picture of another one is refused.
        usual: What is known of every picture unless it says otherwise.
        now: The time of a picture that tells none.
    """

    def __init__(
        self,
        engine: Engine,
        model: Callable[[], VisionModel],
        images: Path,
        lines: tuple[str, ...],
        usual: Labels,
        now: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._model = model
        self._images = images
        self._lines = lines
        self._usual = usual
        self._now = now
        self._noted = ""

    def take(self, content: bytes, said: Labels) -> Taken:
        """Inspect a picture; raises Refused, or Unavailable while its row cannot be committed."""
        picture = read_picture(content)
        labels = self._complete(said)
        model = self._model()
        verdict = model.judge(picture)
        image = self._keep(picture, content)
        if verdict.defect or verdict.review:
            heat = heat_of(self._images / image)
            if not heat.exists():
                write_whole(heat, verdict.heat.painted())
        id_ = id_of(picture.digest)
        if self._noted != verdict.model:
            with transaction(self._engine) as connection:
                note_model(connection, model.card, self._now())
            self._noted = verdict.model
        return Taken(id_, verdict, labels, image, self._commit(id_, verdict, labels, image))

    def _complete(self, said: Labels) -> Labels:
        labels = said.or_else(self._usual).or_else(Labels(time=self._now()))
        if labels.line not in self._lines:
            known = ", ".join(self._lines)
            said_line = f"its line {labels.line!r} is none" if labels.line else "no line is said"
            raise Refused(f"{said_line} of this plant ({known})")
        if labels.product and labels.lot:
            return labels
        assert labels.time is not None
        product, lot = running_order(self._engine, labels.line, labels.time)
        return labels.or_else(Labels(product=product, lot=lot))

    def _keep(self, picture: Picture, content: bytes) -> str:
        """The picture below the images folder, whole on disk before its row is."""
        name = f"{FOLDER}/{picture.digest[:2]}/{picture.digest[:32]}{ENDINGS[picture.kind]}"
        file = self._images / name
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, content)
        return name

    def _commit(self, id_: int, verdict: Verdict, labels: Labels, image: str) -> bool:
        assert labels.time is not None
        row = {
            "id": id_,
            "line": labels.line,
            "product": labels.product,
            "batch": labels.lot,
            "time": from_utc(labels.time),
            "image": image,
            **verdict_values(verdict),
        }
        return add_inspection(self._engine, row)


def id_of(digest: str) -> int:
    """The id of the inspection of a picture with that SHA-256."""
    return int(digest[:16], 16) >> 2


def heat_of(image: Path) -> Path:
    """Where the heat map of a picture lies, where there is one: a part that a person looks at."""
    return image.with_suffix(HEAT)


def write_whole(file: Path, content: bytes) -> None:
    """A file that is there entirely or not at all, also after a power cut."""
    unfinished = file.with_name(f".{uuid4().hex}.unfinished")
    with unfinished.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.replace(file)
