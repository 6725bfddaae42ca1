"""Counts and camera inspections of the demo lines, minute by minute, and pictures of the newest.

One bottle per line and minute is inspected. Every draw follows from the seed and the minute, so
telling the same minute again gives the same rows. Those with a picture are judged by it.
"""

from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Connection, insert, select, update

from copilot.demo.cameras import boxes, render, scene
from copilot.demo.chronicle import Chronicle, LineMinute
from copilot.demo.defects import defect_chances
from copilot.demo.schedule import EPOCH, LINES, run_at
from copilot_tools.sources import tables
from copilot_tools.sources.sql import from_utc

Values = dict[str, Any]

MINUTE = timedelta(minutes=1)
BATCH = 10_000
CAMERA = "bottle-eye 2"


def add_bottles(connection: Connection, chronicle: Chronicle, seed: int) -> None:
    """Store counts and inspections of the minutes that are not stored yet."""
    c = tables.production_counts.c
    stored = select(c.line, c.start).where(c.start >= from_utc(chronicle.start))
    known = {(line, start) for line, start in connection.execute(stored)}
    new = (m for m in chronicle.minutes if (m.line, from_utc(m.start)) not in known)
    while minutes := list(islice(new, BATCH)):
        judged = [_judge(minute, seed) for minute in minutes]
        connection.execute(insert(tables.production_counts), [count for count, _ in judged])
        if inspected := [inspection for _, inspection in judged if inspection]:
            connection.execute(insert(tables.inspections), inspected)


def add_pictures(
    connection: Connection, chronicle: Chronicle, seed: int, folder: Path, rejects: int, good: int
) -> None:
    """Picture the newest rejected and the newest good bottles of the chronicle's time.

    What is pictured is judged as an inspection station judges: by the picture.
    """
    folder.mkdir(parents=True, exist_ok=True)
    c = tables.inspections.c
    recent = (
        select(c.id, c.product, c.defect, c.image)
        .where(c.time >= from_utc(chronicle.start), c.time < from_utc(chronicle.end))
        .order_by(c.time.desc())
    )
    for passed, number in ((False, rejects), (True, good)):
        query = recent.where(c.passed == passed).limit(number)
        for id_, product, defect, image in connection.execute(query).all():
            name = f"{id_}.png"
            if image == name and (folder / name).exists():
                continue
            render(scene(seed, id_, product, defect)).save(folder / name, compress_level=3)
            values = {"image": name, **_inspect(connection, folder / name, chronicle.end)}
            connection.execute(update(tables.inspections).where(c.id == id_).values(values))


def _inspect(connection: Connection, picture: Path, moment: datetime) -> Values:
    """What the station's model says of a picture."""
    # onnx and onnxruntime take a moment to load, which a demo without pictures need not wait for.
    from copilot.demo.bottle_eye import bottle_eye
    from copilot.station.database import note_model, verdict_values
    from copilot.station.station import heat_of
    from copilot_tools.vision.pictures import read_picture

    model = bottle_eye()
    note_model(connection, model.card, moment)
    verdict = model.judge(read_picture(picture.read_bytes()))
    if verdict.defect:
        heat_of(picture).write_bytes(verdict.heat.painted())
    return verdict_values(verdict)


def _judge(minute: LineMinute, seed: int) -> tuple[Values, Values | None]:
    """The count of a minute and, when anything was made, the inspection of one of its bottles."""
    run = run_at(minute.line, minute.start, seed)
    id_ = (minute.start - EPOCH) // MINUTE * 10 + list(LINES).index(minute.line)
    draw = Random(seed * 2**40 + id_)
    chances = defect_chances(minute, run.product)
    defect = _drawn(chances, draw.random()) if minute.total else ""
    rejects = int(minute.total * sum(chances.values()) + draw.random())
    rejects = min(max(rejects, bool(defect)), minute.total)
    count = {
        "line": minute.line,
        "start": from_utc(minute.start),
        "end": from_utc(minute.start + MINUTE),
        "total": minute.total,
        "good": minute.total - rejects,
    }
    if not minute.total:
        return count, None
    return count, {
        "id": id_,
        "line": minute.line,
        "product": run.product,
        "batch": run.batch,
        "time": from_utc(minute.start + timedelta(seconds=draw.randrange(60))),
        "passed": not defect,
        "defect": defect,
        "score": round(draw.uniform(0.72, 0.99) if defect else draw.uniform(0.01, 0.3), 3),
        "model": CAMERA,
        "image": "",
        "boxes": boxes(scene(seed, id_, run.product, defect), defect) if defect else (),
    }


def _drawn(chances: dict[str, float], at: float) -> str:
    """The defect that a uniform draw (0..1) falls on, empty for none."""
    for defect, chance in chances.items():
        if at < chance:
            return defect
        at -= chance
    return ""
