"""How long a user waits: planning, first fact, whole turn; from a cold start and warm; memory."""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

from copilot.actor import Actor, Role
from copilot.app import Copilot, bootstrap
from copilot.demo.site import demo_settings
from copilot.events import Ended
from copilot_evals.demo_site import demo_site
from copilot_evals.report import machine, print_json, print_table

QUESTIONS = (
    "what is the suction pressure of P-101?",
    "show the flow of P-101 over the last 8 hours",
    "which alarms are active in the bottling hall?",
    "is the air compressor behaving normally?",
    "how long will the cartridges of FLT-103 last?",
    "why does capper 1 make loose caps?",
    "how many rejects had line 1 this shift?",
    "how do I replace the mechanical seal of P-102?",
    "do we have burner nozzles in stock?",
    "open work orders for the syrup mixer",
    "which purchase orders are late?",
    "OEE of line 2 today",
    "which machines are stopped?",
    "how warm is the product at filler 2?",
    "glue temperature of labeller 1",
)


@dataclass(slots=True)
class Timings:
    """Seconds of every warm turn, and of the first one of a new process."""

    plan: list[float] = field(default_factory=list)
    first_fact: list[float] = field(default_factory=list)
    turn: list[float] = field(default_factory=list)
    cold: list[float] = field(default_factory=list)
    rss_mb: float = 0.0


def run(*, rounds: int = 5, as_json: bool = False) -> int:
    """Ask every question `rounds` times in new conversations and print the table; exit code 0."""
    timings = asyncio.run(_measure(rounds))
    _report(timings)
    if as_json:
        print_json(
            {
                "plan_p50": _percentile(timings.plan, 50),
                "first_fact_p50": _percentile(timings.first_fact, 50),
                "turn_p50": _percentile(timings.turn, 50),
                "turn_p95": _percentile(timings.turn, 95),
                "rss_mb": timings.rss_mb,
            }
        )
    return 0


async def _measure(rounds: int) -> Timings:
    timings = Timings()
    with demo_site() as (home, url):
        await _ask_cold(home, url, timings)
        copilot = bootstrap(demo_settings(home, url))
        try:
            await copilot.warm()
            await _ask_all(copilot, QUESTIONS[:3], Timings())
            for _ in range(rounds):
                await _ask_all(copilot, QUESTIONS, timings)
            timings.rss_mb = _resident_mb()
        finally:
            await copilot.close()
    return timings


async def _ask_all(copilot: Copilot, questions: Sequence[str], timings: Timings) -> None:
    actor = Actor("latency", Role.OPERATOR)
    for question in questions:
        conversation = await copilot.conversations.start(actor)
        async for event in copilot.agent.turn(actor, conversation, question):
            if isinstance(event, Ended):
                timings.plan.append(event.plan_s)
                timings.turn.append(event.total_s)
                if event.first_fact_s is not None:
                    timings.first_fact.append(event.first_fact_s)


async def _ask_cold(home: Path, url: str, timings: Timings) -> None:
    """The whole of `copilot ask` as a new process, imports and model loading included."""
    config = home / "copilot.toml"
    for question in QUESTIONS[:3]:
        started = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "copilot", "ask", "--config", str(config), question),
            env={"COPILOT_OPCUA__URL": url, "PATH": ""},
            stdout=asyncio.subprocess.DEVNULL,
        )
        if await process.wait() == 0:
            timings.cold.append(time.perf_counter() - started)


def _percentile(seconds: Sequence[float], percent: int) -> float:
    if len(seconds) < 2:
        return round(seconds[0], 3) if seconds else float("nan")
    return round(quantiles(seconds, n=100, method="inclusive")[percent - 1], 3)


def _resident_mb() -> float:
    """Resident memory of this process now, in MB (Linux)."""
    with open("/proc/self/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return round(int(line.split()[1]) / 1024, 1)


def _report(timings: Timings) -> None:
    print(machine())
    rows = [
        (
            name,
            str(len(seconds)),
            f"{_percentile(seconds, 50):.3f}",
            f"{_percentile(seconds, 95):.3f}",
        )
        for name, seconds in (
            ("plan, warm", timings.plan),
            ("first fact, warm", timings.first_fact),
            ("whole turn, warm", timings.turn),
            ("copilot ask, new process", timings.cold),
        )
    ]
    print_table("Seconds a user waits", ("what", "n", "p50", "p95"), rows)
    print(f"resident memory of the asking process: {timings.rss_mb} MB")
