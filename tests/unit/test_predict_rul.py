from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from telemetry_fixture import NOW, Works, build_works, fact, job

from copilot_tools.errors import Retry, Unavailable
from copilot_tools.records import WorkOrder, WorkOrderStatus
from copilot_tools.rul import predict_rul

COUNT = 30 * 24 * 6
AGE = np.arange(COUNT, 0, -1) / (24 * 6)
LIFE = "bearing remaining life"


@pytest.fixture
def works(tmp_path: Path) -> Works:
    return build_works(tmp_path)


def store(works: Works, vibration: np.ndarray, speed: np.ndarray | None = None) -> None:
    """Thirty days in steps of 10 min; a pump that always runs unless `speed` says otherwise."""
    times = np.datetime64(NOW.replace(tzinfo=None), "us")
    noise = np.random.default_rng(2).normal(0, 0.08, COUNT)
    running = np.full(COUNT, 1450.0) if speed is None else speed
    works.history.append_arrays(
        times - np.arange(COUNT, 0, -1) * np.timedelta64(600, "s"),
        {"K-1.bearing vibration": vibration + noise, "K-1.speed": running},
    )


async def test_a_rise_that_gathers_speed_is_met_within_the_interval(works: Works):
    store(works, 1.5 + 0.0125 * np.maximum(16 - AGE, 0) ** 2)
    found = await works.ask(predict_rul, asset="raw pump")
    life = fact(found, LIFE)
    truth = (5.6 / 0.0125) ** 0.5 - 16
    assert life.interval is not None
    assert truth in life.interval
    assert life.value == pytest.approx(truth, abs=1.5)
    assert "until bearing vibration reaches 7.1 mm/s" in found.summary
    assert "80 % interval" in found.summary
    assert fact(found, "bearing rate of wear").unit == "mm/s a day"
    assert found.series[0].normal is not None
    assert found.series[0].normal.high == 7.1


async def test_a_slow_rise_is_not_carried_beyond_the_horizon(works: Works):
    store(works, 1.5 + 0.03 * (30 - AGE))
    found = await works.ask(predict_rul, asset="K-1")
    assert "wears, but no end within 60 days" in found.summary
    assert all(f.name != LIFE for f in found.facts)


async def test_only_running_time_is_looked_at(works: Works):
    stands = (AGE * 24 % 24) < 14
    vibration = np.where(stands, 0.0, 1.5 + 0.15 * (30 - AGE))
    store(works, vibration, np.where(stands, 0.0, 1450.0))
    found = await works.ask(predict_rul, asset="K-1")
    assert fact(found, LIFE).value == pytest.approx((7.1 - 6.0) / 0.15, abs=1.8)


async def test_data_of_a_machine_that_has_stood_for_days_are_said_to_be_old(works: Works):
    speed = np.where(AGE < 6, 0.0, 1450.0)
    store(works, np.where(AGE < 6, 0.0, 1.5 + 0.15 * (30 - AGE)), speed)
    found = await works.ask(predict_rul, asset="K-1")
    assert "newest data of the running machine are of 2026-11-15" in found.notices[0]


async def test_any_job_that_used_the_part_starts_the_count_anew(works: Works):
    store(works, 1.5 + 0.15 * (30 - AGE))
    works.erp.jobs = [job(3, kind="preventive", component="drive end", parts=("BRG-1",))]
    found = await works.ask(predict_rul, asset="K-1")
    assert "not enough history since its repair of 2026-11-18 13:00" in found.summary


@pytest.mark.parametrize(
    "other",
    [
        job(3, kind="preventive"),
        job(3, component="coupling"),
        job(3, status=WorkOrderStatus.OPEN),
        job(3, finished=None),
    ],
)
async def test_other_jobs_do_not(works: Works, other: WorkOrder):
    store(works, 1.5 + 0.15 * (30 - AGE))
    works.erp.jobs = [other]
    assert fact(await works.ask(predict_rul, asset="K-1"), LIFE).value


async def test_a_fall_of_the_signal_is_a_repair_that_nobody_recorded(works: Works):
    store(works, np.where(AGE > 12, 1.5 + 0.25 * (30 - AGE), 1.5))
    found = await works.ask(predict_rul, asset="K-1")
    assert "no sign of wear" in found.summary
    made_good = fact(found, "bearing last made good").value
    assert abs(made_good - (NOW - timedelta(days=12))) <= timedelta(days=1)


async def test_without_the_cmms_the_signal_alone_tells(works: Works):
    store(works, 1.5 + 0.15 * (30 - AGE))
    works.erp.down = Unavailable("plant database", "no file")
    found = await works.ask(predict_rul, asset="K-1")
    assert fact(found, LIFE).value
    assert "Repairs are told from the signal alone" in found.notices[0]


async def test_a_component_without_wear_signal_and_an_unknown_one(works: Works):
    found = await works.ask(predict_rul, asset="K-1", component="coupling")
    assert "no signal that shows it for coupling" in found.summary
    with pytest.raises(Retry, match="no component of K-1"):
        await works.ask(predict_rul, asset="K-1", component="gearbox")
