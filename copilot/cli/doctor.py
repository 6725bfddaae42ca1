"""`copilot doctor`: is everything there that an answer needs, and if not, what to do about it."""

import asyncio
import dataclasses
import json
import shutil
from collections.abc import Awaitable, Iterator
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from copilot import db
from copilot.cli.check import Check
from copilot.llm.weights import check_weights
from copilot.plant import open_plant, utc_now
from copilot.settings import Settings, load_settings
from copilot_tools.display import format_age, printable
from copilot_tools.errors import Failed, ToolError
from copilot_tools.facts import Quality
from copilot_tools.plant import Plant
from copilot_tools.site.load import SiteError
from copilot_tools.sources.sql import PlantDatabaseError

LEAST_FREE_GB = 2.0
LIBRARIES = ("industrial-copilot", "llama-cpp-python", "asyncua", "sqlalchemy", "langgraph")


def run_doctor(config: Path | None, as_json: bool) -> int:
    """Print all checks; exit code 0 when all are well, 1 otherwise."""
    settings = load_settings(config)
    checks = asyncio.run(examine(settings))
    if as_json:
        print(json.dumps([dataclasses.asdict(check) for check in checks]))
    else:
        _print(checks)
    return 0 if all(check.ok for check in checks) else 1


async def examine(settings: Settings) -> list[Check]:
    """Every check of this site, sources at the same time."""
    from copilot.cli.doctor_models import check_models

    local = [_versions(), _disk(settings), _model(settings), _own_database(settings)]
    local += check_models(settings.health, utc_now())
    try:
        plant = open_plant(settings)
    except (SiteError, PlantDatabaseError) as error:
        return [*local, Check("plant", False, str(error), "mend it; nothing else can be checked")]
    if settings.changes.mode == "propose":
        from copilot.cli.doctor_changes import check_changes

        local += check_changes(settings, plant.site)
    try:
        return local + list(await asyncio.gather(*_source_checks(plant, settings)))
    finally:
        await plant.telemetry.close()


def _source_checks(plant: Plant, settings: Settings) -> Iterator[Awaitable[Check]]:
    database = "see database.plant and docs/plant-database.md"
    yield _check("plant model", _read_model(plant), f"edit {settings.plant}")
    yield _check("OPC UA", _read_telemetry(plant), f"is {settings.opcua.url} right and running?")
    yield _check("ERP", _read_erp(plant), database)
    yield _check("alarm journal", _read_journal(plant), database)
    yield _check("inspections", _read_inspections(plant), database)
    yield _check("history", _read_history(plant), "see history in the configuration")
    yield _check("manuals", _read_manuals(plant), f"put PDF or Markdown into {settings.manuals}")


async def _read_model(plant: Plant) -> str:
    return f"{len(plant.site.assets)} assets, {len(plant.site.signals())} signals"


async def _read_telemetry(plant: Plant) -> str:
    readings = await plant.telemetry.read([signal.node for signal in plant.site.signals()])
    bad = [str(reading.node) for reading in readings if reading.quality is Quality.BAD]
    if bad:
        raise Failed(f"{len(bad)} of {len(readings)} nodes are bad, first {bad[0]}")
    return f"{len(readings)} nodes read"


async def _read_erp(plant: Plant) -> str:
    return f"{len(await plant.erp.parts())} parts"


async def _read_journal(plant: Plant) -> str:
    now = plant.now()
    return f"{len(await plant.journal.events(now - timedelta(days=30), now))} events in 30 days"


async def _read_inspections(plant: Plant) -> str:
    now = plant.now()
    found = await plant.inspections.results(now - timedelta(days=1), now)
    return f"{len(found)} inspections in a day"


async def _read_history(plant: Plant) -> str:
    newest = [await plant.history.last(signal.id) for signal in plant.site.signals()[:1]]
    if not newest or newest[0] is None:
        raise Failed("no samples yet")
    return f"newest sample {format_age(plant.now() - newest[0])} old"


async def _read_manuals(plant: Plant) -> str:
    documents = plant.library.documents
    if not documents:
        raise Failed("no manual was read")
    return f"{len(documents)} documents"


async def _check(name: str, probe: Awaitable[str], mend: str) -> Check:
    try:
        async with asyncio.timeout(10):
            return Check(name, True, await probe)
    except ToolError as error:
        return Check(name, False, str(error), mend)
    except TimeoutError:
        return Check(name, False, "no answer within 10 s", mend)


def _versions() -> Check:
    return Check("versions", True, ", ".join(f"{name} {version(name)}" for name in LIBRARIES))


def _disk(settings: Settings) -> Check:
    folder = next(p for p in (settings.cache, *settings.cache.parents) if p.exists())
    free = shutil.disk_usage(folder).free / 1e9
    mend = "free some space, or set `cache` to another disk"
    return Check("disk", free >= LEAST_FREE_GB, f"{free:.1f} GB free at {folder}", mend)


def _model(settings: Settings) -> Check:
    problem = check_weights(settings.cache)
    return Check("model", problem is None, problem or "embedded weights verified", "reinstall")


def _own_database(settings: Settings) -> Check:
    from sqlalchemy.exc import SQLAlchemyError

    engine = db.open_database(settings.database.own)
    try:
        db.migrate(engine)
    except (SQLAlchemyError, OSError) as error:
        why = str(error).splitlines()[0]
        return Check("own database", False, why, "see database.own in the configuration")
    finally:
        engine.dispose()
    return Check("own database", True, engine.url.render_as_string())


def _print(checks: list[Check]) -> None:
    grid = Table.grid(padding=(0, 2))
    for check in checks:
        mark = Text("ok", style="green") if check.ok else Text("bad", style="bold red")
        grid.add_row(mark, check.name, Text(printable(check.detail), overflow="fold"))
        if not check.ok:
            mend = printable(f"→ {check.mend}")
            grid.add_row("", "", Text(mend, style="yellow", overflow="fold"))
    Console().print(grid)
