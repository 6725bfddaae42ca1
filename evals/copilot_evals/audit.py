"""Is every alteration of the audit log found, and does the verdict name the altered rows?"""

import random
import time
from collections import Counter
from dataclasses import dataclass, field

from copilot.audit.verify import Verdict, verify
from copilot_evals.audit_log import Log, build_log
from copilot_evals.report import machine, print_json, print_table, wilson
from copilot_evals.tampering import TAMPERINGS, Rows, Tampering

SEED = 7


@dataclass(slots=True)
class Tally:
    """Of one kind of tampering: how many, found, named rightly, and no others with them."""

    edits: int = 0
    found: int = 0
    named: int = 0
    exact: int = 0


@dataclass(slots=True)
class Outcome:
    """All tampering, by kind, and how fast rows are checked."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    missed: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    rows_per_s: float = 0.0


def run(*, edits: int = 2000, as_json: bool = False) -> int:
    """Alter a log `edits` times, each time anew, and print the table; 0 when all were found."""
    with build_log() as log:
        outcome = measure(log, edits)
    total = _total(outcome)
    _report(outcome, total)
    if as_json:
        print_json(
            {
                "edits": total.edits,
                "found": total.found,
                "named": total.named,
                "exact": total.exact,
                "rows": outcome.rows,
                "rows_per_s": outcome.rows_per_s,
            }
        )
    return 0 if total.edits == total.found == total.named else 1


def measure(log: Log, edits: int, seed: int = SEED) -> Outcome:
    """Every kind of tampering in turn; the untouched log must be found whole first."""
    untouched, seconds = _timed(log)
    if not untouched.ok:
        raise AssertionError(f"the untouched log is said to be damaged: {untouched.problem}")
    outcome = Outcome(rows=len(log.rows), rows_per_s=round(len(log.rows) / seconds))
    choose = random.Random(seed)
    for number in range(edits):
        _try(log, TAMPERINGS[number % len(TAMPERINGS)], choose, outcome)
    return outcome


def check(log: Log) -> Verdict:
    """The verdict on a log, with the checkpoints that were pushed elsewhere."""
    return verify(log.rows, (*log.checkpoints, *log.witnesses), log.public_key, log.head)


def names(verdict: Verdict, altered: Rows) -> bool:
    """Whether the rows the verdict names are among the altered ones."""
    return not verdict.ok and verdict.first <= altered[1] and altered[0] <= verdict.last


def _names_no_others(verdict: Verdict, altered: Rows) -> bool:
    """Of two rows that do not fit together the unaltered one may be named with the other."""
    return altered[0] - 1 <= verdict.first and verdict.last <= altered[1] + 1


def _try(log: Log, tampering: Tampering, choose: random.Random, outcome: Outcome) -> None:
    tally = outcome.tallies.setdefault(tampering.__name__, Tally())
    altered_log, altered = tampering(log, choose)
    verdict = check(altered_log)
    named = names(verdict, altered)
    tally.edits += 1
    tally.found += not verdict.ok
    tally.named += named
    tally.exact += named and _names_no_others(verdict, altered)
    if not named:
        outcome.missed[f"{tampering.__name__} of rows {altered}: {verdict.problem}"] += 1


def _timed(log: Log) -> tuple[Verdict, float]:
    started = time.perf_counter()
    verdict = check(log)
    return verdict, time.perf_counter() - started


def _total(outcome: Outcome) -> Tally:
    tallies = outcome.tallies.values()
    return Tally(
        sum(tally.edits for tally in tallies),
        sum(tally.found for tally in tallies),
        sum(tally.named for tally in tallies),
        sum(tally.exact for tally in tallies),
    )


def _report(outcome: Outcome, total: Tally) -> None:
    print(machine())
    rows = [
        (name, str(tally.edits), str(tally.found), str(tally.named), str(tally.exact))
        for name, tally in [*outcome.tallies.items(), ("all", total)]
    ]
    heads = ("tampering", "edits", "found", "rows named", "and no others")
    print_table(f"An audit log of {outcome.rows} rows, altered", heads, rows)
    low, high = wilson(total.found, total.edits)
    print(f"found {total.found} of {total.edits} (95 % interval {low:.2%} to {high:.2%})")
    print(f"{outcome.rows_per_s:.0f} rows checked per second")
    for missed in list(outcome.missed)[:20]:
        print(f"MISSED: {missed}")
