"""The gate between a planned change and a proposal: who may ask, in which state, for how long.

Nothing behind it writes to the plant. What passes is filed at the desk, where people decide.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from copilot.actor import Actor, Role
from copilot.approvals.desk import Desk
from copilot.approvals.headline import headline
from copilot.approvals.states import UNDECIDED, State
from copilot.approvals.store import Record
from copilot.intent import asks_for_change
from copilot.mounted import Mounted, without_changes
from copilot.proposal import Evidence, Proposal, Provenance, freeze
from copilot.settings import ChangeSettings
from copilot_tools.changes import Change
from copilot_tools.display import format_time
from copilot_tools.errors import Denied, Failed
from copilot_tools.facts import Fact, Findings, Source
from copilot_tools.plant import Plant
from copilot_tools.plant_state import observe, preconditions
from copilot_tools.tool import Call, Registry

NOT_SIGNED_IN = (
    "A change can only be proposed by somebody who is signed in. Sign in with your name and "
    "password (`copilot chat --user NAME`) and ask again."
)
ADMINISTRATOR = "An administrator looks after accounts and proposes no changes."

LONGEST_CALL = 500  # characters of a refused call that are kept

_NUMBERS = {1: "One other person has", 2: "Two other persons have", 3: "Three other persons have"}


class Gate:
    """Turns changes that tools ask for into proposals of the person who asked."""

    def __init__(
        self, plant: Plant, desk: Desk, settings: ChangeSettings, now: Callable[[], datetime]
    ) -> None:
        self._plant = plant
        self._desk = desk
        self.ttl = timedelta(minutes=settings.ttl_minutes)
        self._now = now

    async def mount(
        self, actor: Actor, text: str, tools: Registry, earlier: Sequence[str] = ()
    ) -> Mounted:
        """The tools of a turn: propose tools only for a request of somebody who may propose.

        `earlier` are the user's words before `text`, newest last, which it may be an answer to.
        """
        if not asks_for_change(text, earlier):
            return Mounted(without_changes(tools))
        refusal = await self._refusal(actor)
        return Mounted(without_changes(tools), refusal) if refusal else Mounted(tools)

    async def propose(
        self,
        actor: Actor,
        conversation: str,
        key: str,
        call: Call,
        findings: Findings,
        provenance: Mapping[str, Provenance],
    ) -> Findings:
        """File the change of `findings`; the same `key` files it once.

        Raises Denied, naming the rules, when the policy does not allow it to be asked.
        """
        if findings.change is None:
            raise Failed(f"{call.tool} asks for no change")
        observed = await observe(self._plant, findings.change.target)
        shown = preconditions(self._plant.site, observed)
        change = replace(findings.change, preconditions=shown)
        proposal = self._proposal(actor, conversation, change, findings.facts, provenance)
        record = await asyncio.to_thread(self._desk.submit, actor, proposal, key, observed)
        if record.state is State.POLICY_DENIED:
            refusal = f"#{record.number} {headline(record.proposal.change)}: {record.note}."
            raise Denied(refusal).resting_on(*_facts(record), *findings.facts)
        return self._findings(record, findings, first=record.proposal.id == proposal.id)

    async def refused(self, actor: Actor, call: Call, why: Denied) -> None:
        """Put on record that a tool refused to propose this; who is refused often is stopped."""
        values = ", ".join(f"{name}={value!r}" for name, value in call.arguments.items())
        asked = f"{call.tool} {values}"[:LONGEST_CALL].encode("utf-8", "replace").decode()
        await asyncio.to_thread(self._desk.record_refused, actor, asked, why)

    async def _refusal(self, actor: Actor) -> str:
        if not actor.authenticated:
            return NOT_SIGNED_IN
        if actor.role is Role.ADMIN:
            return ADMINISTRATOR
        stop = await asyncio.to_thread(self._desk.stopped)
        if stop is None:
            return ""
        return f"Changes are stopped for everybody by {stop.by}: {stop.reason}."

    def _proposal(
        self,
        actor: Actor,
        conversation: str,
        change: Change,
        facts: tuple[Fact, ...],
        provenance: Mapping[str, Provenance],
    ) -> Proposal:
        at = self._now()
        proposal = Proposal(
            id=uuid4().hex,
            change=change,
            proposer=actor.name,
            person=actor.person or actor.name,
            conversation=conversation,
            created=at,
            expires=at + self.ttl,
            provenance=provenance,
            evidence=tuple(map(_evidence, facts)),
        )
        try:
            freeze(proposal)
        except ValueError as error:
            raise Failed("this cannot be proposed: a value of it is no finite number") from error
        return proposal

    def _findings(self, record: Record, found: Findings, *, first: bool) -> Findings:
        filed = "Proposed as" if first else "Already proposed as"
        until = format_time(record.proposal.expires, self._plant.site.time_zone)
        line = headline(record.proposal.change)
        summary = f"{filed} #{record.number}: {line}. {_next(record, until)}"
        return replace(found, summary=summary, facts=(*_facts(record), *found.facts))


def _next(record: Record, until: str) -> str:
    """What has to happen now, and until when."""
    if record.state not in UNDECIDED:
        return f"It is {_state(record)}."
    needed = record.approvals_needed
    others = _NUMBERS.get(needed, f"{needed} other persons have")
    who = f"{others} to approve it" if needed else "You have to confirm it yourself"
    return f"{who} by {until}; nothing has been changed yet."


def _state(record: Record) -> str:
    return str(record.state).replace("_", " ")


def _facts(record: Record) -> tuple[Fact, ...]:
    name = f"#{record.number}"
    source = Source("proposals", record.proposal.id)

    def fact(what: str, value: str | int | datetime) -> Fact:
        return Fact(name, what, value, source, record.changed)

    return (
        fact("proposal", record.number),
        fact("state", _state(record)),
        fact("approvals needed", record.approvals_needed),
        fact("expires", record.proposal.expires),
    )


def _evidence(fact: Fact) -> Evidence:
    source = f"{fact.source.system} {fact.source.reference}".strip()
    return Evidence(fact.subject, fact.name, fact.value, fact.unit, fact.quality, fact.time, source)
