"""Does the detector notice faults of the SKAB water loop, and how often does it cry wolf?

Protocol of the SKAB leaderboard: the first 400 rows of a file fit, the rest is scored row by row,
counts are pooled over files. Unlike there, the threshold is one factor on the limit learnt from the
400 rows: the one that is best on the other files, and the fixed default. All scores look only back.
Two rules that know nothing stand beside: always alarm, and a clock, since faults come at nearly the
same rows of every file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from copilot_evals.anomaly_files import TRAINING, NotSkab, Run, read_runs
from copilot_evals.anomaly_scores import (
    count,
    find_events,
    mean_auc,
    rates,
    thresholds_from_others,
)
from copilot_evals.anomaly_speed import measure_speed
from copilot_evals.report import machine, print_json, print_table
from copilot_tools.models.abnormality.baseline import Baseline
from copilot_tools.models.abnormality.episodes import Rule
from copilot_tools.models.abnormality.fleet import FleetScorer
from copilot_tools.timeseries import Flags, Floats

CLOCK = (570, 975)  # the rows in which nearly every file has its fault
LONG_MEMBER = 2

NAMES = {
    "all": "mixture of four (E_mix)",
    "fixed": "mixture of four, fixed factor",
    "mahalanobis": "EWMA(10) + Mahalanobis",
    "fleet": "fleet scorer, online",
    "fleet_fixed": "fleet scorer, fixed factor",
    "isolation_forest": "isolation forest",
    "always": "always alarm",
    "clock": f"clock: rows {CLOCK[0]} to {CLOCK[1]}",
}


def run(folder: Path, *, speed: bool = True, as_json: bool = False) -> int:
    """Measure the files of a folder; exit code 1 where there are none."""
    print(machine())
    try:
        runs = read_runs(folder)
        figures = measure(runs)
    except NotSkab as error:
        print(f"copilot: {error}")
        return 1
    _print(runs, figures)
    if speed:
        figures |= measure_speed()
        print_table(
            "scoring 1,000 machines x 8 signals, one thread",
            ("tick p50", "tick p95", "10,000 signals/s"),
            [
                (
                    f"{figures['tick_ms']} ms",
                    f"{figures['tick_p95_ms']} ms",
                    f"{100 * figures['core_share_10k']:.2f} % of a core",
                )
            ],
        )
    if as_json:
        print_json(figures)
    return 0


def measure(runs: Sequence[Run]) -> dict[str, Any]:
    """F1, FAR and MAR by name of the detector, of the mixture also by folder; its events."""
    truths = [run.truth for run in runs]
    fitted = [_fit(run) for run in runs]
    distances = [fit.distances(run.rows) for fit, run in zip(fitted, runs, strict=True)]
    mixture = [fit.scores(run.rows)[TRAINING:] for fit, run in zip(fitted, runs, strict=True)]
    long = [np.sqrt(table[LONG_MEMBER, TRAINING:]) for table in distances]
    fleet = [_online(fit, run) for fit, run in zip(fitted, runs, strict=True)]
    figures: dict[str, Any] = {
        "all": _tuned(mixture, truths),
        "fixed": _fixed(mixture, truths),
        "mahalanobis": _tuned(long, truths),
        "fleet": _tuned(fleet, truths),
        "fleet_fixed": _fixed(fleet, truths),
        "isolation_forest": _tuned([_isolation(run) for run in runs], truths),
        "always": _pooled([np.ones_like(truth) for truth in truths], truths),
        "clock": _pooled([_clock(run) for run in runs], truths),
    }
    alarms = _tuned_alarms(mixture, truths)
    for group in dict.fromkeys(run.group for run in runs):
        own = [place for place, run in enumerate(runs) if run.group == group]
        figures[group] = _pooled([alarms[i] for i in own], [truths[i] for i in own])
        figures[group]["auc"] = mean_auc([mixture[i] for i in own], [truths[i] for i in own])
    figures["events"] = asdict(find_events(mixture, truths, Rule()))
    return figures


def _fit(run: Run) -> Baseline:
    fit = Baseline.fit(run.rows[:TRAINING], neighbours=True)
    if fit is None:
        raise NotSkab(f"{run.group}/{run.name}: too few complete rows among the first {TRAINING}")
    return fit


def _online(fit: Baseline, run: Run) -> Floats:
    """The scores of a file as the fleet scorer gives them, tick by tick."""
    scorer = FleetScorer([[fit]])
    scores = [scorer.tick(row[None, :], float(i)).scores[0] for i, row in enumerate(run.rows)]
    return np.nan_to_num(np.array(scores[TRAINING:], dtype=np.float64))


def _isolation(run: Run) -> Floats:
    """Anomaly scores of scikit-learn's forest, in 99 % quantiles of those of the 400 rows."""
    from sklearn.ensemble import IsolationForest

    known = np.nan_to_num(run.rows)
    forest = IsolationForest(random_state=0, n_jobs=1).fit(known[:TRAINING])
    scores = -forest.score_samples(known)
    return np.asarray(scores[TRAINING:] / np.quantile(scores[:TRAINING], 0.99), dtype=np.float64)


def _clock(run: Run) -> Flags:
    alarms = np.zeros(len(run.rows), dtype=np.bool_)
    alarms[CLOCK[0] : CLOCK[1] + 1] = True
    return alarms[TRAINING:]


def _tuned_alarms(scores: Sequence[Floats], truths: Sequence[Flags]) -> list[Flags]:
    factors = thresholds_from_others(scores, truths)
    return [score >= factor for score, factor in zip(scores, factors, strict=True)]


def _tuned(scores: Sequence[Floats], truths: Sequence[Flags]) -> dict[str, float]:
    figures = _pooled(_tuned_alarms(scores, truths), truths)
    return figures | {"auc": mean_auc(scores, truths)}


def _fixed(scores: Sequence[Floats], truths: Sequence[Flags]) -> dict[str, float]:
    factor = Rule().factor
    return _pooled([score >= factor for score in scores], truths) | {"factor": factor}


def _pooled(alarms: Sequence[Flags], truths: Sequence[Flags]) -> dict[str, float]:
    counts = [count(a, t) for a, t in zip(alarms, truths, strict=True)]
    return rates(np.sum(counts, axis=0))


def _print(runs: Sequence[Run], figures: Mapping[str, Any]) -> None:
    heads = ("detector", "F1", "FAR %", "MAR %", "AUC")
    print_table(
        f"SKAB, {len(runs)} files, threshold from the other files unless said",
        heads,
        [_row(name, figures[key]) for key, name in NAMES.items()],
    )
    groups = dict.fromkeys(run.group for run in runs)
    print_table(
        "mixture of four, by folder",
        heads,
        [_row(f"{g} ({sum(run.group == g for run in runs)})", figures[g]) for g in groups],
    )
    events = figures["events"]
    found = f"{events['found']} of {events['faults']}"
    delay = "none" if events["delay_s"] is None else f"{events['delay_s']:.0f} s"
    print_table(
        f"episodes at the fixed factor {Rule().factor}, hysteresis {Rule().hysteresis}",
        ("faults found", "median delay", "false starts", "healthy hours"),
        [(found, delay, str(events["false_starts"]), str(events["healthy_h"]))],
    )


def _row(name: str, figures: Mapping[str, float]) -> list[str]:
    area = f"{figures['auc']:.3f}" if "auc" in figures else ""
    return [name, f"{figures['f1']:.3f}", f"{figures['far']:.1f}", f"{figures['mar']:.1f}", area]
