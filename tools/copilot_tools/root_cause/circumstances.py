"""What alarms, cameras, past jobs and people's changes add to a cause, or take from it."""

from datetime import timedelta

from copilot_tools.display import format_value
from copilot_tools.facts import Fact, Source
from copilot_tools.records import AlarmEvent, WorkOrder, WorkOrderStatus
from copilot_tools.root_cause.causes import Cause, Evidence
from copilot_tools.root_cause.neighbours import Neighbours
from copilot_tools.root_cause.observed import Change, Observed
from copilot_tools.site.names import split_words

FIRST_ALARM = 0.15  # each takes that share of what is missing to certainty
LATER_ALARM = 0.08
DEFECTS = 0.15
HAPPENED_BEFORE = 0.05
JUST_REPAIRED = 0.5  # of the support is left
RECENT_REPAIR = timedelta(days=10)
SET_BY_PEOPLE = 0.4  # of the support is left where a setpoint was moved, here or upstream


def weigh_circumstances(cause: Cause, seen: Observed, near: Neighbours) -> None:
    """Add alarms, defects, jobs and changes to a cause that signals speak for."""
    if cause.support == 0:
        return
    _weigh_alarms(cause, seen)
    _weigh_defects(cause, seen)
    _weigh_jobs(cause, seen)
    _weigh_changes(cause, seen, near)


def _raise(cause: Cause, share: float) -> None:
    cause.support += (1.0 - cause.support) * share


def _weigh_alarms(cause: Cause, seen: Observed) -> None:
    """An alarm of a sign of the mode speaks for it, the first alarm of all most (first-out)."""
    watched = {alarm.id: alarm.signal for alarm in cause.asset.alarms}
    for event in seen.alarms:
        words = set(split_words(watched.get(event.alarm, "")))
        if event.asset == cause.asset.id and any(
            words and sign.words <= words for sign in cause.mode.signs
        ):
            first = event is seen.alarms[0]
            _raise(cause, FIRST_ALARM if first else LATER_ALARM)
            cause.evidence.append(_alarm_evidence(event, first))
            return


def _alarm_evidence(event: AlarmEvent, first: bool) -> Evidence:
    source = Source("alarm journal", event.alarm)
    fact = Fact(event.asset, event.message, event.time, source, event.time)
    text = f"alarm {event.alarm} {event.message}" + (", the first one" if first else "")
    return Evidence(text, (fact,), favours=True, weight=0.5)


def _weigh_defects(cause: Cause, seen: Observed) -> None:
    for burst in seen.bursts:
        if burst.line == cause.asset.line and burst.defect in cause.mode.defects:
            _raise(cause, DEFECTS)
            source = Source("quality", f"inspections.line={burst.line}")
            facts = (
                Fact(burst.line, burst.defect, burst.count, source, burst.time, "units"),
                Fact(burst.line, f"{burst.defect}, share", burst.share, source, burst.time, "%"),
                Fact(burst.line, f"{burst.defect}, usual", burst.usual, source, burst.time, "%"),
            )
            now, usual = format_value(burst.share, "%"), format_value(burst.usual, "%")
            text = f"{burst.defect} on {burst.line} {now}, usually {usual}"
            cause.evidence.append(Evidence(text, facts, favours=True, weight=0.4))


def _weigh_jobs(cause: Cause, seen: Observed) -> None:
    """What failed before fails again; what was repaired a few days ago is less likely the cause."""
    component = set(split_words(cause.mode.component))
    repairs = [
        job
        for job in seen.jobs
        if job.asset == cause.asset.id
        and job.kind == "corrective"
        and job.status is WorkOrderStatus.DONE
        and job.finished
        and component & set(split_words(job.component))
    ]
    if not repairs:
        return
    last = max(repairs, key=lambda job: job.finished or job.created)
    recent = bool(last.finished and seen.period.end - last.finished < RECENT_REPAIR)
    if recent:
        cause.support *= JUST_REPAIRED
    else:
        _raise(cause, HAPPENED_BEFORE)
    cause.evidence.append(_job_evidence(last, recent))


def _job_evidence(job: WorkOrder, recent: bool) -> Evidence:
    finished = job.finished or job.created
    fact = Fact(
        job.asset, f"{job.component} repaired", finished, Source("CMMS", job.number), finished
    )
    said = "is already done" if recent else "was needed before"
    return Evidence(f"{job.number} {job.title} {said}", (fact,), favours=not recent, weight=0.3)


def _weigh_changes(cause: Cause, seen: Observed, near: Neighbours) -> None:
    """What moves after somebody moved a setpoint need not be a fault: here and downstream."""
    moved = [change for change in seen.changes if change.signal]
    moved = [change for change in moved if near.reaches(change.subject, cause.asset)]
    if moved:
        cause.support *= SET_BY_PEOPLE
        cause.evidence += [_change_evidence(change) for change in moved]


def _change_evidence(change: Change) -> Evidence:
    return Evidence(change_text(change), (change_fact(change),), favours=False, weight=0.5)


def change_text(change: Change) -> str:
    """What was changed, in words."""
    return f"{change.text} {format_value(change.value, change.unit)}"


def change_fact(change: Change) -> Fact:
    """What was changed, as a fact."""
    system = "OPC UA" if change.signal else "ERP"
    source = Source(system, change.signal or "production_orders")
    name = f"{change.name} setpoint" if change.signal else change.name
    return Fact(change.subject, name, change.value, source, change.time, change.unit)
