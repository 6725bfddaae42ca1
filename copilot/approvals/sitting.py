"""One transaction of the desk: its time, the accounts as they are in it, and the policy."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from copilot import tables
from copilot.accounts.accounts import RESERVED, Accounts
from copilot.accounts.step_up import Meaning, StepUps
from copilot.actor import Actor, Role
from copilot.approvals.states import State
from copilot.db import stamp
from copilot.policy.decision import Decision
from copilot.policy.policy import Policy
from copilot.policy.request import Request, Verb, write_request
from copilot.proposal import Proposal, thaw
from copilot.settings import ChangeSettings
from copilot_tools.changes import Target
from copilot_tools.errors import Denied, Failed
from copilot_tools.plant_state import Observation
from copilot_tools.site.model import Site

CARRIED_OUT = (State.VERIFIED, State.RESOLVED_APPLIED)
IN_CHARGE = (Role.SUPERVISOR, Role.ENGINEER, Role.ADMIN)
RATE_WINDOW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A decision of the policy and the whole request it answers, so that it can be replayed."""

    request: Request
    decision: Decision

    def data(self) -> dict[str, Any]:
        """The decision as audit rows hold it."""
        return {"decision": write_decision(self.decision, write_request(self.request))}


class Refused(Denied):
    """The policy said no; `judgement` is what it was asked and which rules answered."""

    def __init__(self, judgement: Judgement) -> None:
        super().__init__(judgement.decision.why())
        self.judgement = judgement


@dataclass(frozen=True, slots=True)
class Sitting:
    """What every decision of one transaction rests on; `at` is the server's time (UTC)."""

    connection: Connection
    at: datetime
    site: Site
    policy: Policy
    accounts: Accounts
    step_ups: StepUps
    settings: ChangeSettings

    def identify(self, name: str) -> Actor:
        """The account as it is now; raises Denied when it is unknown, disabled or no person's."""
        if name in RESERVED:
            raise Denied(f"{name!r} is no person; it neither proposes nor approves")
        try:
            return self.accounts.load(self.connection, name, self.at)
        except ValueError:
            raise Denied(f"the account {name!r} has no role that a person can have") from None

    def prove(self, name: str, nonce: str, bound_to: str, meaning: Meaning) -> Actor:
        """The account's holder, whose step-up for exactly this payload is used up by asking."""
        actor = self.identify(name)
        self.step_ups.consume(self.connection, nonce, name, bound_to, meaning, self.at)
        return replace(actor, authenticated=True)

    def check_proposer(self, proposal: Proposal, observed: Observation) -> None:
        """Pass while whoever proposed this could propose it still; raises Denied otherwise."""
        actor = self.identify(proposal.proposer)
        if actor.person != proposal.person:
            raise Denied(f"the account {proposal.proposer!r} is held by somebody else now")
        actor = replace(actor, authenticated=True)  # as the log says it was when it was filed
        decision = self.ask("propose", actor, proposal, observed).decision
        if not decision.allowed:
            raise Denied(f"{proposal.proposer} may not propose this any more: {decision.why()}")

    def ask(
        self,
        verb: Verb,
        actor: Actor,
        proposal: Proposal,
        observed: Observation,
        *,
        own: bool = False,
        approvers: int = 0,
        confirmed: bool = False,
    ) -> Judgement:
        """What the policy in force says; raises Failed when something else was observed."""
        target = proposal.change.target
        if observed.target != target:
            raise Failed(f"{observed.target.key} was observed, not {target.key}")
        request = Request(
            verb=verb,
            actor=actor,
            change=proposal.change,
            observed=observed,
            at=self.at,
            tainted=proposal.tainted,
            approvers=approvers,
            confirmed=confirmed,
            own=own,
            moved=moved(self.connection, target, self.at),
        )
        return Judgement(request, self.policy.decide(request))


def write_decision(decision: Decision, request: Mapping[str, Any]) -> dict[str, Any]:
    """A decision with the request it answers, as audit rows hold both."""
    return {
        "allowed": decision.allowed,
        "rules": [{"id": rule.id, "says": rule.says} for rule in decision.rules],
        "errors": list(decision.errors),
        "policy": decision.policy,
        "schema": decision.schema,
        "engine": decision.engine,
        "request": dict(request),
    }


def moved(connection: Connection, target: Target, at: datetime) -> float:
    """By how much the target's value was changed within the last hour, up and down added up."""
    c = tables.proposals.c
    query = select(c.payload).where(
        c.target == f"{target.kind}:{target.key}",
        c.state.in_(CARRIED_OUT),
        c.changed >= stamp(at - RATE_WINDOW),
    )
    changes = (thaw(row.payload).change for row in connection.execute(query))
    return sum(
        abs(float(change.new) - float(change.old))
        for change in changes
        if isinstance(change.old, int | float) and isinstance(change.new, int | float)
    )
