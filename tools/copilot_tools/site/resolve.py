"""Turns loose names into assets, signals, lines and areas; asks back rather than guess."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Protocol, TypeVar

from copilot_tools.errors import Candidate, Retry
from copilot_tools.site.model import Area, Asset, Component, Line, Setpoint, Signal, Site
from copilot_tools.site.names import Described, Match, NameIndex, compact, describe, surest

SHOWN = 6


class Named(Protocol):
    """A part of an asset that people call by names."""

    @property
    def name(self) -> str:
        """What it is called in the plant model."""

    @property
    def aliases(self) -> tuple[str, ...]:
        """What else people call it."""


T = TypeVar("T", bound=Named)


class Resolver:
    """Names of one site; every method raises Retry with candidates when it is not sure."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._assets = NameIndex(_describe_asset(asset, site) for asset in site.assets.values())
        self._areas = describe(
            {area.id: (area.id, area.name, *area.aliases) for area in site.areas.values()}
        )
        self._lines = describe(
            {line.id: (line.id, line.name, *line.aliases) for line in site.lines.values()}
        )
        self._kinds = describe({asset.kind: (asset.kind,) for asset in site.assets.values()})
        self._inside: dict[tuple[str, str], NameIndex] = {}

    def asset(self, text: str) -> Asset:
        """The one asset that `text` means."""
        key = _decide("asset", text, self._assets.find(text), self._asset_label)
        return self._site.assets[key]

    def area(self, text: str) -> Area:
        """The one area that `text` means."""
        known = self._site.areas
        return known[_decide("area", text, self._areas.find(text), lambda k: known[k].name, known)]

    def line(self, text: str) -> Line:
        """The one line that `text` means."""
        known = self._site.lines
        return known[_decide("line", text, self._lines.find(text), lambda k: known[k].name, known)]

    def every(self) -> list[Asset]:
        """Every asset there is."""
        return list(self._site.assets.values())

    def is_named(self, text: str) -> bool:
        """Whether an asset, or a component of one, is called just that."""
        spelling = compact(text)
        things: Iterator[Named] = chain.from_iterable(
            (asset, *asset.components) for asset in self._site.assets.values()
        )
        return any(
            spelling == compact(name) for thing in things for name in (thing.name, *thing.aliases)
        )

    def assets(self, text: str) -> list[Asset]:
        """Every asset that `text` covers: a kind ("pumps"), an area, a line, or matching names."""
        for group in (self._kinds, self._areas, self._lines):
            matches = group.find(text)
            if matches and matches[0].confidence == 1.0:
                key = matches[0].key
                return [a for a in self._site.assets.values() if key in (a.kind, a.area, a.line)]
        return [self._site.assets[match.key] for match in surest(self._assets.find(text))]

    def signal(self, asset: Asset, text: str) -> Signal:
        """The one signal of `asset` that `text` means."""
        return self._one_of("signal", asset, asset.signals, text)

    def signals(self, asset: Asset, text: str) -> list[Signal]:
        """Every signal of `asset` that `text` fits ("temperature" may be two); never empty."""
        matches = self._index("signal", asset, asset.signals).find(text)
        fits = {match.key for match in surest(matches)}
        return [s for s in asset.signals if s.name in fits] or [self.signal(asset, text)]

    def named_signal(self, asset: Asset, text: str) -> Signal | None:
        """The signal of `asset` whose whole name or alias `text` is; None for anything less."""
        matches = self._index("signal", asset, asset.signals).find(text)
        exact = [match.key for match in matches if match.confidence == 1.0]
        return next((s for s in asset.signals if [s.name] == exact), None)

    def setpoint(self, asset: Asset, text: str) -> Setpoint:
        """The one setpoint of `asset` that `text` means."""
        return self._one_of("setpoint", asset, asset.setpoints, text)

    def component(self, asset: Asset, text: str) -> Component:
        """The one component of `asset` that `text` means."""
        return self._one_of("component", asset, asset.components, text)

    def components(self, asset: Asset, text: str) -> list[Component]:
        """Every component of `asset` that `text` fits ("bearing" may be two); never empty."""
        matches = self._index("component", asset, asset.components).find(text)
        fits = {match.key for match in surest(matches)}
        return [c for c in asset.components if c.name in fits] or [self.component(asset, text)]

    def _asset_label(self, key: str) -> str:
        return self._site.assets[key].name

    def _index(self, what: str, asset: Asset, things: Sequence[Named]) -> NameIndex:
        if (asset.id, what) not in self._inside:
            names = {thing.name: (thing.name, *thing.aliases) for thing in things}
            self._inside[asset.id, what] = describe(names)
        return self._inside[asset.id, what]

    def _one_of(self, what: str, asset: Asset, things: Sequence[T], text: str) -> T:
        by_name = {thing.name: thing for thing in things}
        if not by_name:
            raise Retry(f"{asset.id} has no {what}s in the plant model")
        matches = self._index(what, asset, things).find(text)
        key = _decide(f"{what} of {asset.id}", text, matches, lambda name: "", by_name)
        return by_name[key]


def _describe_asset(asset: Asset, site: Site) -> Described:
    line = site.lines.get(asset.line)
    area = site.areas[asset.area]
    return Described(
        asset.id,
        (asset.id, asset.name, f"{asset.name} {asset.id}", *asset.aliases),
        (
            asset.kind,
            asset.model,
            *((line.id, line.name, *line.aliases) if line else ()),
            area.name,
            *area.aliases,
        ),
    )


def _decide(
    what: str,
    text: str,
    matches: list[Match],
    label: Callable[[str], str],
    known: Iterable[str] = (),
) -> str:
    """The key of the one clear match, else Retry that names what it might have been."""
    clear = surest(matches)
    if len(clear) == 1:
        return clear[0].key
    offered = clear or matches or [Match(key, 0.0) for key in known]
    candidates = tuple(Candidate(m.key, label(m.key), m.confidence) for m in offered[:SHOWN])
    choices = ", ".join(f"{c.key} {c.name}".strip() for c in candidates)
    more = " and more" if len(offered) > SHOWN else ""
    if clear:
        raise Retry(f"Which {what} do you mean by {text!r}: {choices}{more}?", candidates)
    near = f" Nearest: {choices}{more}." if candidates else ""
    raise Retry(f"I know no {what} {text!r}.{near}", candidates)
