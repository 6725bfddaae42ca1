"""What the card of a proposal shows: facts, offers, steps, and the plant as it is now."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from copilot.actor import Actor
from copilot.approvals.card import Card, Fact
from copilot.approvals.desk import Desk
from copilot.approvals.expiry import overdue
from copilot.approvals.offers import Offer, Standing, offers
from copilot.approvals.states import BEFORE_EXECUTION, OPEN, State
from copilot.approvals.store import Record
from copilot.proposal import Evidence, Provenance
from copilot.web.access import Visitor
from copilot.web.deciding import REASONS, counter_of, desk_of
from copilot.web.plant_now import lines_now
from copilot.web.services import Services

# Told with the plant as it is now, as evidence with links, or as the words of people.
_ELSEWHERE = frozenset(("must hold", "rests on", "rule", "approve", "confirm", "reject"))


@dataclass(frozen=True, slots=True)
class Rest:
    """A measured value that a proposal rests on; `asset` is empty where it has no page."""

    fact: Evidence
    text: str
    asset: str


async def open_card(services: Services, visitor: Visitor, record: Record) -> dict[str, Any]:
    """The content of the page of a proposal, all but the plant now, which follows at once."""
    record = await _fresh(services, record)
    desk = desk_of(services)
    card = await counter_of(services).card(record, None)
    arguments = _arguments(record, card)
    offered = await asyncio.to_thread(_offers, services, desk, record, visitor.actor)
    return {
        "record": record,
        "card": card,
        "facts": [f for f in card.facts if f.label not in _ELSEWHERE and f not in arguments],
        "arguments": arguments,
        "rules": _labelled(card, "rule"),
        "rests": _rests(services, record, card),
        "offers": offered,
        "reasons": REASONS,
        "decides": visitor.session is not None and visitor.actor.authenticated,
        "asset": services.copilot.plant.site.assets.get(record.proposal.change.target.asset),
        "stopped": await asyncio.to_thread(desk.stopped),
    }


async def open_now(services: Services, visitor: Visitor, record: Record) -> dict[str, Any]:
    """The content of what changes; a session that sees it may approve for a while."""
    record = await _fresh(services, record)
    desk, at = desk_of(services), services.now()
    before = record.state in BEFORE_EXECUTION
    content: dict[str, Any] = {
        "record": record,
        "steps": await asyncio.to_thread(desk.steps, record.number),
        "left": (record.proposal.expires - at) if before else None,
        "watched": record.state in OPEN,
        "lines": [],
        "problems": (),
        "looked": None,
    }
    if not before and record.state is not State.UNKNOWN:
        return content
    observed = await counter_of(services).look(record.proposal.change.target)
    if visitor.session is not None:
        services.looks.remember(visitor.session.digest, record.number, observed)
    lines = lines_now(services.copilot.plant.site, record, observed, services.now())
    return {**content, "lines": lines, "problems": observed.problems, "looked": observed.at}


async def _fresh(services: Services, record: Record) -> Record:
    """The proposal, ended first where its time is up."""
    if not overdue(record, services.now()):
        return record
    desk = desk_of(services)
    await asyncio.to_thread(desk.expire_due)
    return await asyncio.to_thread(desk.get, record.number)


def _offers(services: Services, desk: Desk, record: Record, actor: Actor) -> list[Offer]:
    standing = Standing(
        site=services.copilot.plant.site,
        record=record,
        approvals=tuple(desk.approvals(record.number)),
        foreseen=desk.foresee(record.number, actor),
        actor=actor,
    )
    return offers(standing)


def _labelled(card: Card, label: str) -> Sequence[Fact]:
    return [fact for fact in card.facts if fact.label == label]


def _arguments(record: Record, card: Card) -> Sequence[Fact]:
    """The facts that tell where an argument came from; a fact may be called like an argument."""
    origins = record.proposal.provenance
    return [
        fact
        for fact in card.facts
        if fact.label in record.proposal.change.arguments
        and fact.text.endswith(f"(from {origins.get(fact.label, Provenance.MODEL)})")
    ]


def _rests(services: Services, record: Record, card: Card) -> list[Rest]:
    site = services.copilot.plant.site
    texts = [fact.text for fact in _labelled(card, "rests on")]
    found = []
    for fact, text in zip(record.proposal.evidence, texts, strict=True):
        setpoint = site.setpoint(fact.subject)
        asset = setpoint.asset if setpoint else fact.subject
        found.append(Rest(fact, text, asset if asset in site.assets else ""))
    return found
