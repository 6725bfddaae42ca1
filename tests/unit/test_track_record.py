from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from telemetry_fixture import NOW, Works, build_works, fact, job

from copilot_tools.errors import Failed, Retry, Unavailable
from copilot_tools.predictions import Prediction, Role
from copilot_tools.track_record import score_predictions


@dataclass
class MemoryPredictions:
    """What was predicted; `down` makes it a dead database."""

    kept: Sequence[Prediction] = ()
    down: Unavailable | None = None

    def keep(self, predictions: Sequence[Prediction]) -> None:
        raise AssertionError("who asks how it was predicts nothing")

    def of(self, assets: Sequence[str] | None) -> list[Prediction]:
        if self.down:
            raise self.down
        return [p for p in self.kept if assets is None or p.asset in assets]


@pytest.fixture
def works(tmp_path: Path) -> Works:
    works = build_works(tmp_path)
    works.erp.jobs = [job(10), job(40, component="coupling")]
    return works


def said(
    ago: float,
    low: float,
    high: float | None,
    component: str = "bearing",
    role: Role = "told",
    model: str = "trend",
) -> Prediction:
    at = NOW - timedelta(days=ago)
    middle = low if high is None else (low + high) / 2
    return Prediction("K-1", component, at, model, role, middle, low, high)


def keep(works: Works, *kept: Prediction) -> None:
    works.plant = replace(works.plant, predictions=MemoryPredictions(kept))


async def test_what_held_and_what_did_not_is_counted(works: Works):
    keep(works, said(20, 8, 12), said(18, 7, 9), said(15, 1, 2), said(9, 20, 40), said(14, 9, 12))
    found = await works.ask(score_predictions, asset="raw pump", component="bearing")
    assert found.summary.startswith(
        "K-1 Raw pump, bearing: 4 past predictions of remaining life came due: 2 within the "
        "interval (50 %, meant are 80 %), 1 ended sooner and 1 lasted longer; where the end came "
        "they were off by "
    )
    assert found.summary.endswith("(median); 1 not yet due.")
    assert fact(found, "bearing past predictions within their interval, share").value == 50
    assert found.tables[0].rows[0][:5] == ("K-1", "bearing", "trend", 4, 2)


async def test_without_a_machine_all_of_them_are_told_component_by_component(works: Works):
    bearing, coupling = said(20, 8, 12), said(50, 2, 4, "coupling")
    keep(works, bearing, coupling, replace(bearing, model="remaining-life pump/bearing v1"))
    found = await works.ask(score_predictions)
    assert found.summary.startswith("Small works: 3 past predictions of remaining life came due")
    assert "By component: K-1 coupling 0 of 1, K-1 bearing 2 of 2." in found.summary
    assert fact(found, "past predictions that came due", "small").value == 3
    assert [row[2] for row in found.tables[0].rows] == [
        "remaining-life pump/bearing v1", "trend", "trend",
    ]  # fmt: skip
    assert set(found.mentions) == {"K-1 Raw pump", "bearing", "coupling"}


async def test_only_what_was_told_before_today_counts(works: Works):
    keep(works, said(0.1, 8, 12), said(20, 8, 12, role="shadow"))
    found = await works.ask(score_predictions, asset="K-1")
    assert "I cannot say yet how often I was right" in found.summary
    assert "those made so far are of today" in found.summary
    assert found.facts == ()


async def test_nothing_kept_and_nothing_due_are_said_to_be_so(works: Works):
    keep(works)
    assert "no prediction was made before today" in (await works.ask(score_predictions)).summary
    keep(works, said(5, 20, 40))
    found = await works.ask(score_predictions, component="bearing")
    assert "none of 1 past predictions of remaining life came due yet." in found.summary


async def test_a_repair_in_time_proves_nothing(works: Works):
    works.erp.jobs = [job(10, kind="preventive", parts=("BRG-1",))]
    keep(works, said(20, 30, 40), said(21, 30, 40))
    found = await works.ask(score_predictions, asset="K-1")
    assert "2 proved neither right nor wrong by a repair before their time" in found.summary
    assert fact(found, "bearing past predictions cut short by a repair").value == 2


async def test_names_that_fit_nothing_are_asked_back(works: Works):
    keep(works, said(20, 8, 12))
    with pytest.raises(Retry, match="no asset 'K-9'"):
        await works.ask(score_predictions, asset="K-9")
    with pytest.raises(Retry, match="no component of K-1 'gearbox'"):
        await works.ask(score_predictions, asset="K-1", component="gearbox")
    with pytest.raises(Retry, match="no component 'gearbox'"):
        await works.ask(score_predictions, component="gearbox")


async def test_a_group_of_machines_is_a_name_too(works: Works):
    keep(works, said(20, 8, 12))
    found = await works.ask(score_predictions, asset="pumps")
    assert found.summary.startswith("K-1 Raw pump: 1 past prediction of remaining life came due")


async def test_where_the_record_cannot_be_had_that_is_the_answer(works: Works):
    with pytest.raises(Failed, match="not kept here"):
        await works.ask(score_predictions)
    down = Unavailable("the copilot's own database", "disk full")
    works.plant = replace(works.plant, predictions=MemoryPredictions(down=down))
    with pytest.raises(Unavailable, match="disk full"):
        await works.ask(score_predictions)
    keep(works, said(20, 8, 12))
    works.erp.down = Unavailable("plant database", "no file")
    with pytest.raises(Unavailable, match="no file"):
        await works.ask(score_predictions)
