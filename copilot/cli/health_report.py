"""How `copilot health` prints drift and scorecards."""

import json
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from copilot.health.drift import Drift
from copilot_tools.display import printable
from copilot_tools.outcomes import Place
from copilot_tools.scorecard import Judged, Scorecard, tally

LEAST_SHOWN = 0.1


def print_drift(reports: Sequence[Drift], as_json: bool) -> int:
    """Print the reports; the exit code is 1 when a model is due to be trained anew."""
    due = any(report.due for report in reports)
    if as_json:
        print(json.dumps([_drift_row(report) for report in reports]))
        return int(due)
    if not reports:
        print("No models are trained yet.")
    for report in reports:
        print(printable(_drift_line(report)))
        for signal in sorted(report.signals, key=lambda s: -s.psi):
            if signal.psi >= LEAST_SHOWN:
                print(
                    f"    {printable(signal.signal)}: PSI {signal.psi:.2f}, "
                    f"KS distance {signal.distance:.2f}"
                )
    if due:
        print("Train those anew with: copilot health train KIND --all --if-needed")
    return int(due)


def _drift_line(report: Drift) -> str:
    if report.version is None:
        return f"{report.key}: {'; '.join(report.due) or 'no version is in use'}"
    covered = ""
    if report.coverage is not None:
        covered = f"; {report.coverage:.0%} of {report.judged} outcomes in the interval"
    fits = "fits, and has learnt from these days itself" if report.young else "fits"
    state = f"due: {'; '.join(report.due)}" if report.due else fits
    return f"{report.key} v{report.version}: {state}{covered}"


def _drift_row(report: Drift) -> dict[str, object]:
    return {
        "kind": report.key.kind,
        "scope": report.key.scope,
        "version": report.version,
        "due": list(report.due),
        "coverage": report.coverage,
        "judged": report.judged,
        "signals": {
            s.signal: {"psi": round(s.psi, 4), "ks": round(s.distance, 4)} for s in report.signals
        },
    }


def print_scorecards(judged: Mapping[Place, Sequence[Judged]], as_json: bool) -> None:
    """Print how predictions turned out, a row a component, model and whether it was told."""
    cards = _cards(judged)
    if as_json:
        rows = [
            {
                "asset": asset,
                "component": component,
                "model": model,
                "role": role,
                "due": card.due,
                "within": card.within,
                "ended_sooner": card.sooner,
                "lasted_longer": card.longer,
                "not_yet_due": card.pending,
                "median_error_days": card.off,
            }
            for (asset, component, model, role), card in cards.items()
        ]
        print(json.dumps(rows))
        return
    if not cards:
        print("No predictions are kept yet.")
        return
    columns = ("component", "model", "came due", "within", "sooner", "longer", "not due", "off")
    table = Table(*columns, box=None)
    for (asset, component, model, role), card in cards.items():
        name = f"{model} (runs along)" if role == "shadow" else model
        off = "" if card.off is None else f"{card.off:.1f} days"
        counts = (card.due, card.within, card.sooner, card.longer, card.pending)
        table.add_row(printable(f"{asset} {component}"), printable(name), *map(str, counts), off)
    Console().print(table)


def _cards(
    judged: Mapping[Place, Sequence[Judged]],
) -> dict[tuple[str, str, str, str], Scorecard]:
    grouped: dict[tuple[str, str, str, str], list[Judged]] = {}
    for (asset, component), course in sorted(judged.items()):
        for each in course:
            key = (asset, component, each.prediction.model, each.prediction.role)
            grouped.setdefault(key, []).append(each)
    return {key: tally(those) for key, those in grouped.items()}
