"""Reads lives from a folder of csv files: unit, cycle, settings and sensors, a row a cycle."""

from pathlib import Path

import numpy as np
import pandas as pd

from copilot.health.lives import LEAST_CYCLES, Life, Lives
from copilot_tools.cycles import Schema
from copilot_tools.errors import Failed

SETTING = "setting"
_FIXED = ("unit", "cycle", "failed")


def read_lives(folder: Path, scope: str, cycle_hours: float) -> Lives:
    """The lives of all csv files in a folder; raises Failed with file and reason.

    Columns that begin with "setting" are the operating point, all others but unit, cycle and
    failed are sensors. A life counts as ended in failure unless a column `failed` holds 0.
    """
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise Failed(f"{folder}: there is no csv file here")
    tables = [_read(file) for file in files]
    columns = list(tables[0].columns)
    for file, table in zip(files, tables, strict=True):
        if list(table.columns) != columns:
            raise Failed(f"{file}: its columns differ from those of {files[0].name}")
    settings = [name for name in columns if name.lower().startswith(SETTING)]
    sensors = [name for name in columns if name not in (*_FIXED, *settings)]
    if not sensors:
        raise Failed(f"{files[0]}: has no column of a sensor beside unit, cycle and settings")
    schema = Schema(
        settings=tuple(_plain(name) for name in settings),
        sensors=tuple(sensors),
        cycle_hours=cycle_hours,
    )
    lives = [
        _life(f"{file.stem} {unit}", rows, settings, sensors)
        for file, table in zip(files, tables, strict=True)
        for unit, rows in table.groupby("unit", sort=True)
        if len(rows) >= LEAST_CYCLES
    ]
    return Lives(scope, schema, tuple(lives))


def _plain(name: str) -> str:
    """The signal that a column "setting speed" holds."""
    return name[len(SETTING) :].strip(" :_-") or name


def _read(file: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(file, encoding="utf-8-sig", skipinitialspace=True)
    except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise Failed(f"{file}: is no csv file: {str(error).partition(chr(10))[0]}") from None
    for name in ("unit", "cycle"):
        if name not in table.columns:
            raise Failed(f"{file}: has no column {name!r}; its first row must name the columns")
    for name in table.columns:
        if name != "unit" and not pd.api.types.is_numeric_dtype(table[name]):
            raise Failed(f"{file}: the column {name!r} holds something that is no number")
    if table["cycle"].isna().any() or table.duplicated(["unit", "cycle"]).any():
        raise Failed(f"{file}: a cycle of a unit is missing its number or stands there twice")
    return table


def _life(unit: str, rows: pd.DataFrame, settings: list[str], sensors: list[str]) -> Life:
    ordered = rows.sort_values("cycle")
    failed = bool(ordered["failed"].iloc[-1]) if "failed" in ordered else True
    return Life(
        unit=unit,
        end=None,
        settings=ordered[settings].to_numpy(dtype=np.float64),
        sensors=ordered[sensors].to_numpy(dtype=np.float64),
        failed=failed,
        age_known=bool(ordered["cycle"].iloc[0] <= 1),
    )
