"""What the manuals say: quoted word for word, with document, revision, page and section."""

import asyncio
from dataclasses import replace

from copilot_knowledge.document import Answer, Passage
from copilot_tools.errors import Retry, Unavailable
from copilot_tools.facts import Fact, Findings, Quote, Source
from copilot_tools.plant import Plant
from copilot_tools.site.model import Asset, Signal
from copilot_tools.telemetry import read_signals
from copilot_tools.tool import Risk, Text, tool

SHOWN = 2


@tool(risk=Risk.READ, purpose="procedures, fault codes, specifications, safety")
async def search_manuals(plant: Plant, query: Text, asset: Text | None = None) -> Findings:
    """The passages that answer a question; nothing is quoted when the manuals do not cover it.

    An asset that is none but a word of the question ("filling valve") is searched for as one. Where
    the question is just the name of a signal of the machine, its live value comes first.
    """
    machines = _machines(plant, asset)
    if asset and not machines:
        query = f"{query} {asset}"
    documents = {document for machine in machines for document in machine.documents}
    answer = await asyncio.to_thread(plant.manuals.search, query, documents=documents)
    notices = list(answer.notices)
    if answer.strength != "strong" and documents:
        wider = await asyncio.to_thread(plant.manuals.search, query)
        if wider.strength == "strong":
            names = ", ".join(machine.id for machine in machines)
            notices.append(f"Found outside the manuals of {names}: check that it applies.")
            answer = wider
    found = await asyncio.to_thread(_report, plant, answer, tuple(notices))
    if len(machines) == 1 and (signal := plant.resolver.named_signal(machines[0], query)):
        return _with_live_value(await _read(plant, machines[0], signal), found)
    return found


async def _read(plant: Plant, machine: Asset, signal: Signal) -> Findings | None:
    try:
        return await read_signals.function(plant, machine.id, [signal.name])
    except Unavailable:
        return None


def _with_live_value(live: Findings | None, found: Findings) -> Findings:
    """The reading in front of the quotes; only the quotes when it cannot be had."""
    if live is None:
        return found
    return replace(
        live,
        quotes=found.quotes[:1],
        mentions=(*live.mentions, *found.mentions),
        notices=(*live.notices, *(found.notices if found.quotes else ())),
    )


def _machines(plant: Plant, asset: str | None) -> list[Asset]:
    """The machines meant; none for words that name no machine, while a wrong id is asked back."""
    if asset is None:
        return []
    try:
        return plant.resolver.assets(asset) or [plant.resolver.asset(asset)]
    except Retry:
        if any(letter.isdigit() for letter in asset):
            raise
        return []


def _report(plant: Plant, answer: Answer, notices: tuple[str, ...]) -> Findings:
    if answer.unknown_codes:
        codes = ", ".join(answer.unknown_codes)
        notices += (f"{codes} is in none of the manuals searched.",)
    passages = [passage for passage in answer.passages if plant.manuals.is_verbatim(passage)]
    if answer.strength == "none" or not passages:
        now = plant.now()
        return Findings(
            "The manuals here do not cover that.",
            tuple(
                Fact("manuals", "searched", d, Source("manuals", d), now) for d in answer.searched
            ),
            notices=(*notices, f"Searched: {'; '.join(answer.searched)}."),
        )
    quotes = tuple(
        replace(quote_of(passage), boxes=plant.manuals.boxes(passage))
        for passage in passages[:SHOWN]
    )
    if answer.strength == "weak":
        notices += ("The manuals do not clearly cover this; the nearest passages are shown.",)
    return Findings(
        summary=_summary(quotes[0]),
        quotes=quotes,
        mentions=tuple(dict.fromkeys(f"{q.document} {q.title}" for q in quotes)),
        notices=notices,
    )


def quote_of(passage: Passage) -> Quote:
    """A passage as it is quoted: what must be read with it first; without its place on the page."""
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
