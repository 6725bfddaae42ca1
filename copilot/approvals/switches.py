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


def stop(connection: Connection, by: str, reason: str, at: datetime) -> Switch:
    """Turn the kill switch on: what is being carried out is read back, nothing new is started."""
    switch = Switch(CHANGES, True, by, reason, at)
    write(connection, switch)
    append(connection, Entry("switch.stop", by, "", {"reason": reason}), at)
    return switch


def release(connection: Connection, by: str, reason: str, at: datetime) -> Switch:
    """Turn the kill switch off again."""
    switch = Switch(CHANGES, False, by, reason, at)
    write(connection, switch)
    append(connection, Entry("switch.release", by, "", {"reason": reason}), at)
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
