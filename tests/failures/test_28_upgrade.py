"""28: a database of an older version is brought up to date with items in every state in it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from desk_fixture import START, Office, open_office
from sqlalchemy import Engine, insert, inspect, select

from copilot import db, tables
from copilot.approvals import store
from copilot.approvals.states import TRANSITIONS, State
from copilot.approvals.store import Record
from copilot_tools.changes import Target

SAID = "welche Anlagen stehen — und warum?"


@pytest.fixture
def empty(own_url: str) -> Iterator[Engine]:
    """A database without any table."""
    engine = db.open_database(own_url)
    yield engine
    engine.dispose()


def bring(engine: Engine, way: Callable[[Config, str], None], revision: str) -> None:
    """Take the database up or down to a revision."""
    config = Config()
    config.set_main_option("script_location", "copilot:migrations")
    with engine.execution_options(writes=True).begin() as connection:
        config.attributes["connection"] = connection
        way(config, revision)


def converse(engine: Engine) -> None:
    """Store a conversation of one turn."""
    at = db.stamp(START)
    turn = {
        "conversation": "c1",
        "number": 1,
        "asked": at,
        "text": SAID,
        "calls": [{"tool": "find_assets", "state": "stopped"}],
        "mentions": ["M-1"],
        "answer": "M-1",
    }
    with db.writing(engine) as connection:
        connection.execute(insert(tables.conversations).values(id="c1", actor="olga", started=at))
        connection.execute(insert(tables.turns).values(turn))


def assert_conversation_is_there(engine: Engine) -> None:
    with db.reading(engine) as connection:
        turn = connection.execute(select(tables.turns)).one()
    assert (turn.text, turn.mentions, turn.asked) == (SAID, ["M-1"], db.stamp(START))
    assert turn.calls == [{"tool": "find_assets", "state": "stopped"}]


def way_to(state: State) -> tuple[State, ...]:
    """The shortest way of a proposal from its first state to this one."""
    ways: list[tuple[State, ...]] = [(State.PROPOSED,)]
    while ways[0][-1] is not state:
        way = ways.pop(0)
        ways += [(*way, to) for to in sorted(TRANSITIONS.get(way[-1], ()))]
    return ways[0]


def store_in(office: Office, state: State) -> Record:
    """A proposal about a machine of its own, taken to a state."""
    machine = f"X-{len(office.desk.list(tuple(State))) + 1}"
    target = Target("setpoint", f"{machine}.speed", machine)
    change = replace(office.change("M-1.speed", 1050.0), target=target)
    proposal = office.proposal("olga", change)
    with db.writing(office.engine) as connection:
        record = store.add(connection, proposal, proposal.id, 1, START)
        for to in way_to(state)[1:]:
            record = store.move(connection, record, to, "olga", START, note=f"became {to}")
    return record


def test_conversations_of_the_first_version_survive(empty: Engine):
    bring(empty, command.upgrade, "0001")
    assert "proposals" not in inspect(empty).get_table_names()
    converse(empty)
    db.migrate(empty)
    assert_conversation_is_there(empty)


def test_proposals_in_every_state_survive_and_go_on(empty: Engine, tmp_path: Path):
    bring(empty, command.upgrade, "0002")
    office = open_office(empty, tmp_path)
    before = [store_in(office, state) for state in State]
    db.migrate(empty)
    assert [record.state for record in before] == list(State)
    assert [office.desk.get(record.number) for record in before] == before
    assert office.verify().ok
    for record in before:
        for to in sorted(TRANSITIONS.get(record.state, ()))[:1]:
            with db.writing(empty) as connection:
                store.move(connection, record, to, "olga", START)
            assert office.desk.get(record.number).state is to
    assert office.verify().ok
    assert office.verify().rows > len(before)


def test_a_way_back_to_the_first_version_keeps_conversations(empty: Engine, tmp_path: Path):
    db.migrate(empty)
    converse(empty)
    store_in(open_office(empty, tmp_path), State.VERIFIED)
    bring(empty, command.downgrade, "0001")
    assert set(inspect(empty).get_table_names()) == {"alembic_version", "conversations", "turns"}
    assert_conversation_is_there(empty)
    db.migrate(empty)
    assert_conversation_is_there(empty)
    office = open_office(empty, tmp_path / "again")
    assert store_in(office, State.READY).number == 1
    assert office.verify().ok


def test_migrating_twice_changes_nothing(empty: Engine, tmp_path: Path):
    db.migrate(empty)
    record = store_in(open_office(empty, tmp_path), State.READY)
    db.migrate(empty)
    with db.reading(empty) as connection:
        assert store.get(connection, record.number) == record


def test_the_tables_are_those_the_code_knows(empty: Engine):
    db.migrate(empty)
    inspector = inspect(empty)
    for table in tables.metadata.sorted_tables:
        columns = {column["name"]: column for column in inspector.get_columns(table.name)}
        assert columns.keys() == {column.name for column in table.columns}
        for column in table.columns:
            assert columns[column.name]["nullable"] == column.nullable, column
