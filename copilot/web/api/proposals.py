"""Looking at proposals over REST; deciding them is for people, on the pages."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query

from copilot.approvals.headline import headline
from copilot.approvals.states import State
from copilot.approvals.store import Record
from copilot.web.access import Reader, Served
from copilot.web.api.found import Plain, Shape
from copilot.web.api.problems import LOOKING, problems
from copilot.web.strict import StrictRoute
from copilot_tools.errors import Retry
from copilot_tools.facts import Quality

LARGEST = 2**31 - 1  # what a column of a database holds

router = APIRouter(prefix="/api/v1/proposals", tags=["proposals"], route_class=StrictRoute)

Number = Annotated[int, Path(ge=1, le=LARGEST)]


class EvidenceShape(Shape):
    """A fact that a proposal rests on, as it was shown."""

    subject: str
    name: str
    value: Plain
    unit: str
    quality: Quality
    time: datetime
    source: str


class ProposalShape(Shape):
    """A proposed change and where it stands; `old` and `new` are in `unit`, times are UTC."""

    number: int
    state: State
    says: str
    tool: str
    asset: str
    target: str
    arguments: dict[str, Any]
    old: Plain
    new: Plain
    unit: str
    reason: str
    proposer: str
    created: datetime
    expires: datetime
    changed: datetime
    approvals_needed: int
    note: str
    tainted: bool
    payload_hash: str
    evidence: list[EvidenceShape]


class ProposalList(Shape):
    """Proposals, oldest first; ask again `after` the last number for more."""

    proposals: list[ProposalShape]


@router.get("", summary="Proposals", responses=problems(*LOOKING))
async def list_proposals(
    visitor: Reader,
    services: Served,
    state: Annotated[list[State] | None, Query()] = None,
    after: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ProposalList:
    """Proposals in these states (all when none is given), oldest first."""
    desk = services.copilot.desk
    if desk is None:
        return ProposalList(proposals=[])
    records = await asyncio.to_thread(desk.list, tuple(state or State), limit, after)
    return ProposalList(proposals=[_show(record) for record in records])


@router.get("/{number}", summary="One proposal", responses=problems(*LOOKING))
async def show_proposal(number: Number, visitor: Reader, services: Served) -> ProposalShape:
    """A proposal by the number that people call it by."""
    desk = services.copilot.desk
    if desk is None:
        raise HTTPException(404)
    try:
        return _show(await asyncio.to_thread(desk.get, number))
    except Retry:
        raise HTTPException(404) from None


def _show(record: Record) -> ProposalShape:
    proposal = record.proposal
    change = proposal.change
    return ProposalShape(
        number=record.number,
        state=record.state,
        says=headline(change),
        tool=change.tool,
        asset=change.target.asset,
        target=change.target.key,
        arguments=dict(change.arguments),
        old=change.old,
        new=change.new,
        unit=change.unit,
        reason=change.reason,
        proposer=proposal.proposer,
        created=proposal.created,
        expires=proposal.expires,
        changed=record.changed,
        approvals_needed=record.approvals_needed,
        note=record.note,
        tainted=proposal.tainted,
        payload_hash=record.payload_hash,
        evidence=[EvidenceShape.model_validate(fact) for fact in proposal.evidence],
    )
