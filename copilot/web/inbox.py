"""The inbox of approvals: what waits for somebody, what else is open, oldest first."""

from dataclasses import dataclass, field

from copilot.actor import Actor
from copilot.approvals.desk import Desk
from copilot.approvals.expiry import overdue
from copilot.approvals.headline import headline
from copilot.approvals.states import OPEN, State
from copilot.approvals.store import Record
from copilot.approvals.switches import Switch
from copilot.approvals.waiting import waits_for
from copilot.web.services import Services
from copilot_tools.display import printable

AT_ONCE = 1000  # open proposals that are looked at
SHOWN = 100  # of each kind


@dataclass(frozen=True, slots=True)
class Line:
    """One proposal of a list."""

    record: Record
    says: str
    tainted: bool


@dataclass(slots=True)
class Inbox:
    """Open proposals: those whose result nobody knows first, then what waits for the reader.

    `more` says that there are others, newer ones, that are not listed.
    """

    stopped: Switch | None
    unknown: list[Line] = field(default_factory=list)
    mine: list[Line] = field(default_factory=list)
    others: list[Line] = field(default_factory=list)
    more: bool = False


def open_inbox(services: Services, desk: Desk, actor: Actor) -> Inbox:
    """The inbox of somebody; what is overdue expires first. Blocks."""
    site, at = services.copilot.plant.site, services.now()
    records = desk.list(OPEN, AT_ONCE)
    if any(overdue(record, at) for record in records):
        desk.expire_due()
        records = desk.list(OPEN, AT_ONCE)
    inbox = Inbox(desk.stopped(), more=len(records) == AT_ONCE)
    for record in records:
        kind = inbox.others
        if record.state is State.UNKNOWN:
            kind = inbox.unknown
        elif waits_for(site, record, actor):
            kind = inbox.mine
        if len(kind) < SHOWN:
            kind.append(line_of(record))
        else:
            inbox.more = True
    return inbox


def line_of(record: Record) -> Line:
    """A proposal as lists show it."""
    proposal = record.proposal
    return Line(record, printable(headline(proposal.change)), proposal.tainted)
