"""A small plant over a real SQLite file, and rows to put into it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, insert

from copilot_tools.plant import Plant
from copilot_tools.site.load import parse_site
from copilot_tools.site.resolve import Resolver
from copilot_tools.sources import tables
from copilot_tools.sources.plant_sql import SqlAlarmJournal, SqlErp, SqlInspections
from copilot_tools.sources.sql import connect

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

SITE = parse_site(
    """\
[site]
id = "dairy"
name = "Dairy"
time_zone = "Europe/Berlin"
namespace = "urn:dairy"
[[shift]]
name = "early"
start = 06:00:00
[[area]]
id = "H"
name = "Hall"
[[line]]
id = "LA"
name = "Cup line"
ideal_rate = 100
[[line]]
id = "LB"
name = "Bottle line"
ideal_rate = 200
[[asset]]
id = "PU-1"
name = "Milk pump"
kind = "pump"
area = "H"
[[asset.component]]
name = "DE bearing"
aliases = ["drive end bearing"]
part = "BRG-6309"
[[asset]]
id = "PU-2"
name = "Whey pump"
kind = "pump"
area = "H"
[[asset]]
id = "CV-5"
name = "Infeed conveyor"
kind = "conveyor"
area = "H"
line = "LA"
"""
)


def build_plant(folder: Path, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Plant:
    """A plant whose database holds the given rows by table; live sources are absent."""
    path = folder / "plant.db"
    writer = create_engine(f"sqlite:///{path}")
    tables.metadata.create_all(writer)
    with writer.begin() as connection:
        for name, some in rows.items():
            connection.execute(insert(tables.metadata.tables[name]), list(some))
    writer.dispose()
    engine = connect(f"sqlite:///{path}")
    absent: Any = None
    return Plant(
        site=SITE,
        resolver=Resolver(SITE),
        telemetry=absent,
        history=absent,
        alarms=absent,
        journal=SqlAlarmJournal(engine),
        erp=SqlErp(engine),
        inspections=SqlInspections(engine, folder),
        library=absent,
        now=lambda: NOW,
    )


def ago(**length: float) -> datetime:
    """A time before now as the tables store it."""
    return (NOW - timedelta(**length)).replace(tzinfo=None)


def part(number: str, name: str, **other: Any) -> dict[str, Any]:
    return {
        "number": number,
        "name": name,
        "unit": "pcs",
        "stock": 4.0,
        "reserved": 0.0,
        "minimum": 1.0,
        "bin": "A-1",
        "price": 10.5,
        "currency": "EUR",
        "lead_time_days": 7,
        "supplier": "Lagerhaus",
        "fits": ["PU-1", "PU-2"],
        **other,
    }


def work_order(number: str, asset: str, **other: Any) -> dict[str, Any]:
    return {
        "number": number,
        "asset": asset,
        "title": "grease bearings",
        "kind": "preventive",
        "priority": "low",
        "status": "open",
        "created": ago(days=1),
        "due": ago(days=-2),
        "finished": None,
        "component": "",
        "cause": "",
        "remedy": "",
        "assignee": "",
        "hours": 0.0,
        "parts": [],
        **other,
    }


def production_order(number: str, product: str, **other: Any) -> dict[str, Any]:
    return {
        "number": number,
        "line": "LA",
        "product": product,
        "batch": number.replace("PRD", "B"),
        "quantity": 1000,
        "produced": 0,
        "status": "planned",
        "start": ago(hours=-1),
        "due": ago(hours=-9),
        "finished": None,
        **other,
    }


def purchase_order(number: str, part: str, name: str, **other: Any) -> dict[str, Any]:
    return {
        "number": number,
        "part": part,
        "part_name": name,
        "supplier": "Lagerhaus",
        "quantity": 2.0,
        "unit": "pcs",
        "status": "open",
        "ordered": ago(days=5),
        "due": ago(days=-3),
        "received": None,
        **other,
    }


def stop(start: datetime, end: datetime | None, reason: str, **other: Any) -> dict[str, Any]:
    return {
        "line": "LA",
        "asset": "CV-5",
        "start": start,
        "end": end,
        "reason": reason,
        "planned": False,
        **other,
    }


def count(start: datetime, minutes: float, total: int, good: int) -> dict[str, Any]:
    end = start + timedelta(minutes=minutes)
    return {"line": "LA", "start": start, "end": end, "total": total, "good": good}


def inspection(id_: int, time: datetime, defect: str = "", **other: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "line": "LA",
        "product": "yoghurt 150 g",
        "batch": "B-10",
        "time": time,
        "passed": not defect,
        "defect": defect,
        "score": 0.9 if defect else 0.1,
        "model": "eye 1",
        "image": "",
        "boxes": [[1, 2, 30, 40]] if defect else [],
        **other,
    }
