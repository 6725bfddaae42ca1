"""What the manuals say: quoted word for word, with document, revision, page and section."""

import asyncio

from copilot_knowledge.document import Answer, Passage
from copilot_tools.facts import Findings, Quote
from copilot_tools.plant import Plant
from copilot_tools.site.model import Asset
from copilot_tools.tool import Risk, Text, tool

SHOWN = 3


@tool(risk=Risk.READ, purpose="procedures, fault codes, specifications, safety")
async def search_manuals(plant: Plant, query: Text, asset: Text | None = None) -> Findings:
    """The passages that answer a question; nothing is quoted when the manuals do not cover it."""
    machines = _machines(plant, asset)
    documents = {document for machine in machines for document in machine.documents}
    answer = await asyncio.to_thread(plant.library.search, query, documents=documents)
    notices = list(answer.notices)
    if answer.strength != "strong" and documents:
        wider = await asyncio.to_thread(plant.library.search, query)
        if wider.strength == "strong":
            names = ", ".join(machine.id for machine in machines)
            notices.append(f"Found outside the manuals of {names}: check that it applies.")
            answer = wider
    return _report(query, answer, tuple(notices))


def _machines(plant: Plant, asset: str | None) -> list[Asset]:
    if asset is None:
        return []
    return plant.resolver.assets(asset) or [plant.resolver.asset(asset)]


def _report(query: str, answer: Answer, notices: tuple[str, ...]) -> Findings:
    if answer.unknown_codes:
        codes = ", ".join(answer.unknown_codes)
        notices += (f"{codes} is in none of the manuals searched.",)
    if answer.strength == "none" or not answer.passages:
        searched = "; ".join(answer.searched)
        return Findings(
            "The manuals here do not cover that.", notices=(*notices, f"Searched: {searched}.")
        )
    quotes = tuple(_quote(passage) for passage in answer.passages[:SHOWN])
    if answer.strength == "weak":
        notices += ("The manuals do not clearly cover this; the nearest passages are shown.",)
    return Findings(
        summary=_summary(quotes[0]),
        quotes=quotes,
        mentions=tuple(dict.fromkeys(f"{q.document} {q.title}" for q in quotes)),
        notices=notices,
    )


def _quote(passage: Passage) -> Quote:
    return Quote(
        document=passage.document,
        title=passage.title,
        revision=passage.revision,
        page=passage.page,
        section=passage.section,
        text="\n".join(part for part in (passage.lead, passage.text) if part),
    )


def _summary(quote: Quote) -> str:
    place = f"{quote.document} rev. {quote.revision}, page {quote.page}"
    return f"{quote.title}, {quote.section} ({place}):"
