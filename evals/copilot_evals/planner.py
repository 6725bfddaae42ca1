"""How well messages are planned: valid JSON, right tools, right arguments, free text by words."""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from copilot.app import open_planner
from copilot.llm.planner import PlannedTurn
from copilot.settings import Settings
from copilot_evals.report import machine, print_json, print_table, wilson
from copilot_tools.catalogue import CATALOGUE
from copilot_tools.errors import ToolError
from copilot_tools.tool import Call

SOFT = frozenset(("reason", "text", "description", "comment", "title", "query", "symptom"))

Calls = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Case:
    """One message with its history, the calls it should give and other calls just as right."""

    id: str
    user: str
    history: tuple[PlannedTurn, ...]
    gold: Calls
    accept: tuple[Calls, ...]
    tags: tuple[str, ...]

    @property
    def groups(self) -> set[str]:
        """The rows of the table this case counts in; each of its tools is one."""
        return {"all", *self.tags, *(f"tool:{call['tool']}" for call in self.gold)}


@dataclass(slots=True)
class Tally:
    """Counts by table row, and every soft-field overlap seen."""

    total: Counter[str] = field(default_factory=Counter)
    right: Counter[tuple[str, str]] = field(default_factory=Counter)
    overlaps: dict[str, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)


def run(
    path: Path | None, *, limit: int | None = None, as_json: bool = False, show_failures: bool
) -> int:
    """Plan every case and print the table; exit code 0."""
    cases = list(read_cases(path))[:limit]
    tally = asyncio.run(_measure(cases, show_failures))
    _report(tally)
    if as_json:
        total = tally.total["all"]
        shares = {what: tally.right["all", what] / total for what in ("json", "tools", "args")}
        print_json({"n": total, **shares})
    return 0


def read_cases(path: Path | None = None) -> Iterator[Case]:
    """The cases of a JSONL file, or our own."""
    text = (
        path.read_text(encoding="utf-8")
        if path
        else resources.files("copilot_evals").joinpath("cases/planner.jsonl").read_text("utf-8")
    )
    for line in text.splitlines():
        if line.strip():
            case = json.loads(line)
            yield Case(
                id=str(case["id"]),
                user=case["user"],
                history=tuple(read_history(case.get("history", []))),
                gold=case["gold"],
                accept=tuple(case.get("accept", [])),
                tags=tuple(case.get("tags", [])),
            )


def read_history(messages: Sequence[Mapping[str, str]]) -> Iterator[PlannedTurn]:
    """Earlier turns from chat messages: calls as JSON, then ` -> ` and the mentions."""
    for user, assistant in zip(messages[::2], messages[1::2], strict=True):
        calls, end = json.JSONDecoder().raw_decode(assistant["content"])
        rest = assistant["content"][end:].removeprefix(" -> ")
        yield PlannedTurn(
            user=user["content"],
            calls=tuple(
                Call(call["tool"], {k: v for k, v in call.items() if k != "tool"}) for call in calls
            ),
            mentions=tuple(rest.split("; ")) if rest else (),
        )


def same_calls(planned: Calls, wanted: Calls) -> bool:
    """Whether two plans agree in tools and in every argument that is not free text."""
    if [c["tool"] for c in planned] != [c["tool"] for c in wanted]:
        return False
    if wanted and wanted[0]["tool"] == "reply":
        return bool(planned[0].get("kind") == wanted[0].get("kind"))
    return [_hard(c) for c in planned] == [_hard(c) for c in wanted]


def overlap(planned: str, wanted: str) -> float:
    """How much two free texts share: F1 over their words."""
    mine, gold = Counter(_words(planned)), Counter(_words(wanted))
    shared = sum((mine & gold).values())
    return 2 * shared / (sum(mine.values()) + sum(gold.values())) if mine or gold else 1.0


async def _measure(cases: Sequence[Case], show_failures: bool) -> Tally:
    tally = Tally()
    planner = open_planner(Settings())
    try:
        await planner.warm()
        for case in cases:
            started = time.perf_counter()
            try:
                calls = await planner.plan(case.user, case.history, CATALOGUE, lambda ahead: None)
                planned: Calls | None = [{"tool": c.tool, **c.arguments} for c in calls]
            except ToolError:
                planned = None
            tally.seconds.append(time.perf_counter() - started)
            if not _count(tally, case, planned) and show_failures:
                print(json.dumps([case.id, case.user, case.gold, planned], ensure_ascii=False))
    finally:
        await planner.close()
    return tally


def _count(tally: Tally, case: Case, planned: Calls | None) -> bool:
    wanted = (case.gold, *case.accept)
    best = next((w for w in wanted if planned is not None and same_calls(planned, w)), None)
    tools = planned is not None and any(
        [c["tool"] for c in planned] == [c["tool"] for c in w] for w in wanted
    )
    for group in case.groups:
        tally.total[group] += 1
        tally.right[group, "json"] += planned is not None
        tally.right[group, "tools"] += tools
        tally.right[group, "args"] += best is not None
    for mine, gold in zip(planned or (), best or (), strict=False):
        for name in SOFT & gold.keys():
            score = overlap(str(mine.get(name, "")), str(gold[name]))
            tally.overlaps.setdefault(name, []).append(score)
    return best is not None


def _hard(call: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _normal(value) for key, value in call.items() if key not in SOFT}


def _normal(value: Any) -> Any:
    if isinstance(value, str):
        return re.sub(r"[^a-z0-9]+", "", value.lower())
    if isinstance(value, list):
        return sorted(_normal(item) for item in value)
    return value


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def _report(tally: Tally) -> None:
    print(machine())
    rows = []
    for group in sorted(tally.total):
        total = tally.total[group]
        shares = [f"{tally.right[group, what] / total:.3f}" for what in ("json", "tools", "args")]
        low, high = wilson(tally.right[group, "args"], total)
        rows.append((group, str(total), *shares, f"{low:.2f}..{high:.2f}"))
    heads = ("cases", "n", "json", "tools", "args", "args 95 %")
    print_table("Planner: share of messages planned right", heads, rows)
    soft = [
        (name, str(len(scores)), f"{sum(scores) / len(scores):.3f}")
        for name, scores in sorted(tally.overlaps.items())
    ]
    print_table("Free text where the rest is right: word overlap", ("field", "n", "F1"), soft)
    ordered = sorted(tally.seconds)
    print(
        f"plan p50 {ordered[len(ordered) // 2]:.2f} s, "
        f"p95 {ordered[int(len(ordered) * 0.95)]:.2f} s"
    )
