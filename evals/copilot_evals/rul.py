"""How well remaining life is told on NASA C-MAPSS, chosen on the training files alone.

Out of fold: every training unit is judged by a fit that has not seen it, at every cut. Test files,
where they are there, are touched once, by the model fitted on all training units: one answer a
unit, at its last row, judged against cycles left up to 125 and against the raw ones. For the raw
ones the subsets of several regimes get a higher cap, which was chosen out of fold. An alarm is
due where the chance of an end within 30 cycles is .4 or more.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from copilot_evals.report import machine, print_json, print_table
from copilot_evals.rul_baselines import Course, fit_age, fit_rolling
from copilot_evals.rul_files import NotCmapss, Subset, read_subsets
from copilot_evals.rul_scores import ALARM_CHANCE, CAP, Alarm, Cuts, bootstrap, covered, phm08, rmse
from copilot_tools.models.registry.skops_file import pack
from copilot_tools.models.remaining_life.ensemble import FULL, Effort
from copilot_tools.models.remaining_life.intervals import Intervals
from copilot_tools.models.remaining_life.model import RemainingLife
from copilot_tools.models.remaining_life.run import Run
from copilot_tools.models.remaining_life.training import folds, out_of_fold, train
from copilot_tools.timeseries import Floats

RAW_CAPS = {"FD002": 150.0, "FD004": 150.0}
SEED = 0
Figures = dict[str, float]


def run(
    folder: Path,
    *,
    subsets: Sequence[str] = (),
    oof: bool = True,
    as_json: bool = False,
    effort: Effort = FULL,
) -> int:
    """Measure the subsets in `folder` on one thread; exit code 1 for files that cannot be used."""
    try:
        given = read_subsets(folder, subsets)
    except NotCmapss as error:
        print(f"copilot: {error}")
        return 1
    print(machine())
    figures: dict[str, Figures] = {}
    with threadpool_limits(1):
        for subset in given:
            print(_sizes(subset), flush=True)
            figures[subset.name] = measure(subset, oof=oof, effort=effort)
    names = list(dict.fromkeys(name for one in figures.values() for name in one))
    rows = [[name, *(_written(one.get(name)) for one in figures.values())] for name in names]
    print_table("Remaining life on C-MAPSS (cycles)", ("", *figures), rows)
    if as_json:
        print_json({name: _countable(one) for name, one in figures.items()})
    return 0


def measure(subset: Subset, *, oof: bool = True, effort: Effort = FULL) -> Figures:
    """All figures of a subset; those of test files only where these are there."""
    wall, cpu = time.perf_counter(), time.process_time()
    model = RemainingLife.fit(subset.train, cap=CAP, seed=SEED, effort=effort)
    figures = {
        "fit_s": time.perf_counter() - wall,
        "fit_cpu_s": time.process_time() - cpu,
        "inference_ms": _milliseconds(model, subset.test or subset.train),
        "model_mb": len(pack(model.to_state())) / 1e6,
    }
    if oof:
        figures |= _of_unseen_units(subset.train, model.intervals["aged"], effort)
    if subset.test:
        figures |= _held_back(subset, model)
    return figures


def _of_unseen_units(runs: Sequence[Run], intervals: Intervals, effort: Effort) -> Figures:
    """Out-of-fold figures over every cut of the training units."""
    cuts = Cuts.of([len(run) for run in runs])
    courses = out_of_fold(runs, cap=CAP, seed=SEED, effort=effort)
    aged, ageless = cuts.of_courses(courses["aged"]), cuts.of_courses(courses["ageless"])
    low, high = intervals.band(aged)
    capped = np.minimum(cuts.actual, CAP)
    alarm = Alarm.of(intervals.quantile(aged, ALARM_CHANCE), cuts.actual, cuts.weights)
    return {
        "oof_rmse": cuts.rmse(aged),
        "oof_rmse_no_age": cuts.rmse(ageless),
        "oof_coverage_80": float(np.average(covered(low, high, capped), weights=cuts.weights)),
        "oof_alarm_precision": alarm.precision,
        "oof_alarm_recall": alarm.recall,
        "oof_rmse_age_alone": cuts.rmse(cuts.of_courses(_unseen(runs, fit_age))),
        "oof_rmse_plain_ridge": cuts.rmse(cuts.of_courses(_unseen(runs, fit_rolling))),
    }


def _unseen(runs: Sequence[Run], fit: Callable[[Sequence[Run], float], Course]) -> list[Floats]:
    """The courses of a baseline, each by a fit that has not seen the unit."""
    courses = [np.empty(0)] * len(runs)
    for fold in folds(runs):
        course = fit([run for number, run in enumerate(runs) if number not in set(fold)], CAP)
        for number in fold:
            courses[number] = course(runs[number])
    return courses


def _held_back(subset: Subset, model: RemainingLife) -> Figures:
    """The figures on test files: one answer a unit, at its last row."""
    test, raw = subset.test, subset.left
    capped = np.minimum(raw, CAP)
    told = _last(model.course, test)
    estimates = [model.predict(run) for run in test]
    answered = np.array([estimate.refusal is None for estimate in estimates])
    low, high = np.array([(one.low, one.high) for one in estimates]).T
    alarm = Alarm.of(model.intervals["aged"].quantile(told, ALARM_CHANCE), raw)
    least, most = bootstrap(told, capped)
    raw_cap = RAW_CAPS.get(subset.name, CAP)
    uncapped = told if raw_cap == CAP else _last(_raw_course(subset.train, raw_cap), test)
    return {
        "rmse_capped": rmse(told, capped),
        "rmse_capped_low": least,
        "rmse_capped_high": most,
        "phm08": phm08(told, capped),
        "rmse_raw": rmse(uncapped, raw),
        "phm08_raw": phm08(uncapped, raw),
        "raw_cap": raw_cap,
        "rmse_no_age": rmse(_last(model.course, [_unborn(run) for run in test]), capped),
        "coverage_80": float(covered(low, high, capped)[answered].mean()),
        "refused": float((~answered).sum()),
        "alarm_precision": alarm.precision,
        "alarm_recall": alarm.recall,
        "rmse_age_alone": rmse(_last(fit_age(subset.train, CAP), test), capped),
        "rmse_plain_ridge": rmse(_last(fit_rolling(subset.train, CAP), test), capped),
    }


def _raw_course(runs: Sequence[Run], cap: float) -> Course:
    """The course by an ensemble of another cap."""
    trained = train(runs, cap=cap, seed=SEED, kinds=("aged",))
    return lambda run: trained.ensembles["aged"].predict(trained.features.of(run))


def _last(course: Course, runs: Sequence[Run]) -> Floats:
    return np.array([course(run)[-1] for run in runs])


def _unborn(run: Run) -> Run:
    """The same run, as if nobody had seen its begin."""
    return replace(run, age_known=False)


def _milliseconds(model: RemainingLife, runs: Sequence[Run]) -> float:
    """The median time of one estimate, features included."""
    times = []
    for run in runs[:50]:
        started = time.perf_counter()
        model.predict(run)
        times.append(time.perf_counter() - started)
    return float(np.median(times)) * 1000


def _sizes(subset: Subset) -> str:
    rows = sum(len(run) for run in subset.train)
    test = f"{len(subset.test)} test units" if subset.test else "no test files"
    return f"{subset.name}: {rows} rows of {len(subset.train)} units, {test}"


def _countable(figures: Figures) -> dict[str, float | None]:
    """JSON knows no NaN: a share of nothing is null."""
    return {name: None if math.isnan(one) else one for name, one in figures.items()}


def _written(figure: float | None) -> str:
    return "" if figure is None else f"{figure:.3f}" if figure < 1 else f"{figure:.2f}"
