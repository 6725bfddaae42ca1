"""What the watch keeps on disk: the machines it learnt, its running state, its episodes."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from copilot.health.watch.learning import Machine
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

    def keep_state(self, learnt: Learnt, arrays: dict[str, Floats], ended: Sequence[Ended]) -> None:
        """Write down how far the watch is; it belongs to what was learnt at that time."""
        about = {"learnt": learnt.time.isoformat(), "ended": [asdict(episode) for episode in ended]}
        write_state(self._state, arrays | {_ABOUT: _encode(about)})

    def state(self, learnt: Learnt) -> tuple[dict[str, Floats] | None, list[Ended]]:
        """The arrays, None where they belong to other machines, and the episodes that ended."""
        arrays = read_state(self._state)
        try:
            if arrays is None:
                return None, []
            about = _decode(arrays.pop(_ABOUT))
            ended = [Ended(**episode) for episode in about["ended"]]
            return (arrays if about["learnt"] == learnt.time.isoformat() else None), ended
        except (KeyError, TypeError, ValueError):
            return None, []


def _machine(number: int, fields: dict[str, Any], arrays: dict[str, Floats]) -> Machine:
    own = {key.partition("/")[2]: v for key, v in arrays.items() if key.startswith(f"{number}/")}
    baselines: list[Baseline | None] = []
    for place in range(len(fields["products"])):
        prefix = f"{place}/"
        state = {k.removeprefix(prefix): v for k, v in own.items() if k.startswith(prefix)}
        baselines.append(Baseline.from_state(state) if state else None)
    texts = {name: tuple(fields[name]) for name in ("signals", "products")}
    return Machine(**fields | texts, baselines=tuple(baselines))


def _encode(content: dict[str, Any]) -> Floats:
    return np.frombuffer(json.dumps(content).encode(), dtype=np.uint8).astype(np.float64)


def _decode(array: Floats) -> dict[str, Any]:
    content = json.loads(array.astype(np.uint8).tobytes())
    if not isinstance(content, dict):
        raise ValueError("no object")
    return content
