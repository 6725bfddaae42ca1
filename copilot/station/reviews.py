"""What people decided of parts, as labelled pictures to learn from, and as a reason to do so."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, case, func, select

from copilot.station.database import transaction
from copilot_tools.records import GOOD
from copilot_tools.sources import tables
from copilot_tools.sources.sql import from_utc, to_utc
from copilot_tools.vision.card import UNKNOWN
from copilot_tools.vision.folder import FEWEST, MOST, LabelledFile, LabelledFolder
from copilot_tools.vision.pictures import ENDINGS

DUE = 20
"""So many parts decided otherwise than the model said call for training anew."""


@dataclass(frozen=True, slots=True)
class Learnable:
    """Labelled pictures with reviewed parts among them: how many, decided since and until when.

    `left_out` says in words which reviewed parts are not among them.
    """

    folder: LabelledFolder
    parts: int
    since: datetime | None
    until: datetime | None
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a model fares: parts it inspected, that wait for a person, that one decided on.

    Of these, `otherwise` are not what the model said.
    """

    inspected: int
    waiting: int
    decided: int
    otherwise: int

    @property
    def due(self) -> bool:
        """Whether enough was decided otherwise to train anew."""
        return self.otherwise >= DUE


def standing(engine: Engine, model: str) -> Standing:
    """How a model (its label, as inspections name it) fares."""
    c = tables.inspections.c
    said = case((c.passed, GOOD), else_=c.defect)
    decided = c.decision != ""
    counts = [
        func.count(),
        *(
            func.coalesce(func.sum(case((which, 1), else_=0)), 0)
            for which in (
                (c.review != "") & ~decided,
                decided,
                decided & (func.lower(c.decision) != func.lower(said)),
            )
        ),
    ]
    with transaction(engine) as connection:
        row = connection.execute(select(*counts).where(c.model == model)).one()
    return Standing(*(int(number) for number in row))


def newest_distances(engine: Engine, model: str, most: int) -> list[float]:
    """How far the newest parts that a model passed were from good ones."""
    c = tables.inspections.c
    query = (
        select(c.distance)
        .where(c.model == model, c.passed, c.distance.is_not(None))
        .order_by(c.time.desc())
        .limit(most)
    )
    with transaction(engine) as connection:
        return list(connection.execute(query).scalars())


def with_reviews(
    engine: Engine, images: Path, folder: LabelledFolder, since: datetime | None = None
) -> Learnable:
    """The folder's pictures and the parts that people decided on, each picture once.

    A decision that is no class of the folder becomes one where there are enough parts of it.
    """
    known = {sha256(file.path.read_bytes()).digest() for file in folder.files}
    names = {label.casefold(): label for label in folder.classes}
    names[GOOD] = folder.good or GOOD
    taken: dict[str, list[tuple[LabelledFile, datetime]]] = {}
    left: Counter[str] = Counter()
    for row in _decided(engine, since):
        file = images / row.image
        if not row.image or file.suffix.lower() not in ENDINGS or not file.is_file():
            left["whose picture is not there any more"] += 1
        elif row.decision.casefold() == UNKNOWN:
            left["as no defect by name"] += 1
        elif (digest := sha256(file.read_bytes()).digest()) in known:
            left["whose picture is in the folder, too"] += 1
        else:
            known.add(digest)
            label = names.get(row.decision.casefold(), row.decision)
            part = LabelledFile(file, label, label in folder.classes)
            taken.setdefault(label, []).append((part, to_utc(row.decided)))
    for label, parts in list(taken.items()):
        if label not in folder.classes and len(parts) < FEWEST:
            left[f"as {label!r}, which needs {FEWEST} of them to be a class"] += len(
                taken.pop(label)
            )
    return _learnable(folder, taken, left)


def _learnable(
    folder: LabelledFolder,
    taken: dict[str, list[tuple[LabelledFile, datetime]]],
    left: Counter[str],
) -> Learnable:
    newest = [pair for parts in taken.values() for pair in parts[:MOST]]
    times = [moment for _, moment in newest]
    return Learnable(
        folder=LabelledFolder(
            classes=tuple(sorted({*folder.classes, *taken})),
            good=folder.good,
            files=(*folder.files, *(part for part, _ in newest)),
        ),
        parts=len(newest),
        since=min(times, default=None),
        until=max(times, default=None),
        left_out=tuple(f"{number} reviewed {why}" for why, number in left.items()),
    )


def _decided(engine: Engine, since: datetime | None) -> Sequence[Any]:
    """What people decided, the newest decision first."""
    c = tables.inspections.c
    query = select(c.image, c.decision, c.decided).where(c.decision != "", c.decided.is_not(None))
    if since is not None:
        query = query.where(c.decided >= from_utc(since))
    with transaction(engine) as connection:
        return connection.execute(query.order_by(c.decided.desc(), c.id)).all()
