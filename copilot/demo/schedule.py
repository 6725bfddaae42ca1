"""The demo plant's production plan: which line makes what and when, and when it stands by plan.

A function of the seed alone, so that the simulation, the ERP rows and the cameras agree on it, for
any time. Two runs a day and line, each its own order and batch; a run begins with a planned stop.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from random import Random

from copilot.demo.chronicle import Stop

EPOCH = datetime(2024, 1, 1, 4, tzinfo=UTC)
SLOT = timedelta(hours=12)
JITTER_MIN = 150
PLANNED_OUTPUT = 0.93

CHANGEOVER = timedelta(minutes=26)
BATCH_CHANGE = timedelta(minutes=12)
CLEANING = timedelta(minutes=75)
CLEANING_EVERY = 10


@dataclass(frozen=True, slots=True)
class LinePlan:
    """What a line can make: ideal rate in bottles/min, products with their share of the runs."""

    ideal_rate: int
    filler: str
    products: tuple[str, ...]
    shares: tuple[float, ...]


LINES = {
    "L1": LinePlan(300, "FIL-12", ("1.5 l water", "500 ml cola"), (0.6, 0.4)),
    "L2": LinePlan(360, "FIL-22", ("500 ml cola", "0.33 l lemon soda"), (0.55, 0.45)),
}


@dataclass(frozen=True, slots=True)
class Run:
    """One production order on a line: made in [start, end), promised for `due`."""

    line: str
    order: str
    batch: str
    product: str
    quantity: int
    start: datetime
    end: datetime
    due: datetime


def product_at(line: str, moment: datetime, seed: int) -> str:
    """The product that `line` is set up for."""
    return run_at(line, moment, seed).product


def run_at(line: str, moment: datetime, seed: int) -> Run:
    """The run of `line` that `moment` falls in."""
    index = (moment - EPOCH) // SLOT
    if moment < _boundary(line, index, seed):
        index -= 1
    elif moment >= _boundary(line, index + 1, seed):
        index += 1
    return _run(line, index, seed)


def runs(line: str, start: datetime, end: datetime, seed: int) -> list[Run]:
    """The runs of `line` that overlap [start, end), in order."""
    found = []
    moment = start
    while moment < end:
        found.append(run_at(line, moment, seed))
        moment = found[-1].end
    return found


def planned_stops(line: str, start: datetime, end: datetime, seed: int) -> list[Stop]:
    """Changeovers, batch changes and cleaning of `line` that overlap [start, end)."""
    stops = (_stop(run, seed) for run in runs(line, start, end, seed))
    return [stop for stop in stops if stop.end is None or stop.end > start]


@lru_cache(maxsize=1024)
def _run(line: str, index: int, seed: int) -> Run:
    plan = LINES[line]
    draw = Random(f"run {seed} {line} {index}")
    start, end = _boundary(line, index, seed), _boundary(line, index + 1, seed)
    minutes = (end - start) / timedelta(minutes=1)
    number = 2 * index + list(LINES).index(line)
    slack = timedelta(hours=round(draw.triangular(-6, 30, 8)))
    return Run(
        line=line,
        order=f"PRD-{20000 + number}",
        batch=f"B-{number:04d}",
        product=draw.choices(plan.products, plan.shares)[0],
        quantity=int(round(minutes * plan.ideal_rate * PLANNED_OUTPUT, -3)),
        start=start,
        end=end,
        due=(end + slack).replace(minute=0),
    )


@lru_cache(maxsize=1024)
def _boundary(line: str, index: int, seed: int) -> datetime:
    jitter = Random(f"boundary {seed} {line} {index}").randint(-JITTER_MIN, JITTER_MIN)
    return EPOCH + index * SLOT + timedelta(minutes=jitter)


def _stop(run: Run, seed: int) -> Stop:
    index = (run.start + timedelta(minutes=JITTER_MIN) - EPOCH) // SLOT
    before = _run(run.line, index - 1, seed)
    if (index + 5 * list(LINES).index(run.line)) % CLEANING_EVERY == 0:
        length, reason = CLEANING, "cleaning in place"
    elif before.product != run.product:
        length, reason = CHANGEOVER, f"changeover to {run.product}"
    else:
        length, reason = BATCH_CHANGE, "batch change"
    filler = LINES[run.line].filler
    return Stop(run.line, filler, run.start, run.start + length, reason, planned=True)
