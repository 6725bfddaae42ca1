from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plant_fixture import NOW, ago, build_plant, inspection

from copilot_tools.errors import Unavailable
from copilot_tools.facts import Findings
from copilot_tools.plant import Plant
from copilot_tools.quality import get_inspections
from copilot_tools.quality_bursts import find_burst
from copilot_tools.quality_causes import logistic_gain
from copilot_tools.records import Inspection
from copilot_tools.site.load import parse_site
from copilot_tools.site.resolve import Resolver
from copilot_tools.sources.history_parquet import ParquetHistory

MINUTES = 600
ONSET = 400
SITE = parse_site(
    """\
[site]
id = "dairy"
name = "Dairy"
time_zone = "Europe/Berlin"
namespace = "urn:dairy"
[[shift]]
name = "early"
start = 06:00:00
[[area]]
id = "H"
name = "Hall"
[[line]]
id = "LA"
name = "Cup line"
ideal_rate = 100
[[asset]]
id = "F-1"
name = "Cup filler"
kind = "filler"
area = "H"
line = "LA"
[[asset.signal]]
name = "nozzle pressure"
node = "s=F-1.np"
unit = "bar"
[[asset.signal]]
name = "bowl level"
node = "s=F-1.bl"
unit = "%"
[[asset.signal]]
name = "cups"
node = "s=F-1.cups"
counter = true
[[asset]]
id = "C-9"
name = "Chiller"
kind = "chiller"
area = "H"
feeds = ["F-1"]
[[asset.signal]]
name = "outlet temperature"
node = "s=C-9.t"
unit = "degC"
[[asset.signal]]
name = "room temperature"
node = "s=C-9.room"
unit = "degC"
[[asset]]
id = "X-5"
name = "Other machine"
kind = "pump"
area = "H"
[[asset.signal]]
name = "flow"
node = "s=X-5.f"
unit = "m3/h"
"""
)


def seen(minute: int, defect: str = "", **other: Any) -> dict[str, Any]:
    lot = "B-1" if minute < ONSET - 5 else "B-2"
    when = ago(minutes=MINUTES - minute)
    return inspection(minute, when, defect, **{"batch": lot} | other)


def units(share: float, seed: int = 1) -> list[dict[str, Any]]:
    draw = Random(seed)
    defects = ["underfill" if m >= ONSET and draw.random() < share else "" for m in range(MINUTES)]
    defects[37] = "dent"
    return [seen(minute, defect) for minute, defect in enumerate(defects)]


def make_plant(folder: Path, moved: dict[str, float], **rows: list[dict[str, Any]]) -> Plant:
    """The line with `moved` signals that rise over half an hour from the onset on."""
    random = np.random.default_rng(3)
    usual = {
        "F-1.nozzle pressure": 2.0,
        "F-1.bowl level": 60.0,
        "C-9.outlet temperature": 5.0,
        "C-9.room temperature": 20.0,
        "X-5.flow": 30.0,
        "F-1.cups": 1000.0,
    }
    ramp = np.clip((np.arange(MINUTES) - ONSET) / 30, 0.0, 1.0)
    values = {
        name: value + 0.02 * value * random.normal(size=MINUTES) + moved.get(name, 0.0) * ramp
        for name, value in usual.items()
    }
    first = np.datetime64(ago(minutes=MINUTES), "us")
    history = ParquetHistory(folder / "history")
    history.append_arrays(first + np.arange(MINUTES) * np.timedelta64(60, "s"), values)
    plant = build_plant(folder, rows)
    return replace(plant, site=SITE, resolver=Resolver(SITE), history=history)


async def ask(plant: Plant, **arguments: str) -> Findings:
    return await get_inspections.run(plant, get_inspections.check({"line": "LA"} | arguments))


def facts(found: Findings) -> dict[str, object]:
    return {fact.name: fact.value for fact in found.facts}


async def test_how_warm_the_hall_is_does_not_explain_a_defect(tmp_path: Path):
    moved = {"F-1.nozzle pressure": 0.2, "C-9.room temperature": 8.0}
    found = await ask(make_plant(tmp_path, moved, inspections=units(0.25)))
    assert "with F-1 nozzle pressure +0.2 bar" in found.summary
    warm = await ask(
        make_plant(tmp_path / "warm", {"C-9.room temperature": 8.0}, inspections=units(0.25))
    )
    assert "temperature" not in warm.summary


async def test_a_burst_is_told_with_its_lot_and_the_signal_that_moved(tmp_path: Path):
    moved = {"F-1.nozzle pressure": 0.5, "X-5.flow": 40.0, "F-1.cups": 900.0}
    alarm = {
        "id": 1, "alarm": "A-7", "asset": "F-1", "message": "nozzle pressure high",
        "severity": "high", "transition": "raised", "time": ago(minutes=MINUTES - ONSET - 20),
        "value": 2.6, "unit": "bar",
    }  # fmt: skip
    found = await ask(make_plant(tmp_path, moved, inspections=units(0.25), alarm_events=[alarm]))
    told = facts(found)
    assert "Underfill rose at 2026-11-21 09:" in found.summary
    assert "(lot B-2, " in found.summary
    assert "with F-1 nozzle pressure +0.4" in found.summary
    assert found.summary.endswith("; alarm A-7 on F-1 (nozzle pressure high).")
    assert told["lot of the burst"] == "B-2"
    assert told["nozzle pressure change in the burst"] == pytest.approx(0.48, abs=0.06)
    assert "flow change in the burst" not in told
    onset = told["burst of underfill"]
    assert abs(onset - (NOW - timedelta(minutes=MINUTES - ONSET))) < timedelta(minutes=25)
    assert "F-1" in found.mentions


async def test_without_the_signal_another_or_none_is_named(tmp_path: Path):
    fed = make_plant(tmp_path, {"C-9.outlet temperature": 3.0}, inspections=units(0.25))
    assert "with C-9 outlet temperature +" in (await ask(fed)).summary
    (tmp_path / "still").mkdir()
    still = make_plant(tmp_path / "still", {}, inspections=units(0.25))
    summary = (await ask(still)).summary
    assert "Underfill rose at" in summary
    assert summary.endswith(", as the lot began; no signal of the line moved with it.")


async def test_a_defect_that_was_always_there_is_no_burst(tmp_path: Path):
    draw = Random(2)
    rows = [seen(m, "underfill" if draw.random() < 0.05 else "") for m in range(MINUTES)]
    found = await ask(make_plant(tmp_path, {}, inspections=rows))
    assert " rose at " not in found.summary


async def test_a_burst_of_another_defect_is_not_told_of_the_one_asked(tmp_path: Path):
    plant = make_plant(tmp_path, {}, inspections=units(0.25))
    assert " rose at " not in (await ask(plant, defect="dent")).summary
    assert "Underfill rose at" in (await ask(plant, defect="underfill")).summary


async def test_a_silent_history_costs_only_the_cause(tmp_path: Path):
    class Silent:
        async def read(self, *_: object) -> None:
            raise Unavailable("history", "no answer within 3 s")

    plant = replace(make_plant(tmp_path, {}, inspections=units(0.25)), history=Silent())
    found = await ask(plant)
    assert "Underfill rose at" in found.summary
    assert "no signal" not in found.summary
    assert found.notices[0].endswith("What moved with the underfill is not known.")


async def test_reviews_and_what_people_decided_are_told(tmp_path: Path):
    nobody = {"decision": "", "decided_by": "", "decided": None}
    rows = [seen(minute, review="", **nobody) for minute in range(40)]
    unsure = nobody | {"review": "unsure: underfill 60%"}
    rows += [seen(40 + n, "underfill", **unsure) for n in range(3)]
    rows[-1] |= {"decision": "good", "decided_by": "eva", "decided": ago(hours=1)}
    told = facts(await ask(make_plant(tmp_path, {}, inspections=rows)))
    assert told["waiting for review"] == 2
    assert told["decided by people"] == 1
    assert told["first-pass yield"] == 93.02
    assert told["yield after review"] == 95.35


@pytest.mark.parametrize(("factor", "drifts"), [(1.0, False), (1.5, True)])
async def test_a_camera_that_drifts_is_told(tmp_path: Path, factor: float, drifts: bool):
    draw = np.random.default_rng(1)
    usual = draw.gamma(20, 0.03, 400)
    rows = [seen(m, distance=factor * float(draw.gamma(20, 0.03))) for m in range(300)]
    model = {
        "model": "eye 1", "since": ago(days=30), "accuracy": 0.99,
        "distances": np.quantile(usual, np.linspace(0, 1, 11)).tolist(),
    }  # fmt: skip
    found = await ask(make_plant(tmp_path, {}, inspections=rows, inspection_models=[model]))
    assert bool(found.notices) is drifts
    if drifts:
        assert found.notices[0].startswith("Good parts no longer look to eye 1 as in training")
        assert facts(found)["stability index"] > 0.25


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_chance_alone_makes_no_burst(seed: int):
    draw = Random(seed)
    results = [record(m, "dent" if draw.random() < 0.02 else "") for m in range(400)]
    burst = find_burst(results, None)
    assert burst is None or burst.strength > 10


@given(st.integers(20, 300), st.integers(8, 60), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_a_solid_burst_is_found_where_it_is(first: int, length: int, seed: int):
    draw = Random(seed)
    hits = {m for m in range(first, first + length) if draw.random() < 0.8} | {first}
    results = [record(m, "dent" if m in hits else "") for m in range(400)]
    burst = find_burst(results, None)
    if len(hits) >= 6:
        assert burst is not None
        assert results[first].time <= burst.onset <= results[first + length // 2].time
        assert results[first].time < burst.end <= results[first + length - 1].time
        assert burst.found >= 0.6 * len(hits)


def test_what_explains_the_defects_gains_most():
    draw = np.random.default_rng(0)
    x = draw.normal(size=500)
    hit = draw.random(500) < 1 / (1 + np.exp(3 - 2 * x))
    assert logistic_gain(x, hit) > 30 > 8 > logistic_gain(draw.normal(size=500), hit)
    assert logistic_gain(x, np.zeros(500, dtype=bool)) == 0.0
    assert 0 < logistic_gain(np.where(hit, 5.0, -5.0), hit) < 500


def record(minute: int, defect: str) -> Inspection:
    when = NOW + timedelta(minutes=minute)
    return Inspection(minute, "L", "milk", "B", when, not defect, defect, 0.5, "eye", "", ())
