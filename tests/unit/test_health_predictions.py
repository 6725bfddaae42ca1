from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from copilot import db
from copilot.health.predictions import DayScore, PredictionBook
from copilot_tools.errors import Unavailable
from copilot_tools.predictions import Prediction, Role

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def said(model: str = "trend", role: Role = "told", hours: float = 0.0, **more: str) -> Prediction:
    names = {"asset": "K-1", "component": "bearing", **more}
    return Prediction(
        **names, at=NOW + timedelta(hours=hours), model=model, role=role, days=9, low=5, high=None
    )


def test_what_was_said_comes_back_in_time_order(own_engine: Engine):
    book = PredictionBook(own_engine)
    later, earlier = said(hours=30), said(component="coupling")
    book.keep([later, earlier, said(asset="K-2")])
    assert book.of(["K-1"]) == [earlier, later]
    assert len(book.of(None)) == 3
    assert book.of([]) == []


def test_the_first_of_a_day_counts(own_engine: Engine):
    book = PredictionBook(own_engine)
    first = said(hours=-3)
    book.keep([first, said()])
    book.keep([said(hours=3), said("remaining-life pump/bearing v1"), said("other", "shadow")])
    kept = book.of(["K-1"])
    assert kept[0] == first
    assert {p.model for p in kept} == {"trend", "remaining-life pump/bearing v1", "other"}
    assert len(kept) == 3


def test_a_day_that_is_scored_again_is_replaced(own_engine: Engine):
    book = PredictionBook(own_engine)
    book.keep_scores([DayScore("K-1", "m v1", "2026-11-20", "told", 0.8, 0.0)])
    newer = DayScore("K-1", "m v1", "2026-11-20", "told", 0.9, 0.1)
    book.keep_scores([newer, DayScore("K-2", "m v1", "2026-11-20", "shadow", 0.5, 0.0)])
    assert book.scores(["K-1"]) == [newer]


def test_a_database_that_is_not_there_is_said_to_be():
    engine = db.open_database("sqlite:////nowhere/at/all/own.db")
    book = PredictionBook(engine)
    with pytest.raises(Unavailable, match="own database is not reachable"):
        book.keep([said()])
    with pytest.raises(Unavailable):
        book.of(None)
    engine.dispose()
