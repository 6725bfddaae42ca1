import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from copilot import db
from copilot.audit.log import Entry, accept_clock, append, read_head, read_rows
from copilot.audit.verify import Anchor, verify
from copilot_evals.audit import check, measure, names
from copilot_evals.audit_log import Log, build_log
from copilot_evals.tampering import TAMPERINGS, Tampering
from copilot_tools.errors import Failed, Retry, Unavailable

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EVENT = Entry("switch.stop", "s.berg", "", {"reason": "Störung — größer"})


@pytest.fixture(scope="module")
def log() -> Iterator[Log]:
    with build_log(proposals=16, every_rows=10) as built:
        yield built


def test_an_untouched_log_is_whole_and_signed_to_its_end(log: Log):
    verdict = check(log)
    assert (verdict.ok, verdict.problem) == (True, "")
    assert verdict.rows == verdict.signed == len(log.rows)


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda t: t.__name__)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_whatever_is_altered_is_named(log: Log, tampering: Tampering, seed: int):
    altered_log, altered = tampering(log, random.Random(seed))
    verdict = check(altered_log)
    assert names(verdict, altered), f"{altered}: {verdict.problem}"


def test_the_evaluation_counts_what_was_missed(log: Log):
    blind = replace(log, witnesses=())
    outcome = measure(blind, 150)
    found = sum(tally.found for tally in outcome.tallies.values())
    assert 0 < found < 150, "without a witness a rebuilt log without its checkpoints looks whole"
    assert outcome.missed


def test_rows_after_the_last_checkpoint_are_chained_but_not_signed(log: Log):
    newest = log.checkpoints[-1].seq
    verdict = verify(log.rows, log.checkpoints[:-1], log.public_key, log.head)
    assert verdict.ok
    assert verdict.signed < newest


def test_a_part_of_the_log_is_vouched_for_by_a_later_checkpoint(log: Log):
    rows = log.rows[5:20]
    whole = verify(rows, log.checkpoints[:1], log.public_key, anchor=Anchor(5, ""))
    assert (whole.ok, whole.rows, whole.signed) == (True, 15, log.checkpoints[0].seq)
    altered = (replace(rows[0], text=rows[0].text.replace("o.klein", "o.kleim")), *rows[1:])
    assert verify(altered, (), log.public_key, anchor=Anchor(5, "")).first == 6


def test_without_a_public_key_nothing_is_verified(log: Log):
    with pytest.raises(Failed, match="no Ed25519 public key"):
        verify(log.rows, log.checkpoints, "")


def test_a_log_that_was_ahead_goes_on_once_that_is_put_on_record(log: Log, own_engine: Engine):
    with db.writing(own_engine) as connection:
        append(connection, EVENT, NOW + timedelta(days=365))
    with pytest.raises(Unavailable, match="accept-clock"), db.writing(own_engine) as connection:
        append(connection, EVENT, NOW)
    with db.writing(own_engine) as connection:
        accept_clock(connection, "s.berg", "the time server was wrong", NOW)
        append(connection, EVENT, NOW + timedelta(seconds=1))
    with db.reading(own_engine) as connection:
        rows = list(read_rows(connection))
        assert verify(rows, (), log.public_key, read_head(connection)).ok
    assert ["clock.accepted" in row.text for row in rows] == [False, True, False]


def test_the_clock_is_not_accepted_when_nothing_is_ahead(own_engine: Engine):
    with db.writing(own_engine) as connection:
        append(connection, EVENT, NOW)
    with pytest.raises(Retry, match="not ahead"), db.writing(own_engine) as connection:
        accept_clock(connection, "s.berg", "just so", NOW)


def test_a_step_that_a_time_server_makes_is_not_noticed(own_engine: Engine):
    with db.writing(own_engine) as connection:
        append(connection, EVENT, NOW)
        append(connection, EVENT, NOW - timedelta(seconds=1))
        assert read_head(connection).at == "2026-11-21T12:00:00.000000Z"


def test_a_row_that_became_a_blob_is_named(log: Log):
    blob: object = b"\xff"
    altered = replace(log.rows[3], text=blob)
    rows = (*log.rows[:3], altered, *log.rows[4:])
    assert verify(rows, log.checkpoints, log.public_key).first == 4
