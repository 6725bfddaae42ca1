"""Why something happens: failure modes weighed against signals, alarms and past jobs, no model."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from copilot_tools.display import format_time, format_value
from copilot_tools.errors import Unavailable
from copilot_tools.facts import Column, Fact, Findings, Source, Table
from copilot_tools.failure_modes import FailureMode, Sign, failure_modes
from copilot_tools.plant import Plant
from copilot_tools.records import AlarmEvent, AlarmTransition, WorkOrder, WorkOrderStatus
from copilot_tools.shifts import Shift, measure_shifts
from copilot_tools.site.model import Asset, Site
from copilot_tools.site.names import split_words
from copilot_tools.tool import Risk, Text, Window, tool
from copilot_tools.windows import Period, parse_window

UPSTREAM_STEPS = 3
CLEAR_SIGMAS = 3.0
LEAST_SUPPORT = 0.4
SHOWN = 3
RECENT_REPAIR = timedelta(days=10)
FAR = 0.85


@dataclass(frozen=True, slots=True)
class _Evidence:
    """One observation that speaks for or against a cause."""

    text: str
    facts: tuple[Fact, ...]
    favours: bool


@dataclass(slots=True)
class _Cause:
    """A failure mode of one asset with what speaks for and against it; support is 0..1."""

    mode: FailureMode
    asset: Asset
    support: float = 0.0
    evidence: list[_Evidence] = field(default_factory=list)

    @property
    def title(self) -> str:
        return f"{self.mode.name} of {self.asset.id}"


@dataclass(frozen=True, slots=True)
class _Observed:
    """What was seen of an asset and of those upstream of it."""

    shifts: Mapping[str, Shift]
    raised: tuple[AlarmEvent, ...]
    jobs: tuple[WorkOrder, ...]
    period: Period


@tool(risk=Risk.READ, purpose="why it happened", timeout_s=10.0)
async def find_root_cause(
    plant: Plant, asset: Text, symptom: Text, window: Window | None = None
) -> Findings:
    """Likely causes at the asset and upstream of it; none is named when the evidence is thin."""
    machine = plant.resolver.asset(asset)
    period = parse_window(window or "24h", plant.site, plant.now())
    chain = upstream(plant.site, machine)
    observed, notices = await _observe(plant, list(chain), period)
    causes = [_weigh(mode, near, symptom, observed, far) for mode, near, far in _modes(chain)]
    ranked = sorted(causes, key=lambda cause: (-cause.support, cause.title))
    likely = [cause for cause in ranked if cause.support >= LEAST_SUPPORT][:SHOWN]
    if not likely:
        return _abstain(plant, machine, symptom, observed, notices)
    return _report(plant, machine, symptom, likely, observed, notices)


def upstream(site: Site, asset: Asset) -> dict[str, tuple[Asset, int]]:
    """The asset itself and all that feed it, by id, with how many steps away they are."""
    found = {asset.id: (asset, 0)}
    for step in range(1, UPSTREAM_STEPS + 1):
        for other in site.assets.values():
            if other.id not in found and any(
                target in found and found[target][1] == step - 1 for target in other.feeds
            ):
                found[other.id] = (other, step)
    return found


def _modes(
    chain: Mapping[str, tuple[Asset, int]],
) -> Iterator[tuple[FailureMode, Asset, int]]:
    for asset, steps in chain.values():
        for mode in failure_modes():
            if asset.kind in mode.kinds:
                yield mode, asset, steps


async def _observe(
    plant: Plant, chain: list[str], period: Period
) -> tuple[_Observed, tuple[str, ...]]:
    signals = [s for key in chain for s in plant.site.assets[key].signals if not s.counter]
    shifts = await measure_shifts(plant, signals, period)
    notices = []
    try:
        events = await plant.journal.events(period.start, period.end, chain)
    except Unavailable as error:
        events = []
        notices.append(f"Alarms are not weighed: {error}.")
    try:
        since = period.end - timedelta(days=90)
        jobs = await plant.erp.work_orders(chain, since, period.end)
    except Unavailable as error:
        jobs = []
        notices.append(f"Past jobs are not weighed: {error}.")
    raised = tuple(e for e in events if e.transition is AlarmTransition.RAISED)
    return _Observed(shifts, raised, tuple(jobs), period), tuple(notices)


def _weigh(
    mode: FailureMode, asset: Asset, symptom: str, observed: _Observed, steps: int
) -> _Cause:
    """How well a mode explains what was seen: the seen share of its signs, less contrary ones.

    A tenth is for the symptom's words; each step upstream takes off 15 %, and a mode upstream that
    is not known for the symptom counts half. A recent repair of the component halves the support.
    """
    cause = _Cause(mode, asset)
    total = gained = 0.0
    for sign in mode.signs:
        if shift := _largest(sign, asset, observed):
            total += sign.weight
            gained += sign.weight * _agreement(shift, sign.rising)
            _note(cause, shift, sign.rising, observed.period.end)
    if total == 0 or gained == 0:
        return cause
    for sign in mode.contrary:
        if (shift := _largest(sign, asset, observed)) and _agreement(shift, sign.rising) > 0:
            gained -= sign.weight * _agreement(shift, sign.rising)
            cause.evidence.append(_signal_evidence(shift, observed.period.end, favours=False))
    heard = mode.symptoms & set(split_words(symptom))
    cause.support = max(gained / total, 0.0) * 0.9 + (0.1 if heard else 0.0)
    cause.support *= FAR**steps * (1.0 if heard or steps == 0 else 0.5)
    _weigh_alarms(cause, observed)
    _weigh_jobs(cause, observed)
    return cause


def _largest(sign: Sign, asset: Asset, observed: _Observed) -> Shift | None:
    shifts = [observed.shifts[s.id] for s in sign.signals(asset) if s.id in observed.shifts]
    return max(shifts, key=lambda shift: abs(shift.sigmas), default=None)


def _agreement(shift: Shift, rising: bool) -> float:
    """0 below three usual scatters in the expected direction, a half there, 1 from six on."""
    moved = shift.sigmas if rising else -shift.sigmas
    return min(moved / (2 * CLEAR_SIGMAS), 1.0) if moved >= CLEAR_SIGMAS else 0.0


def _note(cause: _Cause, shift: Shift, rising: bool, time: datetime) -> None:
    cause.evidence.append(_signal_evidence(shift, time, favours=_agreement(shift, rising) > 0))


def _signal_evidence(shift: Shift, time: datetime, *, favours: bool) -> _Evidence:
    signal = shift.signal
    now, usual = (format_value(v, signal.unit) for v in (shift.level, shift.usual))
    moved = abs(shift.sigmas) >= CLEAR_SIGMAS
    text = f"{signal.asset} {signal.name} {now}, usually {usual}" + ("" if moved else " (as usual)")
    source = Source("history", signal.id)
    facts = (
        Fact(signal.asset, signal.name, shift.level, source, time, signal.unit),
        Fact(signal.asset, f"{signal.name}, usual", shift.usual, source, time, signal.unit),
    )
    return _Evidence(text, facts, favours)


def _weigh_alarms(cause: _Cause, observed: _Observed) -> None:
    """An alarm about a sign of the mode counts for it, the first alarm of all most."""
    words = set().union(*(sign.words for sign in cause.mode.signs))
    for event in observed.raised:
        if event.asset == cause.asset.id and words & set(split_words(event.message)):
            first = event is observed.raised[0]
            cause.support = min(cause.support * (1.1 if first else 1.05), 1.0)
            text = f"alarm {event.alarm} {event.message}" + (", the first one" if first else "")
            fact = Fact(event.asset, event.message, event.time, _journal(event), event.time)
            cause.evidence.append(_Evidence(text, (fact,), favours=True))
            return


def _weigh_jobs(cause: _Cause, observed: _Observed) -> None:
    """A component that was repaired a few days ago is less likely to be the cause."""
    component = set(split_words(cause.mode.component))
    for job in observed.jobs:
        if job.asset != cause.asset.id or job.status is not WorkOrderStatus.DONE:
            continue
        repaired = component & set(split_words(job.component)) and job.kind == "corrective"
        if repaired and job.finished and observed.period.end - job.finished < RECENT_REPAIR:
            cause.support *= 0.5
            source = Source("CMMS", job.number)
            fact = Fact(job.asset, f"{job.component} repaired", job.finished, source, job.finished)
            text = f"{job.number} {job.title} is already done"
            cause.evidence.append(_Evidence(text, (fact,), favours=False))
            return


def _report(
    plant: Plant,
    machine: Asset,
    symptom: str,
    causes: list[_Cause],
    observed: _Observed,
    notices: tuple[str, ...],
) -> Findings:
    first = causes[0]
    seen = "; ".join(e.text for e in first.evidence if e.favours)
    mode = first.mode
    summary = (
        f"Most likely cause of {symptom!r} on {machine.id}: {first.title}. Seen: {seen}. "
        f"It would be ruled out by: {mode.rules_out}. Next: {mode.next_check}; then {mode.remedy}."
    )
    return Findings(
        summary=summary,
        facts=tuple(_facts(causes, observed.period.end)),
        tables=(_table(causes, plant, observed.period.end),),
        mentions=tuple(dict.fromkeys(_mentions(machine, causes))),
        notices=notices,
    )


def _facts(causes: Iterable[_Cause], time: datetime) -> Iterator[Fact]:
    for rank, cause in enumerate(causes, start=1):
        source = Source("failure modes", cause.mode.name)
        name = f"cause {rank}: {cause.mode.name}"
        yield Fact(cause.asset.id, name, round(cause.support, 2), source, time, note="support 0..1")
        for evidence in cause.evidence:
            yield from evidence.facts


def _table(causes: list[_Cause], plant: Plant, time: datetime) -> Table:
    headings = ("cause", "machine", "support", "for", "against", "ruled out by", "next check")
    return Table(
        title="Causes by support",
        columns=tuple(Column(heading) for heading in headings),
        rows=tuple(
            (
                cause.mode.name,
                cause.asset.id,
                round(cause.support, 2),
                "; ".join(e.text for e in cause.evidence if e.favours),
                "; ".join(e.text for e in cause.evidence if not e.favours),
                cause.mode.rules_out,
                cause.mode.next_check,
            )
            for cause in causes
        ),
        total=len(causes),
        source=Source("failure modes", "failure_modes.toml"),
        time=time,
    )


def _mentions(machine: Asset, causes: Iterable[_Cause]) -> Iterator[str]:
    yield f"{machine.id} {machine.name}"
    for cause in causes:
        yield cause.mode.component
        yield f"{cause.asset.id} {cause.asset.name}"


def _abstain(
    plant: Plant,
    machine: Asset,
    symptom: str,
    observed: _Observed,
    notices: tuple[str, ...],
) -> Findings:
    """Says that nothing known explains the symptom, and what was looked at."""
    moved = sorted(
        (s for s in observed.shifts.values() if abs(s.sigmas) >= CLEAR_SIGMAS),
        key=lambda shift: -abs(shift.sigmas),
    )[:SHOWN]
    evidence = [_signal_evidence(shift, observed.period.end, favours=True) for shift in moved]
    since = format_time(observed.period.start, plant.site.time_zone)
    unusual = "; ".join(e.text for e in evidence)
    seen = f"Unusual are: {unusual}." if evidence else "No signal is unusual."
    looked = Fact(
        machine.id, "looked at since", observed.period.start, Source("history", machine.id),
        observed.period.start,
    )  # fmt: skip
    facts = [fact for e in evidence for fact in e.facts]
    return Findings(
        f"I cannot name a cause of {symptom!r} on {machine.id} from what is recorded since "
        f"{since}. {seen}",
        (looked, *facts),
        mentions=(f"{machine.id} {machine.name}",),
        notices=notices,
    )


def _journal(event: AlarmEvent) -> Source:
    return Source("alarm journal", event.alarm)
