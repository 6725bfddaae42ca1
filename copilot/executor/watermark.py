"""What the executor remembers outside the database: how far the audit log and the leases were.

A database that lacks it was restored from a backup, or rewritten: what it calls ready may have been
carried out, withdrawn or rejected since. Then nothing is carried out until a person has looked.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from copilot import tables
from copilot.audit.log import GENESIS, read_head
from copilot.executor import lease

FILE = "watermark.json"


class Restored(Exception):
    """The database is not the one the executor worked with last."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"{why}: the database was restored or rewritten, so nothing is carried out; look at "
            "the open proposals, then `copilot executor accept-restore`"
        )


@dataclass(frozen=True, slots=True)
class Mark:
    """The newest audit row that was seen, and the highest fencing token."""

    seq: int = 0
    hash: str = GENESIS
    token: int = 0


class Watermark:
    """The mark in a file of the state folder, replaced as a whole and on the disk at once."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def check(self, connection: Connection) -> Mark:
        """The mark, which the database contains; raises Restored where it does not."""
        mark = self.read()
        head, held = read_head(connection), lease.read(connection)
        token = held.token if held else 0
        if mark is None:
            if token:
                raise Restored(f"there is no {self._path} though executors have run before")
            return Mark()
        if token < mark.token:
            raise Restored(
                f"the newest executor had token {mark.token}, the database knows {token}"
            )
        if head.seq < mark.seq or _hash_of(connection, mark.seq) != mark.hash:
            raise Restored(f"audit row {mark.seq} is not there any more, or is another one")
        return mark

    def newest(self, connection: Connection) -> Mark:
        """Where the database is now; to be saved once its transaction has been committed."""
        head, held = read_head(connection), lease.read(connection)
        return Mark(head.seq, head.hash, held.token if held else 0)

    def read(self) -> Mark | None:
        """The saved mark; None before the first start. Raises Restored when it is damaged."""
        if not self._path.exists():
            return None
        try:
            return Mark(**json.loads(self._path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise Restored(f"{self._path} is damaged ({error})") from None

    def save(self, mark: Mark) -> None:
        """Remember a mark, on the disk when this returns; raises OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(f".{os.getpid()}")
        with draft.open("w", encoding="utf-8") as file:
            json.dump(asdict(mark), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _hash_of(connection: Connection, seq: int) -> str | None:
    if seq == 0:
        return GENESIS
    query = select(tables.audit.c.hash).where(tables.audit.c.seq == seq)
    return connection.execute(query).scalar_one_or_none()
