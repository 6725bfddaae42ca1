"""Filing a proposal: once, one open change a target, and only what the policy allows to be asked.

A proposal the policy denies is stored too, so that the circuit breaker and the audit log see it.
"""

from dataclasses import replace
from datetime import timedelta

from copilot.actor import Actor
from copilot.approvals import breaker, store, switches
from copilot.approvals.coherent import check_coherent
from copilot.approvals.expiry import expire, overdue
from copilot.approvals.headline import headline
from copilot.approvals.sitting import Judgement, Sitting
from copilot.approvals.states import State
from copilot.approvals.store import Record
from copilot.proposal import Proposal
from copilot_tools.errors import Denied, Failed, Retry
from copilot_tools.plant_state import Observation


def submit(
    sitting: Sitting, actor: Actor, proposal: Proposal, key: str, observed: Observation
) -> Record:
    """The stored proposal: this one, or the first of the same key or the same open change.

    Its one line (`says`) is worded here, from what would be sent. Raises Retry when another change
    of the target is open or its value has moved, Denied when nothing may be proposed.
    """
    first = store.by_key(sitting.connection, key)
    if first is not None:
        if first.proposal.proposer != actor.name:
            raise Denied("this key belongs to a proposal of somebody else")
        return first
    proposer = _author(sitting, actor, proposal)
    _check_open_for_business(sitting, proposer)
    check_coherent(sitting.site, proposal.change, observed)
    change = replace(proposal.change, says=headline(proposal.change))
    proposal = replace(proposal, change=change)
    other = _open_on_target(sitting, proposal)
    if other is not None and _same(other.proposal, proposal):
        return other
    if other is not None:
        _supersede(sitting, other, proposal)
    asked = sitting.ask("propose", proposer, proposal, observed)
    return _store(sitting, proposal, key, asked)


def _author(sitting: Sitting, actor: Actor, proposal: Proposal) -> Actor:
    """The proposer's account as it is now, not as it was when the session began."""
    if proposal.proposer != actor.name:
        raise Failed(f"{actor.name} cannot propose in the name of {proposal.proposer}")
    longest = timedelta(minutes=sitting.settings.ttl_minutes)
    if not sitting.at < proposal.expires <= sitting.at + longest:
        raise Failed("a proposal has to be filed when it is made, for as long as the site allows")
    current = sitting.identify(actor.name)
    if current.person != proposal.person:
        raise Failed(f"the account {actor.name!r} is not held by {proposal.person!r}")
    return replace(current, authenticated=actor.authenticated)


def _check_open_for_business(sitting: Sitting, proposer: Actor) -> None:
    stop = switches.stopped(sitting.connection)
    if stop is not None:
        raise Denied(f"changes are stopped for everybody by {stop.by}: {stop.reason}")
    if breaker.open_for(sitting.connection, proposer.person, sitting.at, sitting.settings):
        raise Denied(
            f"too many proposals of {proposer.person} were refused; a supervisor has to reset "
            f"this (copilot approvals reset-breaker {proposer.name})"
        )


def _open_on_target(sitting: Sitting, proposal: Proposal) -> Record | None:
    target = proposal.change.target
    other = store.open_on(sitting.connection, f"{target.kind}:{target.key}")
    if other is not None and overdue(other, sitting.at):
        expire(sitting.connection, other, sitting.at)
        return None
    return other


def _same(one: Proposal, other: Proposal) -> bool:
    """Whether the same account asks for the same; the reason in words may differ."""
    return (one.proposer, one.change.tool, one.undoes, dict(one.change.arguments)) == (
        other.proposer,
        other.change.tool,
        other.undoes,
        dict(other.change.arguments),
    )


def _supersede(sitting: Sitting, old: Record, new: Proposal) -> None:
    if old.proposal.proposer != new.proposer or old.state is not State.PENDING:
        line = headline(old.proposal.change)
        raise Retry(
            f"#{old.number} ({line}) by {old.proposal.proposer} is still open ({old.state}); "
            "it has to end before anything else can be proposed there"
        )
    note = f"replaced by a newer proposal of {new.proposer}"
    superseded = State.SUPERSEDED
    data = {"by": new.id}
    store.move(sitting.connection, old, superseded, new.proposer, sitting.at, data, note)


def _store(sitting: Sitting, proposal: Proposal, key: str, asked: Judgement) -> Record:
    connection, at = sitting.connection, sitting.at
    needed, refusal = _approvals_needed(sitting, asked)
    record = store.add(connection, proposal, key, needed, at)
    if refusal is None:
        data = {**asked.data(), "approvals_needed": needed}
        return store.move(connection, record, State.PENDING, "policy", at, data)
    denied = State.POLICY_DENIED
    record = store.move(connection, record, denied, "policy", at, asked.data(), refusal)
    breaker.count(connection, proposal.proposer, proposal.person, at, sitting.settings)
    return record


def _approvals_needed(sitting: Sitting, asked: Judgement) -> tuple[int, str | None]:
    """How many others have to agree; or why nobody can."""
    if not asked.decision.allowed:
        return 0, asked.decision.why()
    try:
        return sitting.policy.approvals_needed(asked.request), None
    except Denied as error:
        return 0, str(error)
