"""The lease as this process holds it: begun, kept, and never believed longer than it lasts."""

from datetime import timedelta

from sqlalchemy import Connection, Engine

from copilot.db import reading, writing
from copilot.executor import lease
from copilot.executor.clock import Clock
from copilot.executor.lease import Lease, StaleLease
from copilot.executor.watermark import Watermark


class Tenure:
    """One executor's time in office, in a database that is still the one it knows."""

    def __init__(
        self, engine: Engine, watermark: Watermark, clock: Clock, holder: str, lasts_s: float
    ) -> None:
        self._engine = engine
        self._watermark = watermark
        self._clock = clock
        self._holder = holder
        self._lasts = timedelta(seconds=lasts_s)
        self._lease: Lease | None = None
        self._sure_until = 0.0

    @property
    def token(self) -> int:
        """The fencing token; raises StaleLease before the beginning and after the end."""
        if self._lease is None:
            raise StaleLease(0)
        return self._lease.token

    def begin(self) -> bool:
        """Take the lease; False while another executor holds it. Raises Restored, Unavailable."""
        elapsed = self._clock.elapsed()
        with writing(self._engine) as connection:
            known = self._watermark.check(connection)
            if self._watermark.read() is None:
                # Before the first lease is: a lease without a mark would look like a restore.
                self._watermark.save(known)
            at = self._clock.now()
            taken = lease.acquire(connection, self._holder, at, self._lasts, known.token)
            mark = self._watermark.newest(connection)
        if taken is None:
            return False
        self._watermark.save(mark)
        self._lease = taken
        self._sure_until = elapsed + self._lasts.total_seconds()
        return True

    def extend(self) -> None:
        """Hold the lease for longer; raises StaleLease, Unavailable."""
        if self._lease is None:
            raise StaleLease(0)
        elapsed = self._clock.elapsed()
        with writing(self._engine) as connection:
            self._lease = lease.renew(connection, self._lease, self._clock.now(), self._lasts)
        self._sure_until = elapsed + self._lasts.total_seconds()

    def end(self) -> None:
        """Give the lease back, where it is still ours."""
        held, self._lease = self._lease, None
        self._sure_until = 0.0
        if held is None:
            return
        with writing(self._engine) as connection:
            lease.release(connection, held)

    def is_sure(self) -> bool:
        """Whether nobody can have taken over yet, by the counter alone and without asking."""
        return self._clock.elapsed() < self._sure_until

    def check(self, connection: Connection) -> None:
        """Raises StaleLease or Restored unless this transaction is ours to write."""
        lease.check(connection, self.token)
        self._watermark.check(connection)

    def look(self) -> None:
        """See that the database is still the known one, and remember how far it is now."""
        with reading(self._engine) as connection:
            lease.check(connection, self.token)
            known = self._watermark.check(connection)
            mark = self._watermark.newest(connection)
        if mark != known:
            self._watermark.save(mark)
