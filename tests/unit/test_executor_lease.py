from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from account_fixture import audit_rows
from sqlalchemy import Engine

from copilot.audit.log import Entry, append
from copilot.db import reading, writing
from copilot.executor import lease
from copilot.executor.clock import Clock
from copilot.executor.lease import StaleLease
from copilot.executor.tenure import Tenure
from copilot.executor.watermark import Mark, Restored, Watermark

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LASTS = timedelta(seconds=10)


def test_one_holds_it_until_it_expires_and_the_token_grows(own_engine: Engine) -> None:
    with writing(own_engine) as connection:
        first = lease.acquire(connection, "a", NOW, LASTS)
        assert first is not None
        assert lease.acquire(connection, "b", NOW + LASTS / 2, LASTS) is None
        second = lease.acquire(connection, "b", NOW + LASTS, LASTS)
        assert second is not None
        assert (first.token, second.token) == (1, 2)
        with pytest.raises(StaleLease):
            lease.check(connection, first.token)
        with pytest.raises(StaleLease):
            lease.renew(connection, first, NOW + LASTS, LASTS)
        lease.check(connection, second.token)


def test_given_back_it_is_free_at_once_and_goes_on_above_any_token(own_engine: Engine) -> None:
    with writing(own_engine) as connection:
        first = lease.acquire(connection, "a", NOW, LASTS)
        assert first is not None
        lease.release(connection, first)
        again = lease.acquire(connection, "b", NOW, LASTS, above=40)
    assert again is not None
    assert again.token == 41
    kinds = [row["kind"] for row in audit_rows(own_engine)]
    assert kinds == ["executor.lease", "executor.lease"]


def test_a_stale_one_leaves_nothing_behind(own_engine: Engine, tmp_path: Path) -> None:
    first, second = (
        Tenure(own_engine, Watermark(tmp_path), Clock(), name, 0.01) for name in ("a", "b")
    )
    assert first.begin()
    while not second.begin():
        pass

    def write_first() -> None:
        with writing(own_engine) as connection:
            append(connection, Entry("executor.started", "executor", "", {}), datetime.now(UTC))
            first.check(connection)

    with pytest.raises(StaleLease):
        write_first()
    assert "executor.started" not in [row["kind"] for row in audit_rows(own_engine)]


def test_a_tenure_is_not_sure_of_a_lease_longer_than_it_lasts(
    own_engine: Engine, tmp_path: Path
) -> None:
    counter = [0.0]
    started = datetime.now(UTC)
    clock = Clock(lambda: started + timedelta(seconds=counter[0]), lambda: counter[0])
    tenure = Tenure(own_engine, Watermark(tmp_path), clock, "a", 10.0)
    assert not tenure.is_sure()
    assert tenure.begin()
    assert tenure.is_sure()
    counter[0] = 10.0
    assert not tenure.is_sure()
    tenure.extend()
    assert tenure.is_sure()
    tenure.end()
    assert not tenure.is_sure()


def _append(engine: Engine, kind: str) -> None:
    with writing(engine) as connection:
        append(connection, Entry(kind, "system", "", {}), datetime.now(UTC))


def test_a_database_behind_the_mark_was_restored(own_engine: Engine, tmp_path: Path) -> None:
    watermark = Watermark(tmp_path)
    for mark in (Mark(5, "a" * 64, 0), Mark(0, "0" * 64, 3), Mark(1, "b" * 64, 0)):
        _append(own_engine, "account.added")
        watermark.save(mark)
        with pytest.raises(Restored), reading(own_engine) as connection:
            watermark.check(connection)


def test_a_database_ahead_of_the_mark_is_the_known_one(own_engine: Engine, tmp_path: Path) -> None:
    watermark = Watermark(tmp_path)
    _append(own_engine, "account.added")
    with reading(own_engine) as connection:
        mark = watermark.newest(connection)
    watermark.save(mark)
    _append(own_engine, "account.disabled")
    with reading(own_engine) as connection:
        assert watermark.check(connection) == mark


@pytest.mark.parametrize("content", ["", "{}x", '{"seq": 1, "more": 2}', "[1]"])
def test_a_damaged_mark_is_no_mark(own_engine: Engine, tmp_path: Path, content: str) -> None:
    (tmp_path / "watermark.json").write_text(content, encoding="utf-8")
    with pytest.raises(Restored), reading(own_engine) as connection:
        Watermark(tmp_path).check(connection)
