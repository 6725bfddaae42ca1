"""Decisions made in the browser: what a form has to say before it is handed to the counter.

The reasons to choose from go on record in English; the page offers them in its reader's language.
"""

import asyncio
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, Field

from copilot.approvals.counter import Counter, Said, Shown
from copilot.approvals.desk import Desk
from copilot.approvals.expiry import overdue
from copilot.approvals.offers import Choice
from copilot.approvals.states import UNDECIDED
from copilot.approvals.store import Conflict, Record
from copilot.web.access import Visitor
from copilot.web.services import Services
from copilot_tools.errors import Denied, Retry, ToolError, Unavailable

OTHER = "other"
_AGREED = {
    "checked": "live value and limits checked",
    "machine": "looked at the machine",
    "agreed": "agreed with the shift",
    OTHER: "",
}
REASONS: Mapping[Choice, Mapping[str, str]] = {
    Choice.APPROVE: _AGREED,
    Choice.CONFIRM: _AGREED,
    Choice.REJECT: {
        "value": "wrong value",
        "moment": "wrong moment",
        "evidence": "evidence does not hold",
        OTHER: "",
    },
    Choice.WITHDRAW: {"mistake": "asked by mistake", "needless": "no longer needed", OTHER: ""},
    Choice.RESOLVE: {"panel": "read at the panel", "machine": "seen at the machine", OTHER: ""},
}
PROVEN = frozenset((Choice.APPROVE, Choice.CONFIRM, Choice.REJECT, Choice.RESOLVE))


class DecisionForm(BaseModel):
    """What was filled in; nothing is chosen beforehand."""

    shown: Annotated[str, Field(max_length=64)] = ""
    reason: Annotated[str, Field(max_length=20)] = ""
    words: Annotated[str, Field(max_length=400)] = ""
    password: Annotated[str, Field(max_length=200)] = ""
    sure: Annotated[str, Field(max_length=5)] = ""
    applied: Annotated[str, Field(max_length=5)] = ""

    def why(self, choice: Choice) -> str:
        """The chosen reason with its words, as it goes on record; raises Retry without one."""
        known = REASONS[choice]
        words = self.words.strip()
        if self.reason not in known:
            raise Retry("choose a reason")
        if self.reason == OTHER and not words:
            raise Retry("say in words what the other reason is")
        return ": ".join(part for part in (known[self.reason], words) if part)


def desk_of(services: Services) -> Desk:
    """The desk; raises Denied where nothing is proposed."""
    if services.copilot.desk is None:
        raise Denied("this copilot is read-only: nothing is proposed here")
    return services.copilot.desk


def counter_of(services: Services) -> Counter:
    """The counter of the desk; raises Denied where nothing is proposed."""
    return Counter(services.copilot.plant, desk_of(services))


def status_of(error: ToolError) -> int:
    """The HTTP status of a page that says why a decision was refused."""
    kinds = {Conflict: 409, Retry: 400, Denied: 403, Unavailable: 503}
    return next((status for kind, status in kinds.items() if isinstance(error, kind)), 422)


async def decide(
    services: Services, visitor: Visitor, number: int, choice: Choice, form: DecisionForm
) -> Record:
    """The proposal after the decision; an undo is a new one. Raises what counter and desk raise."""
    counter = counter_of(services)
    record = await asyncio.to_thread(desk_of(services).get, number)
    if form.shown != record.payload_hash:
        raise Conflict("this is not the proposal that was shown; look at it again")
    if choice is Choice.UNDO:
        return await counter.undo(number, visitor.actor)
    why = form.why(choice)
    if choice is Choice.WITHDRAW:
        return await counter.withdraw(number, visitor.actor.name, why)
    if form.sure != "yes":
        raise Retry("tick that you mean it")
    said = Said(visitor.actor.name, form.password, why)
    return await _prove(services, visitor, record, choice, form, said)


async def _prove(
    services: Services,
    visitor: Visitor,
    record: Record,
    choice: Choice,
    form: DecisionForm,
    said: Said,
) -> Record:
    counter = counter_of(services)
    if choice is Choice.REJECT:
        return await counter.reject(record, said)
    if choice is Choice.RESOLVE:
        if form.applied not in ("yes", "no"):
            raise Retry("say whether it took effect")
        return await counter.resolve(record, said, form.applied == "yes")
    assert visitor.session is not None
    at = services.now()
    if record.state in UNDECIDED and not overdue(record, at):
        observed = services.looks.last(visitor.session.digest, record.number, at)
    else:  # Nothing is shown of its plant any more; the desk puts on record that it was tried.
        observed = await counter.look(record.proposal.change.target)
    shown = Shown(record, observed)
    if choice is Choice.CONFIRM:
        return await counter.confirm(shown, said)
    return await counter.approve(shown, said)
