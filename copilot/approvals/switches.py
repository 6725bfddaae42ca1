"""Switches of the write path: while one is on, what it stops is stopped for everybody."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from copilot import tables
from copilot.audit.log import Entry, append
from copilot.db import stamp, unstamp

CHANGES = "changes"  # the kill switch: nothing is proposed and nothing more is sent


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch as it stands: who turned it `on` or off, why, and when (UTC)."""

    name: str
    on: bool
    by: str
    reason: str
    at: datetime


def stopped(connection: Connection) -> Switch | None:
    """The kill switch while it is on."""
    switch = read(connection, CHANGES)
    return switch if switch and switch.on else None


def stop(connection: Connection, by: str, reason: str, at: datetime, login: str = "") -> Switch:
    """Turn the kill switch on: what is being carried out is read back, nothing new is started.

    Where `by` is a name that nobody has proven, `login` is the account of the machine it was given
    with: the one on record.
    """
    switch = Switch(CHANGES, True, by, reason, at)
    write(connection, switch)
    append(connection, _turned("switch.stop", switch, login), at)
    return switch


def release(connection: Connection, by: str, reason: str, at: datetime, login: str = "") -> Switch:
    """Turn the kill switch off again; `login` as for `stop`."""
    switch = Switch(CHANGES, False, by, reason, at)
    write(connection, switch)
    append(connection, _turned("switch.release", switch, login), at)
    return switch


def read(connection: Connection, name: str) -> Switch | None:
    """A switch as it was last turned; None when it never was."""
    c = tables.switches.c
    row = connection.execute(select(tables.switches).where(c.name == name)).one_or_none()
    return Switch(row.name, row.on, row.by, row.reason, unstamp(row.at)) if row else None


def write(connection: Connection, switch: Switch) -> None:
    """Turn a switch; the audit row is the caller's."""
    c = tables.switches.c
    values = {"on": switch.on, "by": switch.by, "reason": switch.reason, "at": stamp(switch.at)}
    turned = connection.execute(update(tables.switches).where(c.name == switch.name).values(values))
    if not turned.rowcount:
        connection.execute(insert(tables.switches).values(name=switch.name, **values))


def _turned(kind: str, switch: Switch, login: str) -> Entry:
    claimed = {"by": switch.by} if login else {}
    return Entry(kind, login or switch.by, "", {"reason": switch.reason, **claimed})
