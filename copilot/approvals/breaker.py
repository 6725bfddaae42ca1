"""The circuit breaker: who is refused again and again proposes nothing more until it is reset."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from copilot import tables
from copilot.approvals import switches
from copilot.approvals.sitting import IN_CHARGE, Sitting
from copilot.approvals.states import State
from copilot.approvals.switches import Switch
from copilot.audit.log import Entry, append
from copilot.canonical import digest
from copilot.db import stamp
from copilot.settings import ChangeSettings
from copilot_tools.errors import Denied, Retry

REFUSED = (State.POLICY_DENIED, State.REJECTED)


def open_for(
    connection: Connection, actor_name: str, at: datetime, settings: ChangeSettings
) -> bool:
    """Whether this account may propose nothing now; once open it stays so until it is reset."""
    switch = switches.read(connection, switch_name(actor_name))
    if switch and switch.on:
        return True
    return refusals(connection, actor_name, at, settings) >= settings.breaker_count


def refusals(
    connection: Connection, actor_name: str, at: datetime, settings: ChangeSettings
) -> int:
    """How many of this account's proposals were refused in the last minutes, since a reset."""
    since = at - timedelta(minutes=settings.breaker_minutes)
    switch = switches.read(connection, switch_name(actor_name))
    c = tables.proposals.c
    recent = [c.proposer == actor_name, c.state.in_(REFUSED), c.changed >= stamp(since)]
    if switch:
        recent.append(c.changed > stamp(switch.at))
    count = connection.execute(select(func.count()).where(*recent)).scalar()
    return int(count or 0)


def trip(connection: Connection, actor_name: str, at: datetime, settings: ChangeSettings) -> None:
    """After a refusal: open the breaker, with an audit row, when it was one too many."""
    name = switch_name(actor_name)
    switch = switches.read(connection, name)
    count = refusals(connection, actor_name, at, settings)
    if (switch and switch.on) or count < settings.breaker_count:
        return
    reason = f"{count} proposals of {actor_name} refused in {settings.breaker_minutes:g} min"
    switches.write(connection, Switch(name, True, actor_name, reason, at))
    append(connection, Entry("breaker.open", actor_name, "", {"refused": count}), at)


def reset(sitting: Sitting, actor_name: str, by: str, nonce: str) -> None:
    """Let an account propose again; counting starts anew.

    `by` is another person, in charge somewhere; `nonce` is a step-up for `reset_subject`.
    """
    connection, at = sitting.connection, sitting.at
    c = tables.accounts.c
    person = connection.execute(select(c.person).where(c.name == actor_name)).scalar()
    if person is None:
        raise Retry(f"there is no account {actor_name!r}")
    supervisor = sitting.prove(by, nonce, reset_subject(actor_name))
    if supervisor.role not in IN_CHARGE or supervisor.person == person:
        raise Denied(f"another person, a supervisor or engineer, has to reset {actor_name}")
    switch = Switch(switch_name(actor_name), False, by, f"reset by {by}", at)
    switches.write(connection, switch)
    append(connection, Entry("breaker.reset", by, "", {"account": actor_name}), at)


def reset_subject(actor_name: str) -> str:
    """What a step-up for a reset is bound to, as one for a decision is to the payload's hash."""
    return digest(f"reset breaker {actor_name}")


def switch_name(actor_name: str) -> str:
    """The row that holds an account's breaker; names may be longer than that column."""
    return f"breaker:{digest(actor_name)[:32]}"
