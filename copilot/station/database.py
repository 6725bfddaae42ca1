"""The plant database as a station sees it: it adds inspections, and what people decide of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    NullPool,
    create_engine,
    event,
    insert,
    make_url,
    select,
    update,
)
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError

from copilot_tools.errors import Failed, Retry, Unavailable
from copilot_tools.sources import tables
from copilot_tools.sources.sql import from_utc, to_utc
from copilot_tools.vision.card import Card
from copilot_tools.vision.model import Verdict

SOURCE = "the plant database"
TIMEOUT_S = 5.0

Values = dict[str, Any]


def open_writing(url: str) -> Engine:
    """The plant database by a login that may add inspections; nothing is opened yet."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # its text would tell the password
        raise Failed(f"the address of {SOURCE} is not a database URL") from None
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
        patience = {"connect_timeout": int(TIMEOUT_S)}
        return create_engine(parsed, poolclass=NullPool, connect_args=patience)
    engine = create_engine(parsed, poolclass=NullPool, connect_args={"timeout": TIMEOUT_S})
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _leave_transactions_to_us)
        event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """All of it or nothing; raises Unavailable while the database cannot be written to."""
    try:
        with engine.begin() as connection:
            yield connection
    except IntegrityError:
        raise
    except (SQLAlchemyError, OSError) as error:
        why = str(getattr(error, "orig", None) or error).partition("\n")[0]
        raise Unavailable(SOURCE, why) from error


def add_inspection(engine: Engine, row: Values) -> bool:
    """Store an inspection; False when one with its id is there already."""
    c = tables.inspections.c
    try:
        with transaction(engine) as connection:
            if connection.execute(select(c.id).where(c.id == row["id"])).first():
                return False
            connection.execute(insert(tables.inspections), [row])
    except IntegrityError as error:
        if find_inspection(engine, row["id"]) is None:
            why = str(error.orig).partition("\n")[0]
            raise Unavailable(SOURCE, why) from error
        return False
    return True


def find_inspection(engine: Engine, id_: int) -> Values | None:
    """The stored inspection with that id."""
    with transaction(engine) as connection:
        found = connection.execute(
            select(tables.inspections).where(tables.inspections.c.id == id_)
        ).first()
        return dict(found._mapping) if found else None


def running_order(engine: Engine, line: str, moment: datetime) -> tuple[str, str]:
    """Product and batch of the order that a line works on at a moment; empty without one."""
    c = tables.production_orders.c
    query = (
        select(c.product, c.batch, c.finished)
        .where(c.line == line, c.start <= from_utc(moment), c.status != "planned")
        .order_by(c.start.desc())
        .limit(1)
    )
    with transaction(engine) as connection:
        found = connection.execute(query).first()
    if found is None or (found.finished and to_utc(found.finished) <= moment):
        return "", ""
    return found.product, found.batch


def note_model(connection: Connection, card: Card, since: datetime) -> None:
    """Write down once what drift is told by for the model in use."""
    table = tables.inspection_models
    if connection.execute(select(table.c.model).where(table.c.model == card.label)).first():
        return
    row = {
        "model": card.label,
        "since": from_utc(since),
        "accuracy": card.held_out.accuracy,
        "distances": [round(distance / card.limit, 4) for distance in card.distances],
    }
    connection.execute(insert(table), [row])


def verdict_values(verdict: Verdict) -> Values:
    """A verdict as columns of an inspection."""
    return {
        "passed": verdict.passed,
        "defect": verdict.defect,
        "score": verdict.score,
        "model": verdict.model,
        "boxes": [list(box) for box in verdict.boxes],
        "distance": verdict.distance,
        "review": verdict.review,
    }


def waiting_reviews(engine: Engine, most: int) -> list[Values]:
    """Inspections that a person should look at and nobody has, oldest first."""
    c = tables.inspections.c
    query = (
        select(tables.inspections)
        .where(c.review != "", c.decision == "")
        .order_by(c.time, c.id)
        .limit(most)
    )
    with transaction(engine) as connection:
        return [dict(row._mapping) for row in connection.execute(query)]


def read_decision(text: str) -> str:
    """A decision as it is stored: `good` or a defect in small letters; raises Retry for none."""
    decision = " ".join(text.lower().split())
    if not 0 < len(decision) <= 40 or not decision.isprintable():
        raise Retry("say what it is: good, or the name of the defect (40 characters at most)")
    return decision


def decide(engine: Engine, id_: int, decision: str, by: str, moment: datetime) -> None:
    """Store what a person says of a part: `good` or a defect; raises Failed when it is decided."""
    table, c = tables.inspections, tables.inspections.c
    values = {"decision": decision, "decided_by": by, "decided": from_utc(moment)}
    open_ = (c.id == id_) & (c.decision == "")
    with transaction(engine) as connection:
        if connection.execute(update(table).where(open_).values(values)).rowcount:
            return
        found = connection.execute(select(c.decision, c.decided_by).where(c.id == id_)).first()
        if found is None:
            raise Failed(f"there is no inspection {id_}")
        raise Failed(f"inspection {id_} was decided before: {found.decision} by {found.decided_by}")


def _leave_transactions_to_us(connection: Any, _record: object) -> None:
    connection.isolation_level = None
