"""What health models said, kept in the copilot's own database and nowhere else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine, RowMapping, insert, select

from copilot import db
from copilot.tables import behaviour_scores, predictions
from copilot_tools.predictions import Prediction, Role


@dataclass(frozen=True, slots=True)
class DayScore:
    """How unusual a machine was on a day (1: the limit of usual), and for what share of it."""

    asset: str
    model: str
    day: str
    role: Role
    score: float
    above: float


@dataclass(frozen=True, slots=True)
class PredictionBook:
    """The predictions and scores of all models; raises Unavailable when it cannot be reached."""

    engine: Engine

    def keep(self, new: Sequence[Prediction]) -> None:
        """Keep predictions; only the first of a component, day, role and model counts."""
        rows = [_row(prediction) for prediction in new]
        if not rows:
            return
        with db.writing(self.engine) as connection:
            for row in rows:
                same = [predictions.c[name] == row[name] for name in _SAME]
                if not connection.execute(select(predictions.c.id).where(*same)).first():
                    connection.execute(insert(predictions).values(**row, id=uuid4().hex))

    def of(self, assets: Sequence[str] | None) -> list[Prediction]:
        """All that are kept of some assets (None: of all), oldest first."""
        query = select(predictions).order_by(predictions.c.at, predictions.c.id)
        if assets is not None:
            query = query.where(predictions.c.asset.in_(assets))
        with db.reading(self.engine) as connection:
            return [_prediction(row) for row in connection.execute(query).mappings()]

    def keep_scores(self, scores: Sequence[DayScore]) -> None:
        """Keep daily scores; a day that is scored again is replaced."""
        if not scores:
            return
        table = behaviour_scores
        with db.writing(self.engine) as connection:
            for score in scores:
                row = {c.name: getattr(score, c.name) for c in table.columns}
                same = [c == row[c.name] for c in table.primary_key.columns]
                connection.execute(table.delete().where(*same))
                connection.execute(insert(table).values(**row))

    def scores(self, assets: Sequence[str]) -> list[DayScore]:
        """The daily scores of some assets, oldest first."""
        table = behaviour_scores
        query = select(table).where(table.c.asset.in_(assets)).order_by(table.c.day)
        with db.reading(self.engine) as connection:
            return [DayScore(**row) for row in connection.execute(query).mappings()]


_SAME = ("asset", "component", "role", "model", "day")


def _row(prediction: Prediction) -> dict[str, Any]:
    moment = db.stamp(prediction.at)
    names = ("asset", "component", "role", "model", "days", "low", "high")
    said: Mapping[str, Any] = {name: getattr(prediction, name) for name in names}
    return {**said, "at": moment, "day": moment.date().isoformat()}


def _prediction(row: RowMapping) -> Prediction:
    return Prediction(
        asset=row["asset"],
        component=row["component"],
        at=db.unstamp(row["at"]),
        model=row["model"],
        role=row["role"],
        days=row["days"],
        low=row["low"],
        high=row["high"],
    )
