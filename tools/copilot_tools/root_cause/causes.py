"""How well a failure mode of one machine explains what was seen, with evidence for and against.

A diagnosis by covering (Reggia, Nau and Wang 1983): the best cause is the one whose expected signs
are there and that leaves the least of what is there unexplained. Weights are of the catalogue.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from copilot_tools.display import format_time, format_value
from copilot_tools.facts import Fact, Source
from copilot_tools.failure_modes import TELLING, FailureMode, Sign
from copilot_tools.root_cause.neighbours import Neighbours
from copilot_tools.root_cause.observed import Observed
from copilot_tools.shifts import CLEAR_SIGMAS, Shift
from copilot_tools.site.model import Asset
from copilot_tools.site.names import split_words

FAR = 0.85  # what is left of the support with each step away from the machine asked about
UNRELATED = 0.6  # ... when the mode is not known for the symptom
ELSEWHERE = 0.45  # ... and is one of another machine that did not raise the first alarm (first-out)
UNEXPLAINED = 0.4  # what is lost when nothing else of what moved on the machine is explained
UNMEASURED = 0.5  # the share of its weight that a sign without a signal still asks for


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observation that speaks for or against a cause; `weight` orders them."""

    text: str
    facts: tuple[Fact, ...]
    favours: bool
    weight: float = 0.0
    signal: str = ""


@dataclass(slots=True)
class Cause:
    """A failure mode of one machine; `support` is 0..1, `telling` says a decisive sign is there."""

    mode: FailureMode
    asset: Asset
    support: float = 0.0
    telling: bool = False
    evidence: list[Evidence] = field(default_factory=list)

    @property
    def title(self) -> str:
        """How the cause is named in answers."""
        return f"{self.mode.name} of {self.asset.id}"

    def told(self, favours: bool) -> list[Evidence]:
        """The evidence on one side, the weightiest first."""
        chosen = (e for e in self.evidence if e.favours is favours)
        return sorted(chosen, key=lambda e: -e.weight)


def weigh_signals(
    mode: FailureMode, asset: Asset, near: Neighbours, symptom: frozenset[str], seen: Observed
) -> Cause:
    """The cause as the signals tell it: the seen share of its signs, less the contrary ones."""
    cause = Cause(mode, asset)
    total = gained = 0.0
    for sign in mode.signs:
        shift = _largest(sign, asset, near, seen)
        agreed = _agreement(sign, asset, near, shift, seen)
        if agreed is None:
            total += sign.weight * (UNMEASURED if sign.at == "here" else 0.0)
            continue
        total += sign.weight
        gained += sign.weight * agreed
        cause.telling |= sign.weight >= TELLING and agreed > 0
        if agreed != 0 or sign.weight >= TELLING:
            cause.evidence.append(_signal_evidence(sign, asset, shift, near, seen, agreed))
    if total == 0 or gained <= 0:
        return cause
    for sign in mode.contrary:
        shift = _largest(sign, asset, near, seen)
        against = _agreement(sign, asset, near, shift, seen) or 0.0
        if against > 0:
            gained -= sign.weight * against
            cause.evidence.append(_signal_evidence(sign, asset, shift, near, seen, -against))
    explained = _explained(mode, asset, near, seen)
    cause.support = max(gained / total, 0.0) * (1 - UNEXPLAINED * (1 - explained))
    cause.support *= _relevance(cause, near, symptom, seen)
    return cause


def _largest(sign: Sign, asset: Asset, near: Neighbours, seen: Observed) -> Shift | None:
    """The shift that tells most of a sign: the one in its direction, else the largest."""
    shifts = [
        seen.shifts[signal.id]
        for place in near.seen_from(asset, sign.at)
        for signal in sign.signals(place)
        if signal.id in seen.shifts and seen.speaks(seen.shifts[signal.id])
    ]
    return max(shifts, key=lambda shift: _towards(sign, shift.sigmas), default=None)


def _towards(sign: Sign, sigmas: float) -> float:
    match sign.moves:
        case "up":
            return sigmas
        case "down":
            return -sigmas
    return abs(sigmas)


def _agreement(
    sign: Sign, asset: Asset, near: Neighbours, shift: Shift | None, seen: Observed
) -> float | None:
    """1 from six usual scatters on in the sign's direction, a half at three, 0 below; < 0 opposite.

    None when nothing is measured.
    """
    if sign.moves == "still":
        return _stillness(sign, asset, near, seen)
    if shift is None:
        return None
    moved = _towards(sign, shift.sigmas)
    if abs(moved) < CLEAR_SIGMAS:
        return 0.0
    return max(min(moved / (2 * CLEAR_SIGMAS), 1.0), -1.0)


def _stillness(sign: Sign, asset: Asset, near: Neighbours, seen: Observed) -> float | None:
    signals = [s.id for a in near.seen_from(asset, sign.at) for s in sign.signals(a)]
    if not signals:
        return None
    return 1.0 if any(signal in seen.resting for signal in signals) else 0.0


def _explained(mode: FailureMode, asset: Asset, near: Neighbours, seen: Observed) -> float:
    """The share of what has moved on the machine that the mode accounts for; 1 if nothing has."""
    moved = explained = 0.0
    for signal in asset.signals:
        shift = seen.shifts.get(signal.id)
        if shift is None or not shift.clear or not seen.speaks(shift):
            continue
        size = min(abs(shift.sigmas) / (2 * CLEAR_SIGMAS), 1.0)
        moved += size
        if any(
            signal in sign.signals(asset) and _towards(sign, shift.sigmas) > 0
            for sign in mode.signs
            if sign.at == "here"
        ):
            explained += size
    return explained / moved if moved else 1.0


def _relevance(cause: Cause, near: Neighbours, symptom: frozenset[str], seen: Observed) -> float:
    """Less for what is far, and for what nobody would describe with those words.

    Words weigh less against the machine whose alarm came before all others: what is asked about may
    have followed from it.
    """
    asset = cause.asset.id
    near_by = asset == near.machine.id or (bool(seen.alarms) and seen.alarms[0].asset == asset)
    heard = not symptom or is_known_for(cause.mode, cause.asset, near, symptom)
    unheard = UNRELATED if near_by else ELSEWHERE
    return float(FAR ** abs(near.steps[asset])) * (1.0 if heard else unheard)


def is_known_for(
    mode: FailureMode, asset: Asset, near: Neighbours, symptom: frozenset[str]
) -> bool:
    """Is a symptom one of the mode's own, or what the mode does to the machine asked about?"""
    if mode.symptoms & symptom:
        return True
    return any(
        sign.words & symptom and near.machine in near.seen_from(asset, sign.at)
        for sign in mode.signs
        if sign.at in ("downstream", "upstream")
    )


def _signal_evidence(
    sign: Sign,
    asset: Asset,
    shift: Shift | None,
    near: Neighbours,
    seen: Observed,
    agreed: float,
) -> Evidence:
    if shift is None or sign.moves == "still":
        return _still_evidence(sign, asset, near, seen, agreed)
    signal = shift.signal
    now, usual = (format_value(v, signal.unit) for v in (shift.level, shift.usual))
    moved = "" if shift.clear else " (as usual)"
    source, time = Source("history", signal.id), seen.period.end
    facts = (
        Fact(signal.asset, signal.name, shift.level, source, time, signal.unit),
        Fact(signal.asset, f"{signal.name}, usual", shift.usual, source, time, signal.unit),
    )
    text = f"{signal.asset} {signal.name} {now}, usually {usual}{moved}"
    return Evidence(text, facts, agreed > 0, sign.weight * max(abs(agreed), 0.1), signal.id)


def _still_evidence(
    sign: Sign, asset: Asset, near: Neighbours, seen: Observed, agreed: float
) -> Evidence:
    signals = [s for place in near.seen_from(asset, sign.at) for s in sign.signals(place)]
    signal = next((s for s in signals if s.id in seen.resting), signals[0])
    source = Source("history", signal.id)
    if since := seen.resting.get(signal.id):
        fact = Fact(signal.asset, f"{signal.name} still since", since, source, seen.period.end)
        told = format_time(since, near.site.time_zone)
        text = f"{signal.asset} {signal.name} has not moved at all since {told}"
        return Evidence(text, (fact,), agreed > 0, sign.weight, signal.id)
    return Evidence(f"{signal.asset} {signal.name} moves", (), favours=False, signal=signal.id)


def rank(causes: Iterable[Cause]) -> list[Cause]:
    """Causes by support, the largest first; consequences last, since something else causes them."""
    return sorted(causes, key=lambda c: (c.mode.consequence, -c.support, c.title))


def symptom_words(text: str) -> frozenset[str]:
    """The words of a symptom that tell one cause from another."""
    return frozenset(split_words(text)) - _SAYS_NOTHING


_SAYS_NOTHING = frozenset(
    [
        "tripped",
        "trip",
        "stop",
        "stopped",
        "standing",
        "fault",
        "faulty",
        "alarm",
        "problem",
        "wrong",
        "bad",
        "strange",
        "weird",
        "odd",
        "broken",
        "high",
        "low",
        "very",
        "too",
        "much",
        "is",
        "it",
        "so",
        "and",
        "with",
        "has",
        "have",
        "been",
        "keep",
        "again",
        "running",
    ]
)
