"""Proposals in the works of the web tests, as the gate files them, and decisions about them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from account_fixture import PASSWORD
from httpx2 import AsyncClient, Response
from web_fixture import Works

from copilot.actor import Actor
from copilot.approvals.desk import Desk
from copilot.approvals.states import State
from copilot.approvals.store import Record, move
from copilot.db import reading, writing
from copilot.proposal import Evidence, Proposal, Provenance
from copilot_tools.changes import Change, Target
from copilot_tools.facts import Quality
from copilot_tools.plant_state import observe, preconditions


def desk_of(works: Works) -> Desk:
    """The desk, which is there."""
    desk = works.services.copilot.desk
    assert desk is not None
    return desk


def actor(works: Works, name: str) -> Actor:
    """Somebody who has signed in."""
    with reading(works.services.copilot.database) as connection:
        loaded = works.services.accounts.load(connection, name, works.clock())
    return replace(loaded, authenticated=True)


async def propose(
    works: Works,
    value: float = 1050.0,
    by: str = "olga",
    key: str = "M-1.speed",
    reason: str = "the customer wants more",
    origin: Provenance = Provenance.USER,
) -> Record:
    """A setpoint change that waits for somebody."""
    site = works.services.copilot.plant.site
    setpoint = site.setpoint(key)
    assert setpoint is not None
    target = Target("setpoint", key, setpoint.asset, setpoint.node, setpoint.handshake)
    observed = await observe(works.services.copilot.plant, target)
    assert observed.live is not None
    change = Change(
        tool="write_setpoint",
        target=target,
        arguments={"asset": setpoint.asset, "setpoint": setpoint.name, "value": value},
        says="set it",
        old=observed.live.value,
        new=value,
        unit=setpoint.unit,
        reason=reason,
        preconditions=preconditions(site, observed),
    )
    source = f"OPC UA {setpoint.node}"
    evidence = Evidence(
        key, "set value", observed.live.value, "rpm", Quality.GOOD, works.clock(), source
    )
    proposal = Proposal(
        id=uuid4().hex,
        change=change,
        proposer=by,
        person=by,
        conversation="c1",
        created=works.clock(),
        expires=works.clock() + timedelta(minutes=30),
        provenance={**dict.fromkeys(change.arguments, Provenance.USER), "value": origin},
        evidence=(evidence,),
    )
    return desk_of(works).submit(actor(works, by), proposal, uuid4().hex, observed)


async def look(client: AsyncClient, record: Record) -> Response:
    """What the open card of a proposal loads again and again."""
    return await client.get(f"/approvals/{record.number}/now")


async def say(client: AsyncClient, record: Record, choice: str, **other: Any) -> Response:
    """Send a decision as the card's form would."""
    form = {
        "shown": record.payload_hash,
        "reason": "other",
        "words": "looks right",
        "sure": "yes",
        "password": PASSWORD,
        **other,
    }
    return await client.post(f"/approvals/{record.number}/{choice}", data=form)


def state(works: Works, record: Record) -> State:
    """Where a proposal stands."""
    return desk_of(works).get(record.number).state


def carry_out(works: Works, record: Record, to: State = State.VERIFIED) -> Record:
    """What the executor does to a ready proposal, as far as the database sees it."""
    with writing(works.services.copilot.database) as connection:
        ready = desk_of(works).get(record.number)
        taken = move(connection, ready, State.EXECUTING, "executor", works.clock())
        done = move(connection, taken, to, "executor", works.clock())
    if to is State.VERIFIED:
        works.live.shown["s=M-1.speed"] = record.proposal.change.new
    return done
