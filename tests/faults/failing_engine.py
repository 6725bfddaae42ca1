"""A database that fails at one chosen call: a statement, or the commit, as disks and wires do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from copilot_tools.errors import Unavailable

LOCKED = "database is locked"
FULL = "database or disk is full"
READ_ONLY = "attempt to write a readonly database"
LOST = "server closed the connection unexpectedly"
ANSWER_LOST = "connection lost while the commit was answered"
FAULTS = (LOCKED, FULL, READ_ONLY, LOST, ANSWER_LOST)

Subject = TypeVar("Subject")


@dataclass(slots=True)
class Failure:
    """The failure to come: at call number `at`, with the words of `fault`."""

    at: int
    fault: str
    calls: int = 0

    @property
    def happened(self) -> bool:
        """Whether there were enough calls for it."""
        return self.calls >= self.at


@contextmanager
def failing(engine: Engine, at: int, fault: str) -> Iterator[Failure]:
    """Within this, call number `at` to the database fails, every other one works.

    With `ANSWER_LOST` a commit that fails was carried out all the same.
    """
    failure = Failure(at, fault)

    def before_statement(connection: Connection, *_: Any) -> None:
        _count(failure, connection, during_commit=False)

    def before_commit(connection: Connection) -> None:
        _count(failure, connection, during_commit=True)

    event.listen(engine, "before_cursor_execute", before_statement)
    event.listen(engine, "commit", before_commit)
    try:
        yield failure
    finally:
        event.remove(engine, "before_cursor_execute", before_statement)
        event.remove(engine, "commit", before_commit)


def fail_at_every_call(
    engine: Engine,
    fault: str,
    prepare: Callable[[], Subject],
    act: Callable[[Subject], object],
    check: Callable[[Subject, bool], None],
) -> int:
    """Act on something new while call 1, 2, 3... fails, until nothing fails; how many calls.

    `check` is told whether `act` said that it was done; Unavailable is the only other answer.
    """
    for at in count(1):
        subject = prepare()
        with failing(engine, at, fault) as failure:
            try:
                act(subject)
                done = True
            except Unavailable as error:
                assert fault in str(error)
                done = False
        assert done or failure.happened
        check(subject, done)
        if not failure.happened:
            return failure.calls
    raise AssertionError("never reached")


def _count(failure: Failure, connection: Connection, during_commit: bool) -> None:
    failure.calls += 1
    if failure.calls != failure.at:
        return
    if failure.fault == ANSWER_LOST and during_commit:
        connection.connection.commit()
    if failure.fault in (LOST, ANSWER_LOST):
        connection.invalidate()
    raise OperationalError("the failing call", {}, Exception(failure.fault))
