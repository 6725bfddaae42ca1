"""What a cause is mended with: the part in stores and the page of the manual."""

import asyncio
from dataclasses import dataclass

from copilot_tools.errors import Unavailable
from copilot_tools.facts import Quote
from copilot_tools.manuals import quote_of
from copilot_tools.plant import Plant
from copilot_tools.records import Part
from copilot_tools.root_cause.causes import Cause
from copilot_tools.site.model import Component
from copilot_tools.site.names import split_words

SEARCHED = 8


@dataclass(frozen=True, slots=True)
class Means:
    """The spare part of a cause's component and the procedure; None where there is none."""

    part: Part | None = None
    procedure: Quote | None = None


async def find_means(plant: Plant, cause: Cause) -> tuple[Means, tuple[str, ...]]:
    """Part and procedure for a cause, and notices of what could not be looked up."""
    notices: tuple[str, ...] = ()
    part = None
    component = find_component(cause)
    if component and component.part:
        try:
            catalogue = await plant.erp.parts()
            part = next((p for p in catalogue if p.number == component.part), None)
        except Unavailable as error:
            notices = (f"Parts are not looked up: {error}.",)
    return Means(part, await asyncio.to_thread(_procedure, plant, cause)), notices


def find_component(cause: Cause) -> Component | None:
    """The component of the machine that the mode is about, by its name or another of its names."""
    wanted = set(split_words(cause.mode.component))
    for component in cause.asset.components:
        names = (component.name, *component.aliases)
        if any(wanted == set(split_words(name)) for name in names):
            return component
    return None


def _procedure(plant: Plant, cause: Cause) -> Quote | None:
    """The passage of the machine's manuals on how to mend it, if one clearly covers that.

    Of those found, the one whose heading has most words of what is searched for; one that names
    the kind of machine wins over one that does not.
    """
    documents = cause.asset.documents
    if not documents:
        return None
    found = plant.manuals.search(cause.mode.procedure, documents=documents, limit=SEARCHED)
    if found.strength != "strong":
        return None
    wanted, kind = set(split_words(cause.mode.procedure)), set(split_words(cause.asset.kind))
    headings = [(set(split_words(passage.section)), passage) for passage in found.passages]
    best = max(headings, key=lambda h: (len(wanted & h[0]), len(kind & h[0])))[1]
    return quote_of(best) if plant.manuals.is_verbatim(best) else None
