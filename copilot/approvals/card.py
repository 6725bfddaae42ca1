"""What an approver is shown of a proposal: facts built by the machine, somebody's words last."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from copilot.approvals.headline import headline
from copilot.approvals.states import BEFORE_EXECUTION, State
from copilot.approvals.store import Approval, Record
from copilot.policy.decision import Rule
from copilot.proposal import Evidence, Provenance
from copilot_tools.changes import Precondition
from copilot_tools.display import format_age, format_time, format_value, printable
from copilot_tools.facts import Quality, Value
from copilot_tools.plant_state import Observation, differences
from copilot_tools.site.model import Setpoint, Site


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a card; `alert` marks what an approver must not overlook."""

    label: str
    text: str
    alert: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """A proposal for people, times in the plant's time zone, every text fit for a screen.

    `tainted` names the arguments that came from retrieved text. `words` are the reason given, from
    `origin`; they come last and prove nothing. `differences` say what has changed since it was
    shown to who proposed it.
    """

    number: int
    state: State
    says: str
    tainted: tuple[str, ...]
    facts: tuple[Fact, ...]
    differences: tuple[str, ...]
    words: str
    origin: str


@dataclass(frozen=True, slots=True)
class Background:
    """What a card shows besides the proposal: decisions, rules, the plant now, what it undoes."""

    approvals: Sequence[Approval]
    rules: Sequence[Rule]
    undoes: Record | None
    observed: Observation | None
    at: datetime


def build_card(site: Site, record: Record, background: Background) -> Card:
    """The card of a proposal; without an observation nothing is said of the plant now."""
    proposal = record.proposal
    origins = proposal.provenance
    observed = background.observed
    changed: tuple[str, ...] = ()
    if observed is not None and record.state in BEFORE_EXECUTION:
        changed = differences(proposal.change.preconditions, observed)
    return Card(
        number=record.number,
        state=record.state,
        says=printable(headline(proposal.change)),
        tainted=tuple(sorted(n for n, o in origins.items() if o is Provenance.RETRIEVED)),
        facts=tuple(replace(f, text=printable(f.text)) for f in _facts(site, record, background)),
        differences=tuple(map(printable, changed)),
        words=printable(proposal.change.reason),
        origin=str(origins.get("reason", origins.get("comment", Provenance.MODEL))),
    )


def _facts(site: Site, record: Record, background: Background) -> Iterator[Fact]:
    proposal = record.proposal
    change, zone = proposal.change, site.time_zone
    yield Fact("action", change.tool.replace("_", " "))
    if change.old is not None or change.new is not None:
        old, new = (_say(value, change.unit) for value in (change.old, change.new))
        yield Fact("value", f"{old} -> {new}" if change.new is not None else old)
    yield from _target(site, record)
    yield from _now(site, background)
    if record.note:
        yield Fact("note", record.note, record.state is State.POLICY_DENIED)
    yield Fact("asked by", f"{proposal.proposer}, {format_time(proposal.created, zone)}")
    yield _expiry(site, record, background.at)
    yield Fact("approvals", _needed(record))
    for approval in background.approvals:
        when = format_time(approval.at, zone)
        yield Fact(approval.meaning, f"{approval.account}, {when}: {approval.reason}")
    for rule in background.rules:
        yield Fact("rule", f"{rule.says} ({rule.id})")
    for shown in change.preconditions:
        yield _shown(site, shown)
    for fact in proposal.evidence:
        yield _evidence(site, fact)
    if background.undoes is not None:
        undone = background.undoes
        yield Fact("undo of", f"#{undone.number} {headline(undone.proposal.change)}")


def _target(site: Site, record: Record) -> Iterator[Fact]:
    target = record.proposal.change.target
    asset = site.assets.get(target.asset)
    if asset is not None:
        yield Fact("machine", f"{asset.id} {asset.name}, {site.areas[asset.area].name}")
    yield Fact("target", f"{target.key}, {target.node}" if target.node else target.key)
    setpoint = site.setpoint(target.key) if target.kind == "setpoint" else None
    if setpoint is not None:
        yield from _limits(setpoint)
    for name, value in record.proposal.change.arguments.items():
        origin = record.proposal.provenance.get(name, Provenance.MODEL)
        tainted = origin is Provenance.RETRIEVED
        yield Fact(name, f"{_say(value)} (from {origin})", tainted)


def _limits(setpoint: Setpoint) -> Iterator[Fact]:
    low, high = setpoint.bounds.low, setpoint.bounds.high
    yield Fact("bounds", f"{_say(low)} to {_say(high, setpoint.unit)}")
    if setpoint.max_step is not None:
        yield Fact("largest step", _say(setpoint.max_step, setpoint.unit))
    if setpoint.max_rate is not None:
        yield Fact("within an hour", f"at most {_say(setpoint.max_rate, setpoint.unit)}")
    if setpoint.critical:
        yield Fact("class", "critical", True)


def _now(site: Site, background: Background) -> Iterator[Fact]:
    observed = background.observed
    if observed is None:
        return
    setpoint = site.setpoint(observed.target.key) if observed.live else None
    if observed.live is not None and setpoint is not None:
        live = observed.live
        age = format_age(background.at - live.time)
        value = _say(live.value, setpoint.unit)
        yield Fact(
            "live now", f"{value}, {live.quality}, {age} ago", live.quality is not Quality.GOOD
        )
    for problem in observed.problems:
        yield Fact("cannot see", problem, True)


def _expiry(site: Site, record: Record, at: datetime) -> Fact:
    expires = record.proposal.expires
    when = format_time(expires, site.time_zone)
    if record.state not in BEFORE_EXECUTION:
        return Fact("valid until", when)
    if at >= expires:
        return Fact("valid until", f"{when}, which is past", True)
    return Fact("valid until", f"{when}, {format_age(expires - at)} from now")


def _needed(record: Record) -> str:
    if record.approvals_needed == 0:
        return f"none; {record.proposal.proposer} confirms it"
    many = record.approvals_needed > 1
    return f"{record.approvals_needed} other persons" if many else "1 other person"


def _shown(site: Site, shown: Precondition) -> Fact:
    value = _say(shown.shown, shown.unit) or "none"
    tolerance = f" ± {_say(shown.tolerance, shown.unit)}" if shown.tolerance else ""
    when = format_time(shown.time, site.time_zone)
    text = f"{shown.subject} {shown.name}: {value}{tolerance}, as of {when}"
    return Fact("must hold", text, shown.quality is not Quality.GOOD)


def _evidence(site: Site, fact: Evidence) -> Fact:
    value = _say(fact.value, fact.unit)
    quality = "" if fact.quality is Quality.GOOD else f" ({fact.quality})"
    when = format_time(fact.time, site.time_zone)
    return Fact("rests on", f"{fact.subject} {fact.name} {value}{quality}, {fact.source}, {when}")


def _say(value: Value, unit: str = "") -> str:
    """A value with its unit; a number in full, as it will be sent, not rounded for reading."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:.15g} {unit}".rstrip()
    return format_value(value, unit)
