"""Since when the machine of a cause has been unlike itself, judged at its own operating point."""

from copilot_tools.display import format_number, format_time
from copilot_tools.errors import Failed, Unavailable
from copilot_tools.examination import examine
from copilot_tools.facts import Fact, Source
from copilot_tools.plant import Plant
from copilot_tools.root_cause.causes import Cause, Evidence
from copilot_tools.windows import Period


async def add_abnormality(plant: Plant, cause: Cause, period: Period) -> None:
    """Add the last abnormal spell to the evidence for a cause; it does not change the support.

    The signals have been weighed already; this tells the time, and a limit that they all share.
    """
    try:
        found = await examine(plant, cause.asset, period)
    except (Failed, Unavailable):
        return
    if found.verdict != "abnormal" or not found.spells:
        return
    spell, asset = found.spells[-1], cause.asset.id
    source = Source("history", asset)
    facts = (
        Fact(asset, "abnormal since", spell.begin, source, found.newest),
        Fact(asset, "abnormality", spell.score, source, found.newest, note="1 is the limit"),
    )
    since = format_time(spell.begin, plant.site.time_zone)
    score = format_number(spell.score)
    text = f"{asset} unlike itself since {since}, {score} times the limit of usual behaviour"
    cause.evidence.append(Evidence(text, facts, favours=True, weight=0.05))
