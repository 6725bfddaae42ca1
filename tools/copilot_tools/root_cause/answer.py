"""Puts ranked causes, or the lack of one, into findings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from copilot_tools.display import format_time, format_value
from copilot_tools.facts import Column, Fact, Findings, Source, Table
from copilot_tools.operation import measured_signals
from copilot_tools.plant import Plant
from copilot_tools.root_cause.causes import Cause
from copilot_tools.root_cause.circumstances import change_fact, change_text
from copilot_tools.root_cause.observed import Observed
from copilot_tools.root_cause.remedies import Means
from copilot_tools.shifts import Shift
from copilot_tools.site.model import Asset

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked: why the symptom, on which machine."""

    machine: Asset
    symptom: str


def name_causes(asked: Question, causes: Sequence[Cause], means: Means, seen: Observed) -> Findings:
    """The causes that evidence supports, with what would rule the first out and what is next."""
    first, mode = causes[0], causes[0].mode
    told = "; ".join(evidence.text for evidence in first.told(favours=True))
    summary = (
        f"Most likely cause of {asked.symptom!r} on {asked.machine.id}: {first.title}. "
        f"Seen: {told}. It would be ruled out by: {mode.rules_out}. "
        f"Next: {mode.next_check}; then {mode.remedy}.{_means_text(means)}"
    )
    time = seen.period.end
    return Findings(
        summary=summary,
        facts=(*_facts(causes, time), *_part_facts(means, time)),
        tables=(_table(causes, time),),
        quotes=(means.procedure,) if means.procedure else (),
        mentions=tuple(dict.fromkeys(_mentions(asked.machine, causes, means))),
        notices=seen.notices,
    )


def _means_text(means: Means) -> str:
    text = ""
    if quote := means.procedure:
        text += f" Procedure: {quote.document} rev. {quote.revision}, {quote.section}."
    if part := means.part:
        available = format_value(part.available, part.unit)
        text += f" Part that fits: {part.number} {part.name}, {available} available in {part.bin}."
    return text


def _facts(causes: Sequence[Cause], time: datetime) -> Iterator[Fact]:
    for place, cause in enumerate(causes, start=1):
        source = Source("failure modes", cause.mode.name)
        name = f"cause {place}: {cause.mode.name}"
        yield Fact(cause.asset.id, name, round(cause.support, 2), source, time, note="support 0..1")
        for evidence in (*cause.told(favours=True), *cause.told(favours=False)):
            yield from evidence.facts


def _part_facts(means: Means, time: datetime) -> Iterator[Fact]:
    if part := means.part:
        source = Source("ERP", f"parts.number={part.number}")
        yield Fact(part.number, "part", part.name, source, time)
        yield Fact(part.number, "available", part.available, source, time, part.unit)
        yield Fact(part.number, "bin", part.bin, source, time)


def _table(causes: Sequence[Cause], time: datetime) -> Table:
    headings = ("cause", "machine", "support", "for", "against", "ruled out by", "next check")
    return Table(
        title="Causes by support",
        columns=tuple(Column(heading) for heading in (*headings, "failure mode", "remedy")),
        rows=tuple(
            (
                cause.mode.name,
                cause.asset.id,
                round(cause.support, 2),
                "; ".join(e.text for e in cause.told(favours=True)),
                "; ".join(e.text for e in cause.told(favours=False)),
                cause.mode.rules_out,
                cause.mode.next_check,
                f"{cause.mode.code} (ISO 14224)",
                cause.mode.remedy,
            )
            for cause in causes
        ),
        total=len(causes),
        source=Source("failure modes", "failure_modes.toml"),
        time=time,
    )


def _mentions(machine: Asset, causes: Sequence[Cause], means: Means) -> Iterator[str]:
    yield f"{machine.id} {machine.name}"
    for cause in causes:
        yield cause.mode.component
        yield f"{cause.asset.id} {cause.asset.name}"
    if means.part:
        yield f"{means.part.number} {means.part.name}"


def abstain(plant: Plant, asked: Question, causes: Sequence[Cause], seen: Observed) -> Findings:
    """That nothing known explains the symptom, what was looked at and what is unusual all the same.

    A consequence that fits is told as such, and people's changes that signals follow.
    """
    moved = sorted(
        (s for s in seen.shifts.values() if s.clear and seen.speaks(s)),
        key=lambda shift: -abs(shift.sigmas),
    )[:SHOWN]
    time, zone = seen.period.end, plant.site.time_zone
    since = format_time(seen.period.start, zone)
    sentences = [
        f"I cannot name a cause of {asked.symptom!r} on {asked.machine.id} from what is recorded "
        f"since {since}."
    ]
    unusual = "; ".join(_shift_text(shift) for shift in moved)
    if moved or any(signal.id in seen.shifts for signal in asked.machine.signals):
        sentences.append(f"Unusual are: {unusual}." if moved else "No signal is unusual.")
    sentences += _uncompared(asked.machine, seen)
    changes = [change for change in seen.changes if change.signal]
    sentences += [f"Note that {change_text(change)}." for change in changes]
    if seen.warmth:
        warmth = format_value(seen.warmth, "K")
        sentences.append(f"Note that the air around is {warmth} warmer than usual.")
    if fitting := next((c for c in causes if c.mode.consequence), None):
        check = fitting.mode.next_check
        sentences.append(f"It looks like {fitting.title}, which something else causes: {check}.")
    source = Source("history", asked.machine.id)
    start = seen.period.start
    return Findings(
        " ".join(sentences),
        (
            Fact(asked.machine.id, "looked at since", start, source, start),
            *(fact for shift in moved for fact in _shift_facts(shift, time)),
            *(change_fact(change) for change in changes),
            *_warmth_facts(seen),
        ),
        mentions=(f"{asked.machine.id} {asked.machine.name}",),
        notices=seen.notices,
    )


def _uncompared(machine: Asset, seen: Observed) -> Iterator[str]:
    """The signals of the machine of which it cannot be told whether they are unusual."""
    measured = measured_signals(machine)
    blind = [signal.name for signal in measured if signal.id not in seen.shifts]
    if len(blind) == len(measured):
        yield f"Nothing of {machine.id} can be compared with its past: too little is recorded."
    elif blind:
        yield f"Too little is recorded to compare {', '.join(blind)} with the past."


def _warmth_facts(seen: Observed) -> Iterator[Fact]:
    if seen.warmth:
        source = Source("history", "air temperature")
        yield Fact("air", "warmer than usual", seen.warmth, source, seen.period.end, "K")


def _shift_text(shift: Shift) -> str:
    signal = shift.signal
    now, usual = (format_value(v, signal.unit) for v in (shift.level, shift.usual))
    return f"{signal.asset} {signal.name} {now}, usually {usual}"


def _shift_facts(shift: Shift, time: datetime) -> Iterator[Fact]:
    signal, source = shift.signal, Source("history", shift.signal.id)
    yield Fact(signal.asset, signal.name, shift.level, source, time, signal.unit)
    yield Fact(signal.asset, f"{signal.name}, usual", shift.usual, source, time, signal.unit)
