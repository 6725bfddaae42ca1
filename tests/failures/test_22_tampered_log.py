"""22: somebody who owns the database edits, deletes, reorders, truncates or forks the log."""

import random
from pathlib import Path

import pytest
from faults.append_only import unlocked
from sqlalchemy import Engine, delete, insert, text, update
from sqlalchemy.exc import IntegrityError

from copilot import db, tables
from copilot.audit.checkpoints import read_file, read_stored
from copilot.audit.log import read_head, read_rows
from copilot.audit.settings import CheckpointSettings
from copilot.audit.signer import Signer
from copilot.audit.verify import verify_database
from copilot_evals.audit import names
from copilot_evals.audit_log import START, Log, write_proposals
from copilot_evals.tampering import TAMPERINGS, Tampering


@pytest.fixture
def log(own_engine: Engine, tmp_path: Path) -> Log:
    """The log of a dozen proposals, signed every ten rows and at its end, witnessed in a file."""
    witness = tmp_path / "witness.jsonl"
    settings = CheckpointSettings(key=tmp_path / "audit.key", every_rows=10, files=(witness,))
    signer = Signer(own_engine, settings, "works", lambda: START)
    write_proposals(own_engine, 12, signer.tick)
    signer.sign()
    with db.reading(own_engine) as connection:
        return Log(
            tuple(read_rows(connection)),
            tuple(read_stored(connection)),
            tuple(read_file(witness)),
            read_head(connection),
            signer.public_pem,
        )


@pytest.mark.parametrize("verb", ["UPDATE {} SET seq = seq + 1000", "DELETE FROM {}"])
@pytest.mark.parametrize("table", ["audit", "checkpoints"])
def test_the_database_itself_refuses_to_change_what_was_written(
    own_engine: Engine, log: Log, table: str, verb: str
):
    with pytest.raises(Exception, match="append-only"), db.writing(own_engine) as connection:
        connection.execute(text(verb.format(table)))


@pytest.mark.parametrize("table", ["audit", "checkpoints"])
def test_a_row_is_not_replaced(own_engine: Engine, log: Log, table: str):
    with db.reading(own_engine) as connection:
        found = connection.execute(text(f"SELECT * FROM {table} ORDER BY seq LIMIT 1"))
        row = dict(found.mappings().one())
    upsert = "INSERT" if own_engine.dialect.name == "postgresql" else "REPLACE"
    columns = ", ".join(f'"{name}"' for name in row)
    values = ", ".join(f":{name}" for name in row)
    statement = text(f"{upsert} INTO {table} ({columns}) VALUES ({values})")
    refused = pytest.raises(IntegrityError, match="append-only|duplicate key")
    with refused, db.writing(own_engine) as connection:
        connection.execute(statement, row)


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda tampering: tampering.__name__)
def test_whatever_its_owner_does_is_found_and_named(
    own_engine: Engine, log: Log, tmp_path: Path, tampering: Tampering
):
    files = [tmp_path / "witness.jsonl"]
    assert verify_database(own_engine, log.public_key, files).ok
    for seed in range(8):
        altered_log, altered = tampering(log, random.Random(seed))
        if len({row.seq for row in altered_log.rows}) < len(altered_log.rows):
            continue  # the primary key does not take a row twice
        overwrite(own_engine, altered_log)
        verdict = verify_database(own_engine, log.public_key, files)
        assert names(verdict, altered), f"{altered}: {verdict.problem}"
        assert verdict.problem.startswith("row")
    overwrite(own_engine, log)
    assert verify_database(own_engine, log.public_key, files).ok


def test_a_rebuilt_log_without_its_checkpoints_is_found_by_the_witness_alone(
    own_engine: Engine, log: Log, tmp_path: Path
):
    with unlocked(own_engine) as connection:
        for table in ("audit", "checkpoints"):
            connection.execute(text(f"DELETE FROM {table}"))
        genesis = {"seq": 0, "hash": "0" * 64, "at": "1970-01-01T00:00:00.000000Z"}
        connection.execute(update(tables.audit_head).values(genesis))
    assert verify_database(own_engine, log.public_key).ok, "nothing is left that could tell"
    verdict = verify_database(own_engine, log.public_key, [tmp_path / "witness.jsonl"])
    assert (verdict.first, verdict.last) == (1, len(log.rows))
    assert "missing" in verdict.problem


def overwrite(engine: Engine, log: Log) -> None:
    """Put an altered log in the place of the one that was written."""
    with unlocked(engine) as connection:
        for table in (tables.audit, tables.checkpoints):
            connection.execute(delete(table))
        rows = [
            {"seq": row.seq, "row": row.text, "hash": row.hash, "proposal": row.proposal}
            for row in log.rows
        ]
        stored = [{"seq": c.seq, "text": c.text, "signature": c.signature} for c in log.checkpoints]
        for table, content in ((tables.audit, rows), (tables.checkpoints, stored)):
            if content:
                connection.execute(insert(table), content)
        head = {"seq": log.head.seq, "hash": log.head.hash, "at": log.head.at}
        connection.execute(update(tables.audit_head).values(head))
