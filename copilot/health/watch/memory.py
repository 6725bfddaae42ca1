"""What the watch keeps on disk: the machines it learnt, its running state, its episodes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from copilot.health.watch.learning import Machine
from copilot.health.watch.standing import Standing
from copilot_tools.models.abnormality.baseline import Baseline
from copilot_tools.models.abnormality.state_file import read_state, write_state
from copilot_tools.timeseries import Floats

_ABOUT = "about"


@dataclass(frozen=True, slots=True)
class Ended:
    """An episode that is over; times are in seconds since 1970, `peak` is the highest score."""

    asset: str
    begin: float
    end: float
    peak: float


@dataclass(frozen=True, slots=True)
class Learnt:
    """The machines that can be watched, and when they were learnt."""

    time: datetime
    machines: tuple[Machine, ...]


@dataclass(frozen=True, slots=True)
class WatchState:
    """How far the watch is: the scorer's `arrays` (None: of other machines), what ended, stands."""

    arrays: dict[str, Floats] | None = None
    ended: Sequence[Ended] = ()
    standing: Standing = field(default_factory=Standing)


class Memory:
    """Two files in a folder: what was learnt, and the state as of the last minute."""

    def __init__(self, folder: Path) -> None:
        self._learnt, self._state = folder / "learnt.npz", folder / "state.npz"

    def keep_learnt(self, learnt: Learnt) -> None:
        """Write down what was learnt."""
        arrays: dict[str, Floats] = {}
        about = []
        for number, machine in enumerate(learnt.machines):
            for place, baseline in enumerate(machine.baselines):
                for name, array in baseline.to_state().items() if baseline else ():
                    arrays[f"{number}/{place}/{name}"] = np.asarray(array, dtype=np.float64)
            kept = ("asset", "signals", "products", "factor", "motion", "running_from")
            about.append({name: getattr(machine, name) for name in kept})
        text = {"time": learnt.time.isoformat(), "machines": about}
        write_state(self._learnt, arrays | {_ABOUT: _encode(text)})

    def learnt(self) -> Learnt | None:
        """What was learnt; None where nothing readable is kept."""
        arrays = read_state(self._learnt)
        try:
            if arrays is None:
                return None
            about = _decode(arrays[_ABOUT])
            machines = tuple(
                _machine(number, fields, arrays) for number, fields in enumerate(about["machines"])
            )
            return Learnt(datetime.fromisoformat(about["time"]), machines)
        except (KeyError, TypeError, ValueError):
            return None

    def keep_state(self, learnt: Learnt, state: WatchState) -> None:
        """Write down how far the watch is; its arrays belong to what was learnt at that time."""
        about = {
            "learnt": learnt.time.isoformat(),
            "ended": [asdict(episode) for episode in state.ended],
            "stood": _write_times(state.standing.stood),
            "warm": _write_times(state.standing.warm),
        }
        write_state(self._state, (state.arrays or {}) | {_ABOUT: _encode(about)})

    def state(self, learnt: Learnt) -> WatchState:
        """How far the watch was; nothing where nothing readable is kept."""
        arrays = read_state(self._state)
        try:
            if arrays is None:
                return WatchState()
            about = _decode(arrays.pop(_ABOUT))
            same = about["learnt"] == learnt.time.isoformat()
            return WatchState(
                arrays if same else None,
                [Ended(**episode) for episode in about["ended"]],
                Standing(_read_times(about["stood"]), _read_times(about["warm"])),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            return WatchState()


def _machine(number: int, fields: dict[str, Any], arrays: dict[str, Floats]) -> Machine:
    own = {key.partition("/")[2]: v for key, v in arrays.items() if key.startswith(f"{number}/")}
    baselines: list[Baseline | None] = []
    for place in range(len(fields["products"])):
        prefix = f"{place}/"
        state = {k.removeprefix(prefix): v for k, v in own.items() if k.startswith(prefix)}
        baselines.append(Baseline.from_state(state) if state else None)
    texts = {name: tuple(fields[name]) for name in ("signals", "products")}
    return Machine(**fields | texts, baselines=tuple(baselines))


def _write_times(times: Mapping[str, datetime]) -> dict[str, str]:
    return {name: time.isoformat() for name, time in times.items()}


def _read_times(texts: Mapping[str, str]) -> dict[str, datetime]:
    return {name: datetime.fromisoformat(text) for name, text in texts.items()}


def _encode(content: dict[str, Any]) -> Floats:
    return np.frombuffer(json.dumps(content).encode(), dtype=np.uint8).astype(np.float64)


def _decode(array: Floats) -> dict[str, Any]:
    content = json.loads(array.astype(np.uint8).tobytes())
    if not isinstance(content, dict):
        raise ValueError("no object")
    return content
