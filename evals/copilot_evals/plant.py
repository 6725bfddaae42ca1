"""Whether answers about a demo plant are true: facts against simulator, server, SQL and files."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any

from copilot.app import Copilot, bootstrap
from copilot.demo.home import DemoError
from copilot.demo.site import demo_actor, demo_settings, settle_people
from copilot.events import Answered
from copilot.grounding import ungrounded
from copilot_evals.demo_site import demo_site
from copilot_evals.plant_judge import Expectation, Rows, unmet
from copilot_evals.plant_records import Records
from copilot_evals.plant_truth import CHANGING, Truth, open_truth
from copilot_evals.report import machine, print_json, print_table, wilson

LOOK_EVERY_S = 0.25
ACTOR = demo_actor("sara")


@dataclass(frozen=True, slots=True)
class Injection:
    """A fault that is let loose before the question: it grows for `ramp_s`, then acts for `wait_s`.

    Severity is 0..1, times are in seconds.
    """

    fault: str
    asset: str
    severity: float
    ramp_s: float
    wait_s: float


@dataclass(frozen=True, slots=True)
class Case:
    """A question, what was said before it, and what must hold of its answer.

    `given` names record keys that depend on the day: a query for each `{name}` in the question.
    """

    id: str
    user: str
    expect: tuple[Expectation, ...]
    before: tuple[str, ...] = ()
    given: Mapping[str, str] = field(default_factory=dict)
    inject: Injection | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a case: why it is wrong (empty when right) and its ungrounded numerals."""

    case: Case
    plan: str
    wrong: tuple[str, ...]
    invented: tuple[str, ...]


def run(*, limit: int | None = None, as_json: bool = False) -> int:
    """Ask every question of a running demo plant and print the table; exit code 0.

    When the plant cannot run (another evaluation is using it), says so; exit code 1.
    """
    try:
        results = asyncio.run(_measure(read_cases()[:limit]))
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    _report(results)
    if as_json:
        right = sum(not result.wrong for result in results)
        invented = sum(len(result.invented) for result in results)
        print_json({"n": len(results), "right": right / len(results), "invented": invented})
    return 0


def read_cases() -> list[Case]:
    """The cases of `cases/plant.jsonl`."""
    text = resources.files("copilot_evals").joinpath("cases/plant.jsonl").read_text("utf-8")
    return [parse_case(json.loads(line)) for line in text.splitlines() if line.strip()]


def parse_case(stored: dict[str, Any]) -> Case:
    """A case as it is stored; each expectation is its kind with what it is about, and options."""
    inject = stored.get("inject")
    return Case(
        id=stored["id"],
        user=stored["user"],
        expect=tuple(_expectation(dict(each)) for each in stored["expect"]),
        before=tuple(stored.get("before", ())),
        given=stored.get("given", {}),
        inject=Injection(**inject) if inject else None,
        tags=tuple(stored["tags"]),
    )


def _expectation(stored: dict[str, Any]) -> Expectation:
    kind = next(iter(stored))
    return Expectation(kind, stored.pop(kind), stored)


def judge(
    case: Case, looks: Sequence[Sequence[Rows]], answer: Answered, invented: Sequence[str]
) -> Result:
    """The result of a case; `looks` are those of each expectation, around and during the turn."""
    reasons = (
        unmet(expected, seen, answer) for expected, seen in zip(case.expect, looks, strict=True)
    )
    plan = json.dumps([{o.call.tool: dict(o.call.arguments)} for o in answer.outcomes])
    return Result(case, plan, tuple(reason for reason in reasons if reason), tuple(invented))


async def _measure(cases: Sequence[Case]) -> list[Result]:
    with demo_site() as (home, url):
        settings = demo_settings(home, url)
        settle_people(settings.database.own)
        copilot = bootstrap(settings)
        try:
            await copilot.planner.warm()
            async with open_truth(home, url) as truth:
                return [await _try(copilot, truth, _filled(case, truth.records)) for case in cases]
        finally:
            await copilot.close()


def _filled(case: Case, records: Records) -> Case:
    """The case with the record keys of today in its question and its queries."""
    if not case.given:
        return case
    given = {name: str(records.query(sql, {})[0][0]) for name, sql in case.given.items()}
    expect = (replace(each, options={**each.options, "given": given}) for each in case.expect)
    return replace(case, user=case.user.format(**given), expect=tuple(expect))


async def _try(copilot: Copilot, truth: Truth, case: Case) -> Result:
    if case.inject is None:
        return await _converse(copilot, truth, case)
    fault = case.inject
    try:
        await truth.inject(fault.fault, fault.asset, fault.severity, fault.ramp_s)
        await asyncio.sleep(fault.ramp_s + fault.wait_s)
        return await _converse(copilot, truth, case)
    finally:
        await truth.clear()


async def _converse(copilot: Copilot, truth: Truth, case: Case) -> Result:
    conversation = await copilot.conversations.start(ACTOR)
    site = copilot.plant.site
    invented: list[str] = []
    for text in case.before:
        earlier = await _answer(copilot, conversation, text)
        invented += ungrounded(earlier.text, earlier.outcomes, site.time_zone, site.assets)
    answer, looks = await _watch(truth, case.expect, _answer(copilot, conversation, case.user))
    invented += ungrounded(answer.text, answer.outcomes, site.time_zone, site.assets)
    return judge(case, looks, answer, invented)


async def _answer(copilot: Copilot, conversation: str, text: str) -> Answered:
    async for event in copilot.agent.turn(ACTOR, conversation, text):
        if isinstance(event, Answered):
            answered = event
    return answered


async def _watch(
    truth: Truth, expect: Sequence[Expectation], turn: Coroutine[Any, Any, Answered]
) -> tuple[Answered, list[list[Rows]]]:
    """The answer of a turn, and the truth of each expectation before, during and after it."""
    looks = [[await truth.look(expected)] for expected in expect]
    answering = asyncio.ensure_future(turn)
    while not answering.done():
        await asyncio.wait({answering}, timeout=LOOK_EVERY_S)
        for expected, seen in zip(expect, looks, strict=True):
            if answering.done() or expected.kind in CHANGING:
                seen.append(await truth.look(expected))
    return await answering, looks


def _report(results: Sequence[Result]) -> None:
    print(machine())
    total: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for result in results:
        for group in ("all", *result.case.tags):
            total[group] += 1
            right[group] += not result.wrong
    rows = []
    for group in sorted(total):
        low, high = wilson(right[group], total[group])
        share = f"{right[group] / total[group]:.3f}"
        rows.append((group, str(total[group]), share, f"{low:.2f}..{high:.2f}"))
    print_table("Plant: share of questions answered right", ("cases", "n", "right", "95 %"), rows)
    for result in results:
        for reason in result.wrong:
            print(f"wrong {result.case.id} {result.case.user!r}: {reason}; planned {result.plan}")
        if result.invented:
            print(f"invented {result.case.id} {result.case.user!r}: {', '.join(result.invented)}")
