"""Taking back the effect of a setpoint change: a new proposal, approved like any other."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import uuid4

from copilot.actor import Actor
from copilot.approvals.headline import headline
from copilot.approvals.states import State
from copilot.approvals.store import Record
from copilot.proposal import Evidence, Proposal, Provenance
from copilot_tools.changes import Change
from copilot_tools.display import format_value
from copilot_tools.errors import Retry
from copilot_tools.facts import Value
from copilot_tools.plant_state import Observation, preconditions
from copilot_tools.site.model import Setpoint, Site
from copilot_tools.site.resolution import exact

TOOL = "write_setpoint"
TOOK_EFFECT = (State.VERIFIED, State.RESOLVED_APPLIED)


def reverse(
    site: Site,
    record: Record,
    actor: Actor,
    observed: Observation,
    conversation: str,
    ttl: timedelta,
    at: datetime,
) -> Proposal:
    """The proposal that sets the old value again; raises Retry where there is none to set."""
    change = record.proposal.change
    setpoint = site.setpoint(change.target.key)
    if change.tool != TOOL or setpoint is None:
        raise Retry(
            f"#{record.number} ({headline(change)}) cannot be undone; only setpoint changes can"
        )
    if record.state not in TOOK_EFFECT:
        raise Retry(f"#{record.number} is {record.state}; only what took effect can be undone")
    if not isinstance(change.old, int | float):
        raise Retry(f"the value before #{record.number} is not known; propose one instead")
    live = _live(setpoint, record, observed)
    new = nearest_count(change.old, setpoint.resolution)
    name = f"{setpoint.asset} {setpoint.name}"
    return Proposal(
        id=uuid4().hex,
        change=Change(
            tool=TOOL,
            target=change.target,
            arguments={**change.arguments, "value": new},
            says=f"{name} {format_value(live, change.unit)} -> {format_value(new, change.unit)}",
            old=live,
            new=new,
            unit=change.unit,
            reason=f"undo of #{record.number}",
            preconditions=preconditions(site, observed),
        ),
        proposer=actor.name,
        person=actor.person or actor.name,
        conversation=conversation,
        created=at,
        expires=at + ttl,
        provenance=_provenance(change.arguments),
        evidence=_evidence(setpoint, observed),
        undoes=record.proposal.id,
    )


def nearest_count(value: float, resolution: float) -> float:
    """The value in whole counts: what a controller gave as 32-bit 3.200000047 was set as 3.2."""
    return float(round(exact(value) / exact(resolution)) * exact(resolution))


def _live(setpoint: Setpoint, record: Record, observed: Observation) -> float:
    """The present value, which must still be the one that is to be taken back."""
    change, live = record.proposal.change, observed.live
    if live is None or not isinstance(live.value, int | float):
        raise Retry(f"{setpoint.asset} {setpoint.name} cannot be read now; try again later")
    there = float(live.value)
    if not isinstance(change.new, int | float) or abs(there - change.new) > setpoint.tolerance:
        raise Retry(
            f"{setpoint.asset} {setpoint.name} is {format_value(there, setpoint.unit)} now, no "
            f"longer what #{record.number} set; propose a value instead"
        )
    return there


def _provenance(arguments: Mapping[str, Value]) -> dict[str, Provenance]:
    """All of it stands in the stored proposal, checked when that was made."""
    return dict.fromkeys(arguments, Provenance.CATALOGUE)


def _evidence(setpoint: Setpoint, observed: Observation) -> tuple[Evidence, ...]:
    live = observed.live
    if live is None:
        return ()
    return (
        Evidence(
            subject=setpoint.asset,
            name=setpoint.name,
            value=live.value,
            unit=setpoint.unit,
            quality=live.quality,
            time=live.time,
            source=f"OPC UA {live.node}",
        ),
    )
