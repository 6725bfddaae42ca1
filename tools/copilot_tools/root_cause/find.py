"""The tool: candidate causes of a symptom, ranked, or the plain statement that none stands out."""

from collections.abc import Sequence
from dataclasses import replace

from copilot_tools.facts import Findings
from copilot_tools.plant import Plant
from copilot_tools.root_cause.abnormality import add_abnormality
from copilot_tools.root_cause.answer import SHOWN, Question, abstain, name_causes
from copilot_tools.root_cause.causes import Cause, rank, symptom_words, weigh_signals
from copilot_tools.root_cause.circumstances import weigh_circumstances
from copilot_tools.root_cause.neighbours import Neighbours, find_neighbours
from copilot_tools.root_cause.observed import Observed, observe
from copilot_tools.root_cause.remedies import find_means
from copilot_tools.tool import Risk, Text, Window, tool
from copilot_tools.windows import parse_window

LEAST_SUPPORT = 0.4
BLOCKED = "PLU"  # what is felt upstream of the machine that has it


@tool(risk=Risk.READ, purpose="why it happened", timeout_s=10.0)
async def find_root_cause(
    plant: Plant, asset: Text, symptom: Text, window: Window | None = None
) -> Findings:
    """Likely causes at the asset and around it; none is named when the evidence is thin."""
    machine = plant.resolver.asset(asset)
    period = parse_window(window or "24h", plant.site, plant.now())
    near = find_neighbours(plant.site, machine)
    seen = await observe(plant, near, plant.modes, period)
    if not any(machine.kind in mode.kinds for mode in plant.modes):
        unknown = (
            f"No failure mode of a {machine.kind} is known; only machines around it are judged."
        )
        seen = replace(seen, notices=(*seen.notices, unknown))
    causes = weigh_all(plant, near, symptom, seen)
    asked = Question(machine, symptom)
    likely = [cause for cause in causes if is_named(cause)][:SHOWN]
    if not likely:
        return abstain(plant, asked, [c for c in causes if c.support >= LEAST_SUPPORT], seen)
    await add_abnormality(plant, likely[0], period)
    means, notices = await find_means(plant, likely[0])
    return name_causes(asked, likely, means, replace(seen, notices=seen.notices + notices))


def weigh_all(plant: Plant, near: Neighbours, symptom: str, seen: Observed) -> Sequence[Cause]:
    """Every mode of every machine around as a cause, the best supported first.

    A symptom that no mode around is known for says nothing about which of them it is.
    """
    places = [
        (mode, asset)
        for asset in near.assets
        for mode in plant.modes
        if asset.kind in mode.kinds and (near.steps[asset.id] >= 0 or mode.code == BLOCKED)
    ]
    words = symptom_words(symptom)
    if not any(mode.symptoms & words for mode, _ in places):
        words = frozenset()
    causes = [weigh_signals(mode, asset, near, words, seen) for mode, asset in places]
    for cause in causes:
        weigh_circumstances(cause, seen, near)
    return rank(causes)


def is_named(cause: Cause) -> bool:
    """Is the evidence strong enough to name a cause, and is it a root cause at all?"""
    return cause.support >= LEAST_SUPPORT and cause.telling and not cause.mode.consequence
