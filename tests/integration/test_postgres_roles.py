"""The roles of deploy/postgres-roles.sql on a real PostgreSQL: what each may do, and what not."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from account_fixture import PASSWORD
from executor_fixture import Floor
from faults.changes import set_to
from own_database import POSTGRES, empty_schema
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import ProgrammingError
from web_fixture import open_works

from copilot import db
from copilot.accounts.step_up import StepUps
from copilot.actor import Actor, Role
from copilot.approvals.states import UNDECIDED, State
from copilot.executor import lease
from copilot.executor.clock import Clock
from copilot.executor.erp_writer import ErpActuator
from copilot.executor.tenure import Tenure
from copilot.executor.watermark import Watermark
from copilot_tools.changes import Change, Target
from copilot_tools.sources import tables as plant_tables

ROLES = Path(__file__).parents[2] / "deploy" / "postgres-roles.sql"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

DECIDING = (
    "INSERT INTO approvals (account) VALUES ('a')",
    "INSERT INTO step_ups (nonce) VALUES ('a')",
    "UPDATE step_ups SET used = NULL",
    "INSERT INTO accounts (name) VALUES ('a')",
    "UPDATE accounts SET role = 'supervisor'",
)
SIGNING_IN = (
    "INSERT INTO sessions (digest) VALUES ('a')",
    "UPDATE sessions SET account = 'a'",
    "INSERT INTO service_tokens (id) VALUES ('a')",
    "UPDATE service_tokens SET revoked = NULL",
    "INSERT INTO badges (account) VALUES ('a')",
    "UPDATE badges SET pin_hash = ''",
    "INSERT INTO identities (issuer) VALUES ('a')",
    "DELETE FROM passwords_due",
)
BROWSING = (
    "INSERT INTO runs (id) VALUES ('a')",
    "UPDATE runs SET state = 'ended'",
    "INSERT INTO run_events (run) VALUES ('a')",
    "INSERT INTO feedback (run) VALUES ('a')",
    "UPDATE webhook_positions SET seq = 0",
)
WRITING = (
    "INSERT INTO work_orders (number) VALUES ('WO-1')",
    "UPDATE parts SET reserved = 0",
    "INSERT INTO change_receipts (proposal) VALUES ('a')",
    "INSERT INTO executions (proposal) VALUES ('a')",
    "UPDATE executions SET token = 9",
    "INSERT INTO lease (name) VALUES ('executor')",
    "UPDATE lease SET token = 9",
    "INSERT INTO checkpoints (seq) VALUES (1)",
    "UPDATE audit SET hash = ''",
    "DELETE FROM audit",
    "TRUNCATE audit",
    "UPDATE approvals SET person = ''",
    "DELETE FROM proposals",
    "CREATE TABLE mine (id int)",
    "DROP TABLE audit",
    "ALTER TABLE audit DISABLE TRIGGER ALL",
)
FORBIDDEN_TO_CHAT = (*WRITING, *DECIDING, *SIGNING_IN, *BROWSING)
FORBIDDEN_TO_DESK = (*WRITING, *BROWSING, "INSERT INTO sessions (digest) VALUES ('a')")
FORBIDDEN_TO_WEB = (
    *WRITING,
    "DELETE FROM runs",
    "UPDATE run_events SET event = ''",
    "DELETE FROM service_tokens",
    "DELETE FROM accounts",
)
FORBIDDEN_TO_EXECUTOR = (
    "INSERT INTO proposals (id) VALUES ('a')",
    "INSERT INTO approvals (account) VALUES ('a')",
    "INSERT INTO accounts (name) VALUES ('a')",
    "UPDATE accounts SET role = 'admin'",
    *SIGNING_IN,
    *BROWSING,
    "UPDATE audit SET hash = ''",
    "DELETE FROM audit",
    "UPDATE parts SET stock = 0",
    "UPDATE work_orders SET status = 'done'",
    "DELETE FROM change_receipts",
    "CREATE TABLE mine (id int)",
)


@pytest.fixture
def schema() -> Iterator[str]:
    """A database with the copilot's own tables and those of the plant, and both roles."""
    if not POSTGRES:
        pytest.skip("COPILOT_TEST_POSTGRES names no database")
    with empty_schema(POSTGRES) as url:
        owner = db.open_database(url)
        db.migrate(owner)
        plant_tables.metadata.create_all(owner)
        grant(owner)
        owner.dispose()
        yield url


def grant(owner: Engine) -> None:
    """Run the file as psql would: as one text without parameters."""
    with owner.begin() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute(ROLES.read_text(encoding="utf-8"))


def url_of(url: str, role: str) -> str:
    return make_url(url).set(username=role, password="").render_as_string(hide_password=False)


@pytest.mark.parametrize("statement", FORBIDDEN_TO_CHAT)
def test_the_chat_may_not(schema: str, statement: str) -> None:
    _assert_forbidden(url_of(schema, "copilot_chat"), statement)


@pytest.mark.parametrize("statement", FORBIDDEN_TO_WEB)
def test_the_web_server_may_not(schema: str, statement: str) -> None:
    _assert_forbidden(url_of(schema, "copilot_web"), statement)


@pytest.mark.parametrize("statement", FORBIDDEN_TO_DESK)
def test_the_desk_may_not(schema: str, statement: str) -> None:
    _assert_forbidden(url_of(schema, "copilot_desk"), statement)


@pytest.mark.parametrize("statement", FORBIDDEN_TO_EXECUTOR)
def test_the_executor_may_not(schema: str, statement: str) -> None:
    _assert_forbidden(url_of(schema, "copilot_executor"), statement)


def _assert_forbidden(url: str, statement: str) -> None:
    engine = create_engine(url)
    refused = pytest.raises(ProgrammingError, match=r"permission denied|must be owner")
    with refused, engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_the_chat_may_read_the_plant(schema: str) -> None:
    engine = create_engine(url_of(schema, "copilot_chat"))
    with engine.begin() as connection:
        for name in plant_tables.metadata.tables:
            connection.execute(text(f"SELECT * FROM {name}"))
    engine.dispose()


async def test_the_executor_makes_records_in_the_plant(schema: str) -> None:
    engine = create_engine(url_of(schema, "copilot_executor"))
    erp = ErpActuator(engine, lambda: NOW)
    order = {"asset": "M-1", "title": "Look at it", "priority": "low", "description": ""}
    change = Change("create_work_order", Target("asset", "M-1:1", "M-1"), order, "")
    await erp.prepare(change)
    assert (await erp.send(change, "a" * 32)).outcome == "good"
    engine.dispose()


async def test_the_web_server_does_all_of_its_work_in_its_role(schema: str, tmp_path: Path) -> None:
    engine = db.open_database(url_of(schema, "copilot_web"))
    db.migrate(engine)
    async with open_works(engine, tmp_path) as works:
        await works.client("olga")
        runs, desk = works.services.runs, works.services.copilot.desk
        assert desk is not None
        olga = Actor("olga", Role.OPERATOR, "olga", ("N",), authenticated=True)
        conversation = await works.services.copilot.conversations.start(olga)
        run = await runs.start(olga, conversation, "set the mixer to 1050 rpm", "once")
        async for _ in runs.follow(run.id, 0):
            pass
        for right in (True, False):
            await runs.rate(run.id, "olga", right, "")
        (record,) = desk.list(UNDECIDED)
        nonce = StepUps(engine, works.services.accounts, works.clock, 60.0).issue(
            "sara", PASSWORD, record.payload_hash, "reject"
        )
        desk.reject(record.number, "sara", nonce, "not now")
        works.services.tokens.add("scraper", 1, by="root")
        works.services.sessions.end_all("olga", "olga")
    engine.dispose()


def test_the_executor_holds_the_lease_and_starts_on_a_database_that_is_up_to_date(
    schema: str, tmp_path: Path
) -> None:
    engine = db.open_database(url_of(schema, "copilot_executor"))
    db.migrate(engine)
    tenure = Tenure(engine, Watermark(tmp_path), Clock(), "here", 5.0)
    assert tenure.begin()
    tenure.extend()
    tenure.end()
    with db.reading(engine) as connection:
        held = lease.read(connection)
    assert held is not None
    assert held.token == 1
    engine.dispose()


def test_chat_desk_and_executor_do_all_of_their_work_in_their_roles(floor: Floor) -> None:
    if floor.engine.dialect.name != "postgresql":
        pytest.skip("roles are for PostgreSQL")
    grant(floor.engine)
    chat = db.open_database(url_of(floor.own_url, "copilot_chat"))
    desk = db.open_database(url_of(floor.own_url, "copilot_desk"))
    floor.configure(own=url_of(floor.own_url, "copilot_executor"))
    floor.use(chat)
    record = floor.submit(set_to("speed", 1050.0, 1000.0, floor.site))
    floor.use(desk)
    floor.approve(record)
    floor.start()
    floor.wait_for(record, State.VERIFIED)
    assert floor.written() == [1050.0]
    floor.check()
    chat.dispose()
    desk.dispose()
