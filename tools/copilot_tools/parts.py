"""Spare parts in stores: how many, where, at what price, how fast to get."""

import re
from collections.abc import Iterator
from datetime import datetime

from copilot_tools.chosen import choose_assets
from copilot_tools.display import format_value
from copilot_tools.facts import Column, Fact, Findings, Source, Table, Value
from copilot_tools.plant import Plant
from copilot_tools.records import Part
from copilot_tools.site.model import Asset, Site
from copilot_tools.tool import Risk, Text, tool
from copilot_tools.wordsearch import Described, WordSearch

SHOWN = 20
DETAILED = 5
NAMED = 3

_LOW = re.compile(
    r"\b((below|under|at) (the )?min(imum)?( stock)?|(low|short) (on |in |of )?stock|"
    r"running low|out of stock|stock ?outs?|re-?order(ing)?)\b|^min(imum)?( stock)?$",
    re.IGNORECASE,
)


@tool(risk=Risk.READ, purpose="spare parts: stock, location, price, lead time")
async def find_parts(plant: Plant, query: Text, asset: Text | None = None) -> Findings:
    """Which parts in stores are meant and how they stand; a part nobody knows stays unknown.

    "Below minimum", "low stock" and the like keep the parts that are due for reordering.
    """
    machines = choose_assets(plant, asset) if asset else []
    catalogue = await plant.erp.parts()
    fitting = [part for part in catalogue if _fits(part, machines)]
    found = WordSearch(_describe(fitting, plant.site)).find(_LOW.sub(" parts ", query))
    if _LOW.search(query):
        found = [part for part in found if _short(part)]
    if not found:
        near = WordSearch(_describe(catalogue, plant.site)).near(query)
        return _nothing(query, machines, near, plant.now())
    return _report(query, found, plant.now())


def _fits(part: Part, machines: list[Asset]) -> bool:
    return not machines or any(machine.id in part.fits for machine in machines)


def _short(part: Part) -> bool:
    return part.available < part.minimum


def _describe(parts: list[Part], site: Site) -> Iterator[Described[Part]]:
    for part in parts:
        machines = [site.assets[key] for key in part.fits if key in site.assets]
        contexts = [_machine_words(machine, part) for machine in machines]
        yield Described(part, part.number, (part.name,), ((part.supplier,), *contexts))


def _machine_words(machine: Asset, part: Part) -> tuple[str, ...]:
    """What a machine and its component made of this part are called."""
    components = [c for c in machine.components if c.part == part.number]
    names = [name for c in components for name in (c.name, *c.aliases)]
    return (machine.id, machine.name, machine.kind, machine.model, *machine.aliases, *names)


def _nothing(query: str, machines: list[Asset], near: list[Part], now: datetime) -> Findings:
    where = f" for {', '.join(machine.id for machine in machines)}" if machines else ""
    similar = ", ".join(_name(part) for part in near)
    source = Source("ERP", "parts")
    looked = [Fact(machine.id, "matching parts", 0, source, now) for machine in machines]
    offered = [Fact("parts", "similar name", _name(part), source, now) for part in near]
    return Findings(
        summary=f"No part{where} in stores matches {query!r}.",
        facts=(*looked, *offered),
        notices=(f"Parts with a similar name: {similar}.",) if near else (),
    )


def _report(query: str, found: list[Part], now: datetime) -> Findings:
    facts = [fact for part in found[:DETAILED] for fact in _facts(part, now)]
    if len(found) > 1:
        source = Source("ERP", "parts")
        facts.append(Fact("parts", "matches", len(found), source, now))
        facts.append(Fact("parts", "further", max(len(found) - NAMED, 0), source, now))
    return Findings(
        summary=_summary(query, found),
        facts=tuple(facts),
        tables=(_table(query, found, now),) if len(found) > 1 else (),
        mentions=tuple(_name(part) for part in found[:SHOWN]),
        notices=(f"{SHOWN} of {len(found)} parts are shown.",) if len(found) > SHOWN else (),
    )


def _facts(part: Part, now: datetime) -> list[Fact]:
    source = Source("ERP", f"parts.number={part.number}")
    values: tuple[tuple[str, Value, str], ...] = (
        ("part", part.name, ""),
        ("available", part.available, part.unit),
        ("stock", part.stock, part.unit),
        ("reserved", part.reserved, part.unit),
        ("minimum stock", part.minimum, part.unit),
        ("bin", part.bin, ""),
        ("price", part.price, part.currency),
        ("lead time", part.lead_time_days, "days"),
        ("supplier", part.supplier, ""),
        ("fits", ", ".join(part.fits), ""),
    )
    return [Fact(part.number, name, value, source, now, unit) for name, value, unit in values]


def _table(query: str, found: list[Part], now: datetime) -> Table:
    headings = ("number", "part", "available", "reserved", "minimum", "unit", "bin", "price")
    return Table(
        title=f"Parts matching {query!r}",
        columns=(
            *(Column(heading) for heading in headings),
            *(Column("currency"), Column("lead time", "days"), Column("supplier"), Column("fits")),
        ),
        rows=tuple(
            (
                *(p.number, p.name, p.available, p.reserved, p.minimum, p.unit, p.bin, p.price),
                *(p.currency, p.lead_time_days, p.supplier, ", ".join(p.fits)),
            )
            for p in found[:SHOWN]
        ),
        total=len(found),
        source=Source("ERP", "parts"),
        time=now,
    )


def _summary(query: str, found: list[Part]) -> str:
    if len(found) == 1:
        return f"{_name(found[0])}: {_standing(found[0])}."
    named = "; ".join(f"{_name(part)}: {_available(part)}" for part in found[:NAMED])
    more = f"; and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return f"{len(found)} parts match {query!r}: {named}{more}."


def _standing(part: Part) -> str:
    terms = [_available(part)]
    if part.reserved > 0:
        terms.append(f"{format_value(part.reserved, part.unit)} reserved")
    if _short(part):
        terms.append(f"below the minimum of {format_value(part.minimum, part.unit)}")
    terms.append(format_value(part.price, part.currency))
    terms.append(f"lead time {format_value(part.lead_time_days, 'days')} from {part.supplier}")
    return ", ".join(terms)


def _available(part: Part) -> str:
    if part.available <= 0:
        return f"none available (bin {part.bin})"
    return f"{format_value(part.available, part.unit)} available in bin {part.bin}"


def _name(part: Part) -> str:
    return f"{part.number} {part.name}"
