"""The folder in which a demo plant lives: made once, brought up to date at every start.

`marker.json` is written last and says what the folder was made from; a folder without it, or made
from something else, is made anew. `state.json` says up to when everything is stored.
"""

import hashlib
import json
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, event

from copilot.demo import manuals, rows
from copilot.demo.chronicle import Chronicle
from copilot.demo.instruments import Times, Values
from copilot.demo.lock import Locked, locked
from copilot.demo.simulate import PLANT_TOML, Simulation, Snapshot, join_chronicle
from copilot.demo.story import DAYS
from copilot_tools.site.load import load_site
from copilot_tools.sources.history_parquet import ParquetHistory

Progress = Callable[[str, float], None]

LONGEST_GAP = timedelta(days=7)
STEP_S = 60.0
DEFAULT_SEED = 7
MADE = (
    "marker.json",
    "state.json",
    "executor/secret",
    "plant.toml",
    "copilot.toml",
    "plant.db",
    "plant.db-journal",
    "history",
    "images",
    "manuals",
)


class DemoError(Exception):
    """The demo plant cannot run; the message is one clear line for the user."""


@dataclass(frozen=True, slots=True)
class DemoHome:
    """A demo plant's folder; `anchor` is the moment its story is told for."""

    root: Path
    seed: int
    anchor: datetime

    @property
    def plant_toml(self) -> Path:
        """The plant model."""
        return self.root / "plant.toml"

    @property
    def database_url(self) -> str:
        """The SQL database of ERP, CMMS, alarm journal and quality."""
        return f"sqlite:///{self.root / 'plant.db'}"

    @property
    def history(self) -> Path:
        """The folder of the telemetry history."""
        return self.root / "history"

    @property
    def images(self) -> Path:
        """The folder of the inspection pictures."""
        return self.root / "images"

    @property
    def manuals(self) -> Path:
        """The folder of the manuals."""
        return self.root / "manuals"

    @property
    def executor_password(self) -> str:
        """What the OPC UA user `executor` proves itself with."""
        return (self.root / "executor" / "secret").read_text(encoding="utf-8").strip()

    def engine(self) -> Engine:
        """A writing engine on the database; dispose of it after use."""
        engine = create_engine(self.database_url, poolclass=NullPool)
        event.listen(engine, "connect", _begin_ourselves)
        event.listen(engine, "begin", _begin)
        return engine

    def simulation(self) -> Simulation:
        """The plant as it was when it was stored last."""
        stored = _read_json(self.root / "state.json")
        start = datetime.fromisoformat(stored["now"])
        simulation = Simulation(self.seed, self.anchor, start, load_site(PLANT_TOML))
        simulation.restore(stored)
        return simulation

    def keep(
        self, times: Times, values: dict[str, Values], chronicle: Chronicle, state: Snapshot
    ) -> None:
        """Store a stretch; storing it again after a crash changes nothing."""
        ParquetHistory(self.history).append_arrays(times, values)
        rows.append(self.engine(), chronicle, self.seed, self.images)
        _write_json(self.root / "state.json", state)


def prepare(
    root: Path,
    seed: int | None,
    now: datetime,
    days: int = DAYS,
    progress: Progress | None = None,
) -> DemoHome:
    """The plant in `root`, ready to go on from `now`; makes it, or catches up since it last ran.

    Without a seed the plant that is there is taken as it is. Raises DemoError while a server runs
    on the folder.
    """
    with lock_home(root):
        return bring_up(root, seed, now, days, progress)


def discard(root: Path) -> None:
    """Delete what `prepare` made; anything else in the folder stays. Raises DemoError if in use."""
    with lock_home(root):
        _clear(root)


@contextmanager
def lock_home(root: Path) -> Iterator[None]:
    """Keep a folder for oneself; raises DemoError when another process has it."""
    try:
        with locked(root):
            yield
    except Locked:
        raise DemoError(f"another demo plant is running in {root}") from None


def bring_up(
    root: Path, seed: int | None, now: datetime, days: int, progress: Progress | None
) -> DemoHome:
    """What `prepare` does, for those who hold the lock already."""
    now = now.astimezone(UTC).replace(microsecond=0)
    tell = progress or _silent
    home = _find(root, seed, now)
    if home is None:
        _clear(root)
        home = _make(root, DEFAULT_SEED if seed is None else seed, now, days, tell)
    else:
        _catch_up(home, now, tell)
    return home


def _find(root: Path, seed: int | None, now: datetime) -> DemoHome | None:
    """The usable plant in a folder, if there is one."""
    try:
        marker = _read_json(root / "marker.json")
        stored = datetime.fromisoformat(_read_json(root / "state.json")["now"])
        anchor = datetime.fromisoformat(marker["anchor"])
        own = int(marker["seed"])
        known = seed in (None, own) and marker["made_from"] == _fingerprint()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    fresh = timedelta() <= now - stored <= LONGEST_GAP
    return DemoHome(root, own, anchor) if known and fresh else None


def _make(root: Path, seed: int, now: datetime, days: int, tell: Progress) -> DemoHome:
    home = DemoHome(root, seed, now)
    shutil.copyfile(PLANT_TOML, home.plant_toml)
    start = (now - timedelta(days=days)).replace(second=0)
    simulation = Simulation(seed, now, start, load_site(PLANT_TOML))
    chronicle = _simulate_past(home, simulation, now, tell)
    tell("Writing orders, stock and inspections", 0.1)
    rows.write(home.engine(), chronicle, seed, home.images)
    tell("Writing orders, stock and inspections", 1.0)
    _print_manuals(home, tell)
    secret = root / "executor" / "secret"
    secret.parent.mkdir(mode=0o700, exist_ok=True)
    secret.touch(0o600)
    secret.write_text(secrets.token_urlsafe(18), encoding="utf-8")
    _write_json(root / "state.json", simulation.snapshot())
    marker = {"seed": seed, "anchor": now.isoformat(), "made_from": _fingerprint(), "days": days}
    _write_json(root / "marker.json", marker)
    return home


def _simulate_past(
    home: DemoHome, simulation: Simulation, now: datetime, tell: Progress
) -> Chronicle:
    history, start = ParquetHistory(home.history), simulation.now
    chronicle = Chronicle(start, start)
    for stretch in simulation.run(now, STEP_S):
        history.append_arrays(*stretch.samples(simulation.signals))
        join_chronicle(chronicle, stretch.chronicle)
        tell("Simulating the plant's past", (simulation.now - start) / (now - start))
    return chronicle


def _print_manuals(home: DemoHome, tell: Progress) -> None:
    written: list[str] = []

    def count(name: str) -> None:
        written.append(name)
        tell("Printing the manuals", min(len(written) / 10, 1.0))

    manuals.render(home.manuals, count)
    tell("Printing the manuals", 1.0)


def _catch_up(home: DemoHome, now: datetime, tell: Progress) -> None:
    simulation = home.simulation()
    start = simulation.now
    for stretch in simulation.run(now, STEP_S):
        times, values = stretch.samples(simulation.signals)
        home.keep(times, values, stretch.chronicle, simulation.snapshot())
        tell("Catching up since the last run", (simulation.now - start) / (now - start))


def _clear(root: Path) -> None:
    for name in MADE:
        path = root / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _fingerprint() -> str:
    """What the plant is made from: a change of its code or data asks for a new one."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".py", ".toml", ".csv", ".md", ".onnx"):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _begin_ourselves(connection: Any, _record: object) -> None:
    connection.isolation_level = None


def _begin(connection: Connection) -> None:
    # The executor writes here too: what we have read must not change before we write.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _read_json(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds no object")
    return content


def _write_json(path: Path, content: dict[str, Any]) -> None:
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(content), encoding="utf-8")
    unfinished.replace(path)


def _silent(name: str, share: float) -> None:
    """Progress for nobody."""
