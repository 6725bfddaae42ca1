"""How long wearing components will last: by a trained model, or the wear signal's trend."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from copilot_tools.component_life import HISTORY, Evidence, Life, judge_component
from copilot_tools.display import format_time
from copilot_tools.errors import Unavailable
from copilot_tools.facts import Fact, Findings, Source
from copilot_tools.learnt_life import LearntLife, NotLearnt, learnt_life, model_key
from copilot_tools.learnt_words import (
    card_facts,
    describe_card,
    describe_learnt,
    learnt_facts,
    learnt_prediction,
)
from copilot_tools.lifetimes import Lifetime, lifetimes
from copilot_tools.operation import motion_signal
from copilot_tools.plant import Plant
from copilot_tools.prediction_record import Record, keep, past_record
from copilot_tools.predictions import Prediction
from copilot_tools.records import WorkOrder, WorkOrderStatus
from copilot_tools.site.model import Asset, Component
from copilot_tools.tool import Risk, Text, tool
from copilot_tools.trend_words import (
    describe_trend,
    trend_facts,
    trend_prediction,
    trend_series,
)

_ORDER = ("reached", "estimate", "beyond horizon", "no wear", "not enough history")
_STALE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class _Outlook:
    """What is known of one component: the trend of its wear signal, a trained model's answer."""

    component: Component
    trend: Life | None
    learnt: LearntLife | NotLearnt

    @property
    def reached(self) -> bool:
        """Whether the wear signal is at its limit, which no model can talk away."""
        return self.trend is not None and self.trend.outlook == "reached"

    @property
    def newest(self) -> datetime:
        """The time of the newest data that it rests on."""
        found = [self.trend.newest] if self.trend else []
        return max([*found, *([self.learnt.newest] if isinstance(self.learnt, LearntLife) else [])])

    def urgency(self) -> tuple[int, float]:
        """The sooner the end, the smaller."""
        if self.reached:
            return 0, 0.0
        if isinstance(self.learnt, LearntLife):
            return 1 if self.learnt.high is not None else 2, self.learnt.days
        if self.trend is None:
            return len(_ORDER), 0.0
        days = self.trend.trend.days if self.trend.trend else 0.0
        return _ORDER.index(self.trend.outlook), days


@tool(risk=Risk.READ, purpose="remaining useful life, time to failure")
async def predict_rul(plant: Plant, asset: Text, component: Text | None = None) -> Findings:
    """Time until a component's end, with an 80 % interval, and how often that was right before.

    A trained model answers where one is in use and knows such a machine; else the wear signal's
    trend is carried on to its limit, never beyond 60 days nor three times as long as the wear was
    seen. A repair starts the count anew. Other components cannot be judged.
    """
    machine = plant.resolver.asset(asset)
    chosen = [plant.resolver.component(machine, component)] if component else machine.components
    known = set(plant.models.models()) if plant.models else set()
    judged = [part for part in chosen if part.wear or model_key(machine, part) in known]
    repairs, notices = await _repairs(plant, machine) if judged else ([], ())
    trends = await _trends(plant, machine, judged, repairs) if judged else {}
    outlooks = [
        _Outlook(part, trends.get(part.name), await learnt_life(plant, machine, part, repairs))
        for part in judged
    ]
    told = [o for o in outlooks if o.trend or isinstance(o.learnt, LearntLife)]
    if not told:
        return _unknown(plant, machine, chosen if component else (), outlooks)
    told.sort(key=_Outlook.urgency)
    record = await past_record(plant, machine, _past_lives(plant, told, repairs))
    findings = _report(plant, machine, told, record, notices)
    await keep(plant, [p for o in told if (p := _prediction(plant, o))])
    return findings


async def _trends(
    plant: Plant, machine: Asset, parts: Sequence[Component], repairs: Sequence[WorkOrder]
) -> dict[str, Life]:
    signals = {signal.name: signal for signal in machine.signals}
    told = [(part, part.wear, signals[part.wear.signal]) for part in parts if part.wear]
    motion = motion_signal(machine)
    ids = dict.fromkeys([*(s.id for _, _, s in told), *([motion.id] if motion else [])])
    now = plant.now()
    samples = await plant.history.read(list(ids), now - HISTORY, now)
    seen = Evidence(samples, motion, repairs, now)

    def judge_all() -> dict[str, Life]:
        return {p.name: judge_component(p, wear, signal, seen) for p, wear, signal in told}

    return await asyncio.to_thread(judge_all)


def _unknown(
    plant: Plant, machine: Asset, named: Sequence[Component], outlooks: Sequence[_Outlook]
) -> Findings:
    what = f" for {named[0].name}" if named else ""
    return Findings(
        f"I cannot see the wear of {machine.id} {machine.name}: the plant model names no signal "
        f"that shows it{what}.",
        mentions=(f"{machine.id} {machine.name}", *(part.name for part in named)),
        facts=tuple(fact for outlook in outlooks for fact in _facts(plant, machine, outlook)),
        notices=tuple(f"{why}." for why in _whys(outlooks)),
    )


async def _repairs(plant: Plant, machine: Asset) -> tuple[list[WorkOrder], tuple[str, ...]]:
    try:
        orders = await plant.erp.work_orders([machine.id], None, None)
    except Unavailable as error:
        return [], (f"{error}. Repairs are told from the signal alone.",)
    return [o for o in orders if o.status is WorkOrderStatus.DONE and o.finished], ()


def _past_lives(
    plant: Plant, outlooks: Sequence[_Outlook], repairs: Sequence[WorkOrder]
) -> dict[str, list[Lifetime]]:
    """The lives that the components have had, for the scorecard."""
    none = np.empty(0)
    lives = {}
    for outlook in outlooks:
        days, medians = outlook.trend.past if outlook.trend else (none, none)
        seconds = plant.now().timestamp() + days * 86400
        lives[outlook.component.name] = lifetimes(outlook.component, repairs, seconds, medians)
    return lives


def _prediction(plant: Plant, outlook: _Outlook) -> Prediction | None:
    if isinstance(outlook.learnt, LearntLife) and not outlook.reached:
        return learnt_prediction(plant, outlook.learnt)
    return trend_prediction(plant, outlook.trend) if outlook.trend else None


def _report(
    plant: Plant,
    machine: Asset,
    outlooks: Sequence[_Outlook],
    record: Record,
    notices: tuple[str, ...],
) -> Findings:
    name = f"{machine.id} {machine.name}"
    newest = max(outlook.newest for outlook in outlooks)
    if plant.now() - newest > _STALE:
        when = format_time(newest, plant.site.time_zone)
        notices += (f"The newest data of the running machine are of {when}.",)
    instead = "The trend of the signal is told instead."
    notices += tuple(f"{why}. {instead}" for why in _whys(outlooks))
    said = [_describe(plant, outlook) for outlook in outlooks]
    said += [describe_card(part, card) for part, card in record.cards.items()]
    return Findings(
        summary=f"{name}: {'; '.join(said)}.",
        facts=(
            *(fact for outlook in outlooks for fact in _facts(plant, machine, outlook)),
            *(
                fact
                for part, card in record.cards.items()
                for fact in card_facts(plant, machine.id, part, card)
            ),
        ),
        series=tuple(
            trend_series(plant, machine, outlook.trend)
            for outlook in outlooks
            if outlook.trend and len(outlook.trend.days) > 1
        ),
        mentions=(name, *(outlook.component.name for outlook in outlooks)),
        notices=(*notices, *record.notices),
    )


def _whys(outlooks: Sequence[_Outlook]) -> list[str]:
    """Why trained models that are there do not answer."""
    return [o.learnt.why for o in outlooks if isinstance(o.learnt, NotLearnt) and o.learnt.why]


def _describe(plant: Plant, outlook: _Outlook) -> str:
    """The model's words; those of the trend where it has none, or where the limit is reached."""
    if isinstance(outlook.learnt, LearntLife) and not outlook.reached:
        return describe_learnt(outlook.learnt)
    return describe_trend(plant, outlook.trend) if outlook.trend else ""


def _facts(plant: Plant, machine: Asset, outlook: _Outlook) -> Iterator[Fact]:
    learnt, part = outlook.learnt, outlook.component.name
    if outlook.trend is not None:
        told = isinstance(learnt, NotLearnt)
        yield from trend_facts(plant, machine, outlook.trend, told)
    if isinstance(learnt, LearntLife):
        yield from learnt_facts(plant, machine, learnt)
    elif learnt.why:
        source = Source("trained model", str(model_key(machine, outlook.component)))
        yield Fact(machine.id, f"{part} trained model", learnt.why, source, plant.now())
