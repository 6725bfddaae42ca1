"""The files of the Skoltech Anomaly Benchmark (SKAB): a run of a water loop each, with labels.

Katser and Kozitsin 2020. Only its sensors are inputs: neither the time nor the place of a row.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from copilot_tools.timeseries import Flags, Floats

TRAINING = 400  # the first rows of a file, for fitting
_NOT_SENSORS = ("datetime", "anomaly", "changepoint")


class NotSkab(Exception):
    """A folder does not hold what was expected."""


@dataclass(frozen=True, slots=True)
class Run:
    """One file: sensor values (rows x sensors) and which rows are labelled anomalous.

    `group` is the folder it lay in.
    """

    group: str
    name: str
    rows: Floats
    anomalous: Flags

    @property
    def truth(self) -> Flags:
        """The labels of the part that is scored."""
        return self.anomalous[TRAINING:]


def read_runs(folder: Path) -> list[Run]:
    """The labelled files in a folder and in the folders in it; raises NotSkab without any."""
    if not folder.is_dir():
        raise NotSkab(f"{folder} is no folder")
    paths = [*folder.glob("*.csv"), *folder.glob("*/*.csv")]
    runs = [run for path in sorted(paths, key=_order) if (run := _read(path)) is not None]
    if not runs:
        raise NotSkab(
            f"{folder} holds no labelled file: expected valve1/, valve2/ and other/ with csv files "
            "whose columns are separated by ; and one of which is named anomaly"
        )
    return runs


def _read(path: Path) -> Run | None:
    """A file; None for one without labels, which is none of the test."""
    try:
        table = pd.read_csv(path, sep=";")
        if "anomaly" not in table:
            return None
        sensors = table[[name for name in table.columns if name not in _NOT_SENSORS]]
        rows = sensors.to_numpy(dtype=np.float64)
        anomalous = table["anomaly"].to_numpy(dtype=np.float64) > 0.5
    except (ValueError, OSError) as error:
        raise NotSkab(f"{path} cannot be read: {error}") from None
    if len(rows) <= TRAINING:
        raise NotSkab(f"{path} has {len(rows)} rows; the first {TRAINING} are for fitting alone")
    return Run(path.parent.name, path.stem, rows, anomalous)


def _order(path: Path) -> tuple[str, int, str]:
    return path.parent.name, int(path.stem) if path.stem.isdigit() else 0, path.stem
