"""What people thought of answers: right or wrong, and why; exported for the evaluations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, delete, insert, select

from copilot import tables
from copilot.db import reading, stamp, unstamp, writing
from copilot.events import Answered, Planned
from copilot.runs.store import events_of
from copilot_tools.display import printable
from copilot_tools.errors import Retry

LONGEST_WHY = 1000


@dataclass(frozen=True, slots=True)
class Rating:
    """One person's word about one answer; `why` may be empty."""

    right: bool
    why: str


def rate(engine: Engine, run: str, account: str, rating: Rating, at: datetime) -> None:
    """Keep a rating in place of an earlier one of this person; raises Retry for a long reason."""
    why = printable(rating.why.strip(), lines=True)
    if len(why) > LONGEST_WHY:
        raise Retry(f"please say why in at most {LONGEST_WHY:,} characters")
    c = tables.feedback.c
    row = {"run": run, "account": account, "right": rating.right, "why": why, "at": stamp(at)}
    with writing(engine) as connection:
        connection.execute(delete(tables.feedback).where(c.run == run, c.account == account))
        connection.execute(insert(tables.feedback).values(row))


def ratings(engine: Engine, runs: Sequence[str], account: str) -> dict[str, Rating]:
    """What a person said about some runs, by run."""
    c = tables.feedback.c
    query = select(tables.feedback).where(c.run.in_(runs), c.account == account)
    with reading(engine) as connection:
        return {row.run: Rating(row.right, row.why) for row in connection.execute(query)}


def export(engine: Engine) -> Iterator[dict[str, Any]]:
    """Every rating with its question, its calls and its answer, oldest first."""
    runs, feedback = tables.runs, tables.feedback
    joined = select(feedback, runs.c.text).join(runs, runs.c.id == feedback.c.run)
    with reading(engine) as connection:
        rows = connection.execute(joined.order_by(feedback.c.at, feedback.c.run)).all()
    for row in rows:
        events = [event for _, event in events_of(engine, [row.run])[row.run]]
        planned = next((event.calls for event in events if isinstance(event, Planned)), ())
        yield {
            "question": row.text,
            "calls": [{"tool": call.tool, **call.arguments} for call in planned],
            "answer": next((event.text for event in events if isinstance(event, Answered)), ""),
            "right": row.right,
            "why": row.why,
            "who": row.account,
            "when": unstamp(row.at).isoformat(),
        }
