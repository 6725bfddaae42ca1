"""`copilot doctor`: is everything there that an answer needs, and if not, what to do about it."""

import asyncio
import dataclasses
import json
import shutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

from rich.console import Console
from rich.table import Table
from rich.text import Text

from copilot import db
from copilot.app import open_plant
from copilot.llm.weights import check_weights
from copilot.settings import Settings, load_settings
from copilot_tools.display import format_age
from copilot_tools.errors import ToolError
from copilot_tools.facts import Quality
from copilot_tools.plant import Plant

LEAST_FREE_GB = 2.0
LIBRARIES = ("industrial-copilot", "llama-cpp-python", "asyncua", "sqlalchemy", "langgraph")


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of the doctor; `mend` says what to do when it is not `ok`."""

    name: str
    ok: bool
    detail: str
    mend: str = ""


Probe: TypeAlias = Callable[[], Awaitable[str]]


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
    local = [_versions(), _disk(settings), _model(settings), _own_database(settings)]
    plant = open_plant(settings)
    try:
        return local + list(await asyncio.gather(*_source_checks(plant, settings)))
    finally:
        await plant.telemetry.close()


def _source_checks(plant: Plant, settings: Settings) -> Iterator[Awaitable[Check]]:
    site, now = plant.site, plant.now()

    async def model() -> str:
        return f"{len(site.assets)} assets, {len(site.signals())} signals"

    async def opcua() -> str:
        readings = await plant.telemetry.read([signal.node for signal in site.signals()])
        bad = [str(r.node) for r in readings if r.quality is Quality.BAD]
        if bad:
            raise ToolError(f"{len(bad)} of {len(readings)} nodes are bad, first {bad[0]}")
        return f"{len(readings)} nodes read"

    async def erp() -> str:
        return f"{len(await plant.erp.parts())} parts"

    async def journal() -> str:
        events = await plant.journal.events(now - timedelta(days=30), now)
        return f"{len(events)} alarm events in 30 days"

    async def inspections() -> str:
        found = await plant.inspections.results(now - timedelta(days=1), now)
        return f"{len(found)} inspections in a day"

    async def history() -> str:
        signals = site.signals()
        newest = await plant.history.last(signals[0].id) if signals else None
        if newest is None:
            raise ToolError(f"no sample of {signals[0].id if signals else 'any signal'}")
        return f"newest sample {format_age(now - newest)} old"

    async def manuals() -> str:
        titles = plant.library.documents
        if not titles:
            raise ToolError("no manual was read")
        return f"{len(titles)} documents"

    yield _check("plant model", model, f"edit {settings.plant}")
    yield _check("OPC UA", opcua, f"is {settings.opcua.url} right and the server up? (opcua.url)")
    yield _check("ERP", erp, "see database.plant and docs/plant-database.md")
    yield _check("alarm journal", journal, "see database.plant and docs/plant-database.md")
    yield _check("inspections", inspections, "see database.plant and docs/plant-database.md")
    yield _check("history", history, "see history.path in the configuration")
    yield _check("manuals", manuals, f"put PDF or Markdown manuals into {settings.manuals}")


async def _check(name: str, probe: Probe, mend: str) -> Check:
    try:
        async with asyncio.timeout(10):
            return Check(name, True, await probe())
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
        grid.add_row(mark, check.name, Text(check.detail))
        if not check.ok:
            grid.add_row("", "", Text(f"→ {check.mend}", style="yellow"))
    Console().print(grid)
