"""Is the audit log still the one that was written? Checks every row, link, time and checkpoint."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Engine

from copilot.audit.checkpoints import Checkpoint, read_file, read_stored
from copilot.audit.keys import is_signed, read_public_keys
from copilot.audit.log import CLOCK_ACCEPTED, GENESIS, AuditRow, Head, read_head, read_rows
from copilot.canonical import digest, read_strict
from copilot.db import reading

FIELDS = {"seq", "at", "kind", "actor", "proposal", "data", "previous"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found in `rows` rows; the first damage lies in rows `first` to `last`.

    `signed` is the last row that a good checkpoint vouches for, 0 where none does; rows behind it
    are only chained, and whoever owns the database can have made them. `site` is whose
    checkpoints these are.
    """

    ok: bool
    rows: int
    problem: str = ""
    first: int = 0
    last: int = 0
    signed: int = 0
    site: str = ""


@dataclass(frozen=True, slots=True)
class Anchor:
    """The row that checking starts behind; without `hash` the first row's word is taken."""

    seq: int = 0
    hash: str = GENESIS


def verify(
    rows: Iterable[AuditRow],
    checkpoints: Iterable[Checkpoint],
    public_key: str,
    head: Head | None = None,
    anchor: Anchor | None = None,
    site: str = "",
) -> Verdict:
    """Go through rows in their order, whatever their number, and stop at the first damage.

    `public_key` is PEM text; it may hold several keys where the key was replaced. `head` is what
    the log says of its own end. Checkpoints must be of `site`, else all of the same one. Raises
    Failed when there is no public key.
    """
    chain = _Chain(checkpoints, read_public_keys(public_key), anchor or Anchor(), site)
    try:
        for row in rows:
            chain.add(row)
        chain.end(head)
    except _Damaged as damage:
        found = chain.rows, str(damage), damage.first, damage.last, chain.signed, chain.site
        return Verdict(False, *found)
    return Verdict(True, chain.rows, signed=chain.signed, site=chain.site)


def verify_database(
    engine: Engine, public_key: str, files: Sequence[Path] = (), site: str = ""
) -> Verdict:
    """Check the log in a database against its own checkpoints and those kept in `files`.

    Raises Unavailable when the database does not answer, OSError for an unreadable file.
    """
    witnesses = [checkpoint for path in files for checkpoint in read_file(path)]
    with reading(engine) as connection:
        checkpoints = [*read_stored(connection), *witnesses]
        head = read_head(connection)
        return verify(read_rows(connection), checkpoints, public_key, head, site=site)


def span(first: int, last: int) -> str:
    """These rows in words."""
    return f"row {first}" if first == last else f"rows {first} to {last}"


class _Damaged(Exception):
    def __init__(self, first: int, last: int, what: str) -> None:
        super().__init__(f"{span(first, last)}: {what}")
        self.first = first
        self.last = last


class _Chain:
    """The chain as far as it was followed."""

    def __init__(
        self,
        checkpoints: Iterable[Checkpoint],
        keys: dict[str, Ed25519PublicKey],
        anchor: Anchor,
        site: str,
    ) -> None:
        self._keys = keys
        self._checkpoints: dict[int, list[Checkpoint]] = {}
        for checkpoint in checkpoints:
            if checkpoint.seq > anchor.seq:
                self._checkpoints.setdefault(checkpoint.seq, []).append(checkpoint)
        self._seq = anchor.seq
        self._hash = anchor.hash
        self._at = ""
        self._before = anchor.seq
        self.signed = 0
        self.site = site
        self.rows = 0

    def add(self, row: AuditRow) -> None:
        """The next row; raises _Damaged when it is not what was written there."""
        expected = self._seq + 1
        if row.seq > expected:
            raise _Damaged(expected, row.seq - 1, "missing")
        if row.seq < expected:
            raise _Damaged(row.seq, row.seq, "there twice, or out of order")
        # SQLite keeps whatever it is given, a blob too.
        if not isinstance(row.text, str) or digest(row.text) != row.hash:
            raise _Damaged(row.seq, row.seq, "its content does not match its hash")
        self._follow(row, _read(row))
        self.rows += 1
        if checkpoints := self._checkpoints.pop(row.seq, ()):
            for checkpoint in checkpoints:
                self._compare(checkpoint)
            self.signed = row.seq

    def end(self, head: Head | None) -> None:
        """No more rows; raises _Damaged when there were more once."""
        newest = max((seq for seq in self._checkpoints), default=self._seq)
        if newest > self._seq:
            raise _Damaged(self._seq + 1, newest, "missing, though they were signed")
        if head is None:
            return
        if head.seq > self._seq:
            raise _Damaged(self._seq + 1, head.seq, "missing, though the log was once that long")
        if head.seq < self._seq:
            what = "added behind the end of the log" if self.rows else "missing, though signed once"
            raise _Damaged(head.seq + 1, self._seq, what)
        if head.hash != self._hash or (self.rows and head.at != self._at):
            raise _Damaged(self._seq, self._seq, "not the one the log ended with")

    def _follow(self, row: AuditRow, content: dict[str, Any]) -> None:
        if content["seq"] != row.seq:
            raise _Damaged(row.seq, row.seq, f"holds the content of row {content['seq']}")
        if content["proposal"] != row.proposal:
            raise _Damaged(row.seq, row.seq, "filed under another proposal")
        if self._hash and content["previous"] != self._hash:
            # The altered one may be either: this row, or the one it was written behind.
            raise _Damaged(max(self._seq, 1), row.seq, f"row {row.seq} does not follow what stands")
        if content["at"] < self._at and content["kind"] != CLOCK_ACCEPTED:
            raise _Damaged(
                max(self._seq, 1), row.seq, f"row {row.seq} is earlier than the one before"
            )
        self._seq, self._hash, self._at = row.seq, row.hash, content["at"]

    def _compare(self, checkpoint: Checkpoint) -> None:
        """A wrong checkpoint puts every row in doubt that no earlier one vouches for."""
        doubtful = max(self.signed, self._before) + 1, self._seq
        try:
            said = read_strict(checkpoint.text)
            signed_row = said["seq"], said["hash"]
            key, site = said["key"], said["site"]
        except (ValueError, KeyError):
            raise _Damaged(*doubtful, f"the checkpoint of row {self._seq} is damaged") from None
        if not is_signed(checkpoint.text, checkpoint.signature, key, self._keys):
            what = f"the checkpoint of row {self._seq} is not signed with the key {key}"
            raise _Damaged(*doubtful, what)
        self.site = self.site or site
        if site != self.site:
            what = f"the checkpoint of row {self._seq} is of {site}, not of {self.site}"
            raise _Damaged(*doubtful, what)
        if signed_row != (self._seq, self._hash):
            raise _Damaged(*doubtful, f"not those that were signed at row {self._seq}")


def _read(row: AuditRow) -> dict[str, Any]:
    try:
        content = read_strict(row.text)
    except ValueError as error:
        raise _Damaged(row.seq, row.seq, str(error)) from None
    if content.keys() != FIELDS or not isinstance(content["at"], str):
        raise _Damaged(row.seq, row.seq, "is no audit row")
    return content
