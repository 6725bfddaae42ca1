"""Policy decisions on random and hostile requests: allowed despite errors, and how long they take.

Each request is also judged by plain Python predicates, which say the same rules once more: they
show every difference, and what the engine costs. Hostile questions go to the engine directly too,
past the invariants: contexts that lack something or overflow, actors and targets nobody knows.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from itertools import islice
from random import Random
from typing import Any, TypeVar

import cedarpy
import numpy as np

from copilot.policy.engine import Engine, Question
from copilot.policy.entities import PlantEntities
from copilot.policy.policy import Policy, shipped
from copilot.policy.question import put
from copilot.policy.request import Request
from copilot.policy.subject import Subject
from copilot_evals.policy_predicates import allows
from copilot_evals.policy_requests import stream
from copilot_evals.report import machine, print_json, print_table
from copilot_tools.site.load import parse_site
from copilot_tools.site.model import Site

T = TypeVar("T")

SEED = 7
LIVE_AGE = timedelta(seconds=30)
_EACH = 10  # of so many requests, one more goes to the engine directly, spoilt
_TOO_LARGE = (2**63 - 1, -(2**63), 2**63, 10**400, 1.5, "1", True, None)


@dataclass(slots=True)
class Tally:
    """What was counted; times in seconds, `cpu_s` without what other processes took."""

    decisions: int = 0
    allowed: int = 0
    differing: int = 0
    spoilt: int = 0
    allow_with_errors: int = 0
    policy_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    predicates_s: list[float] = field(default_factory=list)


def run(*, decisions: int, as_json: bool) -> int:
    """Decide so many requests; the exit code is 1 when one is decided wrongly."""
    site = parse_site(shipped("default_plant.toml"), "default_plant.toml")
    tally = decide_many(site, decisions, Random(SEED))
    p50, p99 = _percentiles(tally.policy_s)
    cpu_p50, cpu_p99 = _percentiles(tally.cpu_s)
    plain_p50, plain_p99 = _percentiles(tally.predicates_s)
    print_table(
        f"Policy, {decisions:,} requests",
        ("", "p50 ms", "p99 ms", "allowed", "allowed with errors", "differ"),
        (
            (
                *("invariants and Cedar", f"{p50:.3f}", f"{p99:.3f}", f"{tally.allowed:,}"),
                *(f"{tally.allow_with_errors:,}", f"{tally.differing:,}"),
            ),
            ("the same, processor time", f"{cpu_p50:.3f}", f"{cpu_p99:.3f}", "", "", ""),
            ("plain Python", f"{plain_p50:.3f}", f"{plain_p99:.3f}", "", "", ""),
        ),
    )
    print(
        f"{tally.spoilt:,} of them are questions to Cedar that should never be asked. {machine()}"
    )
    if as_json:
        print_json(
            {
                "decisions": tally.decisions,
                "allow_with_errors": tally.allow_with_errors,
                "p50_ms": round(p50, 4),
                "p99_ms": round(p99, 4),
                "cpu_p99_ms": round(cpu_p99, 4),
                "differing": tally.differing,
                "baseline_p50_ms": round(plain_p50, 4),
                "baseline_p99_ms": round(plain_p99, 4),
            }
        )
    return 1 if tally.allow_with_errors or tally.differing else 0


def decide_many(site: Site, decisions: int, random: Random) -> Tally:
    """Decide random requests, ordinary and hostile, and count what came out."""
    policy, tally = Policy.load(None, site, live_age_s=LIVE_AGE.total_seconds()), Tally()
    engine = Engine(policy.text, cedarpy.Schema.from_str(shipped("schema.cedarschema")))
    entities = PlantEntities(site)
    for request in islice(stream(random, site), decisions):
        tally.decisions += 1
        if tally.decisions % _EACH == 0 and (question := _question(request, site, entities)):
            tally.spoilt += 1
            answer = engine.ask(_spoil(question, random))
            tally.allow_with_errors += answer.allowed and bool(answer.errors)
            continue
        on_cpu = time.thread_time()
        decision = _timed(tally.policy_s, partial(policy.decide, request))
        tally.cpu_s.append(time.thread_time() - on_cpu)
        expected = _timed(tally.predicates_s, partial(allows, request, site, LIVE_AGE))
        tally.allowed += decision.allowed
        tally.allow_with_errors += decision.allowed and bool(decision.errors)
        tally.differing += decision.allowed != expected
    return tally


def _timed(times: list[float], act: Callable[[], T]) -> T:
    started = time.perf_counter()
    result = act()
    times.append(time.perf_counter() - started)
    return result


def _question(request: Request, site: Site, entities: PlantEntities) -> Question | None:
    """The request in Cedar's terms, whatever the invariants say of it."""
    try:
        return put(Subject(request, site, LIVE_AGE), entities)
    except (ValueError, KeyError, TypeError, ArithmeticError):
        return None


def _spoil(question: Question, random: Random) -> Question:
    match random.randrange(5):
        case 0:
            kept = random.sample(list(question.context), len(question.context) - 1)
            return replace(question, context={name: question.context[name] for name in kept})
        case 1:
            return replace(question, context=_overflow(question.context, random))
        case 2:
            return replace(question, entities=question.entities[:-1])
        case 3:
            return replace(question, resource=(question.resource[0], "nobody knows it"))
    return replace(question, principal=(random.choice(("User", "Executor", "Agent")), "x"))


def _overflow(context: Mapping[str, Any], random: Random) -> dict[str, Any]:
    name = random.choice(list(context))
    value = context[name]
    if isinstance(value, dict):
        return {**context, name: _overflow(value, random)}
    return {**context, name: random.choice(_TOO_LARGE)}


def _percentiles(seconds: list[float]) -> tuple[float, float]:
    """Median and 99th percentile in milliseconds."""
    p50, p99 = np.percentile(seconds, (50, 99)) * 1000
    return float(p50), float(p99)
