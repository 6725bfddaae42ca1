from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from root_cause_fixture import CLOGGED, WORN, build

from copilot.demo.faults import FAULTS
from copilot.demo.simulate import PLANT_TOML
from copilot_evals.rca import Result, figures
from copilot_evals.rca_judge import (
    Fallen,
    Given,
    Without,
    ask_again,
    loudest_mode,
    observed,
    place_of,
)
from copilot_evals.rca_plant import Calm, live_calmly, live_on, reopen
from copilot_evals.rca_runs import DISTURBANCES, MODES, Run, disturbance_runs, fault_runs
from copilot_evals.rca_symptoms import complaint
from copilot_tools.failure_modes import failure_modes
from copilot_tools.site.load import load_site

NOW = datetime(2026, 5, 11, tzinfo=UTC)
SEED = 5


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Calm:
    root = tmp_path_factory.mktemp("calm")
    pages = tmp_path_factory.mktemp("pages") / "manuals"
    pages.mkdir()
    (pages / "page.md").write_text("# Nothing\n\nTo be seen.\n", encoding="utf-8")
    return live_calmly(root, SEED, NOW, pages, days=1)


def test_every_fault_is_a_mode_of_the_machines_it_happens_on():
    site = load_site(PLANT_TOML)
    kinds = {(kind, mode.name) for mode in failure_modes() for kind in mode.kinds}
    assert set(MODES) == set(FAULTS)
    for label, fault in FAULTS.items():
        for asset in fault.assets:
            assert (site.assets[asset].kind, MODES[label]) in kinds


def test_the_runs_follow_from_the_seed_and_cover_every_fault():
    runs = list(fault_runs(SEED, 60))
    assert {run.label for run in runs} == set(FAULTS)
    shapes = [(run.label, run.cause, run.length) for run in runs]
    assert shapes == [(r.label, r.cause, r.length) for r in fault_runs(SEED, 60)]
    assert shapes != [(r.label, r.cause, r.length) for r in fault_runs(SEED + 1, 60)]


def test_disturbances_break_nothing():
    runs = list(disturbance_runs(SEED, NOW, SEED, 60))
    assert len(runs) == len(DISTURBANCES) >= 10
    assert all(run.cause is None for run in runs)


async def test_a_run_goes_on_from_the_calm_days(calm: Calm, tmp_path: Path):
    run = next(r for r in disturbance_runs(SEED, NOW, SEED, 0) if r.label == "setpoint: glue")
    short = replace(run.happenings[0], after=timedelta(hours=1))
    lived = live_on(calm, tmp_path / "run", (short,), timedelta(hours=3))
    signal = "LBL-14.glue temperature"
    found = await lived.plant.history.read([signal], NOW - timedelta(days=1), lived.now)
    assert found[signal].times[0] < NOW < found[signal].times[-1]
    setpoint = lived.plant.site.setpoint(signal)
    assert setpoint is not None
    (reading,) = await lived.plant.telemetry.read([setpoint.node])
    assert isinstance(reading.value, float)
    assert 141.0 < reading.value < 146.0


def test_runs_leave_the_calm_days_to_each_other_as_they_were(calm: Calm, tmp_path: Path):
    before = sorted(str(file) for file in calm.root.rglob("*.parquet"))
    lived = live_on(calm, tmp_path / "run", (), timedelta(hours=1))
    assert sorted(str(file) for file in calm.root.rglob("*.parquet")) == before
    assert reopen(calm, tmp_path / "run", lived.now).now == lived.now


async def test_a_dead_sensor_gives_no_value_from_then_on(calm: Calm, tmp_path: Path):
    run = next(r for r in disturbance_runs(SEED, NOW, SEED, 0) if r.label == "dead sensor")
    dead = replace(run.happenings[0], after=timedelta(hours=1))
    lived = live_on(calm, tmp_path / "run", (dead,), timedelta(hours=2))
    (signal,) = dead.deaf
    found = await lived.plant.history.read([signal], NOW, lived.now)
    last = [
        value
        for time, value in zip(found[signal].times, found[signal].values, strict=True)
        if time > NOW + timedelta(hours=1, minutes=1)
    ]
    assert last
    assert set(last) == {None}


async def test_people_ask_about_the_alarm_that_a_fault_raises(calm: Calm, tmp_path: Path):
    run = next(r for r in fault_runs(SEED, 19) if r.label == "nozzle_clog")
    severe = replace(run.happenings[0], after=timedelta(0))
    lived = live_on(calm, tmp_path / "run", (severe,), timedelta(days=2, hours=6))
    asset, symptom = await complaint(lived, Random("any"))
    assert asset in lived.plant.site.assets
    raised = {(event.asset, event.message) for event in lived.chronicle.alarms}
    assert (asset, symptom) in raised
    spared = live_on(calm, tmp_path / "spared", (), timedelta(days=2, hours=6))
    assert (asset, symptom) == await complaint(lived, Random("any"), spared)


async def test_without_the_cited_signal_the_support_falls(tmp_path: Path):
    plant = build(tmp_path, WORN)
    given = await Given.ask(plant, "PU-1", "vibration")
    assert place_of(("worn drive-end bearing", "PU-1"), given.named) == 1
    seen = await observed(plant, "PU-1")
    without_first, without_all = await ask_again(plant, given, seen)
    assert without_first.support
    assert without_all == Fallen(rank=True, support=True)


async def test_a_signal_taken_away_has_no_history(tmp_path: Path):
    plant = build(tmp_path, {})
    poorer = Without(plant.history, frozenset(["PU-1.flow"]))
    both = ["PU-1.flow", "PU-1.speed"]
    found = await poorer.read(both, plant.now() - timedelta(hours=1), plant.now())
    assert not found["PU-1.flow"].times
    assert found["PU-1.speed"].times
    assert await poorer.last("PU-1.flow") is None


async def test_the_baseline_follows_the_loudest_signal(tmp_path: Path):
    plant = build(tmp_path, CLOGGED)
    seen = await observed(plant, "PU-1")
    loudest = max(seen.shifts.values(), key=lambda shift: abs(shift.sigmas))
    assert loudest.signal.name == "suction pressure"
    assert loudest_mode(plant, seen) == ("clogged suction strainer", "PU-1")


def test_the_figures_count_what_they_say():
    fault, none = Run(0, "a", (), timedelta(), ("m", "A")), Run(1, "b", (), timedelta())
    kept, fell = Fallen(rank=False, support=True), Fallen(rank=True, support=True)
    right = Result(fault, ("A", "s"), ("m", "A"), 1, 0.5, 0.4, True, kept, fell)
    third = replace(right, named=("x", "A"), place=3, baseline=False, without_first=None)
    quiet = Result(none, ("A", "s"), None, 0, 1.5, 0.4, False)
    alarmed = replace(quiet, named=("m", "A"))
    told = figures([right, third, quiet, alarmed])
    assert (told["top1"], told["top3"], told["abstained"]) == (0.5, 1.0, 0.5)
    assert (told["runs"], told["disturbances"]) == (2, 2)
    lowered = ("rank_lowered", "support_lowered", "rank_lowered_without_all")
    assert [told[name] for name in lowered] == [0.0, 1.0, 1.0]
    assert told["baseline_top1"] == 0.5
