"""The evidence pack: a ZIP that anybody can check offline, without the copilot and its database."""

import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from importlib.resources import files
from itertools import takewhile
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select

from copilot import tables
from copilot.audit.checkpoints import Checkpoint, read_stored
from copilot.audit.log import AuditRow, read_head, read_rows
from copilot.canonical import digest, read_strict, write_canonical
from copilot.db import reading
from copilot.proposal import write_time
from copilot_tools.errors import Retry

VERIFIER = "evidence/verify_evidence.py"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a pack holds besides rows: the public key, the site, texts of policies and schemas.

    `witnesses` are checkpoints kept outside the database. With `proposal`, a proposal's number, the
    rows reach from its first to the checkpoint that vouches for its last.
    """

    public_key: str
    at: datetime
    site: str
    witnesses: tuple[Checkpoint, ...] = ()
    policies: tuple[str, ...] = ()
    proposal: int | None = None


def export(engine: Engine, evidence: Evidence, output: Path) -> int:
    """Write the pack and return how many rows it holds.

    Raises Retry when there is no such proposal or the file exists, Unavailable and OSError.
    """
    if output.exists():
        raise Retry(f"{output} exists; nothing was overwritten")
    if not output.parent.is_dir():
        raise Retry(f"{output.parent} is no folder; nothing was written")
    with (
        reading(engine) as connection,
        zipfile.ZipFile(output, "x", zipfile.ZIP_DEFLATED) as archive,
    ):
        return _Pack(archive).write(connection, evidence)


class _Pack:
    """The files as they are written, each with its SHA-256 for the manifest."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._hashes: dict[str, str] = {}
        self._policies: dict[str, str] = {}
        self._rows = 0

    def write(self, connection: Connection, evidence: Evidence) -> int:
        head = read_head(connection)
        stored = [*read_stored(connection), *evidence.witnesses]
        checkpoints = sorted(dict.fromkeys(stored), key=lambda checkpoint: checkpoint.seq)
        first, last = 1, None
        if evidence.proposal is not None:
            first, last = _span(connection, evidence.proposal, checkpoints)
        wanted = [c for c in checkpoints if first <= c.seq and (last is None or c.seq <= last)]
        self._add("rows.jsonl", self._row_lines(connection, first, last))
        self._add("checkpoints.jsonl", (_checkpoint_line(checkpoint) for checkpoint in wanted))
        self._add("public_key.pem", [evidence.public_key])
        for text in (*evidence.policies, *self._policies.values()):
            self._policies[digest(text)] = text
        for name, text in sorted(self._policies.items()):
            self._add(f"policies/{name}.txt", [text])
        self._add(VERIFIER, [files("copilot.audit").joinpath(VERIFIER).read_text("utf-8")])
        whole = {"seq": head.seq, "hash": head.hash, "at": head.at}
        manifest = {
            "made": write_time(evidence.at),
            "by": f"industrial-copilot {version('industrial-copilot')}",
            "site": evidence.site,
            "proposal": evidence.proposal,
            "first": first,
            "head": whole if last is None else None,
            "files": self._hashes,
        }
        self._archive.writestr("manifest.json", write_canonical(manifest))
        return self._rows

    def _add(self, name: str, texts: Iterable[str]) -> None:
        hashed = hashlib.sha256()
        with self._archive.open(name, "w", force_zip64=True) as file:
            for text in texts:
                file.write(text.encode("utf-8"))
                hashed.update(text.encode("utf-8"))
        self._hashes[name] = hashed.hexdigest()

    def _row_lines(self, connection: Connection, first: int, last: int | None) -> Iterator[str]:
        rows = read_rows(connection, first - 1)
        for row in takewhile(lambda row: last is None or row.seq <= last, rows):
            self._rows += 1
            self._keep_policies(row)
            texts = {"row": row.text, "hash": row.hash, "proposal": row.proposal}
            line = {"seq": row.seq, **{name: str(text) for name, text in texts.items()}}
            yield write_canonical(line) + "\n"

    def _keep_policies(self, row: AuditRow) -> None:
        """Texts of policies and schemas that were put on record when they came into force."""
        if '"kind":"policy.loaded"' not in str(row.text):
            return
        try:
            data = read_strict(row.text)["data"]
            texts = [text for name, text in data.items() if name.endswith("_text")]
            self._policies.update({digest(text): text for text in texts})
        except (ValueError, KeyError, TypeError, AttributeError):
            return  # A row that was altered goes into the pack as it is.


def _span(
    connection: Connection, number: int, checkpoints: Iterable[Checkpoint]
) -> tuple[int, int | None]:
    """The rows that tell of a proposal and those up to the next checkpoint, else to the end."""
    p, a = tables.proposals.c, tables.audit.c
    query = select(func.min(a.seq), func.max(a.seq)).where(
        a.proposal == select(p.id).where(p.number == number).scalar_subquery()
    )
    first, last = connection.execute(query).one()
    if first is None:
        raise Retry(f"there is no proposal {number} in the audit log")
    return first, min((c.seq for c in checkpoints if c.seq >= last), default=None)


def _checkpoint_line(checkpoint: Checkpoint) -> str:
    return write_canonical(asdict(checkpoint)) + "\n"
