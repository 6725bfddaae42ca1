"""Signs the audit log as it grows and pushes each checkpoint to its sinks; the executor's alone."""

import time
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, Engine

from copilot.audit.checkpoints import (
    Checkpoint,
    newest_stored,
    read_stored,
    sign_checkpoint,
    store,
    write_line,
)
from copilot.audit.keys import SigningKey
from copilot.audit.log import Head, read_head, read_rows
from copilot.audit.settings import CheckpointSettings
from copilot.audit.sinks import Sink
from copilot.audit.verify import Anchor, Verdict, verify
from copilot.db import reading, writing
from copilot_tools.errors import Unavailable


class Signer:
    """Signs what is chained to what it signed before; a log that was altered it does not sign.

    `problem` is what is wrong now, empty when nothing is.
    """

    def __init__(
        self,
        engine: Engine,
        settings: CheckpointSettings,
        site: str,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._key = SigningKey.open(settings.key)
        self._site = site
        self._now = now
        self._clock = clock
        self._signed_at = clock()
        self._anchor: Anchor | None = None
        self._taken: dict[Sink, int] = {}
        self._damage = ""
        self.problem = ""

    @property
    def public_pem(self) -> str:
        """The public key, for whoever verifies."""
        return self._key.public_pem

    def healthy(self) -> bool:
        """Whether writing to the plant may go on: not on a log that is altered or unreadable.

        With `require_sinks` everything up to now, the approvals too, is signed and pushed first.
        """
        if self._settings.require_sinks:
            self.sign()
            return not self.problem
        return not self._damage

    def tick(self) -> None:
        """Sign when enough rows or minutes have gone by, and push what a sink has not taken yet."""
        self._attempt(self._is_due)

    def sign(self) -> None:
        """Sign up to the newest row and push, whether it is due or not."""
        self._attempt(lambda: True)

    def _attempt(self, is_due: Callable[[], bool]) -> None:
        try:
            if not self._taken:
                self._begin()
            if self._damage or is_due():
                self._sign()
            failures = self._push()
        except Unavailable as error:
            self._damage, failures = str(error), []
        self.problem = "; ".join([self._damage, *failures] if self._damage else failures)

    def _is_due(self) -> bool:
        with reading(self._engine) as connection:
            head, newest = read_head(connection), newest_stored(connection)
        rows = head.seq - (newest.seq if newest else 0)
        waited = self._clock() - self._signed_at >= self._settings.every_minutes * 60
        return abs(rows) >= self._settings.every_rows or (rows != 0 and waited)

    def _sign(self) -> None:
        with reading(self._engine) as connection:
            head = read_head(connection)
            verdict = self._check(connection, head)
        self._damage = verdict.problem
        if verdict.problem or head.seq == 0:
            return
        checkpoint = sign_checkpoint(self._key, self._site, head, self._now())
        with writing(self._engine) as connection:
            store(connection, checkpoint)
        self._anchor = Anchor(head.seq, head.hash)
        self._signed_at = self._clock()

    def _check(self, connection: Connection, head: Head) -> Verdict:
        """What is wrong between what was signed last and the end of the log."""
        anchor, checkpoints = self._anchor or Anchor(), []
        if self._anchor is None and (newest := newest_stored(connection)):
            anchor, checkpoints = Anchor(newest.seq - 1, ""), [newest]
        rows = read_rows(connection, anchor.seq)
        return verify(rows, checkpoints, self.public_pem, head, anchor)

    def _begin(self) -> None:
        """After a start nobody knows what a sink has; it is given the newest checkpoint again."""
        with reading(self._engine) as connection:
            newest = newest_stored(connection)
        before = newest.seq - 1 if newest else 0
        self._taken = dict.fromkeys(self._settings.sinks(), before)

    def _push(self) -> list[str]:
        """Give each sink what it has not taken yet; what went wrong."""
        failures = []
        for sink, taken in self._taken.items():
            try:
                for checkpoint in self._behind(taken):
                    sink.push(write_line(checkpoint))
                    self._taken[sink] = checkpoint.seq
            except OSError as error:
                failures.append(f"the checkpoint sink {sink.name} fails: {error}")
        return failures

    def _behind(self, seq: int) -> list[Checkpoint]:
        with reading(self._engine) as connection:
            return read_stored(connection, seq)
