"""How the answer of a trained model, and the record of past predictions, are told."""

from collections.abc import Iterator

from copilot_tools.display import format_number, format_value
from copilot_tools.facts import Fact, Quality, Range, Source, Value
from copilot_tools.learnt_life import LearntLife
from copilot_tools.models.wear import CONFIDENCE
from copilot_tools.plant import Plant
from copilot_tools.predictions import Prediction
from copilot_tools.scorecard import Scorecard
from copilot_tools.site.model import Asset
from copilot_tools.trend_words import rounded

METHOD = "learnt from lives of like components, interval calibrated on lives left out"


def describe_learnt(life: LearntLife) -> str:
    """The estimate, what drives it and which model says so."""
    part = life.component.name
    if life.high is None:
        left = f"more than {format_value(rounded(life.low), 'days')} left"
    else:
        share = format_value(round(100 * CONFIDENCE), "%")
        low, high = (format_number(rounded(bound)) for bound in (life.low, life.high))
        left = (
            f"about {format_value(rounded(life.days), 'days')} left "
            f"({share} interval {low} to {high} days)"
        )
    driven = ", ".join(
        f"{signal} {'costs' if days < 0 else 'gives'} {format_value(rounded(abs(days)), 'days')}"
        for signal, days in life.drivers
    )
    return f"{part}: {left}{f'; {driven}' if driven else ''}; by {life.manifest.name}"


def learnt_facts(plant: Plant, machine: Asset, life: LearntLife) -> Iterator[Fact]:
    """The estimate with its interval, its drivers, the model and how fresh the data are."""
    manifest, part = life.manifest, life.component.name
    source = Source("trained model", manifest.name)

    def fact(name: str, value: Value, unit: str = "", interval: Range | None = None) -> Fact:
        quality = Quality.UNCERTAIN if unit == "days" else Quality.GOOD
        return Fact(
            machine.id,
            f"{part} {name}",
            value,
            source,
            life.newest,
            unit,
            quality,
            interval=interval,
            note=METHOD,
        )

    if life.high is None:
        low = rounded(life.low)
        yield fact("remaining life is more than", low, "days", Range(low))
    else:
        bounds = Range(rounded(life.low), rounded(life.high))
        yield fact("remaining life", rounded(life.days), "days", bounds)
    yield fact("confidence of the interval", round(100 * CONFIDENCE), "%")
    for signal, days in life.drivers:
        yield fact(f"life by {signal}", rounded(days), "days")
    yield fact("trained model", manifest.name)
    yield fact("model trained", manifest.created)
    if manifest.until is not None:
        yield fact("model learnt from data until", manifest.until)
    for name, value in manifest.metrics.items():
        if value is not None:
            yield fact(f"model's {name}", round(value, 2))
    yield fact("running share of two weeks", round(100 * life.duty), "%")
    yield fact("newest running cycle", life.newest)


def learnt_prediction(plant: Plant, life: LearntLife) -> Prediction:
    """What the model predicts, to be held against what happens."""
    return Prediction(
        asset=life.component.asset,
        component=life.component.name,
        at=plant.now(),
        model=life.manifest.name,
        role="told",
        days=life.days,
        low=life.low,
        high=life.high,
    )


def describe_card(component: str, card: Scorecard) -> str:
    """How often past predictions of a component were right."""
    if card.due:
        came = "prediction" if card.due == 1 else "predictions"
        return (
            f"{card.due} past {came} of the {component} came due: {card.within} within the interval"
        )
    made = card.pending + card.cut
    if card.pending:
        return f"none of {made} past predictions of the {component} has come due yet"
    return f"{made} past predictions of the {component} proved nothing: a repair came before"


def card_facts(plant: Plant, subject: str, component: str, card: Scorecard) -> Iterator[Fact]:
    """The counts of a scorecard, the share that held and the median error.

    Without a `component` the card is that of many.
    """
    source = Source("predictions", f"{subject} {component}".rstrip())

    def fact(name: str, value: Value, unit: str = "") -> Fact:
        full = f"{component} past predictions {name}".lstrip()
        return Fact(subject, full, value, source, plant.now(), unit)

    yield fact("that came due", card.due)
    yield fact("within their interval", card.within)
    if card.coverage is not None:
        yield fact("within their interval, share", round(100 * card.coverage), "%")
        yield fact("within their interval, share meant", round(100 * CONFIDENCE), "%")
    yield fact("that ended sooner", card.sooner)
    yield fact("that lasted longer", card.longer)
    yield fact("not yet due", card.pending)
    yield fact("cut short by a repair", card.cut)
    if not card.due:
        yield fact("of which none came due", card.pending + card.cut)
    if card.off is not None:
        yield fact("were off by", round(card.off, 1), "days")
