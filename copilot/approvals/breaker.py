"""The circuit breaker: who is refused again and again proposes nothing more until it is reset.

It counts for a person, whatever accounts that person has: proposals that were denied or rejected,
and changes that a tool refused to propose at all.
"""

from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, func, insert, select

from copilot import tables
from copilot.approvals import switches
from copilot.approvals.sitting import IN_CHARGE, Sitting
from copilot.approvals.switches import Switch
from copilot.audit.log import Entry, append
from copilot.canonical import digest
from copilot.db import stamp
from copilot.settings import ChangeSettings
from copilot_tools.errors import Denied, Retry


def open_for(connection: Connection, person: str, at: datetime, settings: ChangeSettings) -> bool:
    """Whether this person may propose nothing now; once open it stays so until it is reset."""
    switch = switches.read(connection, switch_name(person))
    if switch and switch.on:
        return True
    return refusals(connection, person, at, settings) >= settings.breaker_count


def refusals(connection: Connection, person: str, at: datetime, settings: ChangeSettings) -> int:
    """How often this person was refused in the last minutes, since a reset."""
    since = at - timedelta(minutes=settings.breaker_minutes)
    switch = switches.read(connection, switch_name(person))
    c = tables.refusals.c
    recent = [c.person == person, c.at >= stamp(since)]
    if switch:
        recent.append(c.at > stamp(switch.at))
    return int(connection.execute(select(func.count()).where(*recent)).scalar() or 0)


def count(
    connection: Connection,
    account: str,
    person: str,
    at: datetime,
    settings: ChangeSettings,
) -> None:
    """Count a refusal, and open the breaker, with an audit row, when it was one too many."""
    row = {"id": uuid4().hex, "person": person, "at": stamp(at)}
    connection.execute(insert(tables.refusals).values(row))
    name = switch_name(person)
    switch = switches.read(connection, name)
    refused = refusals(connection, person, at, settings)
    if (switch and switch.on) or refused < settings.breaker_count:
        return
    reason = f"{refused} refusals of {person} in {settings.breaker_minutes:g} min"
    switches.write(connection, Switch(name, True, account, reason, at))
    data = {"person": person, "refused": refused}
    append(connection, Entry("breaker.open", account, "", data), at)


def reset(sitting: Sitting, actor_name: str, by: str, nonce: str) -> None:
    """Let the holder of an account propose again; counting starts anew.

    `by` is another person, in charge somewhere; `nonce` is a step-up for `reset_subject`.
    """
    connection, at = sitting.connection, sitting.at
    c = tables.accounts.c
    person = connection.execute(select(c.person).where(c.name == actor_name)).scalar()
    if person is None:
        raise Retry(f"there is no account {actor_name!r}")
    supervisor = sitting.prove(by, nonce, reset_subject(actor_name), "reset")
    if supervisor.role not in IN_CHARGE or supervisor.person == person:
        raise Denied(f"another person, a supervisor or engineer, has to reset {actor_name}")
    switch = Switch(switch_name(person), False, by, f"reset by {by}", at)
    switches.write(connection, switch)
    data = {"account": actor_name, "person": person}
    append(connection, Entry("breaker.reset", by, "", data), at)


def reset_subject(actor_name: str) -> str:
    """What a step-up for a reset is bound to, as one for a decision is to the payload's hash."""
    return digest(f"reset breaker {actor_name}")


def switch_name(person: str) -> str:
    """The row that holds a person's breaker; names may be longer than that column."""
    return f"breaker:{digest(person)[:32]}"
