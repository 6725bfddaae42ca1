"""How often the copilot's predictions of remaining life were right."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from copilot_tools.display import format_value
from copilot_tools.errors import Failed, Retry
from copilot_tools.facts import Column, Fact, Findings, Source, Table
from copilot_tools.learnt_words import card_facts
from copilot_tools.models.wear import CONFIDENCE
from copilot_tools.outcomes import Place, judge_predictions
from copilot_tools.plant import Plant
from copilot_tools.predictions import Prediction
from copilot_tools.scorecard import Judged, Scorecard, tally
from copilot_tools.site.model import Asset, Component
from copilot_tools.site.names import split_words
from copilot_tools.tool import Risk, Text, tool

_NAMED = 5
_HEADINGS = (
    "machine", "component", "by", "came due", "within interval", "ended sooner", "lasted longer",
    "not yet due", "repaired before", "off by (days, median)",
)  # fmt: skip

Cards = Mapping[Place, Scorecard]


@tool(risk=Risk.READ, purpose="how often past predictions were right", timeout_s=20.0)
async def score_predictions(
    plant: Plant, asset: Text | None = None, component: Text | None = None
) -> Findings:
    """Past predictions of remaining life against what then happened, of one machine or of all.

    Those of today do not count yet, nor those of a model that only runs along.
    """
    if plant.predictions is None:
        raise Failed("Predictions are not kept here, so nobody can say how often they were right.")
    places = _places(plant, asset, component)
    about = _about(plant, asset, component, places)
    assets = sorted({machine for machine, _ in places})
    kept = await asyncio.to_thread(plant.predictions.of, assets)
    today = plant.now().date()
    told = [
        p
        for p in kept
        if p.role == "told" and p.at.date() < today and (p.asset, p.component) in places
    ]
    if not told:
        return _none_yet(about, places, any((p.asset, p.component) in places for p in kept))
    judged = await judge_predictions(plant, told)
    cards = {place: tally(those) for place, those in judged.items()}
    total = tally(chain.from_iterable(judged.values()))
    return Findings(
        summary=f"{about}: {_describe(total)}{_each(cards)}.",
        facts=tuple(_facts(plant, cards, total)),
        tables=(_table(plant, judged, told),),
        mentions=_mentions(plant, cards),
    )


def _places(
    plant: Plant, asset: str | None, component: str | None
) -> dict[Place, tuple[Asset, Component]]:
    """The components that are asked about; raises Retry where a name fits nothing."""
    resolver = plant.resolver
    machines = list(plant.site.assets.values())
    if asset:
        machines = resolver.assets(asset) or [resolver.asset(asset)]
    if component and len(machines) == 1:
        chosen = {machines[0].id: resolver.components(machines[0], component)}
    else:
        chosen = {m.id: _fitting(m, component) for m in machines}
    places = {(m.id, part.name): (m, part) for m in machines for part in chosen[m.id]}
    if component and not places:
        raise Retry(f"I know no component {component!r}.")
    return places


def _fitting(machine: Asset, component: str | None) -> list[Component]:
    """The components that hold all the words; over many machines no spelling is mended."""
    words = set(split_words(component or ""))
    return [
        part
        for part in machine.components
        if any(words <= set(split_words(name)) for name in (part.name, *part.aliases))
    ]


def _about(
    plant: Plant,
    asset: str | None,
    component: str | None,
    places: Mapping[Place, tuple[Asset, Component]],
) -> str:
    """What the record is of, in words."""
    machines = list({machine.id: machine for machine, _ in places.values()}.values())
    parts = sorted({part.name for _, part in places.values()})
    which = f", {', '.join(parts)}" if component else ""
    if not asset:
        return f"{plant.site.name}{which}"
    if len(machines) == 1:
        return f"{machines[0].id} {machines[0].name}{which}"
    more = " and more" if len(machines) > _NAMED else ""
    return f"{', '.join(machine.id for machine in machines[:_NAMED])}{more}{which}"


def _none_yet(
    about: str, places: Mapping[Place, tuple[Asset, Component]], any_kept: bool
) -> Findings:
    why = (
        "those made so far are of today"
        if any_kept
        else "one is kept for each component and day on which its remaining life is asked"
    )
    names = tuple(dict.fromkeys(f"{m.id} {m.name}" for m, _ in places.values()))
    return Findings(
        f"{about}: I cannot say yet how often I was right about remaining life: no prediction "
        f"was made before today; {why}.",
        mentions=names if len(names) == 1 else (),
    )


def _describe(card: Scorecard) -> str:
    """The counts in words, with what an interval promises beside what it held."""
    beside = []
    if card.pending and (card.due or card.cut):
        beside.append(f"{card.pending} not yet due")
    if card.cut:
        beside.append(f"{card.cut} proved neither right nor wrong by a repair before their time")
    rest = f"; {', '.join(beside)}" if beside else ""
    if not card.due or card.coverage is None:
        made = card.pending + card.cut
        return f"none of {made} past predictions of remaining life came due yet{rest}"
    share = format_value(round(100 * card.coverage), "%")
    meant = format_value(round(100 * CONFIDENCE), "%")
    wrong = []
    if card.sooner:
        wrong.append(f"{card.sooner} ended sooner")
    if card.longer:
        wrong.append(f"{card.longer} lasted longer")
    missed = f", {' and '.join(wrong)}" if wrong else ""
    off = ""
    if card.off is not None:
        off = f"; where the end came they were off by {_days(card.off)} (median)"
    came = "prediction" if card.due == 1 else "predictions"
    return (
        f"{card.due} past {came} of remaining life came due: {card.within} within the interval "
        f"({share}, meant are {meant}){missed}{off}{rest}"
    )


def _days(days: float) -> str:
    return format_value(round(days, 1), "days")


def _each(cards: Cards) -> str:
    """The components one by one, where there are several: those most often wrong first."""
    due = [(place, card) for place, card in cards.items() if card.due]
    if len(cards) < 2 or not due:
        return ""
    ordered = sorted(due, key=lambda each: (each[1].coverage or 0.0, each[0]))
    said = [f"{a} {part} {card.within} of {card.due}" for (a, part), card in ordered[:_NAMED]]
    more = "" if len(ordered) <= _NAMED else ", the others in the table"
    return f". By component: {', '.join(said)}{more}"


def _facts(plant: Plant, cards: Cards, total: Scorecard) -> Iterator[Fact]:
    if len(cards) > 1:
        yield from card_facts(plant, plant.site.id, "", total)
    for (machine, part), card in cards.items():
        yield from card_facts(plant, machine, part, card)


def _table(
    plant: Plant, judged: Mapping[Place, Sequence[Judged]], told: Sequence[Prediction]
) -> Table:
    """A row a component and model: a new version has to earn its own record."""
    grouped: dict[tuple[str, str, str], list[Judged]] = {}
    for (machine, part), those in judged.items():
        for each in those:
            grouped.setdefault((machine, part, each.prediction.model), []).append(each)
    rows = [(key, tally(those)) for key, those in sorted(grouped.items())]
    return Table(
        title="Past predictions of remaining life",
        columns=tuple(Column(heading) for heading in _HEADINGS),
        rows=tuple(
            (
                *key,
                card.due,
                card.within,
                card.sooner,
                card.longer,
                card.pending,
                card.cut,
                None if card.off is None else round(card.off, 1),
            )
            for key, card in rows
        ),
        total=len(rows),
        source=Source("predictions", plant.site.id),
        time=max(p.at for p in told),
    )


def _mentions(plant: Plant, cards: Cards) -> tuple[str, ...]:
    machines = dict.fromkeys(machine for machine, _ in cards)
    names = tuple(f"{key} {plant.site.assets[key].name}" for key in machines)
    return (*names, *dict.fromkeys(part for _, part in cards))
