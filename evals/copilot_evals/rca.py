"""How often the root cause is found: one fault at a time on the demo plant, or none.

Each run is a plant that lived calmly for sixty days and then had something happen to it. The tool
is asked what people would ask, with real history files, journal, CMMS, cameras and manuals. Then
the signal it cites first is taken away and it is asked again: its rank should fall.
"""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np

from copilot.demo import manuals
from copilot_evals.rca_judge import Fallen, Given, ask_again, loudest_mode, observed, place_of
from copilot_evals.rca_plant import Calm, Lived, live_calmly, live_on, reopen, warm_library
from copilot_evals.rca_runs import LONGEST, Run, disturbance_runs, fault_runs
from copilot_evals.rca_symptoms import complaint
from copilot_evals.report import machine, print_json, print_table, wilson
from copilot_tools.errors import Unavailable

SEED = 5005
RUNS = 60
PLANTS = 3
PROCESSES = 2
PATIENCE = 5
TWIN = "twin"
LATER = (
    "abstained", "rank_lowered", "support_lowered", "rank_lowered_without_all", "p50_s", "p95_s",
    "cpu_p95_s",
)  # fmt: skip
ANCHOR = datetime(2026, 2, 3, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Result:
    """One run: what was asked, what was named first, seconds, the place of the truth.

    `place` counts from 1 over the causes named, 0 where the true one is not among them.
    """

    run: Run
    asked: tuple[str, str]
    named: tuple[str, str] | None
    place: int
    seconds: float
    cpu: float
    baseline: bool
    without_first: Fallen | None = None
    without_all: Fallen | None = None


def run(*, runs: int = RUNS, seed: int = SEED, as_json: bool = False) -> int:
    """Simulate, ask, print the tables; exit code 0."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rca-") as folder:
        results = _measure(Path(folder), runs, seed)
    _report(results, seed, time.monotonic() - began)
    if as_json:
        print_json(figures(results))
    return 0


def figures(results: Sequence[Result]) -> dict[str, object]:
    """The figures of `--json`."""
    faults = [r for r in results if r.run.cause]
    calm = [r for r in results if not r.run.cause]
    right = [r for r in faults if r.place == 1]
    return {
        "top1": len(right) / len(faults),
        "top3": sum(0 < r.place <= 3 for r in faults) / len(faults),
        "abstained": sum(r.named is None for r in calm) / max(len(calm), 1),
        "runs": len(faults),
        "disturbances": len(calm),
        "rank_lowered": _share(r.without_first.rank for r in right if r.without_first),
        "support_lowered": _share(r.without_first.support for r in right if r.without_first),
        "rank_lowered_without_all": _share(r.without_all.rank for r in right if r.without_all),
        "p50_s": float(np.median([r.seconds for r in results])),
        "p95_s": float(np.quantile([r.seconds for r in results], 0.95)),
        "cpu_p95_s": float(np.quantile([r.cpu for r in results], 0.95)),
        "baseline_top1": sum(r.baseline for r in faults) / len(faults),
        "faults_not_named": sum(r.named is None for r in faults) / len(faults),
    }


def _share(answers: Iterable[bool]) -> float:
    told = list(answers)
    return sum(told) / max(len(told), 1)


def _measure(folder: Path, runs: int, seed: int) -> list[Result]:
    from joblib import Parallel, delayed  # type: ignore[import-untyped]

    pages = folder / "manuals"
    manuals.render(pages)
    warm_library(pages)
    workers = Parallel(n_jobs=PROCESSES)
    plants = workers(
        delayed(live_calmly)(_made(folder / f"calm-{k}"), 10 * seed + k, _begin(k), pages)
        for k in range(PLANTS)
    )
    workers(delayed(_spare)(calm) for calm in plants)
    todo: list[tuple[Calm, Run]] = [
        (plants[run.number % PLANTS], run) for run in fault_runs(seed, runs)
    ]
    todo += [
        (plants[0], run) for run in disturbance_runs(seed, plants[0].now, plants[0].seed, runs)
    ]
    return list(
        workers(delayed(_try)(calm, run, folder / f"run-{run.number}", seed) for calm, run in todo)
    )


def _spare(calm: Calm) -> None:
    """Let a calm plant go on without a fault: the twin of all its runs."""
    live_on(calm, calm.root / TWIN, (), LONGEST)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _begin(place: int) -> datetime:
    """The plants begin in different seasons."""
    return ANCHOR + timedelta(days=97 * place)


def _try(calm: Calm, run: Run, folder: Path, seed: int) -> Result:
    try:
        return asyncio.run(_ask(calm, run, folder, seed))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _ask(calm: Calm, run: Run, folder: Path, seed: int) -> Result:
    lived = live_on(calm, folder, run.happenings, run.length)
    twin = reopen(calm, calm.root / TWIN, lived.now) if run.cause else None
    asked = run.asked or await _complaint(lived, twin, Random(f"asked {seed} {run.number}"))
    given = await Given.ask(lived.plant, *asked)
    seen = await observed(lived.plant, given.asset)
    result = Result(
        run=run,
        asked=asked,
        named=given.named[0] if given.named else None,
        place=place_of(run.cause, given.named),
        seconds=given.seconds,
        cpu=given.cpu,
        baseline=run.cause is not None and loudest_mode(lived.plant, seen) == run.cause,
    )
    if result.place == 1:
        first, all_ = await ask_again(lived.plant, given, seen)
        result = replace(result, without_first=first, without_all=all_)
    return result


async def _complaint(lived: Lived, twin: Lived | None, draw: Random) -> tuple[str, str]:
    """What people ask; a database that is slow because others work here is asked again."""
    for _ in range(PATIENCE):
        with suppress(Unavailable):
            return await complaint(lived, draw, twin)
    return await complaint(lived, draw, twin)


def _report(results: Sequence[Result], seed: int, seconds: float) -> None:
    shares = figures(results)
    faults = [r for r in results if r.run.cause]
    calm = [r for r in results if not r.run.cause]
    print(f"{machine()}, seed {seed}, {PLANTS} plants of 60 days, {seconds:.0f} s in all")
    print_table(
        "Root cause: faults of the demo plant, one at a time",
        ("fault", "n", "first", "in three", "not named", "loudest signal"),
        [_row(label, [r for r in faults if r.run.label == label]) for label in _labels(faults)]
        + [_row("all", faults)],
    )
    print_table(
        "Nothing is broken: abstained",
        ("disturbance", "n", "abstained"),
        [
            (label, str(len(some)), str(sum(r.named is None for r in some)))
            for label in _labels(calm)
            if (some := [r for r in calm if r.run.label == label])
        ],
    )
    low, high = wilson(sum(r.place == 1 for r in faults), len(faults))
    print(
        f"first {shares['top1']:.3f} (95 % {low:.2f}..{high:.2f}), in three {shares['top3']:.3f}, "
    )
    for name in LATER:
        print(f"{name} {shares[name]:.3f}")
    for result in results:
        if (result.place != 1) if result.run.cause else result.named:
            print(
                f"missed {result.run.number} {result.run.label} {result.run.cause}: asked "
                f"{result.asked}, named {result.named}, place {result.place}"
            )


def _labels(results: Sequence[Result]) -> list[str]:
    return list(dict.fromkeys(result.run.label for result in results))


def _row(label: str, some: Sequence[Result]) -> tuple[str, ...]:
    return (
        label,
        str(len(some)),
        str(sum(r.place == 1 for r in some)),
        str(sum(r.place in (1, 2, 3) for r in some)),
        str(sum(r.named is None for r in some)),
        str(sum(r.baseline for r in some)),
    )
