"""Ways to alter an audit log, as somebody could who owns the database but not the signing key."""

import random
from collections.abc import Callable
from dataclasses import replace
from json import loads as read_loose
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from copilot.audit.checkpoints import Checkpoint
from copilot.audit.log import GENESIS, AuditRow, Head
from copilot.canonical import digest, read_strict, write_canonical
from copilot_evals.audit_log import Log

Rows = tuple[int, int]  # the first and the last row that is no longer what was written
Tampered = tuple[Log, Rows]
Tampering = Callable[[Log, random.Random], Tampered]


def edit(log: Log, choose: random.Random) -> Tampered:
    """One character of a row."""
    at = choose.randrange(len(log.rows))
    text = log.rows[at].text
    place = choose.randrange(len(text))
    letter = choose.choice([c for c in '0aZ "}é' if c != text[place]])
    altered = text[:place] + letter + text[place + 1 :]
    return _replace(log, at, text=altered), _one(at)


def edit_rehashed(log: Log, choose: random.Random) -> Tampered:
    """Who did it, in one row, with its hash made right."""
    at = choose.randrange(len(log.rows))
    text = _reworded(log.rows[at].text, actor="somebody")
    return _replace(log, at, text=text, hash=digest(text)), _one(at)


def edit_hash(log: Log, choose: random.Random) -> Tampered:
    """The hash of one row."""
    at = choose.randrange(len(log.rows))
    return _replace(log, at, hash=digest(log.rows[at].hash)), _one(at)


def refile(log: Log, choose: random.Random) -> Tampered:
    """The proposal that one row is filed under, so that its story lacks it."""
    at = choose.randrange(len(log.rows))
    return _replace(log, at, proposal="0" * 32), _one(at)


def delete(log: Log, choose: random.Random) -> Tampered:
    """Some rows in a row."""
    at = choose.randrange(len(log.rows))
    count = min(choose.randint(1, 5), len(log.rows) - at)
    rows = log.rows[:at] + log.rows[at + count :]
    return replace(log, rows=rows), (at + 1, at + count)


def delete_rebuilt(log: Log, choose: random.Random) -> Tampered:
    """One row, with all later ones numbered and chained anew."""
    at = choose.randrange(len(log.rows) - 1)
    return _rebuild(log, at, _texts(log)[:at] + _texts(log)[at + 1 :], choose)


def swap(log: Log, choose: random.Random) -> Tampered:
    """The contents of two rows."""
    first, second = sorted(choose.sample(range(len(log.rows)), 2))
    rows = list(log.rows)
    rows[first] = replace(log.rows[second], seq=first + 1)
    rows[second] = replace(log.rows[first], seq=second + 1)
    return replace(log, rows=tuple(rows)), _one(first)


def swap_rebuilt(log: Log, choose: random.Random) -> Tampered:
    """Two rows, with all later ones numbered and chained anew."""
    first, second = sorted(choose.sample(range(len(log.rows)), 2))
    texts = _texts(log)
    texts[first], texts[second] = texts[second], texts[first]
    return _rebuild(log, first, texts, choose)


def insert(log: Log, choose: random.Random) -> Tampered:
    """A row that is there twice, or stands behind the end."""
    at = choose.randrange(len(log.rows))
    if at + 1 == len(log.rows):
        text = _reworded(log.rows[at].text, seq=at + 2, previous=log.rows[at].hash)
        row = AuditRow(at + 2, text, digest(text), log.rows[at].proposal)
        return replace(log, rows=(*log.rows, row)), _one(at + 1)
    return replace(log, rows=log.rows[: at + 1] + log.rows[at:]), _one(at)


def insert_rebuilt(log: Log, choose: random.Random) -> Tampered:
    """An invented row, with all later ones numbered and chained anew."""
    at = choose.randrange(len(log.rows))
    texts = _texts(log)
    invented = _reworded(texts[at], kind="approval.given", actor="somebody")
    return _rebuild(log, at, [*texts[:at], invented, *texts[at:]], choose)


def truncate(log: Log, choose: random.Random) -> Tampered:
    """The newest rows; the head is left as it was, or set back with the checkpoints."""
    keep = choose.randrange(len(log.rows))
    rows, lost = log.rows[:keep], (keep + 1, len(log.rows))
    if choose.random() < 0.5:
        return replace(log, rows=rows), lost
    stored = tuple(c for c in log.checkpoints if c.seq <= keep)
    return replace(log, rows=rows, checkpoints=stored, head=_head(rows)), lost


def fork(log: Log, choose: random.Random) -> Tampered:
    """History from one row on, written anew and chained without a fault."""
    at = choose.randrange(len(log.rows))
    texts = _texts(log)
    texts[at] = _reworded(texts[at], actor="somebody")
    return _rebuild(log, at, texts, choose)


def repeat_key(log: Log, choose: random.Random) -> Tampered:
    """A row that says who did it twice, chained without a fault."""
    at = choose.randrange(len(log.rows))
    return _rebuild(log, at, _texts(log), choose, repeat=True)


def forge_checkpoint(log: Log, choose: random.Random) -> Tampered:
    """The signature, or the hash, of a stored checkpoint."""
    at = choose.randrange(len(log.checkpoints))
    old = log.checkpoints[at]
    new = choose.choice([_resigned(old, choose), replace(old, text=_reworded(old.text, site="x"))])
    stored = (*log.checkpoints[:at], new, *log.checkpoints[at + 1 :])
    return replace(log, checkpoints=stored), _one(old.seq - 1)


def move_head(log: Log, choose: random.Random) -> Tampered:
    """Where the log says that it ends."""
    newest = log.rows[-1].seq
    seq = newest + choose.choice((-3, -1, 1, 3))
    return replace(log, head=replace(log.head, seq=seq)), _one(min(seq, newest))


TAMPERINGS: tuple[Tampering, ...] = (
    edit,
    edit_rehashed,
    edit_hash,
    refile,
    delete,
    delete_rebuilt,
    swap,
    swap_rebuilt,
    insert,
    insert_rebuilt,
    truncate,
    fork,
    repeat_key,
    forge_checkpoint,
    move_head,
)


def _one(at: int) -> Rows:
    return at + 1, at + 1


def _texts(log: Log) -> list[str]:
    return [row.text for row in log.rows]


def _replace(log: Log, at: int, **values: Any) -> Log:
    row = replace(log.rows[at], **values)
    return replace(log, rows=(*log.rows[:at], row, *log.rows[at + 1 :]))


def _reworded(text: str, **values: Any) -> str:
    return write_canonical({**read_strict(text), **values})


def _rebuild(
    log: Log, start: int, texts: list[str], choose: random.Random, repeat: bool = False
) -> Tampered:
    """The log with these texts from row index `start` on, numbered and chained; the head follows.

    Its own checkpoints are thrown away or signed with another key; those pushed elsewhere stay.
    """
    rows = list(log.rows[:start])
    for at in range(start, len(texts)):
        previous = rows[-1].hash if rows else GENESIS
        text = _reworded(texts[at], seq=at + 1, previous=previous)
        if repeat and at == start:
            text = text.replace('{"actor":', '{"actor":"somebody","actor":', 1)
        rows.append(AuditRow(at + 1, text, digest(text), read_loose(text)["proposal"]))
    kept = [checkpoint for checkpoint in log.checkpoints if checkpoint.seq <= start]
    if choose.random() < 0.5:
        later = [c for c in log.checkpoints if start < c.seq <= len(rows)]
        kept += [_resigned(c, choose, hash=rows[c.seq - 1].hash) for c in later]
    altered = replace(log, rows=tuple(rows), checkpoints=tuple(kept), head=_head(tuple(rows)))
    return altered, (start + 1, max(len(rows), len(log.rows)))


def _resigned(checkpoint: Checkpoint, choose: random.Random, **values: Any) -> Checkpoint:
    """The checkpoint with these values, signed with a key that is not the plant's."""
    stranger = Ed25519PrivateKey.from_private_bytes(choose.randbytes(32))
    text = _reworded(checkpoint.text, **values)
    return Checkpoint(checkpoint.seq, text, stranger.sign(text.encode()).hex())


def _head(rows: tuple[AuditRow, ...]) -> Head:
    if not rows:
        return Head(0, GENESIS, "1970-01-01T00:00:00.000000Z")
    return Head(rows[-1].seq, rows[-1].hash, read_loose(rows[-1].text)["at"])
