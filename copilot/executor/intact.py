"""Finds the proposals in a state, whatever may be wrong with one of them: the others go on."""

from sqlalchemy import Connection, select

from copilot import tables
from copilot.approvals import store
from copilot.approvals.states import State
from copilot.approvals.store import Record
from copilot_tools.errors import Failed

DAMAGE = (Failed, ValueError, AttributeError)  # what a row raises that somebody has rewritten


def find_intact(connection: Connection, state: State) -> tuple[list[Record], dict[int, str]]:
    """Those that can be read, oldest first, and by number what is wrong with the others."""
    try:
        return store.find(connection, (state,)), {}
    except DAMAGE:
        return _find_one_by_one(connection, state)


def _find_one_by_one(connection: Connection, state: State) -> tuple[list[Record], dict[int, str]]:
    c = tables.proposals.c
    numbers = connection.execute(select(c.number).where(c.state == state).order_by(c.number))
    intact: list[Record] = []
    damaged: dict[int, str] = {}
    for number in numbers.scalars().all():
        try:
            intact.append(store.get(connection, number))
        except DAMAGE as error:
            damaged[number] = f"it is damaged in the database: {error}"
    return intact, damaged
