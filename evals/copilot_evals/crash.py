"""What is left after processes were killed: double writes, lost proposals, a broken audit chain.

Real processes, killed (SIGKILL) at every crash point in turn and at random moments, while proposals
go from the desk through the executor to a controller on OPC UA. They are forked from one that has
everything loaded, so that a round takes about a second.
"""

import asyncio
import os
import random
import signal
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

from sqlalchemy import select

from copilot import tables
from copilot.approvals.states import OPEN, State
from copilot.audit.verify import verify_database
from copilot.crash_points import CRASH_POINTS, CrashPoint
from copilot.db import open_database, reading
from copilot.proposal import thaw
from copilot_evals.crash_plant import make_erp, serve, written
from copilot_evals.crash_speed import transitions_per_s
from copilot_evals.crash_work import Works, carry_out, file_and_approve, prepare
from copilot_evals.report import machine, print_json, print_table
from copilot_tools.errors import Failed

DESK_POINTS = ("before proposed", "after proposed", "before decided", "after decided")
LONGEST_S = 20.0
SEED = 7


@dataclass(slots=True)
class Figures:
    """What was found; `reached` counts the rounds in which a point did kill its process."""

    rounds: int = 0
    proposals: int = 0
    writes: int = 0
    double: int = 0
    lost: int = 0
    chain_valid: bool = False
    problem: str = ""
    states: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    round_s: list[float] = field(default_factory=list)


def run(*, rounds: int = 60, as_json: bool = False) -> int:
    """Kill `rounds` times, then look; exit code 1 when anything was written twice or lost."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = _kill_repeatedly(folder, rounds)
        speed = transitions_per_s(folder / "speed.db")
    good = figures.chain_valid and not figures.double and not figures.lost
    uncovered = [point for point in CRASH_POINTS if not figures.reached[point]]
    _report(figures, speed, uncovered)
    if as_json:
        print_json(
            {
                "rounds": figures.rounds,
                "double": figures.double,
                "lost": figures.lost,
                "chain_valid": figures.chain_valid,
                "proposals": figures.proposals,
                "writes": figures.writes,
                "uncovered": uncovered,
                "transitions_per_s": round(speed, 1),
            }
        )
    return 0 if good else 1


def _kill_repeatedly(folder: Path, rounds: int) -> Figures:
    works = Works(folder, _free_port())
    make_erp(folder / "erp.db")
    journal, figures = folder / "journal", Figures(rounds)
    with _controller(works, journal):
        prepare(works)
        draw = random.Random(SEED)
        for number in range(rounds):
            began = time.monotonic()
            _round(works, number, draw, figures)
            figures.round_s.append(time.monotonic() - began)
        _wait_for(_fork(lambda: carry_out(works, True)), LONGEST_S)
    _judge(works, journal, figures)
    return figures


def _round(works: Works, number: int, draw: random.Random, figures: Figures) -> None:
    """Every second kill comes at a random moment, the others at each crash point in turn."""
    aimed = number % 2 == 0
    point: CrashPoint = CRASH_POINTS[number // 2 % len(CRASH_POINTS)]
    if aimed and point in DESK_POINTS:
        _kill_at(point, lambda: file_and_approve(works, number), figures)
    _wait_for(_fork(lambda: file_and_approve(works, number)), LONGEST_S)
    if not aimed:
        _kill_after(draw.uniform(0.2, 1.2), lambda: carry_out(works), figures)
    elif point not in DESK_POINTS:
        _kill_at(point, lambda: carry_out(works), figures)


def _kill_at(point: CrashPoint, task: Callable[[], None], figures: Figures) -> None:
    """A process that dies at a crash point; one that does not get there is killed in the end."""
    process = _fork(task, point)
    if _wait_for(process, LONGEST_S) == -signal.SIGKILL:
        figures.reached[point] += 1


def _kill_after(seconds: float, task: Callable[[], None], figures: Figures) -> None:
    process = _fork(task)
    time.sleep(seconds)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    figures.reached["a random moment"] += 1


def _fork(task: Callable[[], None], point: str = "") -> int:
    """A process of its own that does this task and ends; nothing open is shared with it."""
    process = os.fork()
    if process:
        return process
    try:
        os.environ["COPILOT_CRASH_AT"] = point
        task()
    except BaseException:
        os._exit(1)
    os._exit(0)


def _wait_for(process: int, longest_s: float) -> int:
    """The exit code of a process, minus the signal that ended it; one that hangs is killed."""
    until = time.monotonic() + longest_s
    while time.monotonic() < until:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return 1


@contextmanager
def _controller(works: Works, journal: Path) -> Iterator[None]:
    ready = works.folder / "ready"
    process = _fork(lambda: asyncio.run(serve(works.port, journal, ready.touch)))
    try:
        while not ready.exists():
            if os.waitpid(process, os.WNOHANG) != (0, 0):
                raise Failed("the controller did not start")
            time.sleep(0.05)
        yield
    finally:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def _judge(works: Works, journal: Path, figures: Figures) -> None:
    """Compare what the database says with what the controller has taken."""
    taken = Counter(written(journal))
    figures.writes = taken.total()
    figures.double = sum(count - 1 for count in taken.values())
    engine = open_database(works.own)
    c = tables.proposals.c
    with reading(engine) as connection:
        rows = connection.execute(select(c.key, c.payload, c.state)).all()
    figures.proposals = len(rows)
    for row in rows:
        change = thaw(row.payload).change
        name = change.target.key.removeprefix(f"{change.target.asset}.")
        figures.states[row.state] += 1
        figures.lost += _is_lost(State(row.state), taken[f"{name}={change.new:.0f}"])
    answered = set(works.acknowledged.read_text(encoding="utf-8").splitlines())
    figures.lost += len(answered - {row.key for row in rows})
    public = works.settings().audit.key.with_name("audit.key.pub").read_text(encoding="utf-8")
    verdict = verify_database(engine, public)
    figures.chain_valid, figures.problem = verdict.ok, verdict.problem
    engine.dispose()


def _is_lost(state: State, writes: int) -> bool:
    """Whether a proposal is still on its way when all is done, or its state is not the truth."""
    if state is State.UNKNOWN:
        return False
    return state in OPEN or (state is State.VERIFIED) != (writes > 0)


def _report(figures: Figures, speed: float, uncovered: list[CrashPoint]) -> None:
    points = (*CRASH_POINTS, "a random moment")
    rows = [(point, str(figures.reached[point])) for point in points]
    print_table("Killed at", ("point", "times"), rows)
    ended = ", ".join(f"{count} {state}" for state, count in figures.states.most_common())
    chain = "valid" if figures.chain_valid else f"BROKEN: {figures.problem}"
    found = [
        ("rounds", str(figures.rounds)),
        ("proposals", f"{figures.proposals} ({ended})"),
        ("writes taken by the controller", str(figures.writes)),
        ("double writes", str(figures.double)),
        ("lost states", str(figures.lost)),
        ("audit chain", chain),
        ("crash points not reached", ", ".join(uncovered) or "none"),
        ("round p50", f"{quantiles(figures.round_s, n=2)[0]:.2f} s"),
        ("transitions with full sync", f"{speed:.0f} / s"),
    ]
    print_table("After killing", ("", "found"), found)
    print(machine())


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
