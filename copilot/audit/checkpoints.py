"""Checkpoints: the hash of a row, signed, and kept where the log's own machine cannot reach."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, insert, select

from copilot import tables
from copilot.audit.keys import SigningKey
from copilot.audit.log import Head
from copilot.canonical import read_strict, write_canonical
from copilot.proposal import write_time


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed statement about row `seq`: `text` is canonical JSON {at, hash, key, seq, site}."""

    seq: int
    text: str
    signature: str


def sign_checkpoint(key: SigningKey, site: str, head: Head, at: datetime) -> Checkpoint:
    """The statement that the log of `site` ended with this row at this time."""
    text = write_canonical(
        {"seq": head.seq, "hash": head.hash, "at": write_time(at), "site": site, "key": key.id}
    )
    return Checkpoint(head.seq, text, key.sign(text))


def write_line(checkpoint: Checkpoint) -> str:
    """A checkpoint as one line of a file or of a syslog."""
    return write_canonical({"signature": checkpoint.signature, "text": checkpoint.text})


def read_lines(lines: Iterable[str]) -> list[Checkpoint]:
    """The checkpoints in a file, or in a syslog that received them; other lines are passed over.

    A line torn by a power cut counts as none.
    """
    found = (_read_line(line) for line in lines)
    return [checkpoint for checkpoint in found if checkpoint]


def read_file(path: Path) -> list[Checkpoint]:
    """The checkpoints in a file; raises OSError."""
    with path.open(encoding="utf-8", errors="replace") as lines:
        return read_lines(lines)


def read_stored(connection: Connection, after: int = 0) -> list[Checkpoint]:
    """The checkpoints in the database behind row `after`, oldest first."""
    c = tables.checkpoints.c
    query = select(c.seq, c.text, c.signature).where(c.seq > after).order_by(c.seq)
    return [Checkpoint(*row) for row in connection.execute(query)]


def newest_stored(connection: Connection) -> Checkpoint | None:
    """The last checkpoint in the database."""
    c = tables.checkpoints.c
    query = select(c.seq, c.text, c.signature).order_by(c.seq.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return Checkpoint(*row) if row else None


def store(connection: Connection, checkpoint: Checkpoint) -> None:
    """Keep a checkpoint; one row is signed once."""
    c = tables.checkpoints.c
    if connection.execute(select(c.seq).where(c.seq == checkpoint.seq)).first():
        return
    values = {"text": checkpoint.text, "signature": checkpoint.signature}
    connection.execute(insert(tables.checkpoints).values(seq=checkpoint.seq, **values))


def _read_line(line: str) -> Checkpoint | None:
    """What stands behind the header that a syslog puts before each line."""
    start = line.find('{"signature"')
    if start < 0:
        return None
    try:
        content = read_strict(line[start:])
        text, signature = content["text"], content["signature"]
        return Checkpoint(int(read_strict(text)["seq"]), text, signature)
    except (ValueError, KeyError, TypeError):
        return None
